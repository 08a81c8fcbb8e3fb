//! Numbers that look random and come again with their seed.

/// A generator (xorshift, 32 bits).
pub(crate) struct Random(u32);

impl Random {
    /// One for a seed; each task has its own.
    pub(crate) fn new(seed: u32, own: u32) -> Random {
        let mixed = seed.wrapping_mul(0x9e37_79b9) ^ own.wrapping_mul(0x85eb_ca6b);
        // Zero would stay zero.
        Random(mixed | 1)
    }

    /// Any word.
    pub(crate) fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.word() % end
    }
}
