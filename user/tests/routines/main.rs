//! Calls routines of the kernel: what each must do, and what it must refuse.
//!
//! Its first argument says which: the name of a group below. Prints a row for
//! each call: `row <routine> <case>: <code> <values>`; `expected/` has what GNU
//! Mach answers. The others are the ports of host and devices, as a boot script
//! gives them. What kernels may number or measure as they like is not printed.

#![no_std]
#![no_main]

extern crate alloc;

mod debug;
mod devices;
mod faults;
mod gnu;
mod hosts;
mod i386;
mod memory;
mod objects;
mod ports;
mod rights;
mod row;
mod sampling;
mod sets;
mod tasks;
mod threads;
mod wired;

use user_rt::abi::port::PortName;
use user_rt::{Arguments, println, trap};

user_rt::program!(main);

/// What every group works with.
#[derive(Clone, Copy)]
struct Ports {
    task: PortName,
    thread: PortName,
    /// The host's name port.
    host: PortName,
    /// Its privileged port.
    host_priv: PortName,
    /// The devices' master port.
    devices: PortName,
}

/// A group of rows.
type Group = fn(&Ports);

const GROUPS: [(&str, Group); 15] = [
    ("ports", ports::rows),
    ("rights", rights::rows),
    ("memory", memory::rows),
    ("wired", wired::rows),
    ("tasks", tasks::rows),
    ("threads", threads::rows),
    ("faults", faults::rows),
    ("hosts", hosts::rows),
    ("sets", sets::rows),
    ("sampling", sampling::rows),
    ("gnu", gnu::rows),
    ("objects", objects::rows),
    ("devices", devices::rows),
    ("i386", i386::rows),
    ("debug", debug::rows),
];

fn main(arguments: Arguments) {
    let name = arguments.word(1).expect("a group as argument");
    let group = GROUPS
        .iter()
        .find(|(group, _)| group.as_bytes() == name.to_bytes());
    let (name, rows) = group.expect("the name of a group");
    let ports = Ports {
        task: trap::mach_task_self(),
        thread: trap::mach_thread_self(),
        host: trap::mach_host_self(),
        host_priv: arguments.port(2).unwrap_or(PortName::NULL),
        devices: arguments.port(3).unwrap_or(PortName::NULL),
    };
    rows(&ports);
    println!("rows of {name} done");
}
