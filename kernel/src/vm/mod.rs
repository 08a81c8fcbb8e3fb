//! Virtual memory: what tasks have allocated, and the pages behind it.
//!
//! Owns memory objects and their pages, under one lock; each task's map of what
//! it has allocated ([`space`]); and memory on its way between tasks ([`copy`]).
//! The rules of copy-on-write are `kernel_core::vm::object`'s; here they meet
//! frames and page tables. Called by the layers above for whatever a task does
//! with memory, and by its page faults ([`fault`]).
//!
//! **Invariants**: whoever changes a task's page tables holds [`MEMORY`].

mod backing;
pub(crate) mod copy;
pub(crate) mod fault;
mod fork;
pub(crate) mod look;
pub(crate) mod managed;
pub(crate) mod pageout;
mod pages;
pub(crate) mod published;
mod reverse;
pub(crate) mod space;
pub(crate) mod word;

use core::sync::atomic::{AtomicBool, Ordering};

use kernel_core::arena::{Arena, NoMemory};
use kernel_core::vm::map::MapError;
use kernel_core::vm::object::{ObjectHandle, Objects, Progress, Source};

use self::backing::Cell;
use self::pageout::Hand;
use self::pages::Pages;
use crate::mm::OutOfMemory;
use crate::sched;
use crate::sched::row::Row;
use crate::sync::{TaskLock, rank};

/// All objects, and their pages.
struct Memory {
    objects: Objects,
    pages: Pages,
    /// What several maps share.
    cells: Arena<Cell>,
    /// How many cells there have been.
    serial: u64,
    counts: Counts,
    /// Where page-out goes on.
    hand: Hand,
    /// Who waits for memory.
    short: Row,
}

static MEMORY: TaskLock<rank::Memory, Memory> = TaskLock::new(Memory {
    objects: Objects::new(),
    pages: Pages::new(),
    cells: Arena::new(),
    hand: Hand::START,
    short: Row::new(),
    serial: 0,
    counts: Counts {
        zero_filled: 0,
        faults: 0,
        copied: 0,
        paged_in: 0,
        paged_out: 0,
        reactivated: 0,
    },
});

/// Whether something was abandoned that [`settle`] is to free.
static HAS_LEFTOVERS: AtomicBool = AtomicBool::new(false);

/// What faults led to, since the boot (`vm_statistics`), or one of them did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Pages of zeroes made.
    pub(crate) zero_filled: u32,
    /// Faults.
    pub(crate) faults: u32,
    /// Pages copied because they were written to.
    pub(crate) copied: u32,
    /// Pages that pagers were asked for.
    pub(crate) paged_in: u32,
    /// Pages that went to pagers because memory was short.
    pub(crate) paged_out: u32,
    /// Pages that would have gone, but for somebody who touched them.
    pub(crate) reactivated: u32,
}

impl Counts {
    /// Adds what there is in `later` beyond `earlier`.
    fn add_since(&mut self, earlier: Counts, later: Counts) {
        let Counts {
            zero_filled,
            faults: _,
            copied,
            paged_in,
            paged_out: _,
            reactivated: _,
        } = later;
        for (count, from, to) in [
            (&mut self.zero_filled, earlier.zero_filled, zero_filled),
            (&mut self.copied, earlier.copied, copied),
            (&mut self.paged_in, earlier.paged_in, paged_in),
        ] {
            *count = count.wrapping_add(to.wrapping_sub(from));
        }
    }
}

/// How many pages there are, and what faults led to.
pub(crate) fn counts() -> (u32, Counts) {
    let memory = MEMORY.lock();
    (memory.pages.len(), memory.counts)
}

/// How many objects there are, shared things, and frames that tasks map.
#[cfg(feature = "ktest")]
pub(crate) fn objects() -> (u32, u32, u32) {
    let memory = MEMORY.lock();
    (
        memory.objects.len(),
        memory.cells.len(),
        memory.pages.reverse.len(),
    )
}

/// Frees what was abandoned, little by little; with no lock held.
pub(crate) fn settle() {
    /// Pages freed before others have their turn.
    const AT_ONCE: u32 = 64;
    while HAS_LEFTOVERS.swap(false, Ordering::Relaxed) {
        let mut guard = MEMORY.lock();
        let memory = &mut *guard;
        if memory.objects.bury(AT_ONCE, &mut memory.pages) == Progress::More {
            HAS_LEFTOVERS.store(true, Ordering::Relaxed);
        }
        if pageout::do_threads_wait() {
            memory.short.wake_all();
        }
        let has_idle = memory.objects.has_idle() || memory.pages.managed.has_ended();
        drop(guard);
        if has_idle {
            managed::NEWS.signal();
        }
        sched::pause_if_turn_is_over();
    }
}

impl Memory {
    /// An object of the kernel's, with one reference and no pages.
    fn new_object(&mut self, pages: u32) -> Result<ObjectHandle, MapError> {
        let object = self.objects.create(pages, Source::Kernel);
        object.map_err(|NoMemory| MapError::ResourceShortage)
    }

    /// Gives up a reference.
    fn abandon(&mut self, object: ObjectHandle) {
        self.objects.abandon(object, &mut self.pages);
        HAS_LEFTOVERS.store(true, Ordering::Relaxed);
    }
}

/// What a map says of having no memory.
fn shortage(_: OutOfMemory) -> MapError {
    MapError::ResourceShortage
}
