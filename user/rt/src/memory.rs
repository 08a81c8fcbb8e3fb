//! Memory beside the heap: pages of the task's own, and objects that it maps.
//!
//! Owns both: they go when nobody holds them any more. What others may change or
//! take away at any time is read and written word by word, never lent.
//!
//! **Invariants**: stated beside the fields of [`Pages`] and [`Mapped`].

use core::{ptr, slice};

use abi::kern_return::KernReturn;
use abi::layout::vm::{VM_INHERIT_NONE, VM_PROT_ALL, VM_PROT_DEFAULT};
use abi::port::PortName;
use abi::wire::{CopySend, OutOfLine};

use crate::rpc::mach;
use crate::trap::{self, Result};

/// Whole pages of memory, zeroed at first.
#[derive(Debug)]
pub struct Pages {
    /// `bytes` bytes begin here that nobody else uses or frees: [`Pages::new`]
    /// allocated them.
    address: u32,
    bytes: u32,
}

impl Pages {
    /// So many bytes, a multiple of a page.
    ///
    /// # Errors
    /// The code of the call that did not succeed.
    pub fn new(bytes: u32) -> Result<Pages> {
        let address = trap::vm_allocate(trap::mach_task_self(), bytes)?;
        Ok(Pages { address, bytes })
    }

    /// All of them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let start = ptr::with_exposed_provenance(self.address as usize);
        // SAFETY: the invariant of the fields.
        unsafe { slice::from_raw_parts(start, self.bytes as usize) }
    }

    /// All of them, to write to.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let start = ptr::with_exposed_provenance_mut(self.address as usize);
        // SAFETY: the invariant of the fields.
        unsafe { slice::from_raw_parts_mut(start, self.bytes as usize) }
    }

    /// All of them, for a message that copies them.
    #[must_use]
    pub fn all<const DEALLOCATE: u8>(&self) -> OutOfLine<u8, DEALLOCATE> {
        OutOfLine::new(self.address, self.bytes)
    }

    /// `count` bytes from `at` on, for a message that copies them; `None` if there
    /// are not so many.
    #[must_use]
    pub fn part<const DEALLOCATE: u8>(
        &self,
        at: u32,
        count: u32,
    ) -> Option<OutOfLine<u8, DEALLOCATE>> {
        let end = at.checked_add(count)?;
        (end <= self.bytes).then(|| OutOfLine::new(self.address + at, count))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the invariant of the fields, and nobody borrows them.
        let _ = unsafe { trap::vm_deallocate(trap::mach_task_self(), self.address, self.bytes) };
    }
}

/// A memory object in the address space, to be read and written.
#[derive(Debug)]
pub struct Mapped {
    /// `bytes` bytes begin here, of the object and of nothing else:
    /// [`Mapped::new`] had them mapped. They may change at any time.
    address: u32,
    bytes: u32,
}

impl Mapped {
    /// The first bytes of `object`, a multiple of a page. Tasks that are made from
    /// this one do not have them.
    ///
    /// # Errors
    /// The code of the call that did not succeed.
    pub fn new(object: PortName, bytes: u32) -> Result<Mapped> {
        let mapped = mach::vm_map(
            trap::mach_task_self(),
            0,
            bytes,
            0,
            true,
            CopySend::new(object.0),
            0,
            false,
            VM_PROT_DEFAULT,
            VM_PROT_ALL,
            VM_INHERIT_NONE,
        )?;
        let address = mapped.address;
        Ok(Mapped { address, bytes })
    }

    fn word_at(&self, at: u32) -> Result<*mut u32> {
        let end = at.checked_add(size_of::<u32>() as u32);
        let is_inside = at % 4 == 0 && end.is_some_and(|end| end <= self.bytes);
        match is_inside {
            true => Ok(ptr::with_exposed_provenance_mut(
                (self.address + at) as usize,
            )),
            false => Err(KernReturn::INVALID_ADDRESS),
        }
    }

    /// The word at a multiple of four. If the object's pager does not supply it,
    /// this thread has an exception.
    ///
    /// # Errors
    /// `KERN_INVALID_ADDRESS` outside of what is mapped.
    pub fn word(&self, at: u32) -> Result<u32> {
        let word = self.word_at(at)?;
        // SAFETY: it is inside, by the invariant of the fields.
        Ok(unsafe { word.read_volatile() })
    }

    /// Writes the word at a multiple of four.
    ///
    /// # Errors
    /// As of [`Mapped::word`].
    pub fn set_word(&mut self, at: u32, value: u32) -> Result {
        let word = self.word_at(at)?;
        // SAFETY: it is inside, by the invariant of the fields.
        unsafe { word.write_volatile(value) };
        Ok(())
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the invariant of the fields, and nobody holds a reference.
        let _ = unsafe { trap::vm_deallocate(trap::mach_task_self(), self.address, self.bytes) };
    }
}
