//! Values with several owners, on the heap, made where making can fail.
//!
//! A [`Shared`] is what a kernel object is held by: cloning it adds an owner
//! and never allocates, the last owner's drop frees the value. The standard
//! `Arc` aborts where there is no memory; [`Shared::try_new`] says so. Cloned
//! anywhere; the last owner must not go away in an interrupt handler, for
//! handlers may not use the heap. Owners in a circle never free each other.
//! What a lower layer keeps for a higher one is a [`Shared`] of any type
//! ([`Shared::into_any`]), which the higher one knows again.
//!
//! **Invariants**: stand beside the fields.

use alloc::boxed::Box;
use core::any::Any as AnyType;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering, fence};

use super::{OutOfMemory, heap};

/// More owners than fit into memory, four bytes each: somebody leaks them.
const MOST_OWNERS: u32 = 1 << 30;

/// A value whose type only its owners know.
pub(crate) type Any = dyn AnyType + Send + Sync;

struct Counted<T: ?Sized> {
    /// Exactly the number of `Shared` that lead here. They alone change it, in
    /// `clone` and `drop`; a count too low would free what is still in use.
    owners: AtomicU32,
    value: T,
}

/// One owner's hold on a value.
pub(crate) struct Shared<T: ?Sized> {
    /// Made by `Box::into_raw` and not freed before the owners are none.
    counted: NonNull<Counted<T>>,
    owns: PhantomData<Counted<T>>,
}

// SAFETY: owners on several processors read the value at a time (`Sync`), and
// whichever is last drops it (`Send`). The count is atomic.
unsafe impl<T: ?Sized + Send + Sync> Send for Shared<T> {}
// SAFETY: as above; whoever sees a `Shared` may clone it.
unsafe impl<T: ?Sized + Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Puts `value` on the heap with one owner; drops it if there is no room.
    pub(crate) fn try_new(value: T) -> Result<Shared<T>, OutOfMemory> {
        let counted = heap::try_box(Counted {
            owners: AtomicU32::new(1),
            value,
        })?;
        Ok(Shared {
            counted: NonNull::from(Box::leak(counted)),
            owns: PhantomData,
        })
    }
}

impl<T: AnyType + Send + Sync> Shared<T> {
    /// The same owner's hold, for those who do not know the type.
    pub(crate) fn into_any(self) -> Shared<Any> {
        let counted: NonNull<Counted<Any>> = self.counted;
        core::mem::forget(self);
        Shared {
            counted,
            owns: PhantomData,
        }
    }
}

impl Shared<Any> {
    /// One more owner, if the value is a `T`.
    pub(crate) fn downcast<T: AnyType>(&self) -> Option<Shared<T>> {
        if !(**self).is::<T>() {
            return None;
        }
        let other = self.clone();
        // The pointer was one to a counted `T` before it forgot the type.
        let counted = other.counted.cast();
        core::mem::forget(other);
        Some(Shared {
            counted,
            owns: PhantomData,
        })
    }
}

impl<T: ?Sized> Shared<T> {
    /// Whether both own the same value, not merely an equal one.
    pub(crate) fn is_same(&self, other: &Shared<T>) -> bool {
        ptr::addr_eq(self.counted.as_ptr(), other.counted.as_ptr())
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: the value lives while it has owners, and `self` is one.
        unsafe { self.counted.as_ref() }
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    /// # Panics
    ///
    /// If there are more owners than memory could hold.
    fn clone(&self) -> Shared<T> {
        // Relaxed: whoever has `self` sees the value already.
        let owners = self.counted().owners.fetch_add(1, Ordering::Relaxed);
        assert!(owners < MOST_OWNERS, "owners are leaked");
        Shared {
            counted: self.counted,
            owns: PhantomData,
        }
    }
}

impl<T: ?Sized> Drop for Shared<T> {
    fn drop(&mut self) {
        // Release: what this owner did to the value comes before its freeing.
        if self.counted().owners.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // The other half: see what all the others did.
        fence(Ordering::Acquire);
        // SAFETY: it came from a box, and `self` was the last to lead to it.
        drop(unsafe { Box::from_raw(self.counted.as_ptr()) });
    }
}
