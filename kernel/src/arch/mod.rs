//! The i386 PC: the only folder that knows registers, ports and instructions.
//!
//! Drivers here hold no locks and print nothing; the layers above own the
//! instances, the locks and the policy.

pub(crate) mod ap;
#[cfg(feature = "ktest")]
pub(crate) mod crime;
pub(crate) mod debug;
mod door;
pub(crate) mod exit;
pub(crate) mod fpu;
pub(crate) mod interrupts;
pub(crate) mod ioapic;
pub(crate) mod lapic;
mod memory;
pub(crate) mod mmio;
pub(crate) mod own_segments;
pub(crate) mod paging;
pub(crate) mod percpu;
pub(crate) mod pic;
pub(crate) mod pit;
pub(crate) mod port;
pub(crate) mod processor;
pub(crate) mod registers;
pub(crate) mod rtc;
pub(crate) mod segments;
pub(crate) mod switch;
pub(crate) mod trap;
pub(crate) mod tsc;
pub(crate) mod uart;
pub(crate) mod user_memory;
pub(crate) mod vga;
