//! Memory in a message, and where it goes when nobody wants it.
//!
//! Owns the way out: memory is given back without the lock of all ports, so that
//! what is given up under it is put on a list, which takes no memory.

use alloc::boxed::Box;

use crate::mm::OutOfMemory;
use crate::mm::heap::try_box;
use crate::vm::copy::Copy;

/// Memory that a message carries.
#[derive(Debug)]
pub(in crate::ipc) struct Parcel {
    pub(in crate::ipc) copy: Copy,
    next: Option<Box<Parcel>>,
}

impl Parcel {
    pub(in crate::ipc) fn new(copy: Copy) -> Result<Box<Parcel>, OutOfMemory> {
        try_box(Parcel { copy, next: None })
    }
}

/// Memory that is to be given back.
#[derive(Debug, Default)]
pub(in crate::ipc) struct Litter(Option<Box<Parcel>>);

impl Litter {
    /// Puts a parcel there.
    pub(super) fn throw(&mut self, mut parcel: Box<Parcel>) {
        parcel.next = self.0.take();
        self.0 = Some(parcel);
    }

    /// Takes all that there is.
    pub(in crate::ipc) fn take(&mut self) -> Litter {
        Litter(self.0.take())
    }
}

impl Drop for Litter {
    fn drop(&mut self) {
        // One by one: the list may be longer than the stack is deep.
        while let Some(mut parcel) = self.0.take() {
            self.0 = parcel.next.take();
        }
    }
}
