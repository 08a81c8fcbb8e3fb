//! The pure part of scheduling: who runs next, with which priority, how long.
//!
//! The kernel keeps one [`machine::Machine`], which has a [`queue::RunQueue`] for
//! each processor, and a [`priority::Scheduling`] in each thread.

pub mod machine;
pub mod priority;
pub mod queue;

/// Priorities, 0 the best (users may set all of them: seen).
pub const PRIORITIES: u8 = 64;

/// The worst priority, which a depressed thread has.
pub const LOWEST: u8 = PRIORITIES - 1;
