//! The debug registers of user threads (Intel SDM 3B 17.2).
//!
//! Owned by the scheduler, which puts a thread's into the processor while it
//! runs, if any of its breakpoints is on.

use core::arch::asm;

/// DR0 to DR7 of a thread; DR4 and DR5 are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DebugRegisters(pub(crate) [u32; 8]);

/// DR6: which breakpoints were met.
pub(crate) const BREAKPOINTS: u32 = 0b1111;
/// DR6: a single step.
const STEP: u32 = 1 << 14;
/// DR7: the enabling bits of all breakpoints.
const ENABLED: u32 = 0xff;
/// DR7: what a user may set: enabling bits, exactness, conditions and lengths.
const CONTROL: u32 = 0xffff_03ff;
/// DR7: the bit that is always set.
const CONTROL_ONE: u32 = 1 << 10;
/// The condition of a breakpoint that no user may have: on ports.
const ON_PORTS: u32 = 0b10;

impl DebugRegisters {
    /// Whether any breakpoint is on.
    pub(crate) fn are_on(&self) -> bool {
        self.0[7] & ENABLED != 0
    }

    /// Whether a user may have them, whose memory ends at `end`.
    pub(crate) fn are_allowed(&self, end: u32) -> bool {
        let control = self.0[7];
        let is_allowed = |number: usize| {
            let is_on = control >> (2 * number) & 0b11 != 0;
            let condition = control >> (16 + 4 * number) & 0b11;
            !is_on || condition != ON_PORTS && self.0[number] < end
        };
        control & !(CONTROL | CONTROL_ONE) == 0 && (0..4).all(is_allowed)
    }

    /// The thread had a debug exception, about which `status` says more.
    pub(crate) fn note(&mut self, status: u32) {
        self.0[6] |= status;
    }

    /// Puts them into the processor, where those of the thread before are, if any
    /// of them is on (`were_on`).
    ///
    /// # Safety
    ///
    /// They are allowed to a user, and the next in user mode is that user.
    pub(crate) unsafe fn load(&self, were_on: bool) {
        if !self.are_on() {
            if were_on {
                // SAFETY: with all breakpoints off, nothing happens.
                unsafe { asm!("mov dr7, {0}", in(reg) CONTROL_ONE, options(nomem, nostack)) };
            }
            return;
        }
        let [first, second, third, fourth, ..] = self.0;
        // SAFETY: what they lead to is the user's own, and the kernel passes over
        // what it meets itself.
        unsafe {
            asm!("mov dr0, {0}", in(reg) first, options(nomem, nostack));
            asm!("mov dr1, {0}", in(reg) second, options(nomem, nostack));
            asm!("mov dr2, {0}", in(reg) third, options(nomem, nostack));
            asm!("mov dr3, {0}", in(reg) fourth, options(nomem, nostack));
            asm!("mov dr7, {0}", in(reg) self.0[7] | CONTROL_ONE, options(nomem, nostack));
        }
    }
}

/// What the last debug exception was about, as DR6 says; forgets it.
pub(crate) fn take_status() -> u32 {
    let status: u32;
    // SAFETY: reading and clearing the status has no other effect.
    unsafe {
        asm!("mov {0}, dr6", out(reg) status, options(nomem, nostack));
        asm!("mov dr6, {0}", in(reg) 0_u32, options(nomem, nostack));
    }
    status & (BREAKPOINTS | STEP)
}
