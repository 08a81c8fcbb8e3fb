//! Which I/O ports a task may use: a bit for each, clear if it may.
//!
//! Owns the bits, as the processor reads them behind a task state (Intel SDM 1
//! 19.5.2). The kernel keeps one for each task that may use any.

use alloc::vec::Vec;

use crate::arena::NoMemory;

/// Words of a whole map.
pub const WORDS: usize = 65536 / 64;

/// A map; of no port to begin with.
#[derive(Debug)]
pub struct PortMap(Vec<u64>);

/// Whether a port may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
}

impl PortMap {
    /// Allows nothing.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn new() -> Result<Self, NoMemory> {
        let mut words = Vec::new();
        words.try_reserve_exact(WORDS).map_err(|_| NoMemory)?;
        words.resize(WORDS, u64::MAX);
        Ok(Self(words))
    }

    /// Changes the ports from `first` to `last`, which is one of them.
    pub fn set(&mut self, first: u16, last: u16, permission: Permission) {
        let (from, to) = (usize::from(first), usize::from(last));
        for number in from / 64..=to / 64 {
            let low = from.saturating_sub(number * 64);
            let high = (to - number * 64).min(63);
            if low > high {
                return;
            }
            let bits = (u64::MAX >> (63 - (high - low))) << low;
            if let Some(word) = self.0.get_mut(number) {
                match permission {
                    Permission::Allowed => *word &= !bits,
                    Permission::Denied => *word |= bits,
                }
            }
        }
    }

    /// Whether no port may be used.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == u64::MAX)
    }

    /// All bits, 64 ports to a word.
    pub fn words(&self) -> &[u64] {
        &self.0
    }
}
