//! Device registers in memory, 32 bits wide.
//!
//! Used by the APIC drivers. The mapping is made by `mm` and stays.

use kernel_core::addr::VirtAddr;

/// A page of device registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers(VirtAddr);

impl Registers {
    /// Names the registers mapped at `base`.
    ///
    /// # Safety
    ///
    /// A page of device registers is mapped there, uncached, for good, and the
    /// caller owns the device.
    pub(crate) const unsafe fn new(base: VirtAddr) -> Registers {
        Registers(base)
    }

    /// Reads the register at `offset` bytes.
    pub(crate) fn read(self, offset: u16) -> u32 {
        // SAFETY: `new` promised a mapped page, and the offset stays in it.
        unsafe { self.register(offset).read_volatile() }
    }

    /// Writes the register at `offset` bytes.
    pub(crate) fn write(self, offset: u16, value: u32) {
        // SAFETY: as for `read`.
        unsafe { self.register(offset).write_volatile(value) }
    }

    fn register(self, offset: u16) -> *mut u32 {
        debug_assert!(offset % 4 == 0 && offset < 4096);
        (self.0.as_usize() + usize::from(offset)) as *mut u32
    }
}
