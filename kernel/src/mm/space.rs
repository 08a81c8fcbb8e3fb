//! The memory of one task.
//!
//! Owns the map of what the task has allocated, and the frames behind it: a
//! page gets one, zeroed, when it is first touched. For now every page belongs
//! to one task alone.
//!
//! **Invariants**: stand beside the fields.

use boot::layout::KERNEL_BASE;
use kernel_core::addr::{Frame, FrameRange, PAGE_SIZE, VirtAddr};
use kernel_core::frames::Zone;
use kernel_core::vm::map::{
    Attributes, Entry, Inheritance, Keeper, Limit, Map, MapError, Place, Protection, Range,
};

use super::copy::{After, Copy};
use super::kernel_map::{Mapping, Use};
use super::pmap::{Access, Pmap};
use super::shared::Shared;
use super::{OutOfMemory, direct, frames};
use crate::sync::{TaskLock, rank};

/// First address after a task's memory.
pub(crate) const USER_END: u32 = KERNEL_BASE;
/// All that a task may have.
const BOUNDS: Range = Range {
    start: 0,
    end: USER_END,
};
/// Where a search for room begins: behind the first page, so that a null pointer
/// leads nowhere unless somebody asks for that page.
const SEARCH_FROM: u32 = PAGE_SIZE;

/// A task's memory.
pub(crate) struct Space {
    /// Held while pages are made or given up, so that `pmap` maps nothing that
    /// is not allocated.
    map: TaskLock<rank::Space, Map<Own>>,
    /// Every frame that it maps was taken here, and is given back here.
    pmap: Shared<Pmap>,
}

/// What backs a region: pages of the task's own, named by their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Own;

/// Nothing is to be kept for those.
struct Nothing;

impl Keeper<Own> for Nothing {
    fn split(&mut self, _: &Own, _: u32) -> Own {
        Own
    }
    fn continues(&self, _: &Own, _: u32, _: &Own) -> bool {
        true
    }
    fn merge(&mut self, _: &mut Own, _: Own) {}
    fn removed(&mut self, _: Entry<Own>) {}
}

/// Which way a page is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Read, or run.
    Read,
    /// Written.
    Write,
}

impl Space {
    /// An empty one.
    pub(crate) fn new() -> Result<Space, OutOfMemory> {
        let pmap = Shared::try_new(Pmap::new()?)?;
        let map = TaskLock::new(Map::new(BOUNDS));
        Ok(Space { map, pmap })
    }

    /// What the processor needs to see it.
    pub(crate) fn pmap(&self) -> &Shared<Pmap> {
        &self.pmap
    }

    /// `vm_allocate` anywhere: where the memory is.
    pub(crate) fn allocate_anywhere(&self, size: u32) -> Result<u32, MapError> {
        let place = Place::Anywhere {
            from: SEARCH_FROM,
            mask: 0,
        };
        self.enter(place, size, Attributes::ALLOCATED)
    }

    /// `vm_allocate` at an address, with a protection of its own.
    pub(crate) fn allocate_at(
        &self,
        address: u32,
        size: u32,
        protection: Protection,
    ) -> Result<u32, MapError> {
        let attributes = Attributes {
            protection,
            ..Attributes::ALLOCATED
        };
        self.enter(Place::At(address), size, attributes)
    }

    fn enter(&self, place: Place, size: u32, attributes: Attributes) -> Result<u32, MapError> {
        let entered = self
            .map
            .lock()
            .enter(place, size, attributes, Own, &mut Nothing);
        entered
            .map(|range| range.start)
            .map_err(|refused| refused.error)
    }

    /// `vm_deallocate`. Where nothing is, nothing is done, not even an error; nor
    /// beyond user space (seen).
    pub(crate) fn deallocate(&self, address: u32, size: u32) -> Result<(), MapError> {
        let Some(range) = Range::covering(address, size) else {
            return Ok(());
        };
        let range = Range {
            start: range.start,
            end: range.end.min(USER_END),
        };
        if range.start >= range.end {
            return Ok(());
        }
        let mut map = self.map.lock();
        map.remove(range, &mut Nothing)?;
        let (first, pages) = pages(range);
        self.pmap.remove(first, pages, frames::free);
        Ok(())
    }

    /// `vm_protect`.
    pub(crate) fn protect(
        &self,
        address: u32,
        size: u32,
        limit: Limit,
        protection: Protection,
    ) -> Result<(), MapError> {
        let range = Range::covering(address, size).ok_or(MapError::InvalidAddress)?;
        let mut map = self.map.lock();
        map.protect(range, limit, protection, &mut Nothing)?;
        // What the pages may be used for now shows when they are touched.
        let (first, pages) = pages(range);
        self.pmap.hide(first, pages);
        Ok(())
    }

    /// `vm_inherit`.
    pub(crate) fn inherit(
        &self,
        address: u32,
        size: u32,
        inheritance: Inheritance,
    ) -> Result<(), MapError> {
        let range = Range::covering(address, size).ok_or(MapError::InvalidAddress)?;
        self.map.lock().inherit(range, inheritance, &mut Nothing)
    }

    /// The bytes from `address` on, to be sent elsewhere.
    pub(crate) fn capture(&self, address: u32, size: u32, after: After) -> Result<Copy, MapError> {
        let range = Range::covering(address, size).ok_or(MapError::InvalidAddress)?;
        let shortage = |_| MapError::ResourceShortage;
        let mut copy = Copy::zeroes(address % PAGE_SIZE, size).map_err(shortage)?;
        {
            let map = self.map.lock();
            if !map.is_allocated(range) {
                return Err(MapError::InvalidAddress);
            }
            let mut regions = map.entries(range);
            if !regions.all(|region| region.attributes.protection.contains(Protection::READ)) {
                return Err(MapError::ProtectionFailure);
            }
            for (number, page) in copy.pages.iter_mut().enumerate() {
                let at = VirtAddr::new(range.start + number as u32 * PAGE_SIZE);
                if let Some((from, _)) = self.pmap.lookup(at) {
                    let to = *page.insert(frames::allocate(Zone::Any).map_err(shortage)?);
                    with_frame(from, |from| with_frame(to, |to| to.copy_from_slice(from)))
                        .and_then(|copied| copied)
                        .map_err(shortage)?;
                }
            }
        }
        if after == After::Deallocate {
            self.deallocate(address, size)?;
        }
        Ok(copy)
    }

    /// Makes what was captured part of this memory, wherever there is room.
    pub(crate) fn place(&self, mut copy: Copy) -> Result<u32, (MapError, Copy)> {
        let size = copy.pages.len() as u32 * PAGE_SIZE;
        let start = match self.allocate_anywhere(size) {
            Ok(start) => start,
            Err(error) => return Err((error, copy)),
        };
        if self.enter_pages(start, &mut copy).is_err() {
            // Just allocated: nothing is in the way.
            let _ = self.deallocate(start, size);
            return Err((MapError::ResourceShortage, copy));
        }
        Ok(start + copy.first)
    }

    /// Moves pages to allocated memory.
    fn enter_pages(&self, start: u32, copy: &mut Copy) -> Result<(), OutOfMemory> {
        let _map = self.map.lock();
        for (number, page) in copy.pages.iter_mut().enumerate() {
            let Some(frame) = *page else { continue };
            let at = VirtAddr::new(start + number as u32 * PAGE_SIZE);
            self.pmap.enter(at, frame, Access::Write)?;
            *page = None;
        }
        Ok(())
    }

    /// Makes the page with `address` usable if the task may touch it so: after
    /// a fault.
    pub(crate) fn touch(&self, address: VirtAddr, how: Touch) -> Result<(), MapError> {
        let map = self.map.lock();
        let entry = map.lookup(address.as_u32());
        let entry = entry.ok_or(MapError::InvalidAddress)?;
        let access = access(entry.attributes.protection);
        match (access, how) {
            (None, _) | (Some(Access::Read), Touch::Write) => Err(MapError::ProtectionFailure),
            (Some(access), _) => self.page(address.round_down(), access).map(drop),
        }
    }

    /// The frame of a page, made if there is none. Under `map`.
    fn page(&self, page: VirtAddr, access: Access) -> Result<Frame, MapError> {
        let frame = match self.pmap.lookup(page) {
            Some((frame, found)) if found == Some(access) => return Ok(frame),
            Some((frame, _)) => frame,
            None => zeroed().map_err(|_| MapError::ResourceShortage)?,
        };
        match self.pmap.enter(page, frame, access) {
            Ok(_) => Ok(frame),
            Err(OutOfMemory) => {
                // Without a table for it, it was not there before either.
                frames::free(frame);
                Err(MapError::ResourceShortage)
            }
        }
    }

    /// Copies `bytes` to allocated memory at `address`, whatever the task itself
    /// may do with that. Before the task runs.
    pub(crate) fn fill(&self, address: VirtAddr, bytes: &[u8]) -> Result<(), MapError> {
        let map = self.map.lock();
        let mut at = address.as_u32();
        let mut left = bytes;
        while !left.is_empty() {
            let address = VirtAddr::new(at);
            let offset = address.offset_in_page();
            let (now, later) = left.split_at(left.len().min((PAGE_SIZE - offset) as usize));
            let entry = map.lookup(at).ok_or(MapError::InvalidAddress)?;
            let access = access(entry.attributes.protection).unwrap_or(Access::Read);
            let frame = self.page(address.round_down(), access)?;
            let filled = with_frame(frame, |page| {
                page[offset as usize..][..now.len()].copy_from_slice(now);
            });
            filled.map_err(|_| MapError::ResourceShortage)?;
            left = later;
            at = at.wrapping_add(now.len() as u32);
        }
        Ok(())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let (first, pages) = pages(BOUNDS);
        self.pmap.remove(first, pages, frames::free);
        self.pmap.end();
    }
}

fn pages(range: Range) -> (VirtAddr, u32) {
    (VirtAddr::new(range.start), range.size() / PAGE_SIZE)
}

/// What the processor is told of a protection: it cannot tell reading from
/// running.
fn access(protection: Protection) -> Option<Access> {
    if protection.contains(Protection::WRITE) {
        Some(Access::Write)
    } else if protection == Protection::NONE {
        None
    } else {
        Some(Access::Read)
    }
}

fn zeroed() -> Result<Frame, OutOfMemory> {
    let frame = frames::allocate(Zone::Any)?;
    with_frame(frame, |page| page.fill(0)).inspect_err(|_| frames::free(frame))?;
    Ok(frame)
}

/// Lets `use_it` see the page in `frame`, which no user sees meanwhile.
pub(super) fn with_frame<R>(
    frame: Frame,
    use_it: impl FnOnce(&mut [u8; PAGE_SIZE as usize]) -> R,
) -> Result<R, OutOfMemory> {
    let (address, _mapping) = match direct(frame.start()) {
        Some(address) => (address, None),
        None => {
            let range = FrameRange::from_first(frame, 1).ok_or(OutOfMemory)?;
            let mapping = Mapping::of(range, Use::Memory)?;
            (mapping.address(0), Some(mapping))
        }
    };
    // SAFETY: mapped for as long as `use_it` runs; the frame is the caller's,
    // and no thread of its task runs.
    let page = unsafe { &mut *(address.as_usize() as *mut [u8; PAGE_SIZE as usize]) };
    Ok(use_it(page))
}
