//! Asks the name server, as its callers should and as they should not.
//!
//! `naming NAMES PAGER`: the ports of two suspended tasks with the programs `names`
//! and `pager`. The first is given the port that it serves; both are resumed, the
//! second once it knows the server. Then each line says what came of a call, the
//! same on every kernel.

#![no_std]
#![no_main]

extern crate alloc;

mod hostile;

use alloc::string::ToString;

use user_programs::{names, service};
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::vm::PAGE_SIZE;
use user_rt::abi::message::MsgReturn;
use user_rt::abi::port::PortName;
use user_rt::memory::Mapped;
use user_rt::rpc::{mach, mach_port};
use user_rt::trap::{self, Result};
use user_rt::{Arguments, println};

user_rt::program!(main);

fn main(arguments: Arguments) {
    let (Some(names), Some(pager)) = (arguments.port(1), arguments.port(2)) else {
        return println!("naming: usage: naming NAMES PAGER");
    };
    say("no server yet", names::server());
    match begin(names) {
        Ok(server) => {
            registers(server);
            hostile::calls(server);
            fills(server);
            pages(server, pager);
        }
        Err(code) => say::<()>("the server", Err(code)),
    }
    println!("naming: done");
}

/// Has the server serve.
fn begin(task: PortName) -> Result<PortName> {
    let server = service::begin(task)?;
    names::provide(trap::mach_task_self(), server)?;
    mach::task_resume(task)?;
    say("a server", names::server());
    Ok(server)
}

/// Says what a call gave.
fn say<T>(what: &str, result: Result<T>) {
    let code = result.err().unwrap_or(KernReturn::SUCCESS);
    let name = code.name().or(MsgReturn(code.0 as u32).name());
    println!("naming: {what}: {}", name.unwrap_or("another code"));
}

/// Says whether something is so.
fn holds(what: &str, is_so: bool) {
    println!("naming: {what}: {is_so}");
}

/// A port under two names, found, listed, and forgotten when it dies.
fn registers(server: PortName) {
    let own = trap::mach_task_self();
    let (one, other) = (port(), port());
    say("nobody's name", names::look_up(server, b"one"));
    say("a name", names::register(server, b"one", one));
    say("the same name", names::register(server, b"one", other));
    say("a second name", names::register(server, b"uno", one));
    say("another port", names::register(server, b"other", other));
    let found = names::look_up(server, b"uno");
    holds("the port itself is found", found == Ok(one));
    let listed = names::list(server).unwrap_or_default();
    holds("all are listed", listed == ["one", "uno", "other"]);
    say("its end", mach_port::mach_port_destroy(own, one));
    holds("it is forgotten", is_forgotten(server, b"uno"));
    say("under both names", names::look_up(server, b"one"));
    say("the name again", names::register(server, b"one", other));
    let listed = names::list(server).unwrap_or_default();
    holds("the other stays", listed == ["other", "one"]);
    say("its end, too", mach_port::mach_port_destroy(own, other));
    holds("nothing stays", is_forgotten(server, b"one"));
}

/// A new port with a send right.
fn port() -> PortName {
    service::new().expect("a port")
}

/// Waits until the kernel has told the server.
fn is_forgotten(server: PortName, name: &[u8]) -> bool {
    const TRIES: u32 = 10_000;
    (0..TRIES).any(|_| {
        trap::swtch_pri(0);
        names::look_up(server, name) == Err(KernReturn::INVALID_NAME)
    })
}

/// As many names as there can be, and one more.
fn fills(server: PortName) {
    let own = trap::mach_task_self();
    let one = port();
    let mut codes = (0..=names::MOST).map(|number| {
        let name = number.to_string();
        names::register(server, name.as_bytes(), one)
    });
    let fit = codes.by_ref().take(names::MOST).all(|code| code.is_ok());
    holds("many names fit", fit);
    say("one too many", codes.next().unwrap_or(Ok(())));
    let listed = names::list(server).unwrap_or_default();
    holds("all are listed again", listed.len() == names::MOST);
    say("the end of all", mach_port::mach_port_destroy(own, one));
    holds("all are forgotten", is_forgotten(server, b"0"));
    let listed = names::list(server).unwrap_or_default();
    holds("none is listed", listed.is_empty());
}

/// The pager's object, of which one page is written to.
fn pages(server: PortName, pager: PortName) {
    let begun = names::provide(pager, server).and_then(|()| mach::task_resume(pager).map(drop));
    say("the pager", begun);
    let object = names::look_up_soon(server, b"object");
    say("its object", object);
    let Ok(object) = object else {
        return;
    };
    let words = Mapped::new(object, 3 * PAGE_SIZE).and_then(|mut mapped| {
        let mut words = [0; 3];
        for (place, word) in (0..).zip(&mut words) {
            *word = mapped.word(place * PAGE_SIZE)?;
        }
        mapped.set_word(PAGE_SIZE, 1)?;
        Ok(words)
    });
    holds("its words are right", words == Ok([0, 4096, 8192]));
}
