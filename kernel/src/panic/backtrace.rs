//! The calls that led here, with names.
//!
//! Follows the frame pointers, which the whole kernel is compiled with, through
//! memory that is checked to be mapped; the names come from the table behind
//! the image.

use core::fmt::{self, Write};

use kernel_core::addr::VirtAddr;
use kernel_core::unwind::{self, Stack};

use crate::mm::kernel_map;
use crate::symbols;

/// Kernel memory as the unwinder may read it.
struct KernelStack;

impl Stack for KernelStack {
    fn read_u32(&self, address: VirtAddr) -> Option<u32> {
        if address.as_u32() < boot::layout::KERNEL_BASE || address.as_u32() % 4 != 0 {
            return None;
        }
        kernel_map::translate(address)?;
        // SAFETY: aligned, so within one page, and that page is mapped RAM of
        // the kernel; a stale value misleads the reader, nothing else.
        Some(unsafe { (address.as_usize() as *const u32).read_volatile() })
    }
}

/// Writes one line a call, innermost first, from a code and a frame pointer.
pub(crate) fn write(out: &mut impl Write, eip: u32, ebp: u32) -> fmt::Result {
    write_line(out, 0, VirtAddr::new(eip))?;
    for (number, call) in unwind::calls(&KernelStack, VirtAddr::new(ebp)).enumerate() {
        write_line(out, number + 1, call)?;
    }
    Ok(())
}

fn write_line(out: &mut impl Write, number: usize, address: VirtAddr) -> fmt::Result {
    writeln!(out, "  {number:>2}  {address}  {}", symbols::Named(address))
}
