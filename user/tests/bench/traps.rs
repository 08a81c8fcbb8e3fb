//! Traps alone.

use user_rt::abi::kern_return::KernReturn;
use user_rt::rpc::mach_port;
use user_rt::trap;

use crate::row;

/// A number without a trap.
const NO_TRAP: i32 = -1;

pub(crate) fn rows() {
    row("null-trap", 2000, || {
        // SAFETY: there is no such trap.
        match unsafe { trap::raw(NO_TRAP, []) } {
            KernReturn::INVALID_ARGUMENT => Ok(()),
            code => Err(code),
        }
    });
    row("task-self", 2000, || {
        let _ = trap::mach_task_self();
        Ok(())
    });
    row("reply-port", 500, || {
        let port = trap::mach_reply_port();
        mach_port::mach_port_destroy(trap::mach_task_self(), port).map(drop)
    });
    row("type-of-name", 500, || {
        let task = trap::mach_task_self();
        mach_port::mach_port_type(task, task).map(drop)
    });
}
