//! The kernel's pure logic, tested on the host.
//!
//! Everything here is safe, touches no hardware and panics on no input; what
//! needs devices is given them by the kernel. Only [`arena`] allocates, in
//! bounded blocks, and reports when there is no memory.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod acpi;
pub mod acpi_power;
pub mod addr;
pub mod arena;
pub mod bootscript;
pub mod clock;
pub mod cpuid;

pub mod descriptor;
pub mod emulation;
pub mod exec;
pub mod firmware;
pub mod fixed_vec;
pub mod fpu;
pub mod frames;
pub mod heap;
pub mod ipc;
pub mod line;
pub mod mp_table;
pub mod options;
pub mod port_map;
pub mod radix;
pub mod rank;
pub mod runs;
pub mod sched;
pub mod spsc;
pub mod symbols;
pub mod text_screen;
pub mod topology;
pub mod trace;
pub mod unwind;
pub mod vm;
