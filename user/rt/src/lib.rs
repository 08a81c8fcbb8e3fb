//! What a user program needs before its first line: start, traps, printing.
//!
//! Programs of Mach's i386 interface link it, name their first function by
//! [`program!`], and run on ExoV6 and on GNU Mach alike. Numbers, names and
//! layouts are those of `abi`. Every thread of a program may call everything.
//!
//! ```text
//! arch      the first instruction, and the trap gate
//! trap      the traps, each a safe function where it can be one
//! message   room for messages, and sending and receiving them
//! rpc       the routines, a function for each
//! data      memory that came with a message
//! server    the loop of a program that answers messages
//! discard   what came with messages that nobody wants
//! memory    pages beside the heap, and mapped objects
//! heap      what `alloc` allocates from
//! thread    more threads
//! arguments what the task was started with
//! print     text on the console
//! task      what it was given by its parent, and the end of it, good or bad
//! ```
#![no_std]

#[cfg(not(target_arch = "x86"))]
compile_error!("a user program is for i386: cargo xtask build");

extern crate alloc;

mod arch;
pub mod arguments;
pub mod data;
mod discard;
mod heap;
pub mod memory;
pub mod message;
pub mod print;
pub mod rpc;
pub mod server;
pub mod task;
pub mod thread;
pub mod trap;

pub use abi;
pub use arguments::Arguments;

/// Names the function that a program begins with.
///
/// ```ignore
/// user_rt::program!(main);
///
/// fn main(arguments: user_rt::Arguments) {}
/// ```
///
/// When it returns, the task ends.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "Rust" fn user_rt_main(arguments: $crate::Arguments) {
            let main: fn($crate::Arguments) = $main;
            main(arguments);
        }
    };
}
