//! Pages on their way out of memory.
//!
//! Owns what goes along with a page that is to go, and what comes back if it
//! cannot be sent.

use kernel_core::vm::ledger::{Due, Return};
use kernel_core::vm::map::Protection;
use kernel_core::vm::object::{ObjectHandle, Pages as _};

use super::requests::{RUN, Run};
use super::{Id, Kept, Kind, Request, SharedManager};
use crate::vm::copy::Copy;
use crate::vm::{MEMORY, Memory};

impl Run {
    /// Sends a page, and what goes well with it; tells whether any went. The
    /// caller has a reference to the object.
    pub(in crate::vm) fn page_out(
        object: ObjectHandle,
        page: u32,
        manager: &SharedManager,
    ) -> bool {
        let mut run = Run::new(Return::All);
        let Some(on_the_way) = run.copy.as_ref().and_then(Copy::object) else {
            return false;
        };
        let end = page.saturating_add(RUN);
        {
            let mut guard = MEMORY.lock();
            let memory = &mut *guard;
            let Some(managed) = memory.pages.managed.at(object.index()) else {
                return false;
            };
            let id = Id {
                object,
                serial: managed.serial,
            };
            if memory.objects.reference(on_the_way).is_err() {
                return false;
            }
            match managed.kind {
                Kind::Internal => memory.collect(object, (page, end), on_the_way, &mut run),
                Kind::External => {
                    let request = Request {
                        returns: Return::All,
                        keeps: Kept::Nothing,
                        locked: None,
                    };
                    let _ = memory.lock_some(id, page, end, request, &mut run);
                }
            }
        }
        let (first, pages) = (run.first, run.pages);
        let sent = run.send(manager, Kept::Nothing);
        let mut memory = MEMORY.lock();
        if sent {
            memory.counts.paged_out = memory.counts.paged_out.wrapping_add(pages);
        } else {
            memory.put_back(object, (first, pages), on_the_way);
        }
        memory.abandon(on_the_way);
        sent
    }
}

impl Memory {
    /// Takes pages of the kernel's own in a row that nobody uses.
    fn collect(
        &mut self,
        object: ObjectHandle,
        (first, end): (u32, u32),
        to: ObjectHandle,
        run: &mut Run,
    ) {
        for page in first..end {
            let Some(frame) = self.pages.frame(object, page) else {
                return;
            };
            // The first was looked at when it was chosen.
            if page > first && self.pages.reverse.take_accessed(frame) {
                return;
            }
            let managed = self.pages.managed.at_mut(object.index());
            let Some(managed) = managed else { return };
            let is_first = !managed.ledger.was_given(page);
            if run.pages > 0 && is_first != run.is_first || managed.ledger.give(page).is_err() {
                return;
            }
            let due = Due {
                page,
                returned: true,
                dirty: true,
            };
            let id = Id {
                object,
                serial: managed.serial,
            };
            run.is_first = is_first;
            let put = self.put_in_run(id, due, frame, Kept::Nothing, run);
            let managed = self.pages.managed.at_mut(object.index());
            let Some(managed) = managed else { return };
            // Where it goes nothing is forgotten.
            let given = managed.ledger.give(page);
            if !put || given.is_err() {
                if put {
                    run.pages -= 1;
                    let _ = self.pages.shift((to, run.pages), (object, page));
                }
                if is_first {
                    self.pages.take_back(object, page);
                }
                return;
            }
        }
    }

    /// Pages that could not be sent are what they were.
    fn put_back(&mut self, object: ObjectHandle, (first, pages): (u32, u32), from: ObjectHandle) {
        for number in 0..pages {
            let page = first + number;
            let is_there = self.pages.frame(object, page).is_some();
            if is_there || self.pages.shift((from, number), (object, page)).is_err() {
                continue;
            }
            let Some(managed) = self.pages.managed.at_mut(object.index()) else {
                continue;
            };
            if managed.kind == Kind::External {
                // It was written to, or the pager wants it as if it were.
                let _ = managed.ledger.supply(page, Protection::NONE, false);
                managed.ledger.write(page);
            } else {
                managed.ledger.came_back(page);
            }
            managed.row.wake_all();
        }
    }
}
