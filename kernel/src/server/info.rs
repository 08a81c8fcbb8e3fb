//! Structures of information, as the words of a reply.
//!
//! Owns the form that routines answer in whose most words the caller names.

use abi::kern_return::KernReturn;
use abi::layout::Plain;

use super::Refused;

/// Words of the largest structure.
const MOST: usize = 148;
const WORD: usize = size_of::<i32>();

/// Words, in order.
pub(super) struct Words {
    words: [i32; MOST],
    count: usize,
}

impl Words {
    /// None yet.
    pub(super) const fn new() -> Words {
        Words {
            words: [0; MOST],
            count: 0,
        }
    }

    /// `value`, if the caller, who has room for `room` words, can take all of it.
    pub(super) fn of<T: Plain>(value: &T, room: u32) -> Result<Words, Refused> {
        let mut words = Words::new();
        words.push(value);
        match (room as usize) < words.count {
            true => Err(Refused(KernReturn::FAILURE)),
            false => Ok(words),
        }
    }

    /// As much of `value` as the caller has room for, if that is `least` words:
    /// older headers know less of it.
    pub(super) fn up_to<T: Plain>(value: &T, least: u32, room: u32) -> Result<Words, Refused> {
        if room < least {
            return Err(Refused(KernReturn::INVALID_ARGUMENT));
        }
        let mut words = Words::new();
        words.push(value);
        words.count = words.count.min(room as usize);
        Ok(words)
    }

    /// Appends a structure.
    pub(super) fn push<T: Plain>(&mut self, value: &T) {
        const { assert!(T::BYTES <= MOST * WORD) };
        let mut bytes = [0; MOST * WORD];
        value.write(&mut bytes);
        self.push_bytes(&bytes[..T::BYTES]);
    }

    /// Appends bytes, as whole words.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        let places = self.words[self.count..].iter_mut();
        for (word, bytes) in places.zip(bytes.chunks_exact(WORD)) {
            *word = i32::read(bytes);
            self.count += 1;
        }
    }

    /// The words.
    pub(super) fn words(&self) -> &[i32] {
        &self.words[..self.count]
    }

    /// The words, where they have no sign, and how many of them count.
    pub(super) fn unsigned(&self) -> ([u32; MOST], usize) {
        (self.words.map(|word| word as u32), self.count)
    }
}
