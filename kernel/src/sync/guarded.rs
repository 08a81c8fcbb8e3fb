//! Values spread over many objects that one lock guards.
//!
//! An object is shared, but some parts of it belong to whoever holds a lock that
//! is elsewhere: inside of that is the one [`Key`] of its kind, and a [`Guarded`]
//! opens for that only. `O` is what the key lies in.

use core::cell::UnsafeCell;
use core::marker::PhantomData;

/// Proof of holding the lock of an `O`.
///
/// **Invariant**: there is one of each kind.
pub(crate) struct Key<O>(PhantomData<fn() -> O>);

impl<O> Key<O> {
    /// The one.
    ///
    /// # Safety
    ///
    /// No second one is ever made, and this one lies inside a lock.
    pub(crate) const unsafe fn new() -> Self {
        Key(PhantomData)
    }
}

/// A value that opens with the key.
pub(crate) struct Guarded<O, T> {
    value: UnsafeCell<T>,
    opens_with: PhantomData<fn() -> O>,
}

// SAFETY: the value is reached by the holder of the key only, one at a time.
unsafe impl<O, T: Send> Sync for Guarded<O, T> {}

impl<O, T> Guarded<O, T> {
    pub(crate) const fn new(value: T) -> Self {
        Guarded {
            value: UnsafeCell::new(value),
            opens_with: PhantomData,
        }
    }

    /// The value, for as long as the key is borrowed.
    #[inline(always)]
    pub(crate) fn get<'a>(&'a self, _key: &'a mut Key<O>) -> &'a mut T {
        // SAFETY: there is one key, and it is borrowed exclusively, so this is
        // the only reference into any guarded value.
        unsafe { &mut *self.value.get() }
    }
}
