//! Two-level page tables as the processor reads them (Intel SDM 3A 4.3).
//!
//! Entries, the tables as arrays of entries, and the TLB. What is mapped where
//! is the business of `mm`; nothing here allocates.

use core::fmt;

use bitflags::bitflags;
use kernel_core::addr::{Frame, PhysAddr, VirtAddr};

/// Entries in a page directory or page table.
pub(crate) const ENTRIES: usize = 1024;
/// Bytes that one directory entry covers.
pub(crate) const LARGE_PAGE_SIZE: u32 = 4 << 20;

bitflags! {
    /// Bits of an entry, Intel SDM 3A tables 4-4 to 4-6.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Flags: u32 {
        /// The entry maps something.
        const PRESENT = 1;
        /// Writes are allowed.
        const WRITABLE = 1 << 1;
        /// User mode may use it.
        const USER = 1 << 2;
        /// Writes go through to memory.
        const WRITE_THROUGH = 1 << 3;
        /// Never cached: device registers.
        const UNCACHED = 1 << 4;
        /// The processor has used it since this was cleared.
        const ACCESSED = 1 << 5;
        /// In a directory: a 4 MiB page instead of a table.
        const LARGE = 1 << 7;
        /// Survives a load of CR3, where the processor can do that.
        const GLOBAL = 1 << 8;
        /// Not the processor's: the entry maps nothing, but its frame is still
        /// the task's.
        const HIDDEN = 1 << 9;
    }
}

/// One entry of a directory or table.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Entry(u32);

impl Entry {
    /// Maps nothing.
    pub(crate) const EMPTY: Entry = Entry(0);

    /// Maps `frame` (or refers to the table in it) with `flags`.
    pub(crate) const fn new(frame: Frame, flags: Flags) -> Entry {
        Entry(frame.start().as_u32() | flags.bits())
    }

    /// Whether the entry maps anything.
    pub(crate) const fn is_present(self) -> bool {
        self.flags().contains(Flags::PRESENT)
    }

    /// The entry's bits that this kernel knows.
    pub(crate) const fn flags(self) -> Flags {
        Flags::from_bits_truncate(self.0)
    }

    /// The frame that the entry names.
    pub(crate) const fn frame(self) -> Frame {
        PhysAddr::new(self.0).frame()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.frame(), self.flags())
    }
}

/// A table somewhere in memory, by address: others (the processor, other
/// processors) read it at any time, so it is never borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableAt(*mut Entry);

impl TableAt {
    /// Names the table at `address`.
    ///
    /// # Safety
    ///
    /// A frame that holds a directory or table is mapped there, writable, for
    /// as long as this value is used, and the caller serialises all writes.
    pub(crate) unsafe fn new(address: VirtAddr) -> TableAt {
        debug_assert!(address.is_page_aligned());
        TableAt(address.as_usize() as *mut Entry)
    }

    /// Reads an entry.
    pub(crate) fn read(self, index: usize) -> Entry {
        assert!(index < ENTRIES);
        // SAFETY: `new` promised a mapped table; the index is inside.
        unsafe { self.0.add(index).read_volatile() }
    }

    /// Writes an entry.
    ///
    /// # Safety
    ///
    /// What the entry maps, or stops mapping, is nobody's reference.
    pub(crate) unsafe fn write(self, index: usize, entry: Entry) {
        assert!(index < ENTRIES);
        // SAFETY: `new` promised a mapped table; the index is inside.
        unsafe { self.0.add(index).write_volatile(entry) }
    }
}

/// Makes this processor use another page directory.
///
/// # Safety
///
/// `directory` is the physical address of one that maps everything in use, and
/// stays.
pub(crate) unsafe fn switch_to(directory: PhysAddr) {
    // SAFETY: passed on to the caller.
    unsafe { x86::controlregs::cr3_write(directory.as_u32().into()) };
}

/// Drops this processor's TLB entry for the page at `address`.
pub(crate) fn flush_page(address: VirtAddr) {
    // SAFETY: dropping a TLB entry only costs time.
    unsafe { x86::tlb::flush(address.as_usize()) };
}

/// Drops all of this processor's TLB entries but the global ones.
pub(crate) fn flush_all() {
    // SAFETY: dropping TLB entries only costs time.
    unsafe { x86::tlb::flush_all() };
}

/// Drops all of this processor's TLB entries, the global ones too: those go
/// when CR4.PGE changes (Intel SDM 3A 4.10.4.1).
pub(crate) fn flush_everything() {
    use x86::controlregs::{Cr4, cr4, cr4_write};
    // SAFETY: dropping TLB entries only costs time, and CR4 ends as it began.
    unsafe {
        let saved = cr4();
        if saved.contains(Cr4::CR4_ENABLE_GLOBAL_PAGES) {
            cr4_write(saved - Cr4::CR4_ENABLE_GLOBAL_PAGES);
            cr4_write(saved);
        } else {
            x86::tlb::flush_all();
        }
    }
}
