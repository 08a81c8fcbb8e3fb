//! From the loader's hand to a `bootloader_api::BootInfo`.
//!
//! The parsers are pure and tested on the host: they read what a loader left
//! through [`kernel_core::firmware::PhysicalMemory`] and believe none of it.
#![cfg_attr(not(test), no_std)]

pub mod command_line;
#[cfg(target_os = "none")]
mod entry;
pub mod hand_off;
pub mod layout;
pub mod loader;
pub mod memory_map;
pub mod multiboot;
pub mod pvh;
pub mod text;
