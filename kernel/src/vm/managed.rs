//! Objects that pagers supply: what the kernel asks of these, and what they say.
//!
//! Owns who manages which object and what is known of its pages
//! (`kernel_core::vm::ledger`). What a pager is, and how one is talked to, only the
//! layer above knows, by way of [`Manager`]. No lock is held while a pager is
//! asked, or while a thread waits for one; a thread that waits can be interrupted.
//!
//! **Invariants**: an object is in `Pages::managed` exactly while it has a manager,
//! which has one reference to it. A thread that waits has another, so that the
//! object stays what it is.

mod out;
mod requests;
mod table;
mod wait;

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kernel_core::arena::{Handle, NoMemory};
use kernel_core::vm::ledger::{Ask, Ledger, Return, Strategy};
use kernel_core::vm::map::MapError;
use kernel_core::vm::object::{ObjectHandle, Source};

pub(super) use self::requests::Run;
pub(crate) use self::requests::{Answer, Request, Stopped, answer, lock, supply};
pub(super) use self::table::Table;
pub(super) use self::wait::Fault;
use super::copy::Copy;
use super::{MEMORY, Memory, settle};
use crate::mm::shared::{Any, Shared};
use crate::sched::event::Event;
use crate::sched::row::Row;

/// Pages that offsets of 32 bits reach.
pub(crate) const MOST_PAGES: u32 = 1 << 20;

/// Whoever supplies an object's pages. Nothing of it waits for the pager.
pub(crate) trait Manager: Send + Sync {
    /// Asks for the page at `offset`, or for more access to it.
    fn ask(&self, offset: u32, ask: Ask) -> Result<(), NotAsked>;
    /// Gives pages back.
    fn give_back(&self, offset: u32, data: Copy, how: Given) -> Result<(), NotAsked>;
    /// It manages the object with this name.
    fn manages(&self, id: Id);
    /// Nobody uses the object any more.
    fn terminate(&self);
    /// What it is to the layers above.
    fn upper(&self) -> Shared<Any>;
}

/// Why a pager is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAsked {
    /// There is none any more.
    Gone,
    /// There is no memory for it.
    Shortage,
}

/// How pages go to a pager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// Whether the kernel has them still.
    pub(crate) kept: Kept,
    /// Whether they were written to since the pager had them.
    pub(crate) dirty: bool,
    /// Whether the pager never had them: only the default pager gets such.
    pub(crate) is_first: bool,
}

/// Whether the kernel has what it gives back as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It goes on using it.
    Copy,
    /// It forgot it.
    Nothing,
}

/// One owner's hold on a manager.
pub(crate) type SharedManager = Shared<Box<dyn Manager>>;

/// What is known of a managed object.
pub(super) struct Managed {
    manager: SharedManager,
    pub(super) ledger: Ledger,
    row: Row,
    pub(super) serial: u32,
    /// It is about to go: nobody gets a new reference.
    is_ending: bool,
    pub(super) kind: Kind,
    /// The next of those that ended.
    next_ended: Option<Handle<Managed>>,
}

impl Managed {
    fn new(manager: &SharedManager, kind: Kind) -> Managed {
        Managed {
            manager: manager.clone(),
            ledger: Ledger::new(),
            row: Row::new(),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            is_ending: false,
            kind,
            next_ended: None,
        }
    }

    /// Who supplies the object.
    pub(super) fn manager(&self) -> SharedManager {
        self.manager.clone()
    }
}

/// Whose memory it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A pager's.
    External,
    /// The kernel's own: the default pager has what went out.
    Internal,
}

/// Names a managed object, and no other one that comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    object: ObjectHandle,
    serial: u32,
}

/// A reference to a managed object.
#[derive(Debug)]
pub(crate) struct Reference(ObjectHandle);

impl Reference {
    pub(super) const fn object(&self) -> ObjectHandle {
        self.0
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        MEMORY.lock().abandon(self.0);
        settle();
    }
}

/// Signalled when there is something for [`end_idle`].
pub(crate) static NEWS: Event = Event::new();

/// A port died, and it may have been a pager's.
static MAY_BE_GONE: AtomicBool = AtomicBool::new(false);

/// Ports have died: whoever looks after managers is to look whose. From anywhere
/// but an interrupt handler.
pub(crate) fn ports_died() {
    if COUNT.load(Ordering::Relaxed) > 0 && !MAY_BE_GONE.swap(true, Ordering::Relaxed) {
        NEWS.signal();
    }
}

/// The same, which is asked again.
pub(crate) fn may_be_gone() -> bool {
    MAY_BE_GONE.load(Ordering::Relaxed)
}

/// Whether [`ports_died`] since it was last asked.
pub(crate) fn have_ports_died() -> bool {
    MAY_BE_GONE.swap(false, Ordering::Relaxed)
}

/// How many objects are managed.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// How many objects were ever managed.
static SERIAL: AtomicU32 = AtomicU32::new(0);

/// Makes an object that `manager` supplies.
pub(crate) fn create(manager: &SharedManager) -> Result<(Id, Reference), MapError> {
    let managed = Managed::new(manager, Kind::External);
    let serial = managed.serial;
    let mut memory = MEMORY.lock();
    let object = memory.objects.create(MOST_PAGES, Source::Pager);
    let object = object.map_err(|NoMemory| MapError::ResourceShortage)?;
    memory.objects.publish(object);
    // One reference is the manager's, one the caller's.
    let counted = memory.objects.reference(object);
    debug_assert!(counted.is_ok(), "a new object has a reference");
    // The caller has its manager as well: nothing ends here.
    let inserted = memory.pages.managed.insert(object.index(), managed);
    if let Err(NoMemory) = inserted {
        memory.abandon(object);
        memory.abandon(object);
        return Err(MapError::ResourceShortage);
    }
    COUNT.fetch_add(1, Ordering::Relaxed);
    Ok((Id { object, serial }, Reference(object)))
}

/// Makes `manager`, of the default pager, the manager of an object of the
/// kernel's; tells whether it is.
pub(super) fn adopt(object: ObjectHandle, manager: &SharedManager) -> bool {
    let mut managed = Managed::new(manager, Kind::Internal);
    managed.ledger.set_attributes(false, Strategy::Temporary);
    let serial = managed.serial;
    let inserted = {
        let mut memory = MEMORY.lock();
        memory.pages.managed.insert(object.index(), managed)
    };
    match inserted {
        Ok(()) => {
            COUNT.fetch_add(1, Ordering::Relaxed);
            manager.manages(Id { object, serial });
            true
        }
        Err(NoMemory) => {
            manager.terminate();
            false
        }
    }
}

/// Whether any object is managed.
pub(crate) fn are_there_any() -> bool {
    COUNT.load(Ordering::Relaxed) > 0
}

/// A reference to an object that is there already; none if it is about to go.
pub(crate) fn refer(id: Id) -> Option<Reference> {
    let mut memory = MEMORY.lock();
    let managed = memory.managed(id)?;
    if managed.is_ending || managed.ledger.is_over() {
        return None;
    }
    memory.objects.reference(id.object).ok()?;
    Some(Reference(id.object))
}

/// Whether the pager is ready, may cache and how it is copied.
pub(crate) fn attributes(id: Id) -> Option<Option<(bool, Strategy)>> {
    let mut memory = MEMORY.lock();
    Some(memory.managed(id)?.ledger.attributes())
}

/// `memory_object_ready`, `memory_object_change_attributes`.
pub(crate) fn set_attributes(id: Id, may_cache: bool, strategy: Strategy) {
    let mut memory = MEMORY.lock();
    if let Some(managed) = memory.managed(id) {
        managed.ledger.set_attributes(may_cache, strategy);
        managed.row.wake_all();
        memory.objects.note_idle(id.object);
    }
    drop(memory);
    NEWS.signal();
}

/// The pager is no more, or wants no more of the object.
pub(crate) fn end(id: Id) {
    let mut memory = MEMORY.lock();
    if let Some(managed) = memory.managed(id) {
        managed.ledger.end();
        managed.row.wake_all();
        memory.objects.note_idle(id.object);
    }
    drop(memory);
    NEWS.signal();
}

/// Whether there is something for [`end_idle`].
pub(crate) fn has_idle() -> bool {
    let memory = MEMORY.lock();
    memory.objects.has_idle() || memory.pages.managed.has_ended()
}

/// Tells a manager that its object is no more; whether there was one.
fn end_gone() -> bool {
    let managed = MEMORY.lock().pages.managed.take_ended();
    match managed {
        Some(managed) => {
            COUNT.fetch_sub(1, Ordering::Relaxed);
            managed.manager.terminate();
            true
        }
        None => false,
    }
}

/// Ends an object that nobody refers to but its manager, unless that wants it to
/// stay; tells whether there was one. By one thread at a time.
pub(crate) fn end_idle() -> bool {
    if end_gone() {
        return true;
    }
    let mut guard = MEMORY.lock();
    let memory = &mut *guard;
    let Some(object) = memory.objects.take_idle() else {
        return false;
    };
    let Some(managed) = memory.pages.managed.at_mut(object.index()) else {
        return true;
    };
    let is_cached = matches!(managed.ledger.attributes(), Some((true, _)));
    if is_cached && !managed.ledger.is_over() {
        return true;
    }
    managed.is_ending = true;
    let id = Id {
        object,
        serial: managed.serial,
    };
    let has_pager = !managed.ledger.is_over();
    drop(guard);
    if has_pager {
        let all = Request {
            returns: Return::All,
            keeps: Kept::Nothing,
            locked: None,
        };
        lock(id, 0, MOST_PAGES, all);
    }
    let mut memory = MEMORY.lock();
    let managed = memory.pages.managed.remove(object.index());
    memory.abandon(object);
    drop(memory);
    settle();
    if let Some(managed) = managed {
        COUNT.fetch_sub(1, Ordering::Relaxed);
        managed.manager.terminate();
    }
    true
}

impl Memory {
    fn managed(&mut self, id: Id) -> Option<&mut Managed> {
        let managed = self.pages.managed.at_mut(id.object.index())?;
        (managed.serial == id.serial).then_some(managed)
    }

    /// How an object is copied, if a pager supplies it.
    pub(super) fn strategy(&self, object: ObjectHandle) -> Option<Strategy> {
        let managed = self.pages.managed.at(object.index())?;
        if managed.kind == Kind::Internal {
            return None;
        }
        let attributes = managed.ledger.attributes();
        Some(attributes.map_or(Strategy::Delay, |(_, strategy)| strategy))
    }

    /// Who supplies an object.
    pub(super) fn manager(&self, object: ObjectHandle) -> Option<SharedManager> {
        let managed = self.pages.managed.at(object.index())?;
        (managed.kind == Kind::External).then(|| managed.manager())
    }
}
