//! The name server's interface: ports by names.
//!
//! Owns its routines, one definition for server and callers, and how a task finds
//! it: it is the first of the ports that a task is registered with, which its
//! children have from it.

use alloc::string::String;
use alloc::vec::Vec;

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::thread::SWITCH_OPTION_WAIT;
use user_rt::abi::message::TypeName;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{CString, SendRight};
use user_rt::message::Buffer;
use user_rt::rpc::call;
use user_rt::task::{self, Registered};
use user_rt::trap::{self, Result};

/// The program that is the server.
pub const PROGRAM: &str = "names";
/// Bytes of a name at most, the zero that ends it not counted.
pub const LONGEST: usize = 31;
/// Names at most.
pub const MOST: usize = 64;
/// Where the server stands among registered ports (`NAME_SERVER_SLOT`).
const SLOT: usize = 0;

/// The routines.
///
/// `names_register` has the server know a port, until that dies:
/// `KERN_INVALID_ARGUMENT` for what is no name, `KERN_INVALID_RIGHT` for a dead port
/// or none, `KERN_NAME_EXISTS`, `KERN_RESOURCE_SHORTAGE`. `names_look_up` gives a
/// send right to it, or `KERN_INVALID_NAME`. `names_list` gives all names, each with
/// a zero behind it.
pub mod routines {
    user_rt::abi::define_rows! {
        subsystem names 5000;
        0 names_register server: CopySend
            <'a> (name: CString<'a, 32>, port: SendRight)
            -> ();
        1 names_look_up server: CopySend
            <'a> (name: CString<'a, 32>)
            -> (port: CopySend);
        2 names_list server: CopySend
            ()
            -> <'a> (names: Array<'a, u8, 2048>);
    }
}

use self::routines::{names_list, names_look_up, names_register};

/// A send right to the name server that this task has from its parent.
///
/// # Errors
/// `KERN_FAILURE` if there is none; the code of the call that did not succeed.
pub fn server() -> Result<PortName> {
    let ports = task::registered(trap::mach_task_self())?;
    for (_, &port) in ports.iter().enumerate().filter(|(slot, _)| *slot != SLOT) {
        if port.is_valid() {
            let _ = trap::mach_port_deallocate(trap::mach_task_self(), port);
        }
    }
    Some(ports[SLOT])
        .filter(|port| port.is_valid())
        .ok_or(KernReturn::FAILURE)
}

/// From now on this is the name server of `task` and of the children that it will
/// have.
///
/// # Errors
/// The code of the call that did not succeed.
pub fn provide(task: PortName, server: PortName) -> Result {
    let mut ports = Registered::default();
    ports[SLOT] = server;
    task::register(task, &ports)
}

/// Has `port`, to which this task has a send right, known by a name.
///
/// # Errors
/// The server's code, or that of the call.
pub fn register(server: PortName, name: &[u8], port: PortName) -> Result {
    let request = names_register::Request {
        name: CString(name),
        port: SendRight::with(port.0, TypeName::COPY_SEND),
    };
    let mut room = Buffer::<256>::new();
    call::<_, names_register::Reply>(server, &request, &mut room.0).map(drop)
}

/// A send right to the port of this name.
///
/// # Errors
/// The server's code, or that of the call.
pub fn look_up(server: PortName, name: &[u8]) -> Result<PortName> {
    let request = names_look_up::Request {
        name: CString(name),
    };
    let mut room = Buffer::<256>::new();
    let reply: names_look_up::Reply = call(server, &request, &mut room.0)?;
    // It may have died on the way.
    Some(PortName(reply.port.port))
        .filter(|port| port.is_valid())
        .ok_or(KernReturn::INVALID_NAME)
}

/// As [`look_up`], for a name that somebody is about to register: asks again for
/// five seconds.
///
/// # Errors
/// As of [`look_up`].
pub fn look_up_soon(server: PortName, name: &[u8]) -> Result<PortName> {
    const TRIES: u32 = 500;
    const BETWEEN_MS: u32 = 10;
    for _ in 1..TRIES {
        match look_up(server, name) {
            Err(KernReturn::INVALID_NAME) => {
                let option = SWITCH_OPTION_WAIT as u32;
                let _ = trap::thread_switch(PortName::NULL, option, BETWEEN_MS);
            }
            found => return found,
        }
    }
    look_up(server, name)
}

/// All names, in the order in which they were registered.
///
/// # Errors
/// The server's code, or that of the call.
pub fn list(server: PortName) -> Result<Vec<String>> {
    let mut room = Buffer::<2304>::new();
    let reply: names_list::Reply<'_> = call(server, &names_list::Request {}, &mut room.0)?;
    let bytes: Vec<u8> = reply.names.iter().collect();
    let names = bytes
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty());
    Ok(names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}
