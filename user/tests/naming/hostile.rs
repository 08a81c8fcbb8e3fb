//! Calls that no caller of the name server should make.
//!
//! The server must answer each, or drop it, and go on.

use user_programs::names::routines::{names_list, names_look_up, names_register};
use user_programs::{names, service};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::Plain;
use user_rt::abi::message::{Bits, HEADER_BYTES, Header, NotifyId, TypeName};
use user_rt::abi::port::PortName;
use user_rt::abi::routine::notify::{mach_notify_dead_name, mach_notify_no_senders};
use user_rt::abi::routine::{RequestBody, encode_request};
use user_rt::abi::wire::{CString, Form, SendRight};
use user_rt::message::{Buffer, Exchange};
use user_rt::rpc::{call, checked, mach_port};
use user_rt::trap::{self, Result};

use crate::{holds, port, say};

/// Every kind of them.
pub(super) fn calls(server: PortName) {
    let own = trap::mach_task_self();
    let one = port();
    say("no name at all", names::register(server, b"", one));
    say("a name with blanks", names::register(server, b"a b", one));
    let long = [b'a'; 31];
    say("the longest name", names::register(server, &long, one));
    say("too long to ask for", names::look_up(server, &[b'a'; 40]));
    say("no port", names::register(server, b"none", PortName::NULL));
    say(
        "the server itself",
        names::register(server, b"self", server),
    );
    let once = SendRight::with(one.0, TypeName::MAKE_SEND_ONCE);
    say("a right to send once", register(server, b"once", once));
    let receive = SendRight::with(port().0, TypeName::MOVE_RECEIVE);
    say("a right to receive", register(server, b"take", receive));
    say("what it has no routine for", nonsense(server));
    say("a header alone", header(server, names_register::ID));
    say("more than it has", excess(server));
    say("more than it takes", flood(server));
    forge(server, one);
    say("a name after all that", names::look_up(server, &long));
    say("no reply wanted", silent(server));
    say("a reply to a full queue", full(server));
    say("still there", names::look_up(server, &long));
    say("its port's end", mach_port::mach_port_destroy(own, one));
    holds("that is forgotten, too", crate::is_forgotten(server, &long));
}

fn register(server: PortName, name: &[u8], port: SendRight) -> Result {
    let name = CString(name);
    let request = names_register::Request { name, port };
    let mut room = Buffer::<256>::new();
    call::<_, names_register::Reply>(server, &request, &mut room.0).map(drop)
}

/// A message of a header and `words`; the code of its reply.
fn ask(server: PortName, id: i32, words: &[u32]) -> Result {
    let reply = trap::mach_reply_port();
    let mut room = Buffer::<4096>::new();
    let size = write(server, reply, id, words, &mut room.0);
    let asked = checked(Exchange::rpc(size, reply).run(&mut room.0));
    mach_port::mach_port_destroy(trap::mach_task_self(), reply)?;
    asked?;
    match KernReturn(i32::read(&room.0[HEADER_BYTES + 4..])) {
        KernReturn::SUCCESS => Ok(()),
        code => Err(code),
    }
}

fn write(server: PortName, reply: PortName, id: i32, words: &[u32], room: &mut [u8]) -> usize {
    let size = HEADER_BYTES + size_of_val(words);
    let local = match reply.is_valid() {
        true => TypeName::MAKE_SEND_ONCE,
        false => TypeName(0),
    };
    let header = Header {
        bits: Bits::new(TypeName::COPY_SEND, local),
        size: size as u32,
        remote_port: server.0,
        local_port: reply.0,
        id,
        ..Header::default()
    };
    room[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    for (place, word) in room[HEADER_BYTES..].chunks_exact_mut(4).zip(words) {
        word.write(place);
    }
    size
}

fn nonsense(server: PortName) -> Result {
    ask(server, 4999, &[1, 2, 3])
}

fn header(server: PortName, id: i32) -> Result {
    ask(server, id, &[])
}

/// A request with words behind its end.
fn excess(server: PortName) -> Result {
    ask(server, names_list::ID, &[0; 40])
}

/// A message that the server has no room for: it is lost, and so is the reply.
fn flood(server: PortName) -> Result {
    let reply = trap::mach_reply_port();
    let mut room = Buffer::<4096>::new();
    let size = write(server, reply, names_list::ID, &[7; 1000], &mut room.0);
    let exchange = Exchange::rpc(size, reply);
    checked(exchange.run(&mut room.0))?;
    let id = user_rt::rpc::header(&room.0).id;
    mach_port::mach_port_destroy(trap::mach_task_self(), reply)?;
    match id == NotifyId::SEND_ONCE.0 {
        true => Err(KernReturn::MIG_SERVER_DIED),
        false => Ok(()),
    }
}

/// What only the kernel says, said by somebody else.
fn forge(server: PortName, one: PortName) {
    let mut room = Buffer::<128>::new();
    let forged = |what: &str, size: usize, room: &mut [u8]| {
        say(what, checked(Exchange::send(size).run(room)));
    };
    // The server's names are small numbers, one of which is the port's.
    for name in 1..100 {
        let request = mach_notify_dead_name::Request {
            name: PortName(name),
        };
        let size = copied(server, &request, &mut room.0);
        if name == one.0 {
            forged("a death that was none", size, &mut room.0);
        } else {
            let _ = Exchange::send(size).run(&mut room.0);
        }
    }
    let request = mach_notify_no_senders::Request { mscount: 1 };
    let size = copied(server, &request, &mut room.0);
    forged("an end that was none", size, &mut room.0);
}

/// A notification, sent with a right that anybody may have.
fn copied<'q>(server: PortName, request: &impl RequestBody<'q>, room: &mut [u8]) -> usize {
    let size = encode_request(request, server.0, 0, Form::Sent, room).expect("room");
    let mut header = user_rt::rpc::header(room);
    header.bits = Bits::new(TypeName::COPY_SEND, TypeName(0));
    room[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    size
}

/// A request that nobody waits for the reply of.
fn silent(server: PortName) -> Result {
    let mut room = Buffer::<128>::new();
    let size = write(server, PortName::NULL, names_list::ID, &[], &mut room.0);
    checked(Exchange::send(size).run(&mut room.0))
}

/// A request whose reply is to go where there is no room: the server must not
/// wait for that.
fn full(server: PortName) -> Result {
    let port = service::new()?;
    let mut room = Buffer::<128>::new();
    for _ in 0..5 {
        let size = write(port, PortName::NULL, 1, &[], &mut room.0);
        checked(Exchange::send(size).within(1000).run(&mut room.0))?;
    }
    let name = CString(b"anything");
    let request = names_look_up::Request { name };
    let size = encode_request(&request, server.0, port.0, Form::Sent, &mut room.0);
    let size = size.map_err(|_| KernReturn::NO_SPACE)?;
    let mut header = user_rt::rpc::header(&room.0);
    header.bits = Bits::new(TypeName::COPY_SEND, TypeName::MAKE_SEND);
    room.0[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    checked(Exchange::send(size).run(&mut room.0))?;
    // It has been there when it answers another.
    let answered = names::list(server).map(drop);
    mach_port::mach_port_destroy(trap::mach_task_self(), port)?;
    answered
}
