//! The end of the task: because it is done, or because it panicked.

use core::panic::PanicInfo;

use crate::println;
use crate::trap::{mach_task_self, swtch_pri, task_terminate};

/// Ends the task, and with it the calling thread.
pub fn exit() -> ! {
    let _ = task_terminate(mach_task_self());
    // A kernel that does not end a task that asks for it: nothing is left to
    // do, and others are to have the processor.
    loop {
        swtch_pri(0);
    }
}

#[panic_handler]
fn on_panic(panic: &PanicInfo<'_>) -> ! {
    println!("{panic}");
    exit()
}
