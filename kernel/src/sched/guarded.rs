//! Parts of threads that the scheduler's lock guards.
//!
//! A thread is shared, but these parts belong to whoever holds the lock: it
//! hands out the one [`Key`], and a [`Guarded`] opens for that only.

use core::cell::UnsafeCell;

/// Proof of holding the scheduler's lock.
///
/// **Invariant**: there is one, inside the lock.
#[derive(Debug)]
pub(super) struct Key(());

impl Key {
    /// The one. For the lock's contents, in a constant; no second one is made.
    pub(super) const fn new() -> Key {
        Key(())
    }
}

/// A value that opens with the key.
pub(super) struct Guarded<T>(UnsafeCell<T>);

// SAFETY: the value is reached by the holder of the key only, one at a time.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(super) const fn new(value: T) -> Guarded<T> {
        Guarded(UnsafeCell::new(value))
    }

    /// The value, for as long as the key is borrowed.
    pub(super) fn get<'a>(&'a self, _key: &'a mut Key) -> &'a mut T {
        // SAFETY: there is one key, and it is borrowed exclusively, so this is
        // the only reference into any guarded value.
        unsafe { &mut *self.0.get() }
    }
}
