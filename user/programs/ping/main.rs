//! Asks another task for an answer, again and again, and says how long it took.
//!
//! `ping PONG [COUNT]`: PONG is the name under which `pong` is registered, or the
//! port of a suspended task with that program, which is given the port that it
//! serves, then resumed. In a boot script:
//!
//! ```text
//! pong $(pong=task-create)
//! ping ${pong} 1000 $(task-create) $(task-resume)
//! ```

#![no_std]
#![no_main]

use user_programs::ball::{PING, PONG};
use user_programs::{names, service};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::{Bits, HEADER_BYTES, Header, TypeName};
use user_rt::abi::port::PortName;
use user_rt::message::{Buffer, Exchange};
use user_rt::rpc::{self, checked, mach, mach_host};
use user_rt::trap::{self, Result};
use user_rt::{Arguments, println};

user_rt::program!(main);

/// Round trips, if nobody says how many.
const USUAL: u32 = 1000;

fn main(arguments: Arguments) {
    let Some(pong) = arguments.word(1) else {
        return println!("ping: usage: ping PONG [COUNT], where PONG is a name or a task");
    };
    let count = arguments.number(2).unwrap_or(USUAL);
    let port = match arguments.port(1) {
        Some(task) => begin(task),
        None => names::server().and_then(|server| names::look_up_soon(server, pong.to_bytes())),
    };
    let played = port.and_then(|port| {
        let reply = trap::mach_reply_port();
        let begin = now_us()?;
        for _ in 0..count {
            ask(port, reply)?;
        }
        Ok(now_us()?.saturating_sub(begin))
    });
    match played {
        Ok(us) => println!("ping: {count} round trips in {us} us"),
        Err(code) => println!("ping: {}", code.name().unwrap_or("a message failed")),
    }
}

/// Has the other task serve a port of ours; a send right to it.
fn begin(pong: PortName) -> Result<PortName> {
    let port = service::begin(pong)?;
    mach::task_resume(pong)?;
    Ok(port)
}

/// One round trip.
fn ask(port: PortName, reply: PortName) -> Result {
    let header = Header {
        bits: Bits::new(TypeName::COPY_SEND, TypeName::MAKE_SEND_ONCE),
        size: HEADER_BYTES as u32,
        remote_port: port.0,
        local_port: reply.0,
        seqno: 0,
        id: PING,
    };
    let mut room = Buffer::<64>::new();
    room.0[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    checked(Exchange::rpc(HEADER_BYTES, reply).run(&mut room.0))?;
    match rpc::header(&room.0).id {
        PONG => Ok(()),
        _ => Err(KernReturn::MIG_REPLY_MISMATCH),
    }
}

/// The time of day.
fn now_us() -> Result<i64> {
    let now = mach_host::host_get_time(trap::mach_host_self())?.current_time;
    Ok(i64::from(now.seconds) * 1_000_000 + i64::from(now.microseconds))
}
