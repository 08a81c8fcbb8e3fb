//! I/O ports that the program has a permission for.

use core::arch::asm;

/// Reads a byte.
#[must_use]
pub fn read(port: u16) -> u8 {
    let byte;
    // SAFETY: whoever calls has the permission, and knows the device.
    unsafe { asm!("inb %dx, %al", in("dx") port, out("al") byte, options(att_syntax, nostack)) };
    byte
}

/// Writes a byte.
pub fn write(port: u16, byte: u8) {
    // SAFETY: as above.
    unsafe { asm!("outb %al, %dx", in("dx") port, in("al") byte, options(att_syntax, nostack)) };
}
