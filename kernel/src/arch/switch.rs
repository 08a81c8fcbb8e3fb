//! Kernel stacks that wait: where a thread of control goes on.
//!
//! Owns `switch.s`. The scheduler is the only caller; it decides who goes on,
//! this only exchanges stack pointers.

use core::arch::global_asm;
use core::cell::UnsafeCell;

use super::trap::{self, UserFrame};

global_asm!(include_str!("switch.s"));

unsafe extern "C" {
    fn switch_stacks(save: *mut u32, to: u32);
}

/// The stack pointer of a thread of control that does not run.
///
/// **Invariant**: unless its owner runs, it names words on the owner's stack
/// as `switch.s` pops them.
#[derive(Debug)]
pub(crate) struct Saved(UnsafeCell<u32>);

// SAFETY: it is written while its owner leaves a processor and read when
// another goes on with it; whoever calls `switch` orders the two.
unsafe impl Sync for Saved {}

/// What `switch_stacks` pops before it returns.
const KEPT_REGISTERS: usize = 4;

impl Saved {
    /// For one that runs already: filled when it leaves.
    pub(crate) const fn running() -> Saved {
        Saved(UnsafeCell::new(0))
    }

    /// For a user thread that begins with `frame`, put on the stack that ends
    /// at `top`.
    ///
    /// # Safety
    ///
    /// The stack is mapped, has room, and is nobody's yet.
    pub(crate) unsafe fn for_user(top: u32, frame: &UserFrame) -> Saved {
        let at = top - size_of::<UserFrame>() as u32;
        // SAFETY: the caller vouches for the stack; tops of stacks are aligned.
        unsafe { (at as usize as *mut UserFrame).write(*frame) };
        // SAFETY: as above, below the frame.
        unsafe { Saved::returning_to(at, trap::thread_start_address()) }
    }

    /// For a thread of the kernel that begins in `entry`, on the stack that
    /// ends at `top`.
    ///
    /// # Safety
    ///
    /// The stack is mapped, has room, and is nobody's yet.
    pub(crate) unsafe fn for_kernel(top: u32, entry: extern "C" fn() -> !) -> Saved {
        // As if it had been called from nowhere, for backtraces.
        let nowhere = top - size_of::<u32>() as u32;
        // SAFETY: passed on to the caller.
        unsafe {
            (nowhere as usize as *mut u32).write(0);
            Saved::returning_to(nowhere, entry as usize as u32)
        }
    }

    /// # Safety
    ///
    /// The words below `top` are free.
    unsafe fn returning_to(top: u32, entry: u32) -> Saved {
        let words = KEPT_REGISTERS + 1;
        let at = top - (words * size_of::<u32>()) as u32;
        let mut kept = [0; KEPT_REGISTERS + 1];
        kept[KEPT_REGISTERS] = entry;
        // SAFETY: passed on to the caller.
        unsafe { (at as usize as *mut [u32; KEPT_REGISTERS + 1]).write(kept) };
        Saved(UnsafeCell::new(at))
    }
}

/// Leaves the processor to `to`; returns when somebody switches back to `from`.
///
/// # Safety
///
/// Interrupts are off, `from` is the caller's, `to` is nobody else's to switch
/// to, and no other processor switches to `from` before this one has left its
/// stack.
pub(crate) unsafe fn switch(from: &Saved, to: &Saved) {
    // SAFETY: the caller vouches for both; `to` does not run, so its stack
    // pointer is valid by the invariant.
    unsafe { switch_stacks(from.0.get(), *to.0.get()) };
}
