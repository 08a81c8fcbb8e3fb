//! From the loader's hand to a `bootloader_api::BootInfo`.
#![cfg_attr(target_os = "none", no_std)]
