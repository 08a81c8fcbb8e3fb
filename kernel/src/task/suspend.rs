//! Tasks and threads that are suspended, resumed and terminated.
//!
//! Owns the counts that users keep; each count that is not zero is one reason for
//! a thread to stop.

use super::{Task, UserThread};
use crate::mm::shared::Shared;
use crate::sched::{Thread, stop};

/// What is resumed was not suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSuspended;

/// One more; tells whether it is the first. Nobody lives to count beyond the
/// end.
fn add(count: &mut u32) -> bool {
    *count = count.saturating_add(1);
    *count == 1
}

/// One less; tells whether it was the last.
fn take(count: &mut u32) -> Result<bool, NotSuspended> {
    *count = count.checked_sub(1).ok_or(NotSuspended)?;
    Ok(*count == 0)
}

impl Task {
    /// Stops its threads (`task_suspend`); returns when they have stopped.
    pub(crate) fn suspend(&self) {
        {
            let mut inner = self.inner.lock();
            if add(&mut inner.suspensions) {
                inner.threads.iter().for_each(stop::hold);
            }
        }
        self.each(stop::until_still);
    }

    /// Lets its threads go on, at the last of as many calls
    /// (`task_resume`).
    pub(crate) fn resume(&self) -> Result<(), NotSuspended> {
        let mut inner = self.inner.lock();
        if take(&mut inner.suspensions)? {
            inner.threads.iter().for_each(stop::release);
        }
        Ok(())
    }

    /// How often it was suspended without being resumed.
    pub(crate) fn suspensions(&self) -> u32 {
        self.inner.lock().suspensions
    }

    /// Ends all its threads; returns when they have ended, but for the one that
    /// calls.
    pub(super) fn end_threads(&self) {
        {
            let mut inner = self.inner.lock();
            inner.is_over = true;
            inner.threads.iter().for_each(stop::end);
        }
        self.each(stop::until_ended);
    }

    /// Does something with each thread, with no lock held; with some of them
    /// again if others ended meanwhile.
    fn each(&self, does: fn(&Shared<Thread>)) {
        let (mut number, mut count) = (0, 0);
        loop {
            let thread = {
                let inner = self.inner.lock();
                if inner.threads.len() != count {
                    (number, count) = (0, inner.threads.len());
                }
                inner.threads.get(number).cloned()
            };
            let Some(thread) = thread else { return };
            does(&thread);
            number += 1;
        }
    }
}

impl UserThread {
    /// Stops it (`thread_suspend`); returns when it has stopped.
    pub(crate) fn suspend(&self, own: &Shared<Thread>) {
        if add(&mut self.inner.lock().suspensions) {
            stop::hold(own);
        }
        stop::until_still(own);
    }

    /// Lets it go on, at the last of as many calls (`thread_resume`).
    pub(crate) fn resume(&self, own: &Shared<Thread>) -> Result<(), NotSuspended> {
        if take(&mut self.inner.lock().suspensions)? {
            stop::release(own);
        }
        Ok(())
    }

    /// How often it was suspended without being resumed.
    pub(crate) fn suspensions(&self) -> u32 {
        self.inner.lock().suspensions
    }

    /// Ends it, whatever it does (`thread_terminate`); returns when it has. The
    /// thread that calls ends when it would go back to user mode.
    pub(crate) fn terminate(own: &Shared<Thread>) {
        stop::end(own);
        stop::until_ended(own);
    }
}
