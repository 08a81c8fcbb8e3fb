//! System calls that a task serves itself (manual 7.2.6).
//!
//! Owns where such a call goes on: at its entry point in user mode, with all
//! registers as they were, and on the stack the flags and, above them, the address
//! behind the trap (seen). Called by the traps before they look what a number
//! means.

use core::sync::atomic::{AtomicBool, Ordering};

use kernel_core::emulation::{Emulation, Refused};

use super::exception::{Exception, raise};
use super::{Task, with_current};
use crate::arch::trap::UserFrame;
use crate::arch::user_memory;
use crate::mm::shared::Shared;

/// Whether any task ever emulated a system call: nobody looks for whom before.
static ANY: AtomicBool = AtomicBool::new(false);

impl Task {
    /// What it emulates; none if it never said.
    pub(crate) fn emulation(&self) -> Option<Shared<Emulation>> {
        self.inner.lock().emulation.clone()
    }

    /// Emulates system calls from number `first` on at other entry points.
    pub(crate) fn emulate(&self, first: i32, entries: &[u32]) -> Result<(), Refused> {
        let none = Emulation::new();
        let old = self.emulation();
        let made = old.as_deref().unwrap_or(&none).with(first, entries)?;
        let made = Shared::try_new(made).map_err(|_| Refused::NoMemory)?;
        ANY.store(true, Ordering::Relaxed);
        // Two that do this at once: the later one counts.
        let before = self.inner.lock().emulation.replace(made);
        drop(before);
        Ok(())
    }
}

/// Whether a system call may be emulated.
#[inline]
pub(crate) fn is_used() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// Sends the thread that calls to where its task serves this system call; tells
/// whether there is such a place.
#[cold]
pub(crate) fn divert(frame: &mut UserFrame) -> bool {
    let number = frame.trap.eax as i32;
    let table = with_current(|user| user.task.emulation()).flatten();
    let Some(entry) = table.and_then(|table| table.entry(number)) else {
        return false;
    };
    let stack = frame.esp.wrapping_sub(2 * size_of::<u32>() as u32);
    match user_memory::copy_out(&[frame.trap.eflags, frame.trap.eip], stack) {
        Ok(()) => {
            frame.esp = stack;
            frame.trap.eip = entry;
        }
        Err(_) => raise(
            frame,
            Exception::bad_stack(stack),
            format_args!("no stack at {stack:#010x} for an emulated system call"),
        ),
    }
    true
}
