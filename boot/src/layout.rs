//! Where things lie in kernel space: the one place that decides it.
//!
//! ```text
//! 0xffff_f000  guard: never mapped, so that a null-minus-one wraps into a fault
//! 0xf000_0000  MAPPINGS: stacks with guard pages, device registers, windows
//! 0xc000_0000  DIRECT MAP: physical 0 to 768 MiB, read and write;
//!              the kernel image lies in it at 0xc010_0000, text and rodata
//!              read-only
//! 0x0000_0000  user space (during boot: the first 4 MiB one to one)
//! ```
//!
//! `kernel/link.ld` repeats [`KERNEL_BASE`] and [`IMAGE_START`]; a test in
//! `kernel/tests/kernel_map.rs` compares them. docs/memory-map.md draws the same picture.

/// First kernel address; physical 0 is mapped here.
pub const KERNEL_BASE: u32 = 0xc000_0000;

/// Bytes of physical memory that the direct map covers, at most.
pub const DIRECT_MAP_SIZE: u32 = MAPPINGS_START - KERNEL_BASE;

/// First address of the region for mappings made page by page.
pub const MAPPINGS_START: u32 = 0xf000_0000;

/// Bytes in the region for mappings made page by page.
pub const MAPPINGS_SIZE: u32 = 64 << 20;

/// Physical address at which the loader puts the kernel image.
pub const IMAGE_START: u32 = 0x0010_0000;

/// Bytes in the boot processor's first stack.
pub const BOOT_STACK_SIZE: usize = 16 << 10;
