//! The Docker half: engines, images, and what runs in containers.
//!
//! Owns everything that talks to a container engine; the commands are in `cmd`.

pub mod base;
pub mod build;
pub mod call;
pub mod checkup;
pub mod choices;
pub mod container;
pub mod diagnosis;
pub mod engine;
pub mod image;
pub mod plan;
pub mod podman;
pub mod progress;
pub mod push;
pub mod running;
pub mod session;
pub mod smoke;
