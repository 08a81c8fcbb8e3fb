//! What a user thread's faults lead to.
//!
//! Owns which exception each is (`mach/exception.h`, `mach/i386/exception.h`, as
//! the reference kernel raises them), and who is told: the thread's exception
//! port, then the task's; without help from either the task ends. Called by the
//! trap layer.

use core::fmt;
use core::sync::atomic::Ordering;

use abi::kern_return::KernReturn;
use abi::layout::thread::*;
use abi::routine::exc::exception_raise;
use abi::wire::CopySend;
use kernel_core::addr::VirtAddr;
use kernel_core::ipc::right::NULL;
use kernel_core::vm::map::MapError;

use super::thread::end_current;
use super::{Special, UserThread, sampling, with_current};
use crate::arch::debug;
use crate::arch::trap::{Frame, UserFrame, exception};
use crate::arch::{interrupts, processor, user_memory};
use crate::console::println;
use crate::ipc::{Called, Gives, HeldRight, call};
use crate::sched;
use crate::vm::Counts;
use crate::vm::fault::Touch;
use crate::vm::space::USER_END;

/// An exception of Mach's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    /// One of `EXC_*`.
    pub(crate) exception: i32,
    /// What it means depends on that.
    pub(crate) code: i32,
    /// The same.
    pub(crate) subcode: u32,
}

impl Exception {
    const fn new(exception: i32, code: i32, subcode: u32) -> Exception {
        Exception {
            exception,
            code,
            subcode,
        }
    }

    /// A system call that is none.
    pub(crate) const NO_SYSTEM_CALL: Exception =
        Exception::new(EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0);

    /// A stack at `address` that the kernel cannot write to.
    pub(super) const fn bad_stack(address: u32) -> Exception {
        Exception::new(EXC_BAD_ACCESS, KernReturn::INVALID_ADDRESS.0, address)
    }
}

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
    if let Some(raised) = exception_of(&frame.trap, address) {
        let name = exception::name(frame.trap.vector);
        let error = frame.trap.error;
        match frame.trap.vector {
            exception::PAGE_FAULT => {
                let code = raised.code;
                raise(
                    frame,
                    raised,
                    format_args!("{name} at {address}, error code {error:#x}, code {code}"),
                );
            }
            _ => raise(frame, raised, format_args!("{name}, error code {error:#x}")),
        }
    }
    let _ = interrupts::disable();
}

/// Which exception it is; none if the kernel could help.
fn exception_of(trap: &Frame, address: VirtAddr) -> Option<Exception> {
    let vector = trap.vector;
    let mut did = Counts::default();
    let touched = match vector {
        exception::PAGE_FAULT => {
            let touched = touch(address, trap.error, &mut did);
            sampling::on_fault(trap.eip, did);
            touched
        }
        _ => Ok(()),
    };
    Some(match vector {
        exception::PAGE_FAULT => match touched {
            // Somebody ended the wait: the instruction asks again, if it goes on.
            Ok(()) | Err(MapError::Aborted) => return None,
            // Beyond what a map could have.
            Err(_) if address.as_u32() >= USER_END => {
                Exception::new(EXC_BAD_ACCESS, EXC_I386_PGFLT, address.as_u32())
            }
            Err(why) => Exception::new(EXC_BAD_ACCESS, why.code(), address.as_u32()),
        },
        exception::DIVIDE => Exception::new(EXC_ARITHMETIC, EXC_I386_DIV, 0),
        exception::DEBUG => Exception::new(EXC_BREAKPOINT, EXC_I386_SGL, 0),
        exception::BREAKPOINT => Exception::new(EXC_BREAKPOINT, EXC_I386_BPT, 0),
        exception::OVERFLOW => Exception::new(EXC_ARITHMETIC, EXC_I386_INTO, 0),
        exception::BOUND => Exception::new(EXC_SOFTWARE, EXC_I386_BOUND, 0),
        exception::INVALID_TSS..=exception::PROTECTION => {
            Exception::new(EXC_BAD_INSTRUCTION, vector as i32, trap.error)
        }
        exception::FPU_ERROR | exception::SIMD_ERROR => {
            let mut status = 0;
            sched::with_kept(|kept| status = kept.fpu.take_errors());
            Exception::new(EXC_ARITHMETIC, EXC_I386_EXTERR, status)
        }
        _ => Exception::new(EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0),
    })
}

/// Asks for help with an exception of the thread that calls; returns when it is
/// to go on, with registers that others may have changed. `why` is for people,
/// if nobody helps.
pub(crate) fn raise(frame: &UserFrame, raised: Exception, why: fmt::Arguments<'_>) {
    let is_helped = with_current(|user| {
        let ports = [
            user.special(Special::Exception),
            user.task.special(Special::Exception),
        ];
        ports.into_iter().any(|port| ask(user, port, raised))
    });
    if is_helped != Some(true) {
        end_thread(frame, why);
    }
}

/// Asks who has `port`; tells whether the thread is to go on.
fn ask(user: &UserThread, port: HeldRight, raised: Exception) -> bool {
    if !port.is_live() {
        return false;
    }
    let mut gives = Gives::default();
    gives.right(user.port().make_send());
    gives.right(user.task.port().make_send());
    let request = exception_raise::Request {
        thread: CopySend::new(NULL),
        task: CopySend::new(NULL),
        exception: raised.exception,
        code: raised.code,
        subcode: raised.subcode as i32,
    };
    match call(port, &request, gives, &user.waiter) {
        Called::Answered(KernReturn::SUCCESS) => true,
        // The instruction says it again, if it is not to end.
        Called::Interrupted => true,
        Called::Answered(_) | Called::Failed => false,
    }
}

/// Makes the page usable that a page fault of the current task was about.
fn touch(address: VirtAddr, error: u32, did: &mut Counts) -> Result<(), MapError> {
    /// The bit of the error code that says what was tried (Intel SDM 3A 4.7).
    const WRITE: u32 = 1 << 1;
    let how = match error & WRITE {
        0 => Touch::Read,
        _ => Touch::Write,
    };
    let touched = with_current(|user| {
        let touched = user.task.space.touch(address, how, did);
        user.task.events.count(*did);
        touched
    });
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
    if touch(address, frame.error, &mut Counts::default()).is_err() {
        frame.eip = failed;
    }
    let _ = interrupts::disable();
    true
}

/// Ends the task that calls, which nobody helps.
fn end_thread(frame: &UserFrame, why: fmt::Arguments<'_>) -> ! {
    with_current(|user| {
        println!(
            "exov6: thread of `{}` ended: {why}; eip {:#010x} esp {:#010x}",
            user.task.name(),
            frame.trap.eip,
            frame.esp
        );
        if user.task.is_essential.load(Ordering::Relaxed) {
            println!("exov6: task `{}` was essential", user.task.name());
        }
        user.task.terminate();
    });
    end_current()
}
