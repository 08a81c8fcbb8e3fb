//! What the task has of its parent, and its end: because it is done, or because it
//! panicked.

use core::panic::PanicInfo;

use abi::layout::task::TASK_PORT_REGISTER_MAX;
use abi::port::PortName;
use abi::wire::OutOfLine;

use crate::data::Data;
use crate::println;
use crate::rpc::mach;
use crate::trap::{Result, mach_task_self, swtch_pri, task_terminate};

/// Ports that a task is registered with, for itself and for the tasks that it
/// makes (manual 4.3.9).
pub type Registered = [PortName; TASK_PORT_REGISTER_MAX as usize];

/// Send rights to the ports that `task` is registered with, null ones where there
/// are none.
///
/// # Errors
/// The code of the call that did not succeed.
pub fn registered(task: PortName) -> Result<Registered> {
    let list = mach::mach_ports_lookup(task)?.init_port_set;
    // SAFETY: they came in this reply, and nobody else claims them.
    let list = unsafe { Data::claim(list) };
    let mut ports = [PortName::NULL; TASK_PORT_REGISTER_MAX as usize];
    for (place, right) in ports.iter_mut().zip(list.iter()) {
        *place = PortName(right.port);
    }
    Ok(ports)
}

/// Registers a task with these ports, to which the caller has send rights, instead
/// of those that it has.
///
/// # Errors
/// The code of the call that did not succeed.
pub fn register(task: PortName, ports: &Registered) -> Result {
    let names = ports.map(|port| port.0);
    let address = core::ptr::from_ref(&names).expose_provenance() as u32;
    let rights = OutOfLine::new(address, TASK_PORT_REGISTER_MAX);
    mach::mach_ports_register(task, rights).map(drop)
}

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
