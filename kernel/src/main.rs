//! ExoV6, a Mach microkernel for 32-bit i386 PCs.
//!
//! `boot` enters at [`start`]; docs/tour.md leads through the files in reading
//! order. Modules name only those above them in this list:
//!
//! ```text
//! arch     the processor and the PC's chips
//! sync     locks
//! trace    what happened last
//! symbols  names of functions
//! ipi      messages between processors
//! mm       memory
//! irq      device interrupts
//! console  what the kernel says and hears
//! panic    last words
//! time     ticks and clocks
//! sched    threads, and who runs where
//! vm       memory of tasks
//! ipc      ports and names
//! task     user programs
//! pager    memory objects of user programs
//! device   devices that tasks open
//! server   the routines of the kernel's ports
//! syscall  traps of user programs
//! smp      starting the other processors
//! hand_off what the boot code hands over
//! machine  what was found, and the banner
//! ktest    tests inside the kernel (feature "ktest")
//! misdeed  crimes on request (feature "ktest")
//! monitor  kdb>
//! start    the story of a boot
//! ```

#![no_std]
#![no_main]

extern crate alloc;

mod arch;
mod console;
mod device;
mod hand_off;
mod ipc;
mod ipi;
mod irq;
#[cfg(feature = "ktest")]
mod ktest;
mod machine;
#[cfg(feature = "ktest")]
mod misdeed;
mod mm;
mod monitor;
mod pager;
mod panic;
mod sched;
mod server;
mod smp;
mod start;
mod symbols;
mod sync;
mod syscall;
mod task;
mod time;
mod trace;
mod vm;
