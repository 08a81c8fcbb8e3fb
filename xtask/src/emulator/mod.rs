//! Running a machine: argument lists, the session, scripts and the terminal.
//!
//! Owns everything between a [`crate::machine::MachineSpec`] and the
//! [`Outcome`] of its run. Commands start a [`session`]; nothing outside this
//! folder starts an emulator or reads its console.

pub mod outcome;

pub use outcome::{End, Limit, Line, Outcome};
