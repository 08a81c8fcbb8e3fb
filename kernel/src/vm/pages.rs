//! The pages that objects have.
//!
//! Owns every frame with memory of tasks: it is taken here, belongs to one page
//! of one object, and is given back here, when nobody maps it any more.
//!
//! **Invariants**: stand beside the fields.

use kernel_core::addr::Frame;
use kernel_core::arena::NoMemory;
use kernel_core::radix::Radix;
use kernel_core::vm::object::{self, ObjectHandle};

use super::managed::{Kind, Table};
use super::pageout::{self, Need, Pin};
use super::reverse::Reverse;
use crate::mm::{OutOfMemory, frames, page};

/// Pages by object and number.
pub(super) struct Pages {
    /// By the object's index; nothing for an object without pages.
    contents: Radix<Radix<Frame>>,
    pub(super) reverse: Reverse,
    /// Those that pagers supply, by index.
    pub(super) managed: Table,
    /// Objects whose pages do not go out, by index.
    pins: Radix<Pin>,
    /// Pages of those that are on their way to pagers.
    laundry: u32,
    /// Whom frames are for now.
    pub(super) need: Need,
    /// How many there are.
    count: u32,
}

impl Pages {
    pub(super) const fn new() -> Pages {
        Pages {
            contents: Radix::new(),
            reverse: Reverse::new(),
            managed: Table::new(),
            pins: Radix::new(),
            laundry: 0,
            need: Need::Usual,
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
            self.laundry += u32::from(self.pin_of(object.index()) == Some(Pin::Laundry));
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
        let (frame, left) = frames::allocate_but(pageout::kept_back(self.need))?;
        pageout::note_free(left);
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
        self.laundry -= u32::from(self.pin_of(object.index()) == Some(Pin::Laundry));
        Some(frame)
    }

    /// No page of the object goes out; before it has any, if it is laundry.
    pub(super) fn pin(&mut self, object: ObjectHandle, pin: Pin) -> Result<(), NoMemory> {
        match self.pin_of(object.index()) {
            Some(_) => Ok(()),
            None => self.pins.insert(object.index(), pin),
        }
    }

    pub(super) fn pin_of(&self, object: u32) -> Option<Pin> {
        self.pins.at(object).copied()
    }

    /// How many pages are on their way to pagers.
    pub(super) const fn laundry(&self) -> u32 {
        self.laundry
    }

    /// The first page with a frame, from one of an object on.
    pub(super) fn next_resident(&self, object: u32, page: u32) -> Option<(u32, u32, Frame)> {
        let (mut object, mut page) = (object, page);
        loop {
            let (index, content) = self.contents.first_from(object)?;
            let from = if index == object { page } else { 0 };
            if let Some((page, frame)) = content.first_from(from) {
                return Some((index, page, *frame));
            }
            (object, page) = (index.checked_add(1)?, 0);
        }
    }

    /// Whether the default pager has the page, and nobody else.
    fn is_out(&self, object: ObjectHandle, page: u32) -> bool {
        let managed = self.managed.at(object.index());
        managed.is_some_and(|managed| managed.ledger.was_given(page))
    }

    /// A page that has a frame did not go.
    pub(super) fn take_back(&mut self, object: ObjectHandle, page: u32) {
        self.forget(object, page);
    }

    /// Nothing is known of a page any more.
    fn forget(&mut self, object: ObjectHandle, page: u32) {
        if let Some(managed) = self.managed.at_mut(object.index()) {
            managed.ledger.flush(page);
        }
    }

    /// How many of them an object has.
    pub(super) fn count_of(&self, object: ObjectHandle) -> u32 {
        self.contents.at(object.index()).map_or(0, Radix::len)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> u32 {
        self.count
    }
}

impl object::Pages for Pages {
    fn has(&self, object: ObjectHandle, page: u32) -> bool {
        self.frame(object, page).is_some() || self.is_out(object, page)
    }

    fn first_from(&self, object: ObjectHandle, page: u32) -> Option<u32> {
        let content = self.contents.at(object.index());
        let resident = content.and_then(|content| content.first_from(page));
        let resident = resident.map(|(page, _)| page);
        let managed = self.managed.at(object.index());
        let out = managed.and_then(|managed| managed.ledger.first_given(page));
        match (resident, out) {
            (Some(resident), Some(out)) => Some(resident.min(out)),
            (resident, out) => resident.or(out),
        }
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
        self.forget(from.0, from.1);
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
        self.forget(object, page);
    }

    fn gone(&mut self, object: ObjectHandle) {
        debug_assert!(self.contents.at(object.index()).is_none());
        self.pins.remove(object.index());
        let managed = self.managed.at(object.index());
        if managed.is_some_and(|managed| managed.kind == Kind::Internal) {
            self.managed.end(object.index());
        }
    }
}
