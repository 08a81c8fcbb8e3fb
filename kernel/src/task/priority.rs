//! The priorities of a task's threads.
//!
//! Owns what new threads begin with. The rules of one thread's priority are the
//! scheduler's.

use kernel_core::sched::LOWEST;
use kernel_core::sched::priority::{PriorityError, Reach, Scheduling};

use super::{Task, processor_set};
use crate::sched::info;

impl Task {
    /// What new threads begin with.
    pub(crate) fn priority(&self) -> u8 {
        self.inner.lock().priority
    }

    /// How a thread is scheduled that is new, and is so as `made`.
    pub(super) fn scheduling(&self, made: Scheduling) -> Scheduling {
        let most = processor_set::max_priority().max(processor_set::PRIORITY);
        let mut scheduling = made;
        // In range: checked when they were set. What is beyond the maximum is as
        // the maximum.
        let _ = scheduling.set_max_priority(most.into());
        let priority = self.priority().max(most);
        let _ = scheduling.set_priority(priority.into(), Reach::Priority);
        scheduling
    }

    /// Makes new threads begin with another (`task_priority`).
    ///
    /// # Errors
    ///
    /// `OutOfRange`.
    pub(crate) fn set_priority(&self, priority: i32) -> Result<(), PriorityError> {
        let priority = u8::try_from(priority).ok().filter(|&asked| asked <= LOWEST);
        self.inner.lock().priority = priority.ok_or(PriorityError::OutOfRange)?;
        Ok(())
    }

    /// Gives all its threads the priority of new ones, as far as they may have
    /// it.
    ///
    /// # Errors
    ///
    /// `BeyondMaximum`, if any may not.
    pub(crate) fn set_threads_priorities(&self) -> Result<(), PriorityError> {
        let inner = self.inner.lock();
        let priority = u32::from(inner.priority);
        let mut result = Ok(());
        for thread in &inner.threads {
            // Each of them, whatever comes of the ones before.
            result = result.and(info::change_scheduling(thread, |scheduling| {
                scheduling.set_priority(priority, Reach::Priority)
            }));
        }
        result
    }
}
