//! A box that whoever needs it takes out, and puts back.
//!
//! For what one thread uses at a time, without a lock: who comes second finds it
//! gone.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A place for one box.
///
/// **Invariant**: the pointer is null, or came from a box that nobody else has.
pub(crate) struct Tray<T> {
    boxed: AtomicPtr<T>,
    owns: PhantomData<Box<T>>,
}

impl<T> Tray<T> {
    /// With this box.
    pub(crate) fn new(boxed: Box<T>) -> Tray<T> {
        Tray {
            boxed: AtomicPtr::new(Box::into_raw(boxed)),
            owns: PhantomData,
        }
    }

    /// Takes the box out, if it is there.
    #[inline]
    pub(crate) fn take(&self) -> Option<Box<T>> {
        let boxed = self.boxed.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: by the invariant; the pointer is here no more.
        (!boxed.is_null()).then(|| unsafe { Box::from_raw(boxed) })
    }

    /// Puts a box there, in place of the one that was.
    #[inline]
    pub(crate) fn put(&self, boxed: Box<T>) {
        let before = self.boxed.swap(Box::into_raw(boxed), Ordering::AcqRel);
        if !before.is_null() {
            // SAFETY: by the invariant; the pointer is here no more.
            drop(unsafe { Box::from_raw(before) });
        }
    }
}

impl<T> Drop for Tray<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}
