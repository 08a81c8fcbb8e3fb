//! Mach's inter-process communication, as far as it is pure.
//!
//! Owns the rules: what a message may look like ([`message`]))
//! and the kinds of rights ([`right`]). The kernel's `ipc` layer holds the locks and the threads that
//! wait, copies memory, and delivers the notifications that these rules ask
//! for. Source: GNU Mach manual, chapter 4; `mach/message.h`, `mach/port.h`.

pub mod message;
pub mod right;

pub use right::{Disposition, Refusal};
