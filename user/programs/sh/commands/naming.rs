//! Commands about names of ports, and the name server itself.
//!
//! The server is a program like others but for what it is given: the port that all
//! tasks that are started later ask.

use alloc::string::String;

use user_programs::{names, service};
use user_rt::abi::port::PortName;
use user_rt::rpc::mach_port;
use user_rt::trap::{self, Result};

use super::{Outcome, Shell, failed, outcome};

/// The bit of a dead name in what `mach_port_type` says.
const DEAD_NAME: u32 = 1 << 20;

/// Whether there is a name server, and it is alive.
pub(super) fn is_served(shell: &Shell) -> bool {
    let Some(server) = shell.names else {
        return false;
    };
    let kind = mach_port::mach_port_type(trap::mach_task_self(), server);
    kind.is_ok_and(|reply| reply.ptype & DEAD_NAME == 0)
}

/// Makes `task`, which does not run yet, the name server of this task and of those
/// that it starts from now on; `known` is the one that it knows.
pub(super) fn serve(known: &mut Option<PortName>, task: PortName) -> Result {
    let server = service::begin(task)?;
    let own = trap::mach_task_self();
    names::provide(own, server)?;
    if let Some(dead) = known.replace(server) {
        let _ = trap::mach_port_deallocate(own, dead);
    }
    Ok(())
}

/// A port by its name: a right that goes when it is dropped.
pub(super) struct Found(pub(super) PortName);

impl Drop for Found {
    fn drop(&mut self) {
        let _ = trap::mach_port_deallocate(trap::mach_task_self(), self.0);
    }
}

/// The port that the name server knows by this name.
pub(super) fn find(shell: &Shell, name: &str) -> core::result::Result<Found, Outcome> {
    let found = names::look_up(server(shell)?, name.as_bytes());
    found.map(Found).map_err(failed)
}

fn server(shell: &Shell) -> core::result::Result<PortName, Outcome> {
    let none = || Outcome::Failed(String::from("there is no name server: start `names &`"));
    shell.names.filter(|_| is_served(shell)).ok_or_else(none)
}

pub(super) fn lookup(shell: &mut Shell, words: &[&str]) -> Outcome {
    outcome(match words {
        [] => server(shell).and_then(|server| {
            for name in names::list(server).map_err(failed)? {
                shell.say(format_args!("{name}"));
            }
            Ok(())
        }),
        [name] => find(shell, name).map(|port| {
            shell.say(format_args!("{name} is port {}", port.0.0));
        }),
        _ => Err(Outcome::Usage),
    })
}
