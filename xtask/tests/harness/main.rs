//! Proof that the harness can fail, and that it leaves nothing behind.
//!
//! Each kind of failure is provoked with a tiny kernel made for it, through
//! the real tool and the real QEMU: it must get its own verdict and a non-zero
//! exit code, within its deadline, and neither a QEMU nor a raw terminal may
//! be left. Needs QEMU, Bochs, GRUB and gdb; no kernel is built.

mod bochs;
mod gdb;
mod run;
mod script;
mod signals;
mod terminal;
mod verdicts;
