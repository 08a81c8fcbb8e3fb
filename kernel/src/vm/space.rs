//! The memory of one task.
//!
//! Owns the map of what the task has allocated, and with it references to the
//! objects behind. Pages come when they are touched ([`super::fault`]).
//!
//! **Invariants**: stand beside the fields.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use boot::layout::KERNEL_BASE;
use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::arena::NoMemory;
use kernel_core::frames::Zone;
use kernel_core::vm::map::{
    Attributes, Inheritance, Limit, Map, MapError, Place, Protection, Range,
};

use super::backing::Backing;
use super::fault::{Touch, Who};
use super::managed::{MOST_PAGES, Reference, SharedManager};
use super::pageout::{Need, Pin};
use super::{MEMORY, Memory, settle, shortage};
use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;
use crate::mm::{OutOfMemory, frames, page};
use crate::sched;
use crate::sync::{TaskLock, rank};

/// First address after a task's memory.
pub(crate) const USER_END: u32 = KERNEL_BASE;
/// All that a task may have.
pub(super) const BOUNDS: Range = Range {
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
    /// For how many reasons it need not wait until memory is free: what makes it
    /// free needs some.
    privileges: AtomicU32,
    /// What it touches is wired from now on.
    pub(super) wires_all: AtomicBool,
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
pub(crate) struct Region {
    pub(crate) range: Range,
    pub(crate) attributes: Attributes,
    /// Where in its object it begins, in bytes.
    pub(crate) offset: u32,
    /// Who supplies the object, if it is a pager's.
    pub(crate) manager: Option<SharedManager>,
    /// The number of the object, which others have after it.
    pub(super) object: Option<u32>,
}

/// What `vm_map` maps of a pager's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapped {
    /// The object itself.
    Itself,
    /// What it is now.
    Copy,
}

impl Space {
    /// An empty one.
    pub(crate) fn new() -> Result<Space, OutOfMemory> {
        Space::with(Map::new(BOUNDS))
    }

    pub(super) fn with(map: Map<Backing>) -> Result<Space, OutOfMemory> {
        let pmap = Shared::try_new(Pmap::new()?)?;
        let map = TaskLock::new(map);
        Ok(Space {
            map,
            pmap,
            privileges: AtomicU32::new(0),
            wires_all: AtomicBool::new(false),
        })
    }

    /// What the processor needs to see it.
    pub(crate) fn pmap(&self) -> &Shared<Pmap> {
        &self.pmap
    }

    /// One more reason why it gets memory that is kept back from others.
    pub(crate) fn add_privilege(&self) {
        self.privileges.fetch_add(1, Ordering::Relaxed);
    }

    /// One of them is over.
    pub(crate) fn take_privilege(&self) {
        self.privileges.fetch_sub(1, Ordering::Relaxed);
    }

    /// From now on what it touches is wired, or not (`VM_WIRE_FUTURE`).
    pub(crate) fn set_future(&self, wire: Wire) {
        self.wires_all.store(wire == Wire::Pages, Ordering::Relaxed);
    }

    /// What it may take.
    pub(super) fn need(&self) -> Need {
        match self.privileges.load(Ordering::Relaxed) {
            0 => Need::Usual,
            _ => Need::Urgent,
        }
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

    /// `vm_map` of a pager's object, from page `offset` on.
    pub(crate) fn map(
        &self,
        place: Place,
        size: u32,
        attributes: Attributes,
        (object, offset): (&Reference, u32),
        mapped: Mapped,
    ) -> Result<u32, MapError> {
        let pages = size.div_ceil(PAGE_SIZE);
        if offset.checked_add(pages).is_none_or(|end| end > MOST_PAGES) {
            return Err(MapError::InvalidArgument);
        }
        let object = object.object();
        let entered = {
            let mut map = self.map.lock();
            let mut guard = MEMORY.lock();
            let memory = &mut *guard;
            let backing = match mapped {
                Mapped::Itself => {
                    let backing = Backing::Object { object, offset };
                    memory.reference(&backing);
                    backing
                }
                Mapped::Copy => memory.copy_managed(object, offset, pages)?,
            };
            let attributes = Attributes {
                needs_copy: mapped == Mapped::Copy,
                ..attributes
            };
            let entered = map.enter(place, size, attributes, backing, memory);
            entered.map(|range| range.start).map_err(|refused| {
                memory.release(refused.backing);
                refused.error
            })
        };
        settle();
        entered
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
        let (manager, object) = match entry.backing {
            Backing::Object { object, .. } => (MEMORY.lock().manager(object), Some(object.index())),
            _ => (None, None),
        };
        Some(Region {
            range: entry.range,
            attributes: entry.attributes,
            offset: offset * PAGE_SIZE,
            manager,
            object,
        })
    }

    /// Makes the range's pages usable for `access`, and keeps their objects' pages
    /// in memory, for good. No access undoes the first (`vm_wire`).
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
            self.with_page(VirtAddr::new(page), how, Who::Task, &mut |_| Ok(()))?;
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
        if memory.pages.pin(object, Pin::Wired).is_err() {
            frames::free_run(first, pages);
            memory.abandon(object);
            return Err(MapError::ResourceShortage);
        }
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
            self.with_page(at, Touch::Write, Who::Kernel, &mut |frame| {
                page::write(frame, offset, now)
            })?;
            left = later;
            at = VirtAddr::new(at.as_u32().wrapping_add(now.len() as u32));
        }
        Ok(())
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
