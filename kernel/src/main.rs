//! ExoV6, the kernel.
#![no_std]
#![no_main]
