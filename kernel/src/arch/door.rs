//! The door by SYSENTER, for programs that know this kernel.
//!
//! Owns what one processor needs for it: three registers of its own, and a stack
//! for the one instruction that SYSENTER leads to before the thread's kernel stack
//! is loaded. A part of the processor's area. The code behind the door is in
//! `trap.s`, with Mach's trap gate, which needs nothing of the kind, and the one
//! by `int`. Source: Intel SDM 2B, SYSENTER.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use super::processor::{self, Feature};
use super::segments::KERNEL_CODE;
use super::trap;

const SYSENTER_CS: u32 = 0x174;
const SYSENTER_ESP: u32 = 0x175;
const SYSENTER_EIP: u32 = 0x176;

/// Words of the stack: for an exception that meets the first instruction.
const WORDS: usize = 256;

/// One processor's part of the door.
#[repr(C)]
pub(super) struct Door {
    stack: UnsafeCell<[u32; WORDS]>,
    /// Behind it: the top of the kernel stack of the thread that runs.
    leads_to: AtomicU32,
}

impl Door {
    /// A door that is shut.
    pub(super) const fn new() -> Door {
        Door {
            stack: UnsafeCell::new([0; WORDS]),
            leads_to: AtomicU32::new(0),
        }
    }

    /// Opens it on the processor that calls, if that has one.
    ///
    /// # Safety
    ///
    /// This is the processor's own, stays for good, and is always mapped.
    pub(super) unsafe fn open(&self) {
        if processor::has(Feature::Sysenter) {
            // SAFETY: the processor has these registers; the stack is the caller's
            // word, the code is the kernel's.
            unsafe {
                processor::write_msr(SYSENTER_CS, KERNEL_CODE.bits().into());
                processor::write_msr(SYSENTER_ESP, self.leads_to.as_ptr().addr() as u64);
                processor::write_msr(SYSENTER_EIP, trap::sysenter_address().into());
            }
        }
    }

    /// From now on it leads to the stack below `top`.
    pub(super) fn leads_to(&self, top: u32) {
        self.leads_to.store(top, Ordering::Relaxed);
    }
}
