//! Giving way: to a certain thread, for a time, at the lowest priority.
//!
//! Owns what `thread_switch` and `swtch_pri` do, and the end of a depression.

use kernel_core::sched::priority::Depression;

use super::dispatch::hand_over;
use super::thread::Thread;
use super::wait::leave_timed;
use super::{SCHEDULER, Scheduler, TICK_MS, assert_interruptible_wait, block_for, with_current};
use crate::mm::shared::Shared;
use crate::time;

/// How the thread that calls gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As it is.
    Ready,
    /// At the lowest priority, until it runs or for so many milliseconds.
    Depressed(u32),
    /// Not ready before so many milliseconds are over.
    Waiting(u32),
}

/// Lets others run, `preferred` before all if it is ready; tells whether any
/// did.
pub(crate) fn give_way(preferred: Option<&Shared<Thread>>, how: How) -> bool {
    match how {
        How::Ready => hand_over(preferred),
        How::Depressed(time) => {
            with_current(|own| {
                let mut scheduler = SCHEDULER.lock();
                let now = u64::from(time::ticks()) * u64::from(TICK_MS);
                let end = Depression::Until(now + u64::from(time));
                own.scheduling.get(&mut scheduler.key).depress(end);
                scheduler.put_in_timed(own, time.div_ceil(TICK_MS));
            });
            let others = hand_over(preferred);
            leave_timed();
            with_current(|own| SCHEDULER.lock().end_depression(own));
            others
        }
        How::Waiting(time) => {
            assert_interruptible_wait();
            block_for(time.div_ceil(TICK_MS));
            true
        }
    }
}

impl Scheduler {
    /// Ends a depression; tells whether there was one.
    pub(super) fn end_depression(&mut self, thread: &Shared<Thread>) -> bool {
        let was = thread.scheduling.get(&mut self.key).abort_depression();
        if was {
            self.place_anew(thread);
        }
        was
    }
}
