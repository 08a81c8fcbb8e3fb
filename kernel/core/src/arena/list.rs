//! The chunks of an arena, their directory, and lists through them.
//!
//! The arena's own parts; nobody else uses them.
//!
//! **Invariants**
//! - `free` heads a chain through exactly the vacant ones of `slots`, and
//!   `live` counts the others. [`Chunk::occupy`] and [`Chunk::vacate`] keep it.
//! - Every group but the last has [`Directory::GROUP`] chunks, and none is
//!   empty: chunks come and go at the end only. `at` trusts it.
//! - A chunk is on at most one list, so one pair of links is enough.

use alloc::vec::Vec;
use core::mem;

use super::{BLOCK, NoMemory};

/// No chunk, no slot.
const NONE: u32 = u32::MAX;

/// A place for a value.
pub(super) enum Slot<T> {
    /// With a value.
    Occupied(T),
    /// Without, and the next one without.
    Vacant {
        /// A slot of the same chunk, or `NONE`.
        next: u32,
    },
}

/// Slots in one block of memory. A power of two in size, to be found by a shift.
#[repr(align(32))]
pub(super) struct Chunk<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    live: u32,
    previous: u32,
    next: u32,
}

impl<T> Chunk<T> {
    const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            live: 0,
            previous: NONE,
            next: NONE,
        }
    }

    pub(super) fn slots(&self) -> &[Slot<T>] {
        &self.slots
    }

    #[inline(always)]
    pub(super) fn slot(&self, slot: usize) -> Option<&Slot<T>> {
        self.slots.get(slot)
    }

    #[inline(always)]
    pub(super) fn slot_mut(&mut self, slot: usize) -> Option<&mut Slot<T>> {
        self.slots.get_mut(slot)
    }

    /// How many slots there is memory for.
    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    pub(super) fn has_room(&self) -> bool {
        (self.live as usize) < self.slots.capacity()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Makes the capacity `wanted` slots; returns how many more that is.
    pub(super) fn reserve(&mut self, wanted: usize) -> Result<u32, NoMemory> {
        let had = self.slots.capacity();
        let more = wanted.saturating_sub(self.slots.len());
        let reserved = self.slots.try_reserve_exact(more);
        reserved.map_err(|_| NoMemory)?;
        u32::try_from(self.slots.capacity() - had).map_err(|_| NoMemory)
    }

    /// Gives the memory back; returns how many slots that was.
    pub(super) fn release(&mut self) -> u32 {
        let slots = mem::take(&mut self.slots);
        self.free = NONE;
        slots.capacity() as u32
    }

    /// Puts a value into a slot that is vacant. There must be room.
    pub(super) fn occupy(&mut self, value: T) -> usize {
        self.live += 1;
        let vacant = self.free as usize;
        match self.slots.get_mut(vacant) {
            Some(slot) => {
                if let Slot::Vacant { next } = *slot {
                    self.free = next;
                }
                *slot = Slot::Occupied(value);
                vacant
            }
            None => {
                self.slots.push(Slot::Occupied(value));
                self.slots.len() - 1
            }
        }
    }

    /// Takes a value out of its slot.
    pub(super) fn vacate(&mut self, slot: usize) -> Option<T> {
        let place = self.slots.get_mut(slot)?;
        if let Slot::Vacant { .. } = place {
            return None;
        }
        let vacant = Slot::Vacant { next: self.free };
        let Slot::Occupied(value) = mem::replace(place, vacant) else {
            return None;
        };
        self.free = slot as u32;
        self.live -= 1;
        Some(value)
    }
}

/// All chunks of an arena by number, in blocks of bounded size as well.
pub(super) struct Directory<T> {
    groups: Vec<Vec<Chunk<T>>>,
}

impl<T> Directory<T> {
    /// Chunks in a group.
    const GROUP: usize = 1 << (BLOCK / size_of::<Chunk<T>>()).ilog2();

    /// Groups at most.
    const GROUPS: usize = 1 << (BLOCK / size_of::<Vec<Chunk<T>>>()).ilog2();

    pub(super) const fn new() -> Self {
        Self { groups: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn at(&self, number: u32) -> Option<&Chunk<T>> {
        let number = number as usize;
        let group = self.groups.get(number / Self::GROUP)?;
        group.get(number % Self::GROUP)
    }

    #[inline(always)]
    pub(super) fn at_mut(&mut self, number: u32) -> Option<&mut Chunk<T>> {
        let number = number as usize;
        let group = self.groups.get_mut(number / Self::GROUP)?;
        group.get_mut(number % Self::GROUP)
    }

    /// The number of the last chunk.
    pub(super) fn last(&self) -> Option<u32> {
        let group = self.groups.len().checked_sub(1)?;
        let inside = self.groups.get(group)?.len().checked_sub(1)?;
        u32::try_from(group * Self::GROUP + inside).ok()
    }

    /// Adds a chunk without memory at the end; returns its number.
    pub(super) fn push(&mut self) -> Result<u32, NoMemory> {
        let full = self
            .groups
            .last()
            .is_none_or(|group| group.len() == Self::GROUP);
        if full {
            if self.groups.len() == Self::GROUPS {
                return Err(NoMemory);
            }
            self.groups.try_reserve(1).map_err(|_| NoMemory)?;
            let mut group = Vec::new();
            group.try_reserve(1).map_err(|_| NoMemory)?;
            group.push(Chunk::new());
            self.groups.push(group);
        } else if let Some(group) = self.groups.last_mut() {
            group.try_reserve(1).map_err(|_| NoMemory)?;
            group.push(Chunk::new());
        }
        self.last().ok_or(NoMemory)
    }

    /// Removes the chunk at the end.
    pub(super) fn pop(&mut self) {
        let Some(group) = self.groups.last_mut() else {
            return;
        };
        group.pop();
        if group.is_empty() {
            self.groups.pop();
        }
        if self.groups.is_empty() {
            self.groups = Vec::new();
        }
    }
}

/// A list of chunks, linked through them; the newest comes first.
pub(super) struct List {
    first: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { first: NONE };

    pub(super) const fn first(&self) -> Option<u32> {
        if self.first == NONE {
            None
        } else {
            Some(self.first)
        }
    }

    /// Adds a chunk that is on no list.
    pub(super) fn link<T>(&mut self, chunks: &mut Directory<T>, number: u32) {
        if let Some(second) = chunks.at_mut(self.first) {
            second.previous = number;
        }
        if let Some(chunk) = chunks.at_mut(number) {
            chunk.previous = NONE;
            chunk.next = self.first;
        }
        self.first = number;
    }

    /// Removes a chunk that is on this list.
    pub(super) fn unlink<T>(&mut self, chunks: &mut Directory<T>, number: u32) {
        let Some(chunk) = chunks.at(number) else {
            return;
        };
        let (previous, next) = (chunk.previous, chunk.next);
        match chunks.at_mut(previous) {
            Some(before) => before.next = next,
            None => self.first = next,
        }
        if let Some(after) = chunks.at_mut(next) {
            after.previous = previous;
        }
    }
}
