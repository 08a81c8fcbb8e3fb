//! GNU Mach's i386 interface: numbers, layouts, messages, routines.
//!
//! Owns no state: constants, plain values, and the conversion of messages from
//! and to bytes. The kernel, the user runtime and the tests call it alike, so
//! that what one side sends is what the other side understands.
//!
//! Names, numbers and layouts are those of GNU Mach's public headers and
//! definition files (`mach/*.h`, `mach/*.defs`, `device`, `mach_debug`), as on
//! an i386: integers are little-endian, words have 32 bits, and nothing is
//! aligned to more than 4 bytes.
#![no_std]
#![forbid(unsafe_code)]

pub mod constants;
pub mod gsync;
pub mod kern_return;
pub mod layout;
pub mod message;
pub mod port;
pub mod routine;
pub mod trap;
pub mod wire;
