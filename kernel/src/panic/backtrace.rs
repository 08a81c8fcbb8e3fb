//! The calls that led here, with names.
//!
//! Follows the frame pointers, which the whole kernel is compiled with, through
//! memory that is checked to be mapped; the names come from the table behind
//! the image.

use core::fmt::{self, Write};

use kernel_core::addr::VirtAddr;
use kernel_core::unwind::Walk;

use crate::mm::kernel_map;
use crate::symbols;

/// Above every stack of the kernel.
const STACKS_END: VirtAddr = VirtAddr::new(0xffff_f000);

/// Writes one line a call, innermost first, from a code and a frame pointer.
pub(crate) fn write(out: &mut impl Write, eip: u32, ebp: u32) -> fmt::Result {
    let mut number = 0;
    let mut line = |address| {
        number += 1;
        writeln!(out, "  {number:>2}  {address}  {}", symbols::Named(address))
    };
    line(VirtAddr::new(eip))?;
    let start = VirtAddr::new(boot::layout::KERNEL_BASE);
    let mut walk = Walk::new(VirtAddr::new(ebp), start, STACKS_END, read_u32);
    walk.try_for_each(line)
}

fn read_u32(address: VirtAddr) -> Option<u32> {
    if address.as_u32() % 4 != 0 {
        return None;
    }
    kernel_map::translate(address)?;
    // SAFETY: aligned, so within one page, and that page is mapped; the walk
    // keeps to kernel space. A stale value misleads the reader, nothing else.
    Some(unsafe { (address.as_usize() as *const u32).read_volatile() })
}
