//! What a thread has used of the processors.
//!
//! Owns the rule by which time is counted: the time stamp counter tells how
//! long a thread ran, and the ticks that met it tell which part was the
//! kernel's. Looking at the counter whenever user mode is entered and left
//! would cost every trap.

use super::info::Used;
use crate::arch::percpu::Mode;
use crate::time;

/// Of one thread, under the scheduler's lock.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Of the time stamp counter.
    cycles: u64,
    /// Ticks that met it in user mode, and in the kernel.
    ticks: [u32; 2],
    /// When it left its last processor, in ticks.
    left_at: u32,
    /// Where it ran last.
    processor: u32,
}

impl Times {
    /// Of a thread that is made now.
    pub(super) fn new() -> Times {
        Times {
            cycles: 0,
            ticks: [0; 2],
            left_at: time::ticks(),
            processor: 0,
        }
    }

    /// It ran for so much of the time stamp counter.
    pub(super) fn ran(&mut self, cycles: u64) {
        self.cycles = self.cycles.wrapping_add(cycles);
    }

    /// A tick met it.
    pub(super) fn tick(&mut self, met: Mode) {
        let ticks = &mut self.ticks[met as usize];
        *ticks = ticks.saturating_add(1);
    }

    /// It leaves a processor, or is ready for one.
    pub(super) fn leaves(&mut self) {
        self.left_at = time::ticks();
    }

    /// Since then.
    pub(super) fn ticks_since_it_left(&self) -> u32 {
        time::ticks().wrapping_sub(self.left_at)
    }

    /// It goes on there.
    pub(super) fn goes_on(&mut self, processor: u32) {
        self.processor = processor;
    }

    /// Where it runs, or ran last.
    pub(super) fn processor(&self) -> u32 {
        self.processor
    }

    /// What it has used, at `hz` cycles a second. One that no tick ever met is
    /// thought to be the user's own.
    pub(super) fn used(&self, hz: u64) -> Used {
        const MICROSECONDS: u64 = 1_000_000;
        let (whole, rest) = (self.cycles / hz, self.cycles % hz);
        let all_us = whole * MICROSECONDS + rest * MICROSECONDS / hz;
        let [user, system] = self.ticks.map(u64::from);
        let ticks = (user + system).max(1);
        // Both below 2^32 but after centuries.
        let system_us = all_us / ticks * system + all_us % ticks * system / ticks;
        Used {
            user_us: all_us - system_us,
            system_us,
        }
    }
}
