//! Pages out of memory: which, and to whom.
//!
//! Owns the hand that goes round all pages: one that nobody touched since it was
//! there before goes to its pager, or to the default pager if it is the kernel's
//! own; one that its pager has as well is forgotten. The accessed bits of page
//! tables give a page its second chance. Who needs memory waits here, for a time,
//! and then takes from what is kept back. Called by the thread that looks after
//! pagers ([`step`]), and by faults.
//!
//! **Invariants**: `laundry` counts the pages on their way to a pager that are not
//! free yet: what a pager does not take is not followed by ever more.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kernel_core::arena::{Handle, NoMemory};
use kernel_core::vm::ledger::Return;
use kernel_core::vm::map::MapError;
use kernel_core::vm::object::{ObjectHandle, Pages as _};

use super::managed::{self, Kind, NEWS, Run, SharedManager};
use super::{MEMORY, Memory, settle};
use crate::mm::frames;
use crate::sched::{self, Wake};
use crate::time;

/// Frames kept for the kernel itself while there is a default pager, and of those
/// the ones that not even who makes memory free gets.
const KEPT_BACK: u32 = 128;
const LAST: u32 = 32;
/// With fewer free frames pages go out,
const LOW: u32 = 320;
/// until there are so many.
const ENOUGH: u32 = 448;
/// Pages looked at in one step.
const BUDGET: u32 = 256;
/// Pages on their way at a time.
const MOST_LAUNDRY: u32 = 1024;
/// How many ticks a fault waits for memory before it takes what is kept back, and
/// then again before it is refused; and how many at a time.
const PATIENCE_TICKS: u32 = 100;
const WAIT_TICKS: u32 = 5;

/// Whether the kernel's own pages have somewhere to go.
static HAS_DEFAULT: AtomicBool = AtomicBool::new(false);
/// Whether frames are few.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// How many threads wait for memory.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// Whether anybody is to be told that memory is free.
pub(super) fn do_threads_wait() -> bool {
    WAITING.load(Ordering::Relaxed) > 0
}

/// What may not go out: all pages of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Somebody wired some of it.
    Wired,
    /// It is on its way to a pager already.
    Laundry,
}

/// Whose pages a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Anybody's: something is kept back.
    Usual,
    /// Those of who makes memory free, or has waited long enough.
    Urgent,
}

/// How many frames are to stay free.
pub(super) fn kept_back(need: Need) -> u32 {
    match (need, HAS_DEFAULT.load(Ordering::Relaxed)) {
        (_, false) => 0,
        (Need::Usual, true) => KEPT_BACK,
        (Need::Urgent, true) => LAST,
    }
}

/// Whether there will be a frame for a page that a pager is asked for.
pub(super) fn has_room(need: Need) -> bool {
    let free = frames::counts().free;
    note_free(free);
    free > kept_back(need)
}

/// So many frames are left.
pub(super) fn note_free(left: u32) {
    if left < LOW && !IS_WANTED.load(Ordering::Relaxed) {
        ask_for_memory();
    }
}

fn ask_for_memory() {
    let helps = HAS_DEFAULT.load(Ordering::Relaxed) || managed::are_there_any();
    if helps && !IS_WANTED.swap(true, Ordering::Relaxed) {
        NEWS.signal();
    }
}

/// Whether [`step`] is to be called.
pub(crate) fn is_wanted() -> bool {
    IS_WANTED.load(Ordering::Relaxed)
}

/// Whether there is enough memory again, or will be when pagers took some of what
/// is on its way to them.
pub(crate) fn is_enough() -> bool {
    let coming = MEMORY.lock().pages.laundry().min(MOST_LAUNDRY / 4);
    frames::counts().free + coming >= ENOUGH
}

/// [`step`] was called for long enough; who waits looks whether it helped.
pub(crate) fn is_done() {
    IS_WANTED.store(false, Ordering::Relaxed);
    MEMORY.lock().short.wake_all();
}

/// From now on there is a default pager, or none.
pub(crate) fn set_default(is_there: bool) {
    HAS_DEFAULT.store(is_there, Ordering::Relaxed);
}

/// How far page-out came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Some pages went.
    Went,
    /// None did, of those that were looked at.
    Looked,
    /// Enough are on their way.
    Busy,
}

/// Where the hand stands, and who waits for it.
pub(super) struct Hand {
    object: u32,
    page: u32,
}

impl Hand {
    pub(super) const START: Hand = Hand { object: 0, page: 0 };
}

/// A page that is to go.
enum Victim {
    /// Its pager has it as well: it is free now.
    Freed,
    /// To the manager of its object.
    Managed(ObjectHandle, u32, SharedManager),
    /// To the default pager, which does not know the object, of so many pages.
    Unmanaged(ObjectHandle, u32, u32),
}

/// Looks at some pages and sends away what need not stay. `make` gives objects of
/// so many pages a manager of the default pager's; by one thread.
pub(crate) fn step(make: &dyn Fn(u32) -> Option<SharedManager>) -> Step {
    let victim = {
        let mut memory = MEMORY.lock();
        if memory.pages.laundry() >= MOST_LAUNDRY {
            return Step::Busy;
        }
        memory.next_victim()
    };
    let (object, page, manager) = match victim {
        None => return Step::Looked,
        Some(Victim::Freed) => return Step::Went,
        Some(Victim::Managed(object, page, manager)) => (object, page, manager),
        Some(Victim::Unmanaged(object, page, size)) => {
            let made = make(size).filter(|manager| managed::adopt(object, manager));
            match made {
                Some(manager) => (object, page, manager),
                None => {
                    MEMORY.lock().abandon(object);
                    settle();
                    return Step::Looked;
                }
            }
        }
    };
    let sent = Run::page_out(object, page, &manager);
    // It was kept since it was chosen.
    MEMORY.lock().abandon(object);
    settle();
    match sent {
        true => Step::Went,
        false => Step::Looked,
    }
}

/// Waits for page-out, if that can help at all; tells what the next try may take.
/// `since` is when it began.
pub(super) fn wait_for_memory(since: &mut Option<u32>) -> Result<Need, MapError> {
    let refused = Err(MapError::ResourceShortage);
    let helps = HAS_DEFAULT.load(Ordering::Relaxed) || managed::are_there_any();
    let waited = time::ticks().wrapping_sub(*since.get_or_insert_with(time::ticks));
    if !helps || waited > 2 * PATIENCE_TICKS {
        return refused;
    }
    let need = match waited > PATIENCE_TICKS {
        true => Need::Urgent,
        false => Need::Usual,
    };
    WAITING.fetch_add(1, Ordering::Relaxed);
    MEMORY.lock().short.join();
    ask_for_memory();
    let why = sched::block_for(WAIT_TICKS);
    MEMORY.lock().short.leave();
    WAITING.fetch_sub(1, Ordering::Relaxed);
    match why {
        Wake::Interrupted => Err(MapError::Aborted),
        _ => Ok(need),
    }
}

impl Memory {
    /// The next page that nobody touched for a round. Its object is referred to.
    fn next_victim(&mut self) -> Option<Victim> {
        for _ in 0..BUDGET {
            let Hand { object, page } = self.hand;
            let Some((index, page, frame)) = self.pages.next_resident(object, page) else {
                self.hand = Hand::START;
                return None;
            };
            self.hand = Hand {
                object: index,
                page: page + 1,
            };
            if self.pages.pin_of(index).is_some() {
                self.hand = Hand {
                    object: index + 1,
                    page: 0,
                };
                continue;
            }
            if self.pages.reverse.take_accessed(frame) {
                self.counts.reactivated = self.counts.reactivated.wrapping_add(1);
                continue;
            }
            let object = Handle::from_index(index)?;
            match self.victim(object, page) {
                Some(Victim::Freed) => return Some(Victim::Freed),
                Some(victim) => {
                    self.objects.reference(object).ok()?;
                    return Some(victim);
                }
                None => {}
            }
        }
        None
    }

    /// What is to be done with a page that may go; nothing if it must stay.
    fn victim(&mut self, object: ObjectHandle, page: u32) -> Option<Victim> {
        let has_default = HAS_DEFAULT.load(Ordering::Relaxed);
        let Some(managed) = self.pages.managed.at_mut(object.index()) else {
            let size = self.objects.size(object)?;
            return has_default.then_some(Victim::Unmanaged(object, page, size));
        };
        if managed.kind == Kind::Internal {
            let manager = managed.manager();
            return has_default.then_some(Victim::Managed(object, page, manager));
        }
        let due = managed.ledger.lock(page, page + 1, None, Return::All)?;
        if due.returned {
            // A pager that takes nothing does not stop the default pager.
            let has_room = self.pages.laundry() < MOST_LAUNDRY / 2;
            let managed = self.pages.managed.at(object.index())?;
            return (has_room && !managed.ledger.is_over())
                .then(|| Victim::Managed(object, page, managed.manager()));
        }
        if managed.ledger.is_over() {
            return None;
        }
        managed.ledger.flush(page);
        self.pages.free(object, page);
        Some(Victim::Freed)
    }

    /// All pages of the object are to stay.
    pub(super) fn pin(&mut self, object: ObjectHandle) -> Result<(), MapError> {
        let pinned = self.pages.pin(object, Pin::Wired);
        pinned.map_err(|NoMemory| MapError::ResourceShortage)
    }
}
