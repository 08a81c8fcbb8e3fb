//! Running a machine: its description, the emulators, and the conversation.
//!
//! Owns everything between a [`spec::MachineSpec`] and the [`Outcome`] of its
//! run. Commands start a [`session`]; nothing outside this folder starts an
//! emulator or reads its console.

pub mod bochs;
pub mod console;
pub mod guardian;
pub mod kvm;
pub mod limits;
pub mod outcome;
pub mod qemu;
pub mod qmp;
pub mod report;
pub mod script;
pub mod session;
pub mod spec;
pub mod start;
pub mod streams;
pub mod terminal;
pub mod transcript;

pub use console::Match;
pub use limits::Limits;
pub use outcome::{End, Limit, Line, Outcome};
pub use session::Session;
