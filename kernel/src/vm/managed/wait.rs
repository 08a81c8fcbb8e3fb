//! A page that only its pager has: asked for, and waited for.
//!
//! Owns what a fault does with the page of a managed object.

use kernel_core::addr::{Frame, PAGE_SIZE};
use kernel_core::arena::NoMemory;
use kernel_core::vm::ledger::{Ask, Left, Want};
use kernel_core::vm::map::{MapError, Protection};
use kernel_core::vm::object::{ObjectHandle, Pages as _};

use super::{Kind, NotAsked, SharedManager};
use crate::sched::{self, Wake};
use crate::vm::fault::Touch;
use crate::vm::pageout;
use crate::vm::{MEMORY, Memory, settle, shortage};

/// Why a page cannot be had now.
pub(in crate::vm) enum Fault {
    /// At all.
    Error(MapError),
    /// Before a pager said something.
    Wait(Wait),
}

impl From<MapError> for Fault {
    fn from(error: MapError) -> Fault {
        Fault::Error(error)
    }
}

/// A thread that is about to wait for a pager. [`Wait::wait`] is to follow, with
/// no lock held.
#[must_use]
pub(in crate::vm) struct Wait {
    object: ObjectHandle,
    page: u32,
    access: Protection,
    manager: SharedManager,
    ask: Option<Ask>,
}

impl Wait {
    /// Asks the pager and waits; then the page is to be looked for again.
    pub(in crate::vm) fn wait(self) -> Result<(), MapError> {
        let index = self.object.index();
        let asked = match self.ask {
            Some(ask) => self.manager.ask(self.page * PAGE_SIZE, ask),
            None => Ok(()),
        };
        let must_wait = {
            let mut memory = MEMORY.lock();
            match memory.pages.managed.at_mut(index) {
                Some(managed) if asked.is_err() => {
                    match asked {
                        Err(NotAsked::Gone) => managed.ledger.end(),
                        _ => managed.ledger.refuse(self.page),
                    }
                    managed.row.wake_all();
                    false
                }
                Some(managed) if managed.ledger.must_wait(self.page, self.access) => {
                    managed.row.join();
                    true
                }
                _ => false,
            }
        };
        let why = match must_wait {
            true => sched::block(),
            false => Wake::Event,
        };
        let left = {
            let mut memory = MEMORY.lock();
            let left = memory.pages.managed.at_mut(index).map(|managed| {
                if must_wait {
                    managed.row.leave();
                }
                managed.ledger.leave(self.page)
            });
            memory.abandon(self.object);
            left
        };
        settle();
        match (left, why) {
            (Some(Left::Failed), _) => Err(MapError::MemoryError),
            (_, Wake::Interrupted) => Err(MapError::Aborted),
            _ => Ok(()),
        }
    }
}

impl Memory {
    /// The frame of a page that the object of a pager has itself or not, for such
    /// use.
    pub(in crate::vm) fn managed_frame(
        &mut self,
        object: ObjectHandle,
        page: u32,
        how: Touch,
    ) -> Result<Frame, Fault> {
        let access = match how {
            Touch::Read => Protection::READ,
            Touch::Write => Protection::DEFAULT,
        };
        let resident = self.pages.frame(object, page);
        let managed = self.pages.managed.at_mut(object.index());
        let managed = managed.ok_or(MapError::MemoryError)?;
        if let (Kind::Internal, Some(frame)) = (managed.kind, resident) {
            return Ok(frame);
        }
        if resident.is_none() && !pageout::has_room(self.pages.need) {
            return Err(MapError::ResourceShortage.into());
        }
        let want = managed.ledger.want(page, access);
        match want.map_err(|NoMemory| MapError::ResourceShortage)? {
            Want::Use => Ok(resident.ok_or(MapError::MemoryError)?),
            Want::Zero => {
                let frame = self.pages.add_zeroes(object, page).map_err(shortage)?;
                match self.pages.managed.at_mut(object.index()) {
                    // It is known of already: nothing is allocated.
                    Some(managed) if managed.kind == Kind::External => {
                        let _ = managed.ledger.made_zero(page);
                    }
                    Some(managed) => managed.ledger.came_back(page),
                    None => {}
                }
                self.counts.zero_filled = self.counts.zero_filled.wrapping_add(1);
                Ok(frame)
            }
            Want::Over => Err(MapError::MemoryError.into()),
            Want::Wait(ask) => {
                if let Some(Ask::Data(_)) = ask {
                    self.counts.paged_in = self.counts.paged_in.wrapping_add(1);
                }
                let manager = managed.manager.clone();
                let counted = self.objects.reference(object);
                debug_assert!(counted.is_ok(), "its manager has a reference");
                Err(Fault::Wait(Wait {
                    object,
                    page,
                    access,
                    manager,
                    ask,
                }))
            }
        }
    }

    /// A page of a pager's object is about to be written to: what it was goes to
    /// who copied it.
    pub(in crate::vm) fn write_managed(
        &mut self,
        object: ObjectHandle,
        page: u32,
        frame: Frame,
    ) -> Result<(), MapError> {
        if let Some((copy, at)) = self.objects.copy_of(object, page) {
            if !self.pages.has(copy, at) {
                self.pages.add_copy(copy, at, frame).map_err(shortage)?;
                self.counts.copied = self.counts.copied.wrapping_add(1);
                // Who sees it through the copy is to see the copy's own.
                self.pages.reverse.unmap_all(frame);
            }
        }
        if let Some(managed) = self.pages.managed.at_mut(object.index()) {
            managed.ledger.write(page);
        }
        Ok(())
    }
}
