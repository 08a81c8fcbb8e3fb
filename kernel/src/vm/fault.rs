//! A page of a task's memory, made usable.
//!
//! Owns how a page is found or made: behind which object it is, when it is
//! copied, and how it is mapped.

use core::sync::atomic::Ordering;

use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::arena::NoMemory;
use kernel_core::vm::map::{CopyFlags, Map, MapError, Protection, Range};
use kernel_core::vm::object::{Found, ObjectHandle};

use super::backing::Backing;
use super::managed::{Fault, Kind};
use super::pageout::{self, Need};
use super::space::Space;
use super::{Counts, MEMORY, Memory, shortage};
use crate::mm::OutOfMemory;
use crate::mm::pmap::Access;

/// Which way a page is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Read, or run.
    Read,
    /// Written.
    Write,
}

/// Who touches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The task, which may do what the region permits.
    Task,
    /// The kernel, for the task, which may do anything.
    Kernel,
}

/// A region, as far as a fault in it needs to know.
struct Region {
    range: Range,
    protection: Protection,
    needs_copy: bool,
    is_shared: bool,
    is_wired: bool,
}

/// Pages moved at a time to shorten a chain of copies.
const STEPS: u32 = 16;

impl Space {
    /// Makes the page with `address` usable if the task may touch it so: after
    /// a fault. Counts in `did` what it led to.
    pub(crate) fn touch(
        &self,
        address: VirtAddr,
        how: Touch,
        did: &mut Counts,
    ) -> Result<(), MapError> {
        did.faults = did.faults.wrapping_add(1);
        {
            let mut memory = MEMORY.lock();
            memory.counts.faults = memory.counts.faults.wrapping_add(1);
        }
        self.with_page_counted(address, how, Who::Task, did, &mut |_| Ok(()))
    }

    /// Gives `use_it` the frame of a page, made or brought, under all locks; waits
    /// for pagers without any.
    pub(super) fn with_page(
        &self,
        address: VirtAddr,
        how: Touch,
        who: Who,
        use_it: &mut dyn FnMut(Frame) -> Result<(), OutOfMemory>,
    ) -> Result<(), MapError> {
        self.with_page_counted(address, how, who, &mut Counts::default(), use_it)
    }

    /// The same; what it led to is counted in `did`.
    fn with_page_counted(
        &self,
        address: VirtAddr,
        how: Touch,
        who: Who,
        did: &mut Counts,
        use_it: &mut dyn FnMut(Frame) -> Result<(), OutOfMemory>,
    ) -> Result<(), MapError> {
        let mut need = self.need();
        let mut since = None;
        loop {
            let mut map = self.map.lock();
            let mut memory = MEMORY.lock();
            memory.pages.need = need;
            let before = memory.counts;
            let made = self.make(&mut map, &mut memory, address, how, who);
            did.add_since(before, memory.counts);
            memory.pages.need = Need::Usual;
            let fault = match made {
                Ok(frame) => return use_it(frame).map_err(shortage),
                Err(fault) => fault,
            };
            drop(memory);
            drop(map);
            match fault {
                Fault::Error(MapError::ResourceShortage) => {
                    need = need.max(pageout::wait_for_memory(&mut since)?);
                }
                Fault::Error(error) => return Err(error),
                Fault::Wait(wait) => wait.wait()?,
            }
        }
    }

    /// The frame of the page with `address`, found or made, and mapped as the
    /// region permits.
    fn make(
        &self,
        map: &mut Map<Backing>,
        memory: &mut Memory,
        address: VirtAddr,
        how: Touch,
        who: Who,
    ) -> Result<Frame, Fault> {
        let page = address.round_down();
        let entry = map.lookup(page.as_u32()).ok_or(MapError::InvalidAddress)?;
        let region = Region {
            range: entry.range,
            protection: entry.attributes.protection,
            needs_copy: entry.attributes.needs_copy,
            is_shared: entry.attributes.is_shared,
            is_wired: entry.attributes.is_wired() || self.wires_all.load(Ordering::Relaxed),
        };
        let access = access(region.protection);
        let is_refused = match how {
            Touch::Read => access.is_none(),
            Touch::Write => access != Some(Access::Write),
        };
        if who == Who::Task && is_refused {
            return Err(MapError::ProtectionFailure.into());
        }
        let backing = entry.backing;
        let index = (page.as_u32() - region.range.start) / PAGE_SIZE;
        let (object, offset, needs_copy) = match backing {
            Backing::Shared { cell, offset } => {
                let (object, first, needs_copy) = memory.shared_object(cell, how)?;
                (object, first + offset, needs_copy)
            }
            other => memory.own_object(map, &region, other, how)?,
        };
        if region.is_wired {
            memory.pin(object)?;
        }
        let page_in_object = offset + index;
        let (frame, is_own) = match memory.objects.find(object, page_in_object, &memory.pages) {
            Found::Page(owner, number) | Found::Ask(owner, number) => {
                let kind = memory.pages.managed.at(owner.index()).map(|of| of.kind);
                let is_managed = kind == Some(Kind::External);
                let frame = match (kind.is_some(), owner == object) {
                    (true, true) => memory.managed_frame(owner, number, how)?,
                    (true, false) => memory.managed_frame(owner, number, Touch::Read)?,
                    (false, _) => {
                        let frame = memory.pages.frame(owner, number);
                        frame.ok_or(MapError::InvalidAddress)?
                    }
                };
                match (owner == object, how) {
                    (true, Touch::Write) if is_managed => {
                        memory.write_managed(owner, number, frame)?;
                        (frame, true)
                    }
                    // The first write to it is to be noticed.
                    (true, Touch::Read) => (frame, !is_managed),
                    (true, Touch::Write) => (frame, true),
                    (false, Touch::Read) => (frame, false),
                    (false, Touch::Write) => {
                        let added = memory.pages.add_copy(object, page_in_object, frame);
                        let copy = added.map_err(shortage)?;
                        memory.counts.copied = memory.counts.copied.wrapping_add(1);
                        if region.is_shared {
                            // Other maps are to see the copy as well.
                            memory.pages.reverse.unmap_all(frame);
                        }
                        (copy, true)
                    }
                }
            }
            Found::Zero => {
                let added = memory.pages.add_zeroes(object, page_in_object);
                memory.counts.zero_filled = memory.counts.zero_filled.wrapping_add(1);
                (added.map_err(shortage)?, true)
            }
        };
        let access = match access {
            Some(Access::Write) if !is_own || needs_copy => Some(Access::Read),
            access => access,
        };
        if let Some(access) = access {
            self.show(memory, page, frame, access)?;
        }
        Ok(frame)
    }

    /// Maps a page.
    fn show(
        &self,
        memory: &mut Memory,
        page: VirtAddr,
        frame: Frame,
        access: Access,
    ) -> Result<(), MapError> {
        let before = self.pmap.lookup(page);
        if before == Some((frame, access)) {
            return Ok(());
        }
        let is_new = before.is_none_or(|(before, _)| before != frame);
        let reverse = &mut memory.pages.reverse;
        if is_new {
            let linked = reverse.link(frame, &self.pmap, page);
            linked.map_err(|NoMemory| MapError::ResourceShortage)?;
        }
        match self.pmap.enter(page, frame, access) {
            Ok(old) => {
                if let Some(old) = old.filter(|_| is_new) {
                    reverse.unlink(old, &self.pmap, page);
                }
                Ok(())
            }
            Err(error) => {
                if is_new {
                    reverse.unlink(frame, &self.pmap, page);
                }
                Err(shortage(error))
            }
        }
    }
}

impl Memory {
    /// The object of a region that no other map shares, the page of it that is
    /// the region's first, and whether a write must wait for a copy of it.
    fn own_object(
        &mut self,
        map: &mut Map<Backing>,
        region: &Region,
        backing: Backing,
        how: Touch,
    ) -> Result<(ObjectHandle, u32, bool), MapError> {
        let start = region.range.start;
        let pages = region.range.size() / PAGE_SIZE;
        let (object, offset) = match backing {
            Backing::Object { object, offset } => (object, offset),
            _ => {
                let object = self.new_object(pages)?;
                let mut backing = Backing::Object { object, offset: 0 };
                map.swap_backing(start, &mut backing, CopyFlags::Own)?;
                return Ok((object, 0, false));
            }
        };
        if !region.needs_copy || how == Touch::Read {
            return Ok((object, offset, region.needs_copy));
        }
        let (object, offset) = self.copy_for_write(object, offset, pages)?;
        let mut backing = Backing::Object { object, offset };
        map.swap_backing(start, &mut backing, CopyFlags::Own)?;
        Ok((object, offset, false))
    }

    /// The object of what several maps share.
    fn shared_object(
        &mut self,
        handle: kernel_core::arena::Handle<super::Cell>,
        how: Touch,
    ) -> Result<(ObjectHandle, u32, bool), MapError> {
        let cell = self.cells.at(handle).ok_or(MapError::InvalidAddress)?;
        let (object, offset, pages, needs_copy) =
            (cell.object, cell.offset, cell.pages, cell.needs_copy);
        let (object, offset) = match object {
            None => (self.new_object(pages)?, 0),
            Some(object) if needs_copy && how == Touch::Write => {
                self.copy_for_write(object, offset, pages)?
            }
            Some(object) => return Ok((object, offset, needs_copy)),
        };
        self.objects.publish(object);
        if let Some(cell) = self.cells.at_mut(handle) {
            cell.object = Some(object);
            cell.offset = offset;
            cell.needs_copy = false;
        }
        Ok((object, offset, false))
    }

    /// What to write to in the place of an object that others see: a shadow of
    /// it, or itself, if nobody does any more. The reference goes over.
    fn copy_for_write(
        &mut self,
        object: ObjectHandle,
        offset: u32,
        pages: u32,
    ) -> Result<(ObjectHandle, u32), MapError> {
        // A copy of a pager's object is written to by nobody.
        if self.objects.is_sole(object) && !self.objects.is_copy(object) {
            return Ok((object, offset));
        }
        let shadow = self.objects.shadow(object, offset, pages);
        let shadow = shadow.map_err(|NoMemory| MapError::ResourceShortage)?;
        // As far as it goes: the next fault goes on.
        let _ = self.objects.shorten(shadow, STEPS, &mut self.pages);
        Ok((shadow, 0))
    }
}

/// What the processor is told of a protection: it cannot tell reading from
/// running.
pub(super) fn access(protection: Protection) -> Option<Access> {
    if protection.contains(Protection::WRITE) {
        Some(Access::Write)
    } else if protection == Protection::NONE {
        None
    } else {
        Some(Access::Read)
    }
}
