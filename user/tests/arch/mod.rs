//! Instructions for the test programs: crimes, x87 and SSE registers, the clock.
//!
//! The only assembly of the tests.

pub mod crime;
pub mod fpu;
pub mod gate;
pub mod ports;
pub mod segments;

use core::arch::asm;

/// The time stamp counter.
#[must_use]
pub fn time_stamp() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: it reads a counter; every processor from the Pentium on has it.
    unsafe { asm!("rdtsc", out("eax") low, out("edx") high, options(nomem, nostack)) };
    u64::from(high) << 32 | u64::from(low)
}
