//! What pagers say of pages: supplied, not to be had, locked, wanted back.
//!
//! Owns how their answers and requests change an object; the way is long if they
//! name many pages, so that it is gone in steps.

use kernel_core::addr::{Frame, PAGE_SIZE};
use kernel_core::arena::NoMemory;
use kernel_core::vm::ledger::{Due, Return, Supplied};
use kernel_core::vm::map::Protection;
use kernel_core::vm::object::Pages as _;

use super::{Fault, Given, Id, Kept, Kind, MOST_PAGES, SharedManager};
use crate::sched;
use crate::vm::copy::Copy;
use crate::vm::pageout::Need;
use crate::vm::{MEMORY, Memory};

/// Pages looked at with the lock held.
const AT_ONCE: u32 = 64;
/// Pages that go to a pager by one message at most.
pub(super) const RUN: u32 = 16;

/// `memory_object_data_supply`: as many whole pages as `data` has, from page
/// `first` on. Stops at the first one that there is already.
pub(crate) fn supply(
    id: Id,
    first: u32,
    data: &Copy,
    locked: Protection,
    precious: bool,
) -> Result<(), Stopped> {
    for number in 0..data.size() / PAGE_SIZE {
        let page = first.saturating_add(number);
        if page >= MOST_PAGES {
            return Err(Stopped::Failed);
        }
        loop {
            let mut guard = MEMORY.lock();
            let memory = &mut *guard;
            let wait = match data.page(memory, number) {
                Ok(frame) => {
                    let supplied = memory.supply_page(id, page, frame, (locked, precious));
                    drop(guard);
                    supplied?;
                    break;
                }
                Err(Fault::Wait(wait)) => wait,
                Err(Fault::Error(_)) => return Err(Stopped::Failed),
            };
            drop(guard);
            wait.wait().map_err(|_| Stopped::Failed)?;
        }
        sched::pause_if_turn_is_over();
    }
    Ok(())
}

/// Why not all pages were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// This one is there already.
    Present(u32),
    /// There is no memory, or none to be had from where the data comes.
    Failed,
}

/// What a pager says of pages that it does not supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `memory_object_data_unavailable`.
    Unavailable,
    /// `memory_object_data_error`.
    Error,
}

/// Answers what was asked for from page `first` to `end`.
pub(crate) fn answer(id: Id, first: u32, end: u32, answer: Answer) {
    let mut next = Some(first);
    while let Some(from) = next {
        let mut memory = MEMORY.lock();
        let Some(managed) = memory.managed(id) else {
            return;
        };
        next = match answer {
            Answer::Unavailable => managed.ledger.unavailable(from, end, AT_ONCE),
            Answer::Error => managed.ledger.fail(from, end, AT_ONCE),
        };
        managed.row.wake_all();
        drop(memory);
        sched::pause_if_turn_is_over();
    }
}

/// What [`lock`] does with resident pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Which go to the pager.
    pub(crate) returns: Return,
    /// Whether the kernel keeps them.
    pub(crate) keeps: Kept,
    /// What is forbidden from now on, if that changes.
    pub(crate) locked: Option<Protection>,
}

/// `memory_object_lock_request` on the pages from `first` to `end`.
pub(crate) fn lock(id: Id, first: u32, end: u32, request: Request) {
    let mut next = first;
    loop {
        let mut run = Run::new(request.returns);
        let mut guard = MEMORY.lock();
        let memory = &mut *guard;
        let step = memory.lock_some(id, next, end, request, &mut run);
        let manager = memory.managed(id).map(|managed| {
            managed.row.wake_all();
            managed.manager.clone()
        });
        drop(guard);
        let Some(manager) = manager else {
            return;
        };
        run.send(&manager, request.keeps);
        match step.filter(|step| *step < end) {
            Some(step) => next = step,
            None => return,
        }
        sched::pause_if_turn_is_over();
    }
}

/// Pages in a row that go to a pager together.
pub(in crate::vm) struct Run {
    pub(super) first: u32,
    pub(super) copy: Option<Copy>,
    pub(super) pages: u32,
    dirty: bool,
    pub(super) is_first: bool,
}

impl Run {
    /// Nothing yet.
    pub(super) fn new(returns: Return) -> Run {
        let copy = match returns {
            Return::None => None,
            _ => Copy::of_pages(RUN).ok(),
        };
        Run {
            first: 0,
            copy,
            pages: 0,
            dirty: false,
            is_first: false,
        }
    }

    /// Whether a page continues it.
    fn goes_on_with(&self, due: Due) -> bool {
        self.pages == 0
            || self.pages < RUN && due.page == self.first + self.pages && due.dirty == self.dirty
    }

    /// Gives the pages to the pager; whether there were any, and it got them.
    pub(super) fn send(self, manager: &SharedManager, kept: Kept) -> bool {
        let Some(mut copy) = self.copy.filter(|_| self.pages > 0) else {
            return false;
        };
        copy.set_size(self.pages * PAGE_SIZE);
        let given = Given {
            kept,
            dirty: self.dirty,
            is_first: self.is_first,
        };
        let offset = self.first * PAGE_SIZE;
        manager.give_back(offset, copy, given).is_ok()
    }
}

impl Memory {
    fn supply_page(
        &mut self,
        id: Id,
        page: u32,
        from: Option<Frame>,
        (locked, precious): (Protection, bool),
    ) -> Result<(), Stopped> {
        let is_there = self.pages.frame(id.object, page).is_some();
        let managed = self.managed(id).ok_or(Stopped::Failed)?;
        if managed.is_ending || managed.ledger.is_over() {
            return Err(Stopped::Failed);
        }
        let kind = managed.kind;
        let supplied = match kind {
            Kind::External => managed.ledger.supply(page, locked, precious),
            // What was given comes back, and nothing else.
            Kind::Internal if is_there => Ok(Supplied::Present),
            Kind::Internal if managed.ledger.was_given(page) => Ok(Supplied::Taken),
            Kind::Internal => return Err(Stopped::Failed),
        };
        // Who supplies pages makes others free.
        self.pages.need = Need::Urgent;
        let added = match supplied {
            Ok(Supplied::Present) => {
                self.pages.need = Need::Usual;
                return Err(Stopped::Present(page));
            }
            Ok(Supplied::Taken) => {
                let added = match from {
                    Some(frame) => self.pages.add_copy(id.object, page, frame),
                    None => self.pages.add_zeroes(id.object, page),
                };
                added.is_ok()
            }
            Err(NoMemory) => false,
        };
        self.pages.need = Need::Usual;
        let managed = self.managed(id).ok_or(Stopped::Failed)?;
        match (added, kind) {
            (true, Kind::External) => {}
            (true, Kind::Internal) => managed.ledger.came_back(page),
            (false, _) => managed.ledger.refuse(page),
        }
        managed.row.wake_all();
        match added {
            true => Ok(()),
            false => Err(Stopped::Failed),
        }
    }

    /// Does what a request asks for with some pages, of which those for the pager
    /// go to `run`; where to go on.
    pub(super) fn lock_some(
        &mut self,
        id: Id,
        first: u32,
        end: u32,
        request: Request,
        run: &mut Run,
    ) -> Option<u32> {
        let mut next = first;
        for _ in 0..AT_ONCE {
            let managed = self.managed(id)?;
            let due = managed
                .ledger
                .lock(next, end, request.locked, request.returns)?;
            if due.returned && !run.goes_on_with(due) {
                return Some(next);
            }
            let Some(frame) = self.pages.frame(id.object, due.page) else {
                next = due.page + 1;
                continue;
            };
            let taken = !due.returned || self.put_in_run(id, due, frame, request.keeps, run);
            let managed = self.managed(id)?;
            match (request.keeps, taken) {
                // Without memory to give it back it stays as it is.
                (_, false) => {}
                (Kept::Nothing, true) => {
                    managed.ledger.flush(due.page);
                    self.pages.free(id.object, due.page);
                }
                (Kept::Copy, true) => {
                    if due.returned {
                        managed.ledger.clean(due.page);
                    }
                    let locked = managed.ledger.locked(due.page);
                    let reverse = &mut self.pages.reverse;
                    if locked.contains(Protection::READ) {
                        reverse.unmap_all(frame);
                    } else if due.returned || locked.contains(Protection::WRITE) {
                        reverse.restrict_all(frame);
                    }
                }
            }
            next = due.page + 1;
        }
        Some(next)
    }

    /// Adds a page to what goes to the pager; tells whether there was memory.
    pub(super) fn put_in_run(
        &mut self,
        id: Id,
        due: Due,
        frame: Frame,
        kept: Kept,
        run: &mut Run,
    ) -> bool {
        if run.pages == 0 {
            run.first = due.page;
            run.dirty = due.dirty;
        }
        let Some(to) = run.copy.as_ref().and_then(Copy::object) else {
            return false;
        };
        let put = match kept {
            Kept::Copy => self.pages.add_copy(to, run.pages, frame).is_ok(),
            Kept::Nothing => {
                self.pages.reverse.unmap_all(frame);
                self.pages
                    .shift((id.object, due.page), (to, run.pages))
                    .is_ok()
            }
        };
        run.pages += u32::from(put);
        put
    }
}
