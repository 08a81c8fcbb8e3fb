//! The processor's interrupt flag, and waiting for an interrupt.
//!
//! Everyone may use it; locks are built on it.

use x86::bits32::eflags::{self, EFlags};

/// The interrupt flag as it was, to be put back by [`restore`].
#[derive(Clone, Copy, Debug)]
#[must_use = "the flag must be restored"]
pub(crate) struct Saved(EFlags);

/// Turns interrupts off on this processor and tells how they were.
pub(crate) fn disable() -> Saved {
    let flags = flags();
    // SAFETY: running without interrupts is always sound.
    unsafe { x86::irq::disable() };
    Saved(flags)
}

/// Puts the interrupt flag back to what [`disable`] found.
pub(crate) fn restore(saved: Saved) {
    if saved.0.contains(EFlags::FLAGS_IF) {
        // SAFETY: they were on before, so the tables that take them are there.
        unsafe { x86::irq::enable() };
    }
}

/// Whether this processor takes interrupts.
pub(crate) fn enabled() -> bool {
    flags().contains(EFlags::FLAGS_IF)
}

/// Turns interrupts on.
///
/// # Safety
///
/// The interrupt table is loaded and every vector that can come has a handler.
pub(crate) unsafe fn enable() {
    // SAFETY: passed on to the caller.
    unsafe { x86::irq::enable() };
}

/// Turns interrupts on and sleeps until one came; they stay on.
///
/// `sti` holds interrupts off for one more instruction, so one that comes
/// between the caller's check (interrupts off) and the `hlt` still wakes it
/// (Intel SDM 2B, STI).
///
/// # Safety
///
/// As for [`enable`].
pub(crate) unsafe fn enable_and_wait() {
    // SAFETY: the caller vouches for the handlers. They change memory, which
    // the compiler must not think unchanged.
    unsafe { core::arch::asm!("sti", "hlt", options(nostack)) };
}

/// Stops this processor for good.
pub(crate) fn halt_forever() -> ! {
    loop {
        // SAFETY: with interrupts off, only an NMI ends the hlt, and the loop
        // goes back to it.
        unsafe { core::arch::asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

fn flags() -> EFlags {
    // SAFETY: reading EFLAGS changes nothing.
    unsafe { eflags::read() }
}
