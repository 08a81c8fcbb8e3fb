//! A bitmap of numbered things handed out in runs: pages of address space.
//!
//! First fit from where the last search ended, so that addresses are not
//! reused at once and a stale pointer faults. Small and exact; meant for a few
//! thousand things.
//!
//! **Invariants**: a set bit is a thing handed out. Only [`RunBitmap::take`]
//! sets bits and only [`RunBitmap::put_back`] clears them, each for whole runs.

/// `32 * WORDS` things, all free when new.
#[derive(Debug)]
pub struct RunBitmap<const WORDS: usize> {
    words: [u32; WORDS],
    next: usize,
    taken: usize,
}

/// Part of the run given back was not handed out: a bug of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken;

impl<const WORDS: usize> RunBitmap<WORDS> {
    /// How many things there are.
    pub const LEN: usize = 32 * WORDS;

    /// Everything free.
    pub const fn new() -> Self {
        Self {
            words: [0; WORDS],
            next: 0,
            taken: 0,
        }
    }

    /// Hands out `count` in a row and tells the first; `None` if there is no
    /// such run, and if `count` is 0.
    pub fn take(&mut self, count: usize) -> Option<usize> {
        if count == 0 || count > Self::LEN {
            return None;
        }
        let first = self
            .find(self.next, count)
            .or_else(|| self.find(0, count))?;
        for number in first..first + count {
            self.words[number / 32] |= 1 << (number % 32);
        }
        self.next = first + count;
        self.taken += count;
        Some(first)
    }

    /// Takes a run back: all of it, or nothing on an error.
    pub fn put_back(&mut self, first: usize, count: usize) -> Result<(), NotTaken> {
        let end = first.checked_add(count).ok_or(NotTaken)?;
        if end > Self::LEN || (first..end).any(|number| !self.is_taken(number)) {
            return Err(NotTaken);
        }
        for number in first..end {
            self.words[number / 32] &= !(1 << (number % 32));
        }
        self.taken -= count;
        Ok(())
    }

    /// How many are handed out.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Whether `number` is handed out; what does not exist is.
    pub fn is_taken(&self, number: usize) -> bool {
        self.words
            .get(number / 32)
            .is_none_or(|word| word & 1 << (number % 32) != 0)
    }

    fn find(&self, from: usize, count: usize) -> Option<usize> {
        let mut start = from;
        let mut number = from;
        while number < Self::LEN {
            if number % 32 == 0 && self.words[number / 32] == u32::MAX {
                number += 32;
                start = number;
                continue;
            }
            if self.is_taken(number) {
                start = number + 1;
            } else if number + 1 - start == count {
                return Some(start);
            }
            number += 1;
        }
        None
    }
}

impl<const WORDS: usize> Default for RunBitmap<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
