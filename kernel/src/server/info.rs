//! Structures of information, as the words of a reply.
//!
//! Owns the form that all `_info` routines answer in: an array of words, whose
//! most the caller names.

use abi::kern_return::KernReturn;
use abi::layout::Plain;

use super::Refused;

/// Words of the largest structure.
const MOST: usize = 40;

/// A structure, word by word.
pub(super) struct Info {
    words: [i32; MOST],
    count: usize,
}

impl Info {
    /// `value`, if the caller, who has room for `room` words, can take all of it.
    pub(super) fn of<T: Plain>(value: &T, room: u32) -> Result<Info, Refused> {
        const { assert!(T::BYTES <= MOST * size_of::<i32>()) };
        let count = T::BYTES / size_of::<i32>();
        if (room as usize) < count {
            return Err(Refused(KernReturn::FAILURE));
        }
        let mut bytes = [0; MOST * size_of::<i32>()];
        value.write(&mut bytes);
        let mut words = [0; MOST];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(size_of::<i32>())) {
            *word = i32::read(bytes);
        }
        Ok(Info { words, count })
    }

    /// The words.
    pub(super) fn words(&self) -> &[i32] {
        &self.words[..self.count]
    }
}
