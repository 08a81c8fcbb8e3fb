//! A first program: says what it was started with, and which ports it has.
//!
//! `cargo xtask qemu --program hello` runs it. What it prints is the same on
//! every kernel but for the numbers that are names of ports.

#![no_std]
#![no_main]

use user_rt::abi::port::PortName;
use user_rt::{Arguments, println, trap};

user_rt::program!(main);

fn main(arguments: Arguments) {
    println!("hello: from user mode");
    for (place, word) in arguments.words().enumerate().skip(1) {
        println!("hello: argument {place} is {word:?}");
    }
    for (place, word) in arguments.environment().enumerate() {
        println!("hello: environment {place} is {word:?}");
    }
    tell("task", trap::mach_task_self());
    tell("thread", trap::mach_thread_self());
    tell("host", trap::mach_host_self());
    tell("reply", trap::mach_reply_port());
    println!("hello: done");
}

fn tell(what: &str, port: PortName) {
    if port.is_valid() {
        println!("hello: {what} port is {}", port.0);
    } else {
        println!("hello: no {what} port");
    }
}
