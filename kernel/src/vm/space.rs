//! The memory of one task.
//!
//! Owns the map of what the task has allocated, and with it references to the
//! objects behind. Pages come when they are touched ([`super::fault`]).
//!
//! **Invariants**: stand beside the fields.

use boot::layout::KERNEL_BASE;
use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::arena::NoMemory;
use kernel_core::frames::Zone;
use kernel_core::vm::map::{
    Attributes, CopyFlags, Inheritance, Limit, Map, MapError, Place, Protection, Range,
};

use super::backing::{Backing, Cell};
use super::fault::{Touch, Who};
use super::{MEMORY, Memory, settle, shortage};
use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;
use crate::mm::{OutOfMemory, frames, page};
use crate::sched;
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
pub(super) const SEARCH_FROM: u32 = PAGE_SIZE;
/// Bytes taken out of a map, or hidden, before others have their turn.
const AT_ONCE: u32 = 4 << 20;

/// A task's memory.
pub(crate) struct Space {
    /// Held while regions change, and while a page is made.
    pub(super) map: TaskLock<rank::Space, Map<Backing>>,
    /// Maps pages of objects that `map` names, and nothing else.
    pub(super) pmap: Shared<Pmap>,
}

/// What [`Space::wire_all`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// All pages that there are now are to stay.
    Pages,
    /// None is.
    Nothing,
}

/// What `vm_region` tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) range: Range,
    pub(crate) attributes: Attributes,
    /// Where in its object it begins, in bytes.
    pub(crate) offset: u32,
}

impl Space {
    /// An empty one.
    pub(crate) fn new() -> Result<Space, OutOfMemory> {
        Space::with(Map::new(BOUNDS))
    }

    fn with(map: Map<Backing>) -> Result<Space, OutOfMemory> {
        let pmap = Shared::try_new(Pmap::new()?)?;
        let map = TaskLock::new(map);
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

    /// `vm_map` of no object: memory of zeroes.
    pub(crate) fn enter(
        &self,
        place: Place,
        size: u32,
        attributes: Attributes,
    ) -> Result<u32, MapError> {
        let mut map = self.map.lock();
        let mut memory = MEMORY.lock();
        let entered = map.enter(place, size, attributes, Backing::Nothing, &mut *memory);
        entered
            .map(|range| range.start)
            .map_err(|refused| refused.error)
    }

    /// `vm_deallocate`. Where nothing is, nothing is done, not even an error; nor
    /// beyond user space (seen).
    pub(crate) fn deallocate(&self, address: u32, size: u32) -> Result<(), MapError> {
        let Some(whole) = within(address, size) else {
            return Ok(());
        };
        let mut result = Ok(());
        let mut from = whole.start;
        loop {
            {
                let mut map = self.map.lock();
                // Holes cost nothing.
                let next = map.region(from).map(|entry| entry.range.start.max(from));
                let Some(start) = next.filter(|start| *start < whole.end) else {
                    break;
                };
                let range = Range {
                    start,
                    end: end_of_part(start).min(whole.end),
                };
                let mut memory = MEMORY.lock();
                self.unmap(&mut memory, range);
                result = result.and(map.remove(range, &mut *memory).map(drop));
                from = range.end;
            }
            settle();
            sched::pause_if_turn_is_over();
        }
        result
    }

    /// `vm_protect`; beyond user space nothing is done (seen).
    pub(crate) fn protect(
        &self,
        address: u32,
        size: u32,
        limit: Limit,
        protection: Protection,
    ) -> Result<(), MapError> {
        let Some(range) = within(address, size) else {
            return Ok(());
        };
        {
            let mut map = self.map.lock();
            map.protect(range, limit, protection, &mut *MEMORY.lock())?;
        }
        // What the pages may be used for now shows when they are touched.
        for range in chunks(address, size) {
            let _map = self.map.lock();
            self.unmap(&mut MEMORY.lock(), range);
        }
        settle();
        Ok(())
    }

    /// `vm_inherit`; beyond user space nothing is done (seen).
    pub(crate) fn inherit(
        &self,
        address: u32,
        size: u32,
        inheritance: Inheritance,
    ) -> Result<(), MapError> {
        let Some(range) = within(address, size) else {
            return Ok(());
        };
        let mut map = self.map.lock();
        let inherited = map.inherit(range, inheritance, &mut *MEMORY.lock());
        drop(map);
        settle();
        inherited
    }

    /// The region with `address`, or the first one after it.
    pub(crate) fn region(&self, address: u32) -> Option<Region> {
        let map = self.map.lock();
        let entry = map.region(address)?;
        let offset = match entry.backing {
            Backing::Nothing => 0,
            Backing::Object { offset, .. } | Backing::Shared { offset, .. } => offset,
        };
        Some(Region {
            range: entry.range,
            attributes: entry.attributes,
            offset: offset * PAGE_SIZE,
        })
    }

    /// Makes the range's pages usable for `access`, for good: nothing is taken
    /// from a task yet. No access undoes it (`vm_wire`).
    pub(crate) fn wire(&self, address: u32, size: u32, access: Protection) -> Result<(), MapError> {
        let range = within(address, size).ok_or(MapError::NoSpace)?;
        let mut map = self.map.lock();
        map.wire(range, access, &mut *MEMORY.lock())?;
        drop(map);
        let how = match access {
            Protection::NONE => return Ok(()),
            access if access.contains(Protection::WRITE) => Touch::Write,
            _ => Touch::Read,
        };
        for page in (range.start..range.end).step_by(PAGE_SIZE as usize) {
            self.touch(VirtAddr::new(page), how)?;
            sched::pause_if_turn_is_over();
        }
        Ok(())
    }

    /// [`Space::wire`] for all that is allocated, as each region permits.
    pub(crate) fn wire_all(&self, wire: Wire) -> Result<(), MapError> {
        let mut from = 0;
        while let Some(region) = self.region(from) {
            let access = match wire {
                Wire::Pages => region.attributes.protection,
                Wire::Nothing => Protection::NONE,
            };
            let range = region.range;
            match self.wire(range.start, range.size(), access) {
                // It has changed meanwhile.
                Ok(()) | Err(MapError::NoSpace | MapError::InvalidAddress) => {}
                Err(error) => return Err(error),
            }
            from = range.end;
        }
        Ok(())
    }

    /// Where the page with `address` is in physical memory, if anybody has
    /// touched it.
    pub(crate) fn frame(&self, address: VirtAddr) -> Option<Frame> {
        let map = self.map.lock();
        let entry = map.lookup(address.as_u32())?;
        let number = (address.as_u32() - entry.range.start) / PAGE_SIZE;
        MEMORY.lock().frame_of(entry.backing, number)
    }

    /// `vm_allocate_contiguous`: memory of zeroes in frames in a row, in `zone`,
    /// the first a multiple of `align`; its address and its first frame.
    pub(crate) fn allocate_contiguous(
        &self,
        pages: u32,
        align: u32,
        zone: Zone,
    ) -> Result<(u32, Frame), MapError> {
        let first = frames::allocate_run(pages, align, zone).map_err(shortage)?;
        let mut map = self.map.lock();
        let mut memory = MEMORY.lock();
        let memory = &mut *memory;
        let object = match memory.new_object(pages) {
            Ok(object) => object,
            Err(error) => {
                frames::free_run(first, pages);
                return Err(error);
            }
        };
        for number in 0..pages {
            // Within the run that was just taken.
            let Some(frame) = Frame::new(first.number() + number) else {
                break;
            };
            let added = page::zero(frame).and_then(|()| {
                let inserted = memory.pages.insert(object, number, frame);
                inserted.map_err(|NoMemory| OutOfMemory)
            });
            if let Err(error) = added {
                // The object has the frames before.
                frames::free_run(frame, pages - number);
                memory.abandon(object);
                return Err(shortage(error));
            }
        }
        let place = Place::Anywhere {
            from: SEARCH_FROM,
            mask: 0,
        };
        let backing = Backing::Object { object, offset: 0 };
        let size = pages * PAGE_SIZE;
        let entered = map.enter(place, size, Attributes::ALLOCATED, backing, memory);
        match entered {
            Ok(range) => Ok((range.start, first)),
            Err(refused) => {
                memory.release(refused.backing);
                Err(refused.error)
            }
        }
    }

    /// Copies `bytes` to allocated memory at `address`, whatever the task itself
    /// may do with that.
    pub(crate) fn fill(&self, address: VirtAddr, bytes: &[u8]) -> Result<(), MapError> {
        let mut at = address;
        let mut left = bytes;
        while !left.is_empty() {
            let offset = at.offset_in_page() as usize;
            let (now, later) = left.split_at(left.len().min(PAGE_SIZE as usize - offset));
            let mut map = self.map.lock();
            let mut memory = MEMORY.lock();
            let frame = self.make(&mut map, &mut memory, at, Touch::Write, Who::Kernel)?;
            page::write(frame, offset, now).map_err(shortage)?;
            left = later;
            at = VirtAddr::new(at.as_u32().wrapping_add(now.len() as u32));
        }
        Ok(())
    }

    /// Memory for a child task, as each region is to be inherited
    /// (`task_create`). Both see what they share; what is copied is copied when
    /// one of them writes.
    pub(crate) fn fork(&self) -> Result<Space, MapError> {
        let mut child = Map::new(BOUNDS);
        let forked = self.fork_regions(&mut child);
        // As much as it has is given up with it.
        let child = Space::with(child).map_err(shortage)?;
        settle();
        forked.map(|()| child)
    }

    fn fork_regions(&self, child: &mut Map<Backing>) -> Result<(), MapError> {
        let mut from = 0;
        loop {
            let mut map = self.map.lock();
            let mut memory = MEMORY.lock();
            let memory = &mut *memory;
            let Some(entry) = map.region(from) else {
                return Ok(());
            };
            let range = entry.range;
            let attributes = Attributes {
                wired: Protection::NONE,
                holds: 0,
                ..entry.attributes
            };
            let backing = entry.backing;
            let copy = match attributes.inheritance {
                Inheritance::None => None,
                Inheritance::Share => Some(self.share(&mut map, memory, range)?),
                Inheritance::Copy => Some(self.see(&mut map, memory, range, backing)?),
            };
            if let Some((backing, flags)) = copy {
                let attributes = Attributes {
                    needs_copy: flags == CopyFlags::NeedsCopy,
                    is_shared: flags == CopyFlags::Shared,
                    ..attributes
                };
                let place = Place::At(range.start);
                let entered = child.enter(place, range.size(), attributes, backing, memory);
                if let Err(refused) = entered {
                    memory.release(refused.backing);
                    return Err(refused.error);
                }
            }
            from = range.end;
        }
    }

    /// Makes a region one that other maps share; another reference to what it
    /// stands for then.
    fn share(
        &self,
        map: &mut Map<Backing>,
        memory: &mut Memory,
        range: Range,
    ) -> Result<(Backing, CopyFlags), MapError> {
        let entry = map.lookup(range.start).ok_or(MapError::InvalidAddress)?;
        let needs_copy = entry.attributes.needs_copy;
        let (object, offset) = match entry.backing {
            Backing::Shared { .. } => {
                memory.reference(&entry.backing);
                return Ok((entry.backing, CopyFlags::Shared));
            }
            Backing::Nothing => (None, 0),
            Backing::Object { object, offset } => (Some(object), offset),
        };
        let pages = range.size() / PAGE_SIZE;
        let cell = Cell::for_two(object, offset, pages, needs_copy);
        let cell = memory.cells.insert(cell);
        let cell = cell.map_err(|NoMemory| MapError::ResourceShortage)?;
        if let Some(object) = object {
            memory.objects.publish(object);
        }
        let backing = Backing::Shared { cell, offset: 0 };
        // The region's reference to the object is the cell's from now on.
        map.swap_backing(range.start, &mut backing.clone(), CopyFlags::Shared)?;
        Ok((backing, CopyFlags::Shared))
    }

    /// What a region, or whole pages of it, show now, with a reference; a write
    /// to either side is one to a copy from now on.
    pub(super) fn see(
        &self,
        map: &mut Map<Backing>,
        memory: &mut Memory,
        range: Range,
        backing: Backing,
    ) -> Result<(Backing, CopyFlags), MapError> {
        let pages = range.size() / PAGE_SIZE;
        match backing {
            Backing::Nothing => Ok((Backing::Nothing, CopyFlags::Own)),
            Backing::Object { object, .. } => {
                memory.reference(&backing);
                memory.objects.publish(object);
                map.swap_backing(range.start, &mut backing.clone(), CopyFlags::NeedsCopy)
                    .inspect_err(|_| memory.release(backing))?;
                self.pmap.restrict(VirtAddr::new(range.start), pages);
                Ok((backing, CopyFlags::NeedsCopy))
            }
            Backing::Shared { cell, offset } => {
                let cell = memory.cells.at_mut(cell).ok_or(MapError::InvalidAddress)?;
                let Some(object) = cell.object else {
                    return Ok((Backing::Nothing, CopyFlags::Own));
                };
                let offset = cell.offset + offset;
                cell.needs_copy = true;
                let seen = Backing::Object { object, offset };
                memory.reference(&seen);
                memory.restrict(object, offset, pages);
                Ok((seen, CopyFlags::NeedsCopy))
            }
        }
    }

    /// Hides what is mapped in the range; the pages stay.
    fn unmap(&self, memory: &mut Memory, range: Range) {
        let (first, pages) = pages(range);
        let reverse = &mut memory.pages.reverse;
        self.pmap.remove(first, pages, |page, frame| {
            reverse.unlink(frame, &self.pmap, page)
        });
    }
}

impl Memory {
    /// Makes an object's own pages read-only wherever they are mapped.
    fn restrict(&mut self, object: kernel_core::vm::object::ObjectHandle, first: u32, pages: u32) {
        use kernel_core::vm::object::Pages as _;
        let end = first.saturating_add(pages);
        let mut at = first;
        while let Some(page) = self.pages.first_from(object, at).filter(|page| *page < end) {
            if let Some(frame) = self.pages.frame(object, page) {
                self.pages.reverse.restrict_all(frame);
            }
            at = page + 1;
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // All of it is in bounds: nothing but memory for a cut can lack, and
        // nothing is cut.
        let _ = self.deallocate(BOUNDS.start, BOUNDS.end);
        self.pmap.end();
    }
}

fn pages(range: Range) -> (VirtAddr, u32) {
    (VirtAddr::new(range.start), range.size() / PAGE_SIZE)
}

/// The pages of user space that `size` bytes from `address` on touch.
fn within(address: u32, size: u32) -> Option<Range> {
    let range = Range::covering(address, size)?;
    let range = Range {
        start: range.start,
        end: range.end.min(USER_END),
    };
    (range.start < range.end).then_some(range)
}

/// The same, in parts that take little time.
fn chunks(address: u32, size: u32) -> impl Iterator<Item = Range> {
    let whole = within(address, size);
    let mut from = whole.map_or(0, |range| range.start);
    core::iter::from_fn(move || {
        let end = whole?.end;
        if from >= end {
            return None;
        }
        let start = from;
        from = end_of_part(start).min(end);
        Some(Range { start, end: from })
    })
}

/// Parts begin where page tables do.
const fn end_of_part(start: u32) -> u32 {
    (start / AT_ONCE + 1).saturating_mul(AT_ONCE)
}
