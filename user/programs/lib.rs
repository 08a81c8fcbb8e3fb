//! What programs that talk to each other agree on.

#![no_std]

extern crate alloc;

pub mod ball;
pub mod names;
pub mod service;
