//! Spin locks with a rank: the one way to share what more than one CPU writes.
//!
//! Two kinds, told apart by type. A [`TaskLock`] leaves interrupts as they are
//! and must never be taken by an interrupt handler. An [`IrqLock`] keeps
//! interrupts off while it is held, so handlers may take it too; under it there
//! is no I/O that waits and no allocation.
//!
//! **Invariants**: a processor takes locks in rising [`rank`] only, interrupt
//! handlers included; two that took a pair in opposite order would wait for
//! each other for ever. Debug builds check each acquisition before they spin
//! and panic with both names. Once a panic has stopped all other processors
//! ([`percpu::is_alone`]) whoever held a lock will not go on: locks open then,
//! so that the monitor can be used after a panic.

pub(crate) mod guarded;
pub(crate) mod rank;
pub(crate) mod tray;

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use kernel_core::rank::RankedLock;
use spin::mutex::{SpinMutex, SpinMutexGuard};

use self::rank::Ranked;
use crate::arch::{interrupts, percpu};

/// What a kind of lock does with interrupts.
pub(crate) trait Kind {
    /// What is put back on release.
    type Saved: Copy;
    /// Before spinning.
    fn enter() -> Self::Saved;
    /// After release.
    fn leave(saved: Self::Saved);
}

/// Interrupts stay as they are.
#[derive(Debug)]
pub(crate) enum Task {}

/// Interrupts are off.
#[derive(Debug)]
pub(crate) enum Irq {}

impl Kind for Task {
    type Saved = ();

    fn enter() {
        debug_assert!(
            percpu::is_alone() || !percpu::current().in_interrupt(),
            "an interrupt handler takes a lock that tasks hold with interrupts on"
        );
    }

    fn leave((): ()) {}
}

impl Kind for Irq {
    type Saved = interrupts::Saved;

    fn enter() -> interrupts::Saved {
        interrupts::disable()
    }

    fn leave(saved: interrupts::Saved) {
        interrupts::restore(saved);
    }
}

/// A lock for code that runs outside interrupt handlers.
pub(crate) type TaskLock<R, T> = Lock<R, T, Task>;
/// A lock for what interrupt handlers share.
pub(crate) type IrqLock<R, T> = Lock<R, T, Irq>;

/// A spin lock around a `T`, at place `R` in the order.
pub(crate) struct Lock<R: Ranked, T, K: Kind> {
    value: SpinMutex<T>,
    place: PhantomData<fn() -> (R, K)>,
}

impl<R: Ranked, T, K: Kind> Lock<R, T, K> {
    /// A lock that is free.
    pub(crate) const fn new(value: T) -> Self {
        Lock {
            value: SpinMutex::new(value),
            place: PhantomData,
        }
    }

    /// Waits until the lock is free, and takes it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, T, K> {
        let saved = K::enter();
        note_acquired(R::IDENTITY);
        let guard = match self.value.try_lock() {
            Some(guard) => guard,
            None => self.wait(),
        };
        Guard {
            value: SpinMutexGuard::leak(guard),
            lock: &self.value,
            #[cfg(debug_assertions)]
            identity: R::IDENTITY,
            saved,
        }
    }
}

impl<R: Ranked, T> IrqLock<R, T> {
    /// Releases the lock for someone who holds it and will not; interrupts stay
    /// off.
    ///
    /// # Safety
    ///
    /// This processor took it, in a thread of control that goes on no more or
    /// that another one releases it for when it does.
    pub(crate) unsafe fn release_inherited(&self) {
        // SAFETY: it is held, and the holder does not use it any more.
        unsafe { self.value.force_unlock() };
        note_released(R::IDENTITY);
    }
}

impl<R: Ranked, T, K: Kind> Lock<R, T, K> {
    /// Waits for whoever holds the lock; takes it from one that a panic stopped.
    #[cold]
    fn wait(&self) -> SpinMutexGuard<'_, T> {
        if percpu::is_alone() {
            // SAFETY: the holder has stopped for good.
            unsafe { self.value.force_unlock() };
        }
        self.value.lock()
    }
}

/// Holds a lock.
pub(crate) struct Guard<'a, T, K: Kind> {
    /// Valid while the lock is held.
    value: *mut T,
    /// Not held by a guard of its own: that would remember who took the lock,
    /// and the scheduler's is released by the thread that comes next.
    lock: &'a SpinMutex<T>,
    #[cfg(debug_assertions)]
    identity: RankedLock,
    saved: K::Saved,
}

impl<T, K: Kind> Deref for Guard<'_, T, K> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else reaches the value.
        unsafe { &*self.value }
    }
}

impl<T, K: Kind> DerefMut for Guard<'_, T, K> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { &mut *self.value }
    }
}

impl<T, K: Kind> Drop for Guard<'_, T, K> {
    fn drop(&mut self) {
        // SAFETY: this holds the lock; nothing uses the value afterwards.
        unsafe { self.lock.force_unlock() };
        #[cfg(debug_assertions)]
        note_released(self.identity);
        K::leave(self.saved);
    }
}

fn note_acquired(lock: RankedLock) {
    if cfg!(debug_assertions) && !percpu::is_alone() {
        if let Err(error) = percpu::with_held_locks(|held| held.acquire(lock)) {
            panic!("lock order: {error}");
        }
    }
}

fn note_released(lock: RankedLock) {
    if cfg!(debug_assertions) && !percpu::is_alone() {
        if let Err(error) = percpu::with_held_locks(|held| held.release(lock)) {
            panic!("lock order: {error}");
        }
    }
}
