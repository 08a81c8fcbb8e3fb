//! What a user thread's faults lead to.
//!
//! Called by the trap layer.

use core::fmt;

use kernel_core::addr::VirtAddr;
use kernel_core::vm::map::MapError;

use super::thread::end_current;
use super::with_current;
use crate::arch::debug;
use crate::arch::trap::{Frame, UserFrame, exception};
use crate::arch::{interrupts, processor, user_memory};
use crate::console::println;
use crate::sched;
use crate::vm::fault::Touch;

/// An exception in user mode; from the trap layer.
pub(crate) fn on_exception(frame: &mut UserFrame) {
    if frame.trap.vector == exception::NO_FPU {
        sched::with_kept(|kept| kept.fpu.load());
        return;
    }
    if frame.trap.vector == exception::DEBUG {
        let status = debug::take_status();
        sched::with_kept(|kept| kept.debug.note(status));
    }
    let address = processor::fault_address();
    // SAFETY: the kernel has started: every vector has its handler.
    unsafe { interrupts::enable() };
    let name = exception::name(frame.trap.vector);
    let error = frame.trap.error;
    if frame.trap.vector != exception::PAGE_FAULT {
        end_thread(frame, format_args!("{name}, error code {error:#x}"));
    }
    if let Err(why) = touch(address, error) {
        let code = why.code();
        end_thread(
            frame,
            format_args!("{name} at {address}, error code {error:#x}, which is kern_return {code}"),
        );
    }
    let _ = interrupts::disable();
}

/// Makes the page usable that a page fault of the current task was about.
fn touch(address: VirtAddr, error: u32) -> Result<(), MapError> {
    /// The bit of the error code that says what was tried (Intel SDM 3A 4.7).
    const WRITE: u32 = 1 << 1;
    let how = match error & WRITE {
        0 => Touch::Read,
        _ => Touch::Write,
    };
    let touched = with_current(|user| user.task.space.touch(address, how));
    touched.unwrap_or(Err(MapError::InvalidAddress))
}

/// Whether a fault of the kernel's was in a copy for a user. That goes on, or
/// says so to its caller.
pub(crate) fn mends_fault(frame: &mut Frame) -> bool {
    if frame.vector == exception::DEBUG {
        // A copy touched what the user watches: a trap, after the access.
        return debug::take_status() & debug::BREAKPOINTS != 0;
    }
    if frame.vector != exception::PAGE_FAULT {
        return false;
    }
    let Some(failed) = user_memory::goes_on_at(frame.eip) else {
        return false;
    };
    let address = processor::fault_address();
    // SAFETY: copies run with interrupts on and no lock held.
    unsafe { interrupts::enable() };
    if touch(address, frame.error).is_err() {
        frame.eip = failed;
    }
    let _ = interrupts::disable();
    true
}

/// Ends the task that calls, which nobody can help: there is nobody yet to ask for
/// help.
pub(crate) fn end_thread(frame: &UserFrame, why: fmt::Arguments<'_>) -> ! {
    with_current(|user| {
        println!(
            "exov6: thread of `{}` ended: {why}; eip {:#010x} esp {:#010x}",
            user.task.name(),
            frame.trap.eip,
            frame.esp
        );
        user.task.terminate();
    });
    end_current()
}
