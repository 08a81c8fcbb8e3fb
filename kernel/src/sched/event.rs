//! Something that one thread waits for, and anybody may signal: interrupt
//! handlers too.
//!
//! **Invariant**: the waiter puts itself in and takes itself out, so that a
//! handler never drops the last hold on a thread.

use super::{Thread, Wake, assert_wait, block, do_not_wait, wake, with_current};
use crate::mm::shared::Shared;
use crate::sync::{IrqLock, rank};

/// One waiter at most.
pub(crate) struct Event {
    waiter: IrqLock<rank::Event, Option<Shared<Thread>>>,
}

impl Event {
    /// Nobody waits yet.
    pub(crate) const fn new() -> Event {
        Event {
            waiter: IrqLock::new(None),
        }
    }

    /// Returns when `has_come` is so; asks whenever the event is signalled.
    pub(crate) fn wait_until(&self, mut has_come: impl FnMut() -> bool) {
        while !has_come() {
            assert_wait();
            let own = with_current(Shared::clone);
            let before = core::mem::replace(&mut *self.waiter.lock(), own);
            drop(before);
            // It may have come since it was asked, with nobody to wake.
            if has_come() {
                do_not_wait();
                break;
            }
            block();
        }
        let own = self.waiter.lock().take();
        drop(own);
    }

    /// Wakes who waits.
    pub(crate) fn signal(&self) {
        if let Some(thread) = &*self.waiter.lock() {
            wake(thread, Wake::Event);
        }
    }
}
