//! What programs that talk to each other agree on.

#![no_std]

pub mod ball;
