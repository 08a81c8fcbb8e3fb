//! The pure part of virtual memory: what is where, and what copies what.
//!
//! Owns no memory and no page tables; the kernel carries out what is decided
//! here.

pub mod ledger;
pub mod map;
pub mod object;
