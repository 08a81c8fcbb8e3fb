//! A queue of bytes from one producer to one consumer, without a lock.
//!
//! Owns the bytes in between: serial input goes from the interrupt handler
//! through it to whoever reads the console. At most one thread or interrupt
//! may push at a time, and at most one may pop; they may be on different
//! processors. Breaking that is safe, but loses or repeats bytes.
//!
//! **Invariants**: `pushed - popped <= N`, wrapping. The producer alone writes
//! `pushed` and the slots from it on, the consumer alone writes `popped`; each
//! publishes with release what the other reads with acquire. Broken, a slot
//! would be read before it is written.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// The queue; `N` is a power of two. All zero when new.
pub struct ByteQueue<const N: usize> {
    slots: [AtomicU8; N],
    /// Bytes ever put in, wrapping.
    pushed: AtomicU32,
    /// Bytes ever taken out, wrapping.
    popped: AtomicU32,
    lost: AtomicU32,
}

/// The byte did not fit; it has been counted as lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl<const N: usize> ByteQueue<N> {
    /// An empty queue.
    pub const fn new() -> Self {
        const {
            assert!(
                N.is_power_of_two() && N <= 1 << 16,
                "counters wrap at 2^32, which must be a multiple of N"
            );
        }
        Self {
            slots: [const { AtomicU8::new(0) }; N],
            pushed: AtomicU32::new(0),
            popped: AtomicU32::new(0),
            lost: AtomicU32::new(0),
        }
    }

    /// Puts in a byte. The producer's.
    pub fn push(&self, byte: u8) -> Result<(), Full> {
        let pushed = self.pushed.load(Ordering::Relaxed);
        let popped = self.popped.load(Ordering::Acquire);
        if pushed.wrapping_sub(popped) >= N as u32 {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Err(Full);
        }
        self.slots[pushed as usize % N].store(byte, Ordering::Relaxed);
        self.pushed.store(pushed.wrapping_add(1), Ordering::Release);
        Ok(())
    }

    /// Takes out the oldest byte. The consumer's.
    pub fn pop(&self) -> Option<u8> {
        let popped = self.popped.load(Ordering::Relaxed);
        if popped == self.pushed.load(Ordering::Acquire) {
            return None;
        }
        let byte = self.slots[popped as usize % N].load(Ordering::Relaxed);
        self.popped.store(popped.wrapping_add(1), Ordering::Release);
        Some(byte)
    }

    /// Whether there is nothing to take out right now.
    pub fn is_empty(&self) -> bool {
        self.popped.load(Ordering::Acquire) == self.pushed.load(Ordering::Acquire)
    }

    /// How many bytes did not fit since this was last asked.
    pub fn take_lost(&self) -> u32 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

impl<const N: usize> Default for ByteQueue<N> {
    fn default() -> Self {
        Self::new()
    }
}
