//! The loader's first jump: from `entry.s` into Rust, with paging on.
//!
//! Owns the first page directory and the boot stack. Called by the loader
//! alone; calls `kernel_main`, which the kernel defines.

use core::arch::global_asm;

use crate::layout::{BOOT_STACK_SIZE, DIRECT_MAP_SIZE, KERNEL_BASE};

/// Multiboot 0.6.96 3.1.1: what the kernel's header starts with.
const MULTIBOOT_HEADER_MAGIC: u32 = 0x1bad_b002;
/// Modules on page boundaries (bit 0), memory information wanted (bit 1).
const MULTIBOOT_FLAGS: u32 = 0b11;
/// Xen's `XEN_ELFNOTE_PHYS32_ENTRY`.
const PHYS32_ENTRY: u32 = 18;
/// CPUID.1:EDX: PSE (3), TSC (4), CX8 (8); Intel SDM 2A, CPUID.
const NEEDED_FEATURES: u32 = 1 << 3 | 1 << 4 | 1 << 8;
/// Present, writable, 4 MiB (Intel SDM 3A 4.3, table 4-4).
const PAGE_FLAGS: u32 = 1 | 1 << 1 | 1 << 7;
const LARGE_PAGE: u32 = 4 << 20;
const CR4_PSE: u32 = 1 << 4;
const CR0_PG_WP: u32 = 1 << 31 | 1 << 16;
/// The first serial port and QEMU's exit device, as the kernel's
/// `arch::uart` and `arch::exit` have them.
const COM1_DATA: u32 = 0x3f8;
const COM1_LINE_STATUS: u32 = COM1_DATA + 5;
const TRANSMITTER_EMPTY: u32 = 1 << 6;
const DEBUG_EXIT_PORT: u32 = 0xf4;
const DEBUG_EXIT_FAILURE: u32 = 0x11;

global_asm!(
    include_str!("entry.s"),
    MULTIBOOT_MAGIC = const MULTIBOOT_HEADER_MAGIC,
    MULTIBOOT_FLAGS = const MULTIBOOT_FLAGS,
    PHYS32_ENTRY = const PHYS32_ENTRY,
    PVH_MAGIC = const crate::pvh::MAGIC,
    NEEDED_FEATURES = const NEEDED_FEATURES,
    KERNEL_BASE = const KERNEL_BASE,
    PAGE_FLAGS = const PAGE_FLAGS,
    FIRST_KERNEL_ENTRY = const KERNEL_BASE >> 22,
    LARGE_PAGE = const LARGE_PAGE,
    DIRECT_MAP_SIZE = const DIRECT_MAP_SIZE,
    CR4_PSE = const CR4_PSE,
    CR0_PG_WP = const CR0_PG_WP,
    COM1_DATA = const COM1_DATA,
    COM1_LINE_STATUS = const COM1_LINE_STATUS,
    TRANSMITTER_EMPTY = const TRANSMITTER_EMPTY,
    DEBUG_EXIT_PORT = const DEBUG_EXIT_PORT,
    DEBUG_EXIT_FAILURE = const DEBUG_EXIT_FAILURE,
    BOOT_STACK_SIZE = const BOOT_STACK_SIZE,
    boot_main = sym boot_main,
);
