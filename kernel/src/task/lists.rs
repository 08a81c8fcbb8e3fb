//! Many ports at once: a task's threads, all tasks, what a task registered.
//!
//! Owns the form of those lists: a send right to each, in the order in which they
//! were made.

use super::{TASKS, Task, UserThread};
use crate::ipc::{HeldRight, HeldRights};
use crate::mm::OutOfMemory;

/// How many ports a task registers (`TASK_PORT_REGISTER_MAX`).
pub(crate) const REGISTERED: usize = abi::layout::task::TASK_PORT_REGISTER_MAX as usize;

impl Task {
    /// The ports of its threads (`task_threads`).
    pub(crate) fn threads(&self) -> Result<HeldRights, OutOfMemory> {
        let mut rights = HeldRights::default();
        self.add_threads(&mut rights)?;
        Ok(rights)
    }

    fn add_threads(&self, rights: &mut HeldRights) -> Result<(), OutOfMemory> {
        let inner = self.inner.lock();
        let mut users = inner.threads.iter().filter_map(|thread| thread.upper());
        users.try_for_each(|user: &UserThread| rights.push(user.port().make_send()))
    }

    /// The ports of all tasks (`processor_set_tasks`).
    pub(crate) fn all() -> Result<HeldRights, OutOfMemory> {
        let mut rights = HeldRights::default();
        for task in TASKS.lock().iter() {
            rights.push(task.port.make_send())?;
        }
        Ok(rights)
    }

    /// The ports of all threads of tasks (`processor_set_threads`).
    pub(crate) fn all_threads() -> Result<HeldRights, OutOfMemory> {
        let mut rights = HeldRights::default();
        for task in TASKS.lock().iter() {
            task.add_threads(&mut rights)?;
        }
        Ok(rights)
    }

    /// Send rights to what it registered (`mach_ports_lookup`).
    pub(crate) fn registered(&self) -> Result<HeldRights, OutOfMemory> {
        let mut rights = HeldRights::default();
        let inner = self.inner.lock();
        for right in &inner.registered {
            rights.push(right.copy_send())?;
        }
        Ok(rights)
    }

    /// Registers these instead, as many as there are places
    /// (`mach_ports_register`).
    pub(crate) fn register(&self, mut rights: HeldRights) {
        let mut registered = [const { HeldRight::NULL }; REGISTERED];
        while rights.len() as usize > REGISTERED {
            drop(rights.pop());
        }
        while let Some(right) = rights.pop() {
            registered[rights.len() as usize] = right;
        }
        // What was registered is given up with no lock held.
        core::mem::swap(&mut self.inner.lock().registered, &mut registered);
    }
}
