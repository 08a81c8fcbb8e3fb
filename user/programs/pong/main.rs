//! Answers each message that comes, until nobody can send one any more.
//!
//! `pong NAME` registers itself with the name server, where `ping` finds it. Without
//! a name it is started suspended; `ping` gives it the port that it serves at, and
//! resumes it.

#![no_std]
#![no_main]

use user_programs::ball::{PING, PONG};
use user_programs::{names, service};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::{Bits, HEADER_BYTES, Header, NotifyId, TypeName};
use user_rt::abi::port::PortName;
use user_rt::abi::wire::SendOnceRight;
use user_rt::message::Buffer;
use user_rt::rpc::mach_port;
use user_rt::server::{self, Incoming, Next};
use user_rt::trap::{self, Result};
use user_rt::{Arguments, println};

user_rt::program!(main);

fn main(arguments: Arguments) {
    let port = match arguments.word(1) {
        Some(name) => registered(name.to_bytes()),
        None => Ok(service::SERVED),
    };
    match port.and_then(serve) {
        Ok(count) => println!("pong: {count} answered"),
        Err(code) => println!("pong: {}", code.name().unwrap_or("a message failed")),
    }
}

/// A port that the name server knows by this name; it keeps the one right to send
/// there.
fn registered(name: &[u8]) -> Result<PortName> {
    let port = service::new()?;
    names::register(names::server()?, name, port)?;
    trap::mach_port_deallocate(trap::mach_task_self(), port)?;
    Ok(port)
}

/// Serves until there are no senders; how many messages were answered.
fn serve(port: PortName) -> Result<u32> {
    let own = trap::mach_task_self();
    let notify = SendOnceRight::with(port.0, TypeName::MAKE_SEND_ONCE);
    let id = NotifyId::NO_SENDERS.0;
    mach_port::mach_port_request_notification(own, port, id, 0, notify)?;
    let (mut one, mut other) = (Buffer::<128>::new(), Buffer::<128>::new());
    let mut count = 0;
    server::serve(port, &mut one.0, &mut other.0, |incoming, room| {
        if incoming.header.id == NotifyId::NO_SENDERS.0 {
            return Next::End(0);
        }
        if incoming.header.id != PING {
            return incoming.refuse(KernReturn::MIG_BAD_ID, room);
        }
        count += 1;
        answer(&incoming, room)
    })?;
    Ok(count)
}

fn answer(incoming: &Incoming<'_>, room: &mut [u8]) -> Next {
    if incoming.header.remote_port == 0 {
        return Next::Receive;
    }
    let header = Header {
        bits: Bits::new(incoming.header.bits.remote(), TypeName(0)),
        size: HEADER_BYTES as u32,
        remote_port: incoming.header.remote_port,
        id: PONG,
        ..Header::default()
    };
    room[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    Next::Reply(HEADER_BYTES)
}
