//! What a thread's priority is, and what it has used, for others.
//!
//! Owns no state. Called by the layer of tasks, for the routines that tell and
//! change it.

use kernel_core::sched::priority::Scheduling;

use super::thread::{State, Wait};
use super::{SCHEDULER, Thread};
use crate::mm::shared::Shared;
use crate::time;

/// What a thread has used of the processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Microseconds in user mode.
    pub(crate) user_us: u64,
    /// Microseconds in the kernel.
    pub(crate) system_us: u64,
}

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    /// The processor that runs it, or ran it last.
    pub(crate) processor: u32,
    /// Whole seconds since it ran there.
    pub(crate) slept_s: u32,
}

/// How a thread appears to others (`thread_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appearance {
    Running,
    Stopped,
    /// Stopped where nothing of a system call is left.
    Halted,
    Waiting,
    Uninterruptible,
}

/// How `thread` appears.
pub(crate) fn appearance(thread: &Shared<Thread>) -> Appearance {
    let mut scheduler = SCHEDULER.lock();
    let key = &mut scheduler.key;
    let is_held = *thread.stops.get(key) > 0;
    let is_aborted = *thread.is_aborted.get(key);
    match *thread.state.get(key) {
        State::Stopped if is_aborted => Appearance::Halted,
        State::New | State::Stopped | State::Held(_) | State::Gone => Appearance::Stopped,
        State::Waiting(Wait::Interruptible) if is_held => Appearance::Stopped,
        State::Waiting(Wait::Interruptible) => Appearance::Waiting,
        State::Waiting(Wait::Uninterruptible) => Appearance::Uninterruptible,
        State::Running | State::AboutToWait(_) | State::Woken(_) => Appearance::Running,
    }
}

/// How `thread` is scheduled, with what it has used lately.
pub(crate) fn scheduling(thread: &Shared<Thread>) -> Scheduling {
    *thread.scheduling.get(&mut SCHEDULER.lock().key)
}

/// Changes how `thread` is scheduled; it moves to where it belongs then.
pub(crate) fn change_scheduling<R>(
    thread: &Shared<Thread>,
    change: impl FnOnce(&mut Scheduling) -> R,
) -> R {
    let mut scheduler = SCHEDULER.lock();
    let result = change(thread.scheduling.get(&mut scheduler.key));
    scheduler.place_anew(thread);
    result
}

/// Ends a depression of `thread` (`thread_depress_abort`); tells whether there
/// was one.
pub(crate) fn abort_depression(thread: &Shared<Thread>) -> bool {
    SCHEDULER.lock().end_depression(thread)
}

/// The time that `thread` has had, up to its last switch or tick.
pub(crate) fn used(thread: &Shared<Thread>) -> Used {
    let times = *thread.times.get(&mut SCHEDULER.lock().key);
    let Some(hz) = time::tsc_hz() else {
        return Used::default();
    };
    times.used(hz)
}

/// Where `thread` runs, or has run.
pub(crate) fn whereabouts(thread: &Shared<Thread>) -> Whereabouts {
    let mut scheduler = SCHEDULER.lock();
    let is_running = scheduler.runs_on(thread).is_some();
    let times = thread.times.get(&mut scheduler.key);
    Whereabouts {
        processor: times.processor(),
        slept_s: match is_running {
            true => 0,
            false => times.ticks_since_it_left() / super::TICKS_PER_SECOND,
        },
    }
}
