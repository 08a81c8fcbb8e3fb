//! The pages that objects have.
//!
//! Owns every frame with memory of tasks: it is taken here, belongs to one page
//! of one object, and is given back here, when nobody maps it any more.
//!
//! **Invariants**: stand beside the fields.

use kernel_core::addr::Frame;
use kernel_core::arena::NoMemory;
use kernel_core::frames::Zone;
use kernel_core::radix::Radix;
use kernel_core::vm::object::{self, ObjectHandle};

use super::managed::Managed;
use super::reverse::Reverse;
use crate::mm::{OutOfMemory, frames, page};

/// Pages by object and number.
pub(super) struct Pages {
    /// By the object's index; nothing for an object without pages.
    contents: Radix<Radix<Frame>>,
    pub(super) reverse: Reverse,
    /// Those that pagers supply, by index.
    pub(super) managed: Radix<Managed>,
    /// How many there are.
    count: u32,
}

impl Pages {
    pub(super) const fn new() -> Pages {
        Pages {
            contents: Radix::new(),
            reverse: Reverse::new(),
            managed: Radix::new(),
            count: 0,
        }
    }

    /// The frame with a page.
    pub(super) fn frame(&self, object: ObjectHandle, page: u32) -> Option<Frame> {
        self.contents.at(object.index())?.at(page).copied()
    }

    /// Gives an object a page that it does not have; the frame is its own then.
    pub(super) fn insert(
        &mut self,
        object: ObjectHandle,
        page: u32,
        frame: Frame,
    ) -> Result<(), NoMemory> {
        if self.contents.at(object.index()).is_none() {
            self.contents.insert(object.index(), Radix::new())?;
        }
        let content = self.contents.at_mut(object.index()).ok_or(NoMemory)?;
        let inserted = content.insert(page, frame);
        if inserted.is_ok() {
            self.count += 1;
        }
        inserted
    }

    /// A new page of zeroes.
    pub(super) fn add_zeroes(
        &mut self,
        object: ObjectHandle,
        page: u32,
    ) -> Result<Frame, OutOfMemory> {
        self.add(object, page, page::zero)
    }

    /// A new page that holds what `from` does.
    pub(super) fn add_copy(
        &mut self,
        object: ObjectHandle,
        page: u32,
        from: Frame,
    ) -> Result<Frame, OutOfMemory> {
        self.add(object, page, |to| page::copy(from, to))
    }

    fn add(
        &mut self,
        object: ObjectHandle,
        page: u32,
        fill: impl FnOnce(Frame) -> Result<(), OutOfMemory>,
    ) -> Result<Frame, OutOfMemory> {
        let frame = frames::allocate(Zone::Any)?;
        let added = fill(frame).and_then(|()| {
            let inserted = self.insert(object, page, frame);
            inserted.map_err(|NoMemory| OutOfMemory)
        });
        added.inspect_err(|_| frames::free(frame))?;
        Ok(frame)
    }

    fn take(&mut self, object: ObjectHandle, page: u32) -> Option<Frame> {
        let content = self.contents.at_mut(object.index())?;
        let frame = content.remove(page)?;
        if content.is_empty() {
            self.contents.remove(object.index());
        }
        self.count -= 1;
        Some(frame)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> u32 {
        self.count
    }
}

impl object::Pages for Pages {
    fn has(&self, object: ObjectHandle, page: u32) -> bool {
        self.frame(object, page).is_some()
    }

    fn first_from(&self, object: ObjectHandle, page: u32) -> Option<u32> {
        let content = self.contents.at(object.index())?;
        content.first_from(page).map(|(page, _)| page)
    }

    fn shift(
        &mut self,
        from: (ObjectHandle, u32),
        to: (ObjectHandle, u32),
    ) -> Result<(), NoMemory> {
        let frame = self.frame(from.0, from.1).ok_or(NoMemory)?;
        // Whoever maps it sees the same through the other object.
        self.insert(to.0, to.1, frame)?;
        self.take(from.0, from.1);
        Ok(())
    }

    fn copy(&mut self, from: (ObjectHandle, u32), to: (ObjectHandle, u32)) -> Result<(), NoMemory> {
        let frame = self.frame(from.0, from.1).ok_or(NoMemory)?;
        self.add_copy(to.0, to.1, frame).map_err(|_| NoMemory)?;
        // Whoever looks through the object is to see its own page from now on.
        self.reverse.unmap_all(frame);
        Ok(())
    }

    fn free(&mut self, object: ObjectHandle, page: u32) {
        if let Some(frame) = self.take(object, page) {
            self.reverse.unmap_all(frame);
            frames::free(frame);
        }
    }

    fn gone(&mut self, object: ObjectHandle) {
        debug_assert!(self.contents.at(object.index()).is_none());
    }
}
