//! Threads that wait for the same thing, in a row.
//!
//! Linked through themselves: waiting takes no memory. Owned by whatever they
//! wait for, and used under its lock, so that nothing happens unnoticed between
//! a look at that and the wait.
//!
//! **Invariants**: a row is empty when it is dropped: whoever joins it leaves it.

use super::Guarded;
use super::queue::Queue;
use super::{SCHEDULER, Wake, assert_interruptible_wait, with_current};
use crate::mm::shared::Shared;

/// Who waits.
pub(crate) struct Row(Guarded<Queue>);

impl Row {
    /// Nobody.
    pub(crate) const fn new() -> Row {
        Row(Guarded::new(Queue::new()))
    }

    /// The thread that calls waits from now on, until it is woken or somebody
    /// interrupts it; [`super::block`] and [`Row::leave`] are to follow.
    pub(crate) fn join(&self) {
        assert_interruptible_wait();
        if let Some(own) = with_current(Shared::clone) {
            let mut scheduler = SCHEDULER.lock();
            let mut row = self.0.get(&mut scheduler.key).take();
            row.push(own, &mut scheduler.key);
            *self.0.get(&mut scheduler.key) = row;
        }
    }

    /// The thread that calls waits no more.
    pub(crate) fn leave(&self) {
        let own = with_current(|own| {
            let mut scheduler = SCHEDULER.lock();
            let mut row = self.0.get(&mut scheduler.key).take();
            let found = row.remove(own, &mut scheduler.key);
            *self.0.get(&mut scheduler.key) = row;
            found
        });
        drop(own);
    }

    /// All go on.
    pub(crate) fn wake_all(&self) {
        let mut scheduler = SCHEDULER.lock();
        let mut row = self.0.get(&mut scheduler.key).take();
        while let Some(thread) = row.pop(&mut scheduler.key) {
            // Never the last owner: a thread that waits holds itself.
            scheduler.wake(&thread, Wake::Event);
        }
    }
}
