//! The kernel's pure logic, tested on the host.
//!
//! Everything here is safe, allocates nothing, touches no hardware and panics
//! on no input; what needs memory or devices is given them by the kernel.
#![no_std]
#![forbid(unsafe_code)]

pub mod acpi;
pub mod acpi_power;
pub mod addr;
pub mod cpuid;
pub mod firmware;
pub mod fixed_vec;
pub mod frames;
pub mod heap;
pub mod ipc;
pub mod line;
pub mod mp_table;
pub mod options;
pub mod rank;
pub mod runs;
pub mod spsc;
pub mod symbols;
pub mod text_screen;
pub mod topology;
pub mod trace;
pub mod unwind;
