//! Tasks that tasks make: what a child has of its parent, and who is told of it.
//!
//! Owns the port that is told of each new task (`register_new_task_notification`,
//! `mach/task_notify.defs`). Called for `task_create`, by message or trap.

use abi::routine::task_notify::mach_notify_new_task;
use abi::wire::MoveSend;
use kernel_core::ipc::right::NULL;
use kernel_core::vm::map::MapError;
use spin::Once;

use super::{Shortage, Task};
use crate::ipc::{Gives, HeldRight, tell};
use crate::mm::shared::Shared;
use crate::vm::space::Space;

/// Tasks that whoever is told may not know of yet: beyond them none is made, so
/// that what is told takes no more memory than that.
const MOST_UNHEARD: u32 = 1024;

/// Who is told: for good, from when somebody asked for it (seen).
static TOLD: Once<HeldRight> = Once::new();

/// What memory a child begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heritage {
    /// None.
    Nothing,
    /// Its parent's, as each region is to be inherited.
    Memory,
}

/// Somebody else is told already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TakenAlready;

/// From now on `right` is told of each task that another one makes; null is
/// nobody.
pub(crate) fn tell_of_tasks(right: HeldRight) -> Result<(), TakenAlready> {
    let is_null = right.is_null();
    let mut right = Some(right);
    if !is_null {
        TOLD.call_once(|| right.take().unwrap_or(HeldRight::NULL));
    }
    match right {
        Some(_) if TOLD.get().is_some() => Err(TakenAlready),
        _ => Ok(()),
    }
}

impl Task {
    /// A task made by this one: with its name in parentheses, its special ports
    /// but its own, what it registered, its priority, and the system calls that it
    /// emulates (seen).
    #[inline(never)]
    pub(crate) fn child(&self, heritage: Heritage) -> Result<Shared<Task>, MapError> {
        let told = TOLD.get().map(HeldRight::copy_send);
        let told = told.filter(HeldRight::is_live);
        if told
            .as_ref()
            .is_some_and(|told| told.queued() >= MOST_UNHEARD)
        {
            return Err(MapError::ResourceShortage);
        }
        let name = self.name().of_child();
        let shortage = |_: Shortage| MapError::ResourceShortage;
        let child = match heritage {
            Heritage::Memory => Task::with(name, self.space.fork()?),
            Heritage::Nothing => {
                let space = Space::new().map_err(|_| MapError::ResourceShortage)?;
                Task::with(name, space)
            }
        };
        let child = child.map_err(shortage)?;
        {
            let inner = self.inner.lock();
            let (priority, emulation) = (inner.priority, inner.emulation.clone());
            let special = inner.special.each_ref().map(HeldRight::copy_send);
            let registered = inner.registered.each_ref().map(HeldRight::copy_send);
            drop(inner);
            let [own, exception, bootstrap] = special;
            drop(own);
            let mut inner = child.inner.lock();
            (inner.priority, inner.emulation) = (priority, emulation);
            // Nobody but this knows the child yet: what is replaced is null.
            inner.special[1] = exception;
            inner.special[2] = bootstrap;
            inner.registered = registered;
        }
        if let Some(told) = told {
            let mut gives = Gives::default();
            gives.right(child.port.make_send());
            gives.right(self.port.make_send());
            let news = mach_notify_new_task::Request {
                task: MoveSend::new(NULL),
                parent: MoveSend::new(NULL),
            };
            // Who is told may have died: then nobody is.
            let _ = tell(told, &news, gives);
        }
        Ok(child)
    }
}
