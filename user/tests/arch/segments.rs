//! Segments of the program's own.

use core::arch::asm;

/// The first word of the segment that `selector` means; GS is null then.
#[must_use]
pub fn word_in(selector: u16) -> u32 {
    let word;
    // SAFETY: it reads; whoever calls has put a segment there.
    unsafe {
        asm!(
            "movw %ax, %gs",
            "movl %gs:0, %ecx",
            "xorl %eax, %eax",
            "movw %ax, %gs",
            inlateout("eax") u32::from(selector) => _,
            lateout("ecx") word,
            options(att_syntax, nostack),
        );
    }
    word
}
