//! Which system calls a task serves itself, and where (manual 7.2.6).
//!
//! Owns one table of entry points, from a first number on; a table never changes:
//! a change makes another. The kernel keeps one for each task that has any.

use alloc::vec::Vec;

/// Entry points that a table has at most.
pub const MOST: usize = 1024;
/// `EML_ROUTINE_NULL`: the kernel's own.
const NONE: u32 = 0;

/// Entry points by number.
#[derive(Debug, Default)]
pub struct Emulation {
    first: i32,
    entries: Vec<u32>,
}

/// Why there is no new table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It would have more than [`MOST`] places.
    TooMany,
    /// There is no memory.
    NoMemory,
}

impl Emulation {
    /// No system call is emulated.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: 0,
            entries: Vec::new(),
        }
    }

    /// The number of the first place; 0 if there is none.
    #[must_use]
    pub const fn first(&self) -> i32 {
        self.first
    }

    /// All places from the first on; 0 in those that are not emulated.
    #[must_use]
    pub fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// Where the system call `number` is served, if not in the kernel.
    #[must_use]
    pub fn entry(&self, number: i32) -> Option<u32> {
        let place = i64::from(number) - i64::from(self.first);
        let entry = self.entries.get(usize::try_from(place).ok()?)?;
        Some(*entry).filter(|entry| *entry != NONE)
    }

    /// The same, with others from number `first` on. Places between the old and
    /// the new ones are there too, and empty (seen).
    ///
    /// # Errors
    /// [`Refused`].
    pub fn with(&self, first: i32, entries: &[u32]) -> Result<Self, Refused> {
        let mut made = Self::new();
        let (start, end) = match self.entries.len() {
            0 => (first, end(first, entries)?),
            _ if entries.is_empty() => (self.first, end(self.first, &self.entries)?),
            _ => (
                self.first.min(first),
                end(self.first, &self.entries)?.max(end(first, entries)?),
            ),
        };
        let places = usize::try_from(end - i64::from(start)).map_err(|_| Refused::TooMany)?;
        if places > MOST {
            return Err(Refused::TooMany);
        }
        let reserved = made.entries.try_reserve_exact(places);
        reserved.map_err(|_| Refused::NoMemory)?;
        made.entries.resize(places, NONE);
        for (first, from) in [(self.first, &*self.entries), (first, entries)] {
            let skipped = usize::try_from(i64::from(first) - i64::from(start)).unwrap_or(places);
            for (to, from) in made.entries.iter_mut().skip(skipped).zip(from) {
                *to = *from;
            }
        }
        made.first = if places == 0 { 0 } else { start };
        Ok(made)
    }
}

/// The number behind the last.
fn end(first: i32, entries: &[u32]) -> Result<i64, Refused> {
    let count = i64::try_from(entries.len()).map_err(|_| Refused::TooMany)?;
    Ok(i64::from(first) + count)
}
