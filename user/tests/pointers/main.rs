//! Gives every trap that takes an address one that it must not use.
//!
//! Memory of nobody, the end of user space, and the kernel's own: each must be
//! refused with a code, and nothing may be written there.

#![no_std]
#![no_main]

use user_rt::abi::message::TypeName;
use user_rt::abi::trap as number;
use user_rt::{Arguments, println, trap};
use user_tests::arch::gate;

/// Memory of nobody; memory that is code; beyond the end of user space: its
/// first byte, the kernel's code, the last word, and one that wraps.
const ADDRESSES: [u32; 6] = [
    0x10,
    CODE,
    0xc000_0000,
    0xc010_0000,
    0xffff_fffc,
    0xffff_ffff,
];

/// Where a program's own code begins (user/link.ld).
const CODE: u32 = 0x0804_8000;
/// Options of `mach_msg`, and the bytes of a header (`mach/message.h`).
const SEND: u32 = 1;
const RECEIVE: u32 = 2;
const HEADER: u32 = 24;

user_rt::program!(main);

fn main(_arguments: Arguments) {
    let task = trap::mach_task_self().0;
    let port = trap::mach_reply_port().0;
    for at in ADDRESSES {
        // Code may be read.
        if at != CODE {
            tell("mach_print of", at, number::MACH_PRINT, [at]);
            let words = [at, SEND, HEADER, 0, 0, 0, 0];
            tell("mach_msg, send from", at, number::MACH_MSG_TRAP, words);
        }
        send_to(port);
        let words = [at, RECEIVE, 0, HEADER, port, 0, 0];
        tell("mach_msg, receive to", at, number::MACH_MSG_TRAP, words);
        let words = [task, 1, at];
        tell(
            "port_allocate to",
            at,
            number::SYSCALL_MACH_PORT_ALLOCATE,
            words,
        );
        let words = [task, at, 4096, 1];
        tell("vm_allocate to", at, number::SYSCALL_VM_ALLOCATE, words);
    }
    for at in ADDRESSES.into_iter().filter(|at| *at != CODE) {
        let answer = gate::with_stack_at(number::MACH_PRINT, at);
        println!("pointers: stack at {at:#x}: {answer:#x}");
    }
    println!("pointers: done");
}

fn tell<const WORDS: usize>(what: &str, at: u32, number: i32, words: [u32; WORDS]) {
    // SAFETY: whatever the address, it is memory that no Rust value lies in.
    let answer = unsafe { trap::raw(number, words) };
    println!("pointers: {what} {at:#x}: {:#x}", answer.0);
}

/// Puts a message without a body into the queue of a port of this task's.
fn send_to(port: u32) {
    let header = [u32::from(TypeName::MAKE_SEND.0), HEADER, port, 0, 0, 0];
    let at = core::ptr::from_ref(&header).expose_provenance() as u32;
    let words = [at, SEND, HEADER, 0, 0, 0, 0];
    // SAFETY: the kernel reads the header, which has so many bytes.
    let answer = unsafe { trap::raw(number::MACH_MSG_TRAP, words) };
    println!("pointers: a message is sent: {:#x}", answer.0);
}
