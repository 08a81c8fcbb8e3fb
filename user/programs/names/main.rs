//! The name server: registers ports under names, and finds them again.
//!
//! Started suspended; whoever starts it gives it the port that it serves, and
//! resumes it. The shell does so for a program of this name. It forgets a port
//! when the kernel says that it is dead, and ends when nobody can ask any more.
//! Its callers have a right to ask and nothing else: what they send cannot stop
//! it, fill its memory, or have it forget what others have registered.

#![no_std]
#![no_main]

extern crate alloc;

mod table;

use user_programs::names::routines::{names_list, names_look_up, names_register};
use user_programs::service::SERVED;
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::{NotifyId, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::notify::mach_notify_dead_name;
use user_rt::abi::wire::{Array, CopySend, SendOnceRight};
use user_rt::message::Buffer;
use user_rt::rpc::mach_port;
use user_rt::server::{self, Incoming, Next};
use user_rt::trap::{self, Result};
use user_rt::{Arguments, println};

use self::table::Table;

user_rt::program!(main);

fn main(_: Arguments) {
    match serve() {
        Ok(()) => println!("names: nobody can ask any more"),
        Err(code) => println!("names: {}", code.name().unwrap_or("a message failed")),
    }
}

/// Serves until there are no senders.
fn serve() -> Result {
    let own = trap::mach_task_self();
    let set = trap::mach_port_allocate(own, PortRight::PORT_SET)?;
    // What comes here comes from the kernel: nobody else ever has a right to it.
    let notify = trap::mach_port_allocate(own, PortRight::RECEIVE)?;
    for port in [SERVED, notify] {
        mach_port::mach_port_move_member(own, port, set)?;
    }
    let right = SendOnceRight::with(notify.0, TypeName::MAKE_SEND_ONCE);
    let id = NotifyId::NO_SENDERS.0;
    mach_port::mach_port_request_notification(own, SERVED, id, 0, right)?;
    let mut table = Table::new(notify)?;
    let (mut one, mut other) = (Buffer::<2304>::new(), Buffer::<2304>::new());
    server::serve(set, &mut one.0, &mut other.0, |incoming, room| {
        match incoming.header.local_port == notify.0 {
            true => hear(&mut table, &incoming),
            false => obey(&mut table, &incoming, room),
        }
    })
}

/// What the kernel says of ports.
fn hear(table: &mut Table, incoming: &Incoming<'_>) -> Next {
    if incoming.header.id == NotifyId::NO_SENDERS.0 {
        return Next::End(0);
    }
    match decode_request::<mach_notify_dead_name::Request>(incoming.bytes) {
        Ok(of) => {
            table.forget(of.name);
            Next::Receive
        }
        Err(_) => incoming.drop_all(),
    }
}

/// What others ask for.
fn obey(table: &mut Table, incoming: &Incoming<'_>, room: &mut [u8]) -> Next {
    match incoming.header.id {
        names_register::ID => incoming.answer(room, |of: names_register::Request<'_>| {
            let port = PortName(of.port.port);
            // One that keeps itself alive would never end.
            if port == SERVED {
                return Err(KernReturn::INVALID_RIGHT);
            }
            table.register(of.name.0, port)?;
            Ok(names_register::Reply {})
        }),
        names_look_up::ID => incoming.answer(room, |of: names_look_up::Request<'_>| {
            let port = table.look_up(of.name.0)?;
            Ok(names_look_up::Reply {
                port: CopySend::new(port.0),
            })
        }),
        names_list::ID => {
            let names = table.list();
            incoming.answer(room, |_: names_list::Request| {
                Ok(names_list::Reply {
                    names: Array::new(&names),
                })
            })
        }
        _ => incoming.refuse(KernReturn::MIG_BAD_ID, room),
    }
}
