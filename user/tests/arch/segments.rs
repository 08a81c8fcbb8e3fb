//! Segments of the program's own, and I/O ports.

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

/// Writes a byte to port 0x80, which nothing but a display for errors listens to.
pub fn write_port_80() {
    // SAFETY: nobody minds.
    unsafe { asm!("outb %al, $0x80", in("al") 0_u8, options(att_syntax, nostack, nomem)) };
}
