//! Numbers that look random and come again with their seed.
//!
//! Owns nothing but the state; for programs that try the kernel.

/// A generator (xorshift, 32 bits).
pub struct Random(u32);

impl Random {
    /// One for a seed; each task has its own.
    #[must_use]
    pub fn new(seed: u32, own: u32) -> Random {
        let mixed = seed.wrapping_mul(0x9e37_79b9) ^ own.wrapping_mul(0x85eb_ca6b);
        // Zero would stay zero.
        Random(mixed | 1)
    }

    /// Any word.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: u32) -> u32 {
        self.word() % end
    }
}
