//! A set of frames as a tree of bit words, 32 children each.
//!
//! Owns the bits for the frame allocator, its only caller: finding the next
//! frame of the set takes four steps up and four down, however far it is.
//!
//! **Invariants**: a bit of an upper level is set exactly if the word below it
//! is not zero; `put` and `take`, the only writers, see to it. Broken, members
//! become unfindable, or a search ends in an empty word.

use crate::addr::PAGES;

/// Where each level of the tree starts in `words`, leaves first.
const LEVEL: [usize; 4] = [0, 32768, 32768 + 1024, 32768 + 1024 + 32];
const WORDS: usize = LEVEL[3] + 1;
const _: () = assert!(LEVEL[1] * 32 == PAGES as usize);

/// A set of frames, by number.
pub(super) struct FrameTree {
    words: [u32; WORDS],
}

impl FrameTree {
    /// The empty set, all bytes zero.
    pub(super) const fn new() -> Self {
        Self { words: [0; WORDS] }
    }

    /// Whether frame `number` is in the set.
    pub(super) fn contains(&self, number: u32) -> bool {
        self.words[number as usize / 32] & (1 << (number % 32)) != 0
    }

    /// Sets the bits of frames `start..end` and of the words they lie in.
    pub(super) fn put(&mut self, start: u32, end: u32) {
        for (word, mask) in words_of(start, end) {
            let old = self.words[word];
            self.words[word] = old | mask;
            let (mut index, mut was_empty) = (word, old == 0);
            for level in &LEVEL[1..] {
                if !was_empty {
                    break;
                }
                let parent = &mut self.words[level + index / 32];
                was_empty = *parent == 0;
                *parent |= 1 << (index % 32);
                index /= 32;
            }
        }
    }

    /// Clears the bits of frames `start..end` and of words that become zero.
    pub(super) fn take(&mut self, start: u32, end: u32) {
        for (word, mask) in words_of(start, end) {
            self.words[word] &= !mask;
            let (mut index, mut is_empty) = (word, self.words[word] == 0);
            for level in &LEVEL[1..] {
                if !is_empty {
                    break;
                }
                let parent = &mut self.words[level + index / 32];
                *parent &= !(1 << (index % 32));
                is_empty = *parent == 0;
                index /= 32;
            }
        }
    }

    /// The first frame of `start..end` whose bit is set.
    pub(super) fn next_free(&self, start: u32, end: u32) -> Option<u32> {
        let mut index = start;
        for level in 0..LEVEL.len() {
            // `index` is the first child of this level not yet ruled out.
            let word = index as usize / 32;
            let level_end = LEVEL.get(level + 1).copied().unwrap_or(WORDS);
            if LEVEL[level] + word >= level_end {
                return None;
            }
            let bits = self.words[LEVEL[level] + word] & (u32::MAX << (index % 32));
            if bits != 0 {
                let mut found = index / 32 * 32 + bits.trailing_zeros();
                for below in LEVEL[..level].iter().rev() {
                    let bits = self.words[below + found as usize];
                    found = found * 32 + bits.trailing_zeros();
                }
                return (found < end).then_some(found);
            }
            index = index / 32 + 1;
        }
        None
    }

    /// The first frame of `start..end` whose bit is not set.
    pub(super) fn first_taken(&self, start: u32, end: u32) -> Option<u32> {
        words_of(start, end).find_map(|(word, mask)| {
            let taken = !self.words[word] & mask;
            let first = (word as u32) * 32 + taken.trailing_zeros();
            (taken != 0).then_some(first)
        })
    }
}

/// The leaf words of frames `start..end`, each with the bits that are meant.
fn words_of(start: u32, end: u32) -> impl Iterator<Item = (usize, u32)> {
    let mut from = start;
    core::iter::from_fn(move || {
        if from >= end {
            return None;
        }
        let word = from / 32;
        let stop = end.min((word + 1) * 32);
        let mask = (u32::MAX >> (32 - (stop - from))) << (from % 32);
        from = stop;
        Some((word as usize, mask))
    })
}
