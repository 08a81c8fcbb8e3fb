//! Waits that end by themselves.
//!
//! Owns the list of threads whose wait has an end, through which each tick goes.

use core::sync::atomic::{AtomicBool, Ordering};

use super::{SCHEDULER, Scheduler, Thread, Wake, block, with_current};
use crate::mm::shared::Shared;
use crate::time;

/// Whether any wait has an end.
static HAS_TIMED: AtomicBool = AtomicBool::new(false);

/// As [`block`], but for `ticks` ticks at most.
pub(crate) fn block_for(ticks: u32) -> Wake {
    with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        let inner = &mut *scheduler;
        // The current tick is partly over.
        let deadline = time::ticks().wrapping_add(ticks).wrapping_add(1);
        *thread.deadline.get(&mut inner.key) = deadline;
        let next = inner.timed.replace(thread.clone());
        *thread.next_timed.get(&mut inner.key) = next;
        HAS_TIMED.store(true, Ordering::Relaxed);
    });
    let why = block();
    let own = with_current(|thread| SCHEDULER.lock().take_from_timed(thread));
    drop(own);
    why
}

/// Ends the waits whose time is over; from the tick's handler.
pub(crate) fn on_tick() {
    if !HAS_TIMED.load(Ordering::Relaxed) {
        return;
    }
    let mut scheduler = SCHEDULER.lock();
    let scheduler = &mut *scheduler;
    let mut next = scheduler.timed.clone();
    while let Some(thread) = next {
        if time::is_over(*thread.deadline.get(&mut scheduler.key)) {
            scheduler.wake(&thread, Wake::TimedOut);
        }
        // Never the last owner: the list is another, until the thread leaves it.
        next = thread.next_timed.get(&mut scheduler.key).clone();
    }
}

impl Scheduler {
    /// Takes a thread off the list of those whose wait has an end.
    fn take_from_timed(&mut self, thread: &Shared<Thread>) -> Option<Shared<Thread>> {
        let behind = thread.next_timed.get(&mut self.key).take();
        let first = self.timed.as_ref()?.clone();
        if first.is_same(thread) {
            let own = core::mem::replace(&mut self.timed, behind);
            HAS_TIMED.store(self.timed.is_some(), Ordering::Relaxed);
            return own;
        }
        let mut at = first;
        loop {
            let next = at.next_timed.get(&mut self.key).clone()?;
            if next.is_same(thread) {
                return core::mem::replace(at.next_timed.get(&mut self.key), behind);
            }
            at = next;
        }
    }
}
