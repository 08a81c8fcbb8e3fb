//! A port that one task serves and another made for it.
//!
//! Owns how a server comes by its port: it is started suspended, given the receive
//! right, and resumed. So nobody ever looks for a port that is not there yet.

use user_rt::abi::message::TypeName;
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::AnyRight;
use user_rt::rpc::mach_port;
use user_rt::trap::{self, Result};

/// The name that the receive right has in the server's task.
pub const SERVED: PortName = PortName(42);

/// Makes a port that `task` serves; a send right to it.
///
/// # Errors
/// The code of the call that did not succeed.
pub fn begin(task: PortName) -> Result<PortName> {
    let port = new()?;
    let right = AnyRight::with(port.0, TypeName::MOVE_RECEIVE);
    mach_port::mach_port_insert_right(task, SERVED, right)?;
    Ok(port)
}

/// Makes a port of this task's own, with a send right under the same name.
///
/// # Errors
/// The code of the call that did not succeed.
pub fn new() -> Result<PortName> {
    let own = trap::mach_task_self();
    let port = trap::mach_port_allocate(own, PortRight::RECEIVE)?;
    trap::mach_port_insert_right(own, port, port, TypeName::MAKE_SEND)?;
    Ok(port)
}
