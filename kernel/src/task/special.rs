//! The special ports of tasks and threads (manual 6.2.5, 6.3.6).
//!
//! Owns which there are. What is set is a send right that the kernel keeps.

use abi::layout::task::{TASK_BOOTSTRAP_PORT, TASK_EXCEPTION_PORT, TASK_KERNEL_PORT};
use kernel_core::ipc::right::NULL;

use super::{Task, UserThread};
use crate::ipc::HeldRight;

/// What a special port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// What the task or thread gets when it asks for itself.
    Own,
    /// Where its exceptions go.
    Exception,
    /// Whatever a task is to know from its start on.
    Bootstrap,
}

impl Special {
    /// The one of a task with this number (`mach/task_special_ports.h`).
    pub(crate) const fn of_task(number: i32) -> Option<Special> {
        match number {
            TASK_KERNEL_PORT => Some(Special::Own),
            TASK_EXCEPTION_PORT => Some(Special::Exception),
            TASK_BOOTSTRAP_PORT => Some(Special::Bootstrap),
            _ => None,
        }
    }

    /// How many a task has.
    pub(super) const COUNT: usize = 3;
    /// How many a thread has: the first ones.
    pub(super) const OF_THREAD: usize = 2;
}

impl Task {
    /// A send right to a special port.
    pub(crate) fn special(&self, which: Special) -> HeldRight {
        self.inner.lock().special[which as usize].copy_send()
    }

    /// Gives the task itself a send right to a special port; its name, null if there
    /// is no room for it.
    pub(crate) fn name_special(&self, which: Special) -> u32 {
        let inner = self.inner.lock();
        let name = inner.special[which as usize].give_copy(self.names());
        name.unwrap_or(NULL)
    }

    /// Makes another port the special one.
    pub(crate) fn set_special(&self, which: Special, right: HeldRight) {
        let before = core::mem::replace(&mut self.inner.lock().special[which as usize], right);
        drop(before);
    }
}

impl UserThread {
    /// A send right to a special port; null if threads have no such port.
    pub(crate) fn special(&self, which: Special) -> HeldRight {
        let inner = self.inner.lock();
        let right = inner.special.get(which as usize);
        right.map_or(HeldRight::NULL, HeldRight::copy_send)
    }

    /// Gives the thread's task a send right to a special port; its name, null if there
    /// is none, or no room for it.
    pub(crate) fn name_special(&self, which: Special) -> u32 {
        let inner = self.inner.lock();
        let right = inner.special.get(which as usize);
        let name = right.and_then(|right| right.give_copy(self.task.names()).ok());
        name.unwrap_or(NULL)
    }

    /// Makes another port the special one, if threads have such a port.
    pub(crate) fn set_special(&self, which: Special, mut right: HeldRight) {
        if let Some(place) = self.inner.lock().special.get_mut(which as usize) {
            core::mem::swap(place, &mut right);
        }
        // What it was is given up with no lock held.
    }
}
