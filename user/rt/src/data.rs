//! Memory that came with a message.
//!
//! Owns it: what a reply says is elsewhere lies in pages of its own, and goes
//! when nobody looks at it any more.
//!
//! **Invariants**: stated beside the fields of [`Data`].

use core::marker::PhantomData;
use core::{ptr, slice};

use abi::layout::Plain;
use abi::wire::OutOfLine;

use crate::trap;

/// Elements that arrived out of line.
#[derive(Debug)]
pub struct Data<E> {
    /// `bytes` bytes begin here, in memory of this task that nobody else frees.
    /// [`Data::claim`] has it promised; else others would lose theirs.
    address: u32,
    bytes: u32,
    elements: PhantomData<E>,
}

impl<E: Plain> Data<E> {
    /// Takes over what a reply says is elsewhere.
    ///
    /// # Safety
    ///
    /// It came in a reply to this task, and is claimed once.
    #[must_use]
    pub unsafe fn claim<const DEALLOCATE: u8>(of: OutOfLine<E, DEALLOCATE>) -> Data<E> {
        let bytes = u64::from(of.count) * E::BYTES as u64;
        Data {
            address: of.address,
            // What has arrived fits into the address space.
            bytes: u32::try_from(bytes).unwrap_or(0),
            elements: PhantomData,
        }
    }

    /// The bytes of all elements.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        if self.bytes == 0 {
            return &[];
        }
        let start = ptr::with_exposed_provenance(self.address as usize);
        // SAFETY: the invariant of the fields; they were written before they came.
        unsafe { slice::from_raw_parts(start, self.bytes as usize) }
    }

    /// The elements in order.
    pub fn iter(&self) -> impl Iterator<Item = E> + '_ {
        self.bytes().chunks_exact(E::BYTES).map(E::read)
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes as usize / E::BYTES
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

impl<E> Drop for Data<E> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: the invariant of the fields, and nobody borrows it.
            let _ =
                unsafe { trap::vm_deallocate(trap::mach_task_self(), self.address, self.bytes) };
        }
    }
}
