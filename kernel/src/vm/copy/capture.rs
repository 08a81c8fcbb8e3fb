//! Memory of a task taken to be sent.
//!
//! Owns the walk over what is sent: whole pages become one with the copy's, parts of
//! pages are read. Waits for pagers with no lock held.

use kernel_core::addr::PAGE_SIZE;
use kernel_core::vm::map::{CopyFlags, Map, MapError, Protection, Range};

use super::{After, Copy, permits};
use crate::mm::page;
use crate::vm::backing::Backing;
use crate::vm::fault::Who;
use crate::vm::managed::Fault;
use crate::vm::space::Space;
use crate::vm::{MEMORY, shortage};

impl Space {
    /// The bytes from `address` on, to be sent elsewhere.
    pub(crate) fn capture(&self, address: u32, size: u32, after: After) -> Result<Copy, MapError> {
        let copy = self.capture_for(address, size, Who::Task)?;
        if after == After::Deallocate && size > 0 {
            self.deallocate(address, size)?;
        }
        Ok(copy)
    }

    /// The same, whatever the task itself may do with them.
    pub(in crate::vm) fn capture_for(
        &self,
        address: u32,
        size: u32,
        who: Who,
    ) -> Result<Copy, MapError> {
        let range = Range::covering(address, size).ok_or(MapError::InvalidAddress)?;
        let first = address % PAGE_SIZE;
        let mut copy = Copy::new(first, size);
        if size == 0 {
            return Ok(copy);
        }
        let end = first.saturating_add(size);
        let last = range.size() / PAGE_SIZE - 1;
        let mut number = 0;
        // Again from where a pager was waited for.
        loop {
            let mut map = self.map.lock();
            let rest = Range {
                start: range.start + number * PAGE_SIZE,
                ..range
            };
            if !map.is_allocated(rest) {
                return Err(MapError::InvalidAddress);
            }
            if who == Who::Task && !permits(&map, rest, Protection::READ) {
                return Err(MapError::ProtectionFailure);
            }
            let mut fault = None;
            while number <= last && fault.is_none() {
                let starts = if number == 0 { first } else { 0 };
                let ends = (end - number * PAGE_SIZE).min(PAGE_SIZE);
                let captured = if starts != 0 || ends != PAGE_SIZE {
                    self.capture_part(&map, &mut copy, range, number, (starts, ends))
                } else {
                    self.capture_pages(&mut map, &mut copy, range, number, end)
                };
                match captured {
                    Ok(pages) => number += pages,
                    Err(why) => fault = Some(why),
                }
            }
            drop(map);
            match fault {
                None => return Ok(copy),
                Some(Fault::Error(error)) => return Err(error),
                Some(Fault::Wait(wait)) => wait.wait()?,
            }
        }
    }

    /// Part of a page: its bytes from `starts` to `ends`.
    fn capture_part(
        &self,
        map: &Map<Backing>,
        copy: &mut Copy,
        range: Range,
        number: u32,
        (starts, ends): (u32, u32),
    ) -> Result<u32, Fault> {
        let at = range.start + number * PAGE_SIZE;
        let mut memory = MEMORY.lock();
        let memory = &mut *memory;
        let entry = map.lookup(at).ok_or(MapError::InvalidAddress)?;
        let in_region = (at - entry.range.start) / PAGE_SIZE;
        let Some(from) = memory.look(entry.backing, in_region)? else {
            // All zero.
            copy.add(memory, number, 1, (Backing::Nothing, CopyFlags::Own))?;
            return Ok(1);
        };
        let object = copy.add_object(memory, number, 1)?;
        let to = memory.pages.add_zeroes(object, 0).map_err(shortage)?;
        page::copy_part(from, to, starts as usize..ends as usize).map_err(shortage)?;
        Ok(1)
    }

    /// Whole pages from `number` on, as far as one region goes; how many.
    fn capture_pages(
        &self,
        map: &mut Map<Backing>,
        copy: &mut Copy,
        range: Range,
        number: u32,
        end: u32,
    ) -> Result<u32, Fault> {
        let at = range.start + number * PAGE_SIZE;
        let mut memory = MEMORY.lock();
        let at_once = map.lookup(at).is_some_and(|entry| {
            memory.is_copied_at_once(&entry.backing, entry.attributes.is_wired())
        });
        if at_once {
            drop(memory);
            return self.capture_part(map, copy, range, number, (0, PAGE_SIZE));
        }
        let memory = &mut *memory;
        let entry = map.lookup(at).ok_or(MapError::InvalidAddress)?;
        let whole = end / PAGE_SIZE - number;
        let pages = whole.min((entry.range.end - at) / PAGE_SIZE);
        let part = Range {
            start: at,
            end: at + pages * PAGE_SIZE,
        };
        let backing = match entry.backing {
            Backing::Object { .. } => {
                map.clip(part, memory)?;
                map.lookup(at).ok_or(MapError::InvalidAddress)?.backing
            }
            Backing::Shared { cell, offset } => Backing::Shared {
                cell,
                offset: offset + (at - entry.range.start) / PAGE_SIZE,
            },
            Backing::Nothing => Backing::Nothing,
        };
        let seen = self.see(map, memory, part, backing)?;
        copy.add(memory, number, pages, seen)?;
        Ok(pages)
    }
}
