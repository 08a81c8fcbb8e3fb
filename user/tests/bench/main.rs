//! Measures what traps, messages, memory, threads and tasks cost.
//!
//! Two tasks: `bench server`, which answers messages, and `bench client` with the
//! server's task port as argument, which measures; or one, `bench pairs`, which makes
//! others that exchange messages on all processors. A row of output is
//! `bench <name> <count> <ticks>`: so many operations took so many ticks of the
//! time stamp counter; where the kernel lacks something it ends with
//! `not served` and the code. Where the counter counts instructions, the ticks are
//! instructions.

#![no_std]
#![no_main]

extern crate alloc;

mod memory;
mod messages;
mod pairs;
mod server;
mod tasks;
mod traps;

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::MsgReturn;
use user_rt::abi::port::PortName;
use user_rt::trap::Result;
use user_rt::{Arguments, println, trap};
use user_tests::arch::time_stamp;

user_rt::program!(main);

fn main(arguments: Arguments) {
    match arguments.word(1).map(core::ffi::CStr::to_bytes) {
        Some(b"server") => server::run(PortName(server::NAME)),
        Some(b"client") => client(arguments.port(2).unwrap_or(PortName::NULL)),
        Some(b"pairs") => measure(pairs::rows),
        _ => panic!("`server`, `client` and the server's task, or `pairs`"),
    }
}

/// Prints rows between two looks at the clock.
fn measure(rows: impl FnOnce()) {
    println!("bench clock {}", time_stamp());
    rows();
    println!("bench clock {}", time_stamp());
    println!("bench done");
}

fn client(server: PortName) {
    measure(|| {
        traps::rows();
        messages::rows(server);
        memory::rows();
        tasks::rows();
    });
    let _ = trap::task_terminate(server);
}

/// Measures an operation, `count` times after some to warm up, and prints a row.
fn row(name: &str, count: u32, mut operation: impl FnMut() -> Result) {
    for _ in 0..count.min(50) {
        if let Err(code) = operation() {
            return not_served(name, code);
        }
    }
    let begin = time_stamp();
    for _ in 0..count {
        if let Err(code) = operation() {
            return not_served(name, code);
        }
    }
    let ticks = time_stamp().wrapping_sub(begin);
    println!("bench {name} {count} {ticks}");
}

fn not_served(name: &str, code: KernReturn) {
    let message = MsgReturn(code.0 as u32).name();
    match code.name().or(message) {
        Some(code) => println!("bench {name} not served: {code}"),
        None => println!("bench {name} not served: {:#x}", code.0),
    }
}
