//! I/O ports as values: made once, unsafely, by whoever owns the device.
//!
//! Used by the drivers in this folder only. A `Port` can be read and written
//! safely because its maker vouched for the device behind it.

use x86::io;

/// One I/O port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port(u16);

impl Port {
    /// Names a port.
    ///
    /// # Safety
    ///
    /// The caller owns the device at `number`, and no value read from or
    /// written to it can break memory safety.
    pub(crate) const unsafe fn new(number: u16) -> Port {
        Port(number)
    }

    /// Reads eight bits.
    pub(crate) fn read8(self) -> u8 {
        // SAFETY: the maker of this port vouched for its device.
        unsafe { io::inb(self.0) }
    }

    /// Writes eight bits.
    pub(crate) fn write8(self, value: u8) {
        // SAFETY: the maker of this port vouched for its device.
        unsafe { io::outb(self.0, value) }
    }

    /// Writes sixteen bits.
    pub(crate) fn write16(self, value: u16) {
        // SAFETY: the maker of this port vouched for its device.
        unsafe { io::outw(self.0, value) }
    }
}
