//! Values of one type in small chunks, each named by a 32-bit handle.
//!
//! Where the kernel keeps what a user can make it allocate: tables that grow
//! only while there is memory, by blocks of at most [`BLOCK`] bytes, and give
//! a chunk back when its last value leaves. Whoever owns an [`Arena`] keeps it
//! under the lock of what the values describe; handles mean nothing elsewhere.
//!
//! The first chunk grows by doubling, so that an arena of three values costs
//! a few hundred bytes. Insertion, removal and look-up cost the same however
//! many values there are.
//!
//! **Invariants**
//! - `slots[s]` of chunk `c` has the handle with index `c * PER_CHUNK + s`, for
//!   as long as its value stays. `place` is the only one to compute it.
//! - A chunk is on the list `roomy` exactly if it has a slot that needs no more
//!   memory, and on `released` exactly if it owns none; `room` counts these
//!   slots. `insert`, `remove`, `grow` and `release` keep it so. Broken, a
//!   reservation would be worth nothing.
//! - The last chunk is never a released one: `release` drops those at the end.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};
use core::{fmt, iter};

mod list;

use list::{Directory, List, Slot};

/// No allocation of an arena is larger, unless one value is.
pub const BLOCK: usize = 4096;

/// What the first chunk of an arena begins with, in bytes.
const FIRST: usize = 256;

/// There is no memory, or no index, for another value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoMemory;

impl fmt::Display for NoMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no kernel memory for another object")
    }
}

/// Names a value of an [`Arena<T>`] until it is removed; 4 bytes, also as an
/// `Option`. A handle whose value is gone may come to name another one.
pub struct Handle<T> {
    /// The index plus one.
    number: NonZeroU32,
    of: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    /// The handle with this index; `None` for `u32::MAX`, which no value has.
    pub const fn from_index(index: u32) -> Option<Self> {
        match NonZeroU32::new(index.wrapping_add(1)) {
            Some(number) => Some(Self {
                number,
                of: PhantomData,
            }),
            None => None,
        }
    }

    /// The index: small, and the lowest ones are given out first in an arena
    /// that has only grown.
    pub const fn index(self) -> u32 {
        self.number.get() - 1
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Handle<T> {}

impl<T> PartialOrd for Handle<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Handle<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}

impl<T> Hash for Handle<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index())
    }
}

/// The values. Empty and without memory when new.
pub struct Arena<T> {
    chunks: Directory<T>,
    /// Chunks with slots that need no memory.
    roomy: List,
    /// Chunks that gave their memory back.
    released: List,
    /// Slots in use.
    length: u32,
    /// Slots not in use that need no memory.
    room: u32,
}

impl<T> Arena<T> {
    /// Values in a full chunk: a power of two, so that a handle is found its
    /// slot without a division.
    const PER_CHUNK: usize = match BLOCK / size_of::<Slot<T>>() {
        0 => 1,
        count => 1 << count.ilog2(),
    };

    /// Values the first chunk begins with.
    const FIRST_SLOTS: usize = match FIRST / size_of::<Slot<T>>() {
        0 => 1,
        count => count,
    };

    /// An arena of no values, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            chunks: Directory::new(),
            roomy: List::EMPTY,
            released: List::EMPTY,
            length: 0,
            room: 0,
        }
    }

    /// How many values there are.
    pub const fn len(&self) -> u32 {
        self.length
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts a value in.
    ///
    /// # Errors
    /// [`NoMemory`]; the value is dropped.
    pub fn insert(&mut self, value: T) -> Result<Handle<T>, NoMemory> {
        if self.roomy.first().is_none() {
            self.grow()?;
        }
        let number = self.roomy.first().ok_or(NoMemory)?;
        let chunk = self.chunks.at_mut(number).ok_or(NoMemory)?;
        let slot = chunk.occupy(value);
        let full = !chunk.has_room();
        if full {
            self.roomy.unlink(&mut self.chunks, number);
        }
        self.length += 1;
        self.room -= 1;
        let index = number as usize * Self::PER_CHUNK + slot;
        let index = u32::try_from(index).map_err(|_| NoMemory)?;
        Handle::from_index(index).ok_or(NoMemory)
    }

    /// Sees to it that the next `count` insertions succeed, if no removal
    /// comes between: for operations that may not fail in the middle.
    ///
    /// # Errors
    /// [`NoMemory`]; what could be had is kept.
    pub fn reserve(&mut self, count: u32) -> Result<(), NoMemory> {
        while self.room < count {
            self.grow()?;
        }
        Ok(())
    }

    /// Takes a value out. `None` if the handle names none.
    pub fn remove(&mut self, handle: Handle<T>) -> Option<T> {
        let (number, slot) = Self::place(handle);
        let chunk = self.chunks.at_mut(number)?;
        let had_room = chunk.has_room();
        let value = chunk.vacate(slot)?;
        let empty = chunk.is_empty();
        self.length -= 1;
        self.room += 1;
        if !had_room {
            self.roomy.link(&mut self.chunks, number);
        }
        if empty && number != 0 {
            self.release(number);
        }
        if self.length == 0 {
            self.shrink();
        }
        Some(value)
    }

    /// The value, if the handle names one.
    #[inline(always)]
    pub fn at(&self, handle: Handle<T>) -> Option<&T> {
        let (number, slot) = Self::place(handle);
        match self.chunks.at(number)?.slot(slot)? {
            Slot::Occupied(value) => Some(value),
            Slot::Vacant { .. } => None,
        }
    }

    /// The value, to be changed, if the handle names one.
    #[inline(always)]
    pub fn at_mut(&mut self, handle: Handle<T>) -> Option<&mut T> {
        let (number, slot) = Self::place(handle);
        match self.chunks.at_mut(number)?.slot_mut(slot)? {
            Slot::Occupied(value) => Some(value),
            Slot::Vacant { .. } => None,
        }
    }

    /// The first value at `index` or after it, with its handle: to walk over
    /// all values while the arena changes.
    pub fn first_from(&self, index: u32) -> Option<(Handle<T>, &T)> {
        let mut number = index / Self::PER_CHUNK as u32;
        let mut skip = index as usize % Self::PER_CHUNK;
        while let Some(chunk) = self.chunks.at(number) {
            for (slot, content) in chunk.slots().iter().enumerate().skip(skip) {
                if let Slot::Occupied(value) = content {
                    let index = number as usize * Self::PER_CHUNK + slot;
                    let handle = Handle::from_index(u32::try_from(index).ok()?)?;
                    return Some((handle, value));
                }
            }
            skip = 0;
            number += 1;
        }
        None
    }

    /// All values with their handles, by index.
    pub fn iter(&self) -> impl Iterator<Item = (Handle<T>, &T)> {
        let mut next = self.first_from(0);
        iter::from_fn(move || {
            let found = next?;
            next = self.first_from(found.0.index() + 1);
            Some(found)
        })
    }

    /// Chunk and slot of a handle.
    #[inline(always)]
    const fn place(handle: Handle<T>) -> (u32, usize) {
        let index = handle.index();
        let per_chunk = Self::PER_CHUNK as u32;
        (index / per_chunk, (index % per_chunk) as usize)
    }

    /// Makes room: in the first chunk, in a released one, or in a new one.
    fn grow(&mut self) -> Result<(), NoMemory> {
        let number = match (self.chunks.at(0), self.released.first()) {
            (Some(first), _) if first.capacity() < Self::PER_CHUNK => 0,
            (_, Some(released)) => released,
            (_, None) => {
                let number = self.chunks.push()?;
                self.released.link(&mut self.chunks, number);
                number
            }
        };
        let chunk = self.chunks.at_mut(number).ok_or(NoMemory)?;
        let had_room = chunk.has_room();
        let had = chunk.capacity();
        let wanted = match number {
            0 => (had * 2).clamp(Self::FIRST_SLOTS, Self::PER_CHUNK),
            _ => Self::PER_CHUNK,
        };
        let Ok(more) = chunk.reserve(wanted) else {
            self.drop_unused();
            return Err(NoMemory);
        };
        if had == 0 {
            self.released.unlink(&mut self.chunks, number);
        }
        if !had_room {
            self.roomy.link(&mut self.chunks, number);
        }
        self.room += more;
        Ok(())
    }

    /// Makes the first chunk of an arena without values as small as it began: not
    /// smaller, so that values that come and go one at a time cost nothing.
    fn shrink(&mut self) {
        let capacity = self.chunks.at(0).map_or(0, |chunk| chunk.capacity());
        if capacity > Self::FIRST_SLOTS {
            self.release(0);
            // Without memory it grows when it must.
            let _ = self.grow();
        }
    }

    /// Gives back the memory of a chunk without values.
    fn release(&mut self, number: u32) {
        self.roomy.unlink(&mut self.chunks, number);
        if let Some(chunk) = self.chunks.at_mut(number) {
            self.room -= chunk.release();
        }
        self.released.link(&mut self.chunks, number);
        self.drop_unused();
    }

    /// Forgets the released chunks at the end.
    fn drop_unused(&mut self) {
        while let Some(last) = self.chunks.last() {
            let chunk = self.chunks.at(last);
            if chunk.is_some_and(|chunk| chunk.capacity() > 0) {
                return;
            }
            self.released.unlink(&mut self.chunks, last);
            self.chunks.pop();
        }
    }
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The value; panics where the handle names none, which is its owner's bug.
impl<T> Index<Handle<T>> for Arena<T> {
    type Output = T;

    fn index(&self, handle: Handle<T>) -> &T {
        match self.at(handle) {
            Some(value) => value,
            None => stale(handle.index()),
        }
    }
}

/// As [`Index`].
impl<T> IndexMut<Handle<T>> for Arena<T> {
    fn index_mut(&mut self, handle: Handle<T>) -> &mut T {
        match self.at_mut(handle) {
            Some(value) => value,
            None => stale(handle.index()),
        }
    }
}

#[cold]
#[inline(never)]
fn stale(index: u32) -> ! {
    panic!("handle #{index} names nothing");
}
