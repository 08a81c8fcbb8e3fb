//! The Docker half: engines, images, and what runs in containers.
//!
//! Owns everything that talks to a container engine; the commands are in `cmd`.

pub mod diagnosis;
pub mod engine;
