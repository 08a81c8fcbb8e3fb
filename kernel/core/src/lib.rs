//! The kernel's pure logic, tested on the host.
//!
//! Everything here is safe, allocates nothing, touches no hardware and panics
//! on no input; what needs memory or devices is given them by the kernel.
#![no_std]
#![forbid(unsafe_code)]

pub mod addr;
pub mod cpuid;
pub mod frames;
pub mod heap;
pub mod line;
pub mod options;
pub mod rank;
pub mod spsc;
pub mod symbols;
pub mod text_screen;
pub mod trace;
pub mod unwind;
