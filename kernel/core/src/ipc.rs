//! Mach's inter-process communication, as far as it is pure.
//!
//! Owns the rules: what a message may look like ([`message`]), which names a
//! task has for which rights ([`space`]), what a port counts and queues
//! ([`port`]). The kernel's `ipc` layer holds the locks and the threads that
//! wait, copies memory, and delivers the notifications that these rules ask
//! for. Source: GNU Mach manual, chapter 4; `mach/message.h`, `mach/port.h`.
//!
//! Whatever a task can make grow is kept in arenas and fails with
//! [`Refusal::ResourceShortage`] before anything has changed.

pub mod message;
pub mod port;
pub mod right;
pub mod space;

pub use right::{Carried, Disposition, Refusal};
