//! Memory on its way from one task to another.
//!
//! Owns what a message carries out of line, until a receiver has it: whole pages
//! are seen through the sender's objects, and copied when either side writes;
//! parts of pages are copied at once, so that a receiver sees nothing that was
//! not sent.

mod capture;

use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::arena::NoMemory;
use kernel_core::vm::map::{Attributes, CopyFlags, Map, MapError, Place, Protection, Range};
use kernel_core::vm::object::{Found, ObjectHandle};

use super::backing::Backing;
use super::fault::{Touch, Who};
use super::managed::Fault;
use super::pageout::Pin;
use super::space::{SEARCH_FROM, Space, USER_END};
use super::{MEMORY, Memory, settle, shortage};
use crate::mm::{OutOfMemory, page};
use crate::sched;

/// What becomes of memory that was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Its task keeps it.
    Keep,
    /// Its task loses it, in whole pages.
    Deallocate,
}

/// Bytes that nobody has; given up when dropped.
pub(crate) struct Copy {
    /// Pages, from address 0 on.
    map: Map<Backing>,
    /// Where in the first page the bytes begin.
    first: u32,
    size: u32,
}

impl core::fmt::Debug for Copy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Copy({} bytes)", self.size)
    }
}

impl Copy {
    fn new(first: u32, size: u32) -> Copy {
        let bounds = Range {
            start: 0,
            end: USER_END,
        };
        Copy {
            map: Map::new(bounds),
            first,
            size,
        }
    }

    /// The kernel's own bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Copy, OutOfMemory> {
        let mut copy = Copy::new(0, bytes.len() as u32);
        let mut memory = MEMORY.lock();
        let pages = copy.size.div_ceil(PAGE_SIZE);
        let object = copy.add_object(&mut memory, 0, pages);
        let object = object.map_err(|_| OutOfMemory)?;
        for (number, part) in bytes.chunks(PAGE_SIZE as usize).enumerate() {
            let frame = memory.pages.add_zeroes(object, number as u32)?;
            page::write(frame, 0, part)?;
        }
        Ok(copy)
    }

    /// An object of the kernel's for `pages` pages, to be filled for a pager.
    pub(super) fn of_pages(pages: u32) -> Result<Copy, MapError> {
        let mut copy = Copy::new(0, pages * PAGE_SIZE);
        // Before the copy is dropped the lock is.
        let mut memory = MEMORY.lock();
        let object = copy.add_object(&mut memory, 0, pages)?;
        let pinned = memory.pages.pin(object, Pin::Laundry);
        pinned.map_err(|NoMemory| MapError::ResourceShortage)?;
        Ok(copy)
    }

    /// That object.
    pub(super) fn object(&self) -> Option<ObjectHandle> {
        match self.map.lookup(0)?.backing {
            Backing::Object { object, .. } => Some(object),
            _ => None,
        }
    }

    /// It has so many bytes, fewer than before.
    pub(super) fn set_size(&mut self, size: u32) {
        self.size = size.min(self.size);
    }

    /// Bytes in it.
    pub(crate) const fn size(&self) -> u32 {
        self.size
    }

    /// Whether it begins where a page does.
    pub(crate) const fn is_aligned(&self) -> bool {
        self.first == 0
    }

    /// The frame of page `number`, if that is not all zeroes.
    pub(super) fn page(&self, memory: &mut Memory, number: u32) -> Result<Option<Frame>, Fault> {
        let at = number * PAGE_SIZE;
        match self.map.lookup(at) {
            Some(entry) => memory.look(entry.backing, (at - entry.range.start) / PAGE_SIZE),
            None => Ok(None),
        }
    }

    /// Copies from `offset` on to the kernel's own `into`; what is beyond the end
    /// is zero.
    pub(crate) fn read(&self, offset: u32, into: &mut [u8]) -> Result<(), MapError> {
        let mut done = 0;
        while done < into.len() {
            let at = self.first.saturating_add(offset);
            let at = at.saturating_add(done as u32);
            let start = at % PAGE_SIZE;
            let length = (into.len() - done).min((PAGE_SIZE - start) as usize);
            let now = &mut into[done..done + length];
            let mut memory = MEMORY.lock();
            match self.page(&mut memory, at / PAGE_SIZE) {
                Ok(Some(frame)) => page::read(frame, start as usize, now).map_err(shortage)?,
                Ok(None) => now.fill(0),
                Err(Fault::Error(error)) => return Err(error),
                Err(Fault::Wait(wait)) => {
                    drop(memory);
                    wait.wait()?;
                    continue;
                }
            }
            done += length;
        }
        Ok(())
    }

    /// Makes it the whole of `hole`, where nothing is, or none of it.
    pub(super) fn enter_at(
        &self,
        map: &mut Map<Backing>,
        memory: &mut Memory,
        hole: Range,
        attributes: Attributes,
    ) -> Result<(), MapError> {
        let mut from = 0;
        // There may be more pages than bytes were given back.
        while let Some(entry) = self.map.region(from).filter(|_| from < hole.size()) {
            let start = entry.range.start;
            let size = entry.range.end.min(hole.size()).saturating_sub(start);
            let attributes = Attributes {
                needs_copy: entry.attributes.needs_copy,
                ..attributes
            };
            // The copy keeps its own until it is dropped.
            memory.reference(&entry.backing);
            let place = Place::At(hole.start + start);
            let entered = map.enter(place, size, attributes, entry.backing, memory);
            if let Err(refused) = entered {
                memory.release(refused.backing);
                // Nothing is cut: it needs no memory.
                let _ = map.remove(hole, memory);
                return Err(refused.error);
            }
            from = entry.range.end;
        }
        Ok(())
    }

    /// A new object for `pages` pages from number `at` on.
    fn add_object(
        &mut self,
        memory: &mut Memory,
        at: u32,
        pages: u32,
    ) -> Result<ObjectHandle, MapError> {
        let object = memory.new_object(pages)?;
        memory.objects.publish(object);
        let backing = Backing::Object { object, offset: 0 };
        self.add(memory, at, pages, (backing, CopyFlags::NeedsCopy))?;
        Ok(object)
    }

    /// Takes over what `pages` pages from number `at` on are.
    fn add(
        &mut self,
        memory: &mut Memory,
        at: u32,
        pages: u32,
        (backing, flags): (Backing, CopyFlags),
    ) -> Result<(), MapError> {
        let attributes = Attributes {
            needs_copy: flags == CopyFlags::NeedsCopy,
            ..Attributes::ALLOCATED
        };
        let place = Place::At(at * PAGE_SIZE);
        let entered = self
            .map
            .enter(place, pages * PAGE_SIZE, attributes, backing, memory);
        entered.map(drop).map_err(|refused| {
            memory.release(refused.backing);
            refused.error
        })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        /// Bytes given up before others have their turn.
        const AT_ONCE: u32 = 4 << 20;
        let end = self.first.saturating_add(self.size);
        let end = end.checked_next_multiple_of(PAGE_SIZE).unwrap_or(USER_END);
        let mut from = 0;
        while from < end.min(USER_END) {
            let to = from.saturating_add(AT_ONCE).min(USER_END);
            let range = Range {
                start: from,
                end: to,
            };
            // Only a cut needs memory; what is left of it then goes with the last.
            let _ = self.map.remove(range, &mut *MEMORY.lock());
            from = to;
        }
        settle();
    }
}

impl Space {
    /// Makes what was captured part of this memory, wherever there is room.
    pub(crate) fn place(&self, copy: Copy) -> Result<u32, (MapError, Copy)> {
        let pages = (u64::from(copy.first) + u64::from(copy.size)).div_ceil(PAGE_SIZE.into());
        let size = u32::try_from(pages * u64::from(PAGE_SIZE)).unwrap_or(u32::MAX);
        let placed = {
            let mut map = self.map.lock();
            let mut memory = MEMORY.lock();
            let anywhere = Place::Anywhere {
                from: SEARCH_FROM,
                mask: 0,
            };
            let hole = map.find_space(anywhere, size);
            hole.and_then(|(hole, _)| {
                let attributes = Attributes::ALLOCATED;
                copy.enter_at(&mut map, &mut memory, hole, attributes)?;
                Ok(hole.start)
            })
        };
        settle();
        match placed {
            Ok(start) => Ok(start + copy.first),
            Err(error) => Err((error, copy)),
        }
    }

    /// Writes what was captured over memory at `address`, all of whose pages the
    /// task must be able to write to (`vm_write`, `vm_copy`).
    pub(crate) fn overwrite(&self, address: u32, copy: &Copy) -> Result<(), MapError> {
        let range = Range::covering(address, copy.size).ok_or(MapError::InvalidAddress)?;
        {
            let map = self.map.lock();
            if range.end > USER_END || !map.is_allocated(range) {
                return Err(MapError::InvalidAddress);
            }
            if !permits(&map, range, Protection::WRITE) {
                return Err(MapError::ProtectionFailure);
            }
        }
        let mut buffer = [0; PART];
        let mut done = 0;
        while done < copy.size {
            let at = address + done;
            let room = (PAGE_SIZE - at % PAGE_SIZE).min(PART as u32);
            let length = room.min(copy.size - done) as usize;
            let now = &mut buffer[..length];
            copy.read(done, now)?;
            let at = VirtAddr::new(at);
            self.with_page(at, Touch::Write, Who::Task, &mut |frame| {
                page::write(frame, at.offset_in_page() as usize, now)
            })?;
            done += length as u32;
            sched::pause_if_turn_is_over();
        }
        Ok(())
    }
}

/// Whether all regions of the range permit it.
fn permits(map: &Map<Backing>, range: Range, access: Protection) -> bool {
    map.entries(range)
        .all(|region| region.attributes.protection.contains(access))
}

/// Bytes that go through the kernel's hands at a time.
const PART: usize = 512;

impl Memory {
    /// The frame with a page of a region, if anybody has touched it.
    pub(super) fn frame_of(&self, backing: Backing, number: u32) -> Option<Frame> {
        let (object, page) = self.page_of(backing, number)?;
        match self.objects.find(object, page, &self.pages) {
            Found::Page(object, page) => self.pages.frame(object, page),
            Found::Ask(..) | Found::Zero => None,
        }
    }

    /// The same, for whoever needs what is in the page, and may wait for that.
    pub(super) fn look(&mut self, backing: Backing, number: u32) -> Result<Option<Frame>, Fault> {
        let Some((object, page)) = self.page_of(backing, number) else {
            return Ok(None);
        };
        match self.objects.find(object, page, &self.pages) {
            Found::Page(owner, page) | Found::Ask(owner, page) => {
                match self.pages.managed.at(owner.index()) {
                    Some(_) => self.managed_frame(owner, page, Touch::Read).map(Some),
                    None => Ok(self.pages.frame(owner, page)),
                }
            }
            Found::Zero => Ok(None),
        }
    }

    /// A region's page as one of an object.
    fn page_of(&self, backing: Backing, number: u32) -> Option<(ObjectHandle, u32)> {
        match backing {
            Backing::Nothing => None,
            Backing::Object { object, offset } => Some((object, offset + number)),
            Backing::Shared { cell, offset } => {
                let cell = self.cells.at(cell)?;
                Some((cell.object?, cell.offset + offset + number))
            }
        }
    }
}
