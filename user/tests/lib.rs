//! What the test programs share: instructions that the runtime has no use for,
//! and numbers that look random.
//!
//! `xtask/src/testing/rings/user.rs` boots the programs, and
//! `xtask/src/testing/trials/` says what each must print.
#![no_std]

pub mod arch;
pub mod random;
