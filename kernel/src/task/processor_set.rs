//! The default processor set, which all processors, tasks and threads are in:
//! there is no other.
//!
//! Owns its ports, made when first asked for, and what it allows its threads.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use kernel_core::sched::LOWEST;
use kernel_core::sched::priority::{Policy, PriorityError};
use spin::Once;

use super::{TASKS, Task};
use crate::ipc::{HeldRight, KernelPort};
use crate::mm::shared::Shared;
use crate::sched::{TICK_MS, info};

/// What a new task's threads begin with, and the best that they may have.
pub(crate) const PRIORITY: u8 = 25;

/// What its ports are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessorSet {
    /// Information, for everybody.
    Name,
    /// Control, for who has the host's.
    Control,
}

static NAME: Once<KernelPort> = Once::new();
static CONTROL: Once<KernelPort> = Once::new();
static MAX_PRIORITY: AtomicU8 = AtomicU8::new(PRIORITY);
static ALLOWS_FIXED: AtomicBool = AtomicBool::new(false);

impl ProcessorSet {
    /// A send right to the port; null while there is no memory for it.
    pub(crate) fn right(self) -> HeldRight {
        let place = match self {
            ProcessorSet::Name => &NAME,
            ProcessorSet::Control => &CONTROL,
        };
        let made = place.try_call_once(|| {
            let object = Shared::try_new(self).map_err(drop)?;
            let port = KernelPort::new().map_err(drop)?;
            port.stand_for(object.into_any());
            Ok::<_, ()>(port)
        });
        made.map_or(HeldRight::NULL, KernelPort::make_send)
    }
}

/// The best priority that new threads may have.
pub(crate) fn max_priority() -> u8 {
    MAX_PRIORITY.load(Ordering::Relaxed)
}

/// Makes it another (`processor_set_max_priority`).
///
/// # Errors
///
/// `OutOfRange`.
pub(crate) fn set_max_priority(priority: i32) -> Result<(), PriorityError> {
    let priority = u8::try_from(priority).ok().filter(|&asked| asked <= LOWEST);
    MAX_PRIORITY.store(
        priority.ok_or(PriorityError::OutOfRange)?,
        Ordering::Relaxed,
    );
    Ok(())
}

/// Whether threads may have a fixed priority.
pub(crate) fn allows_fixed() -> bool {
    ALLOWS_FIXED.load(Ordering::Relaxed)
}

/// From now on they may, or no new ones.
pub(crate) fn allow_fixed(allowed: Allowed) {
    ALLOWS_FIXED.store(allowed == Allowed::Yes, Ordering::Relaxed);
}

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Yes,
    No,
}

/// Lowers the best priority of those threads whose is better than new ones'.
pub(crate) fn lower_threads() {
    let most = max_priority();
    for_each_task(|task| {
        for thread in &task.inner.lock().threads {
            info::change_scheduling(thread, |scheduling| {
                if scheduling.max_priority() < most {
                    // In range: checked when it was set.
                    let _ = scheduling.set_max_priority(most.into());
                }
            });
        }
    });
}

/// Makes all threads share time.
pub(crate) fn unfix_threads() {
    for_each_task(|task| {
        for thread in &task.inner.lock().threads {
            info::change_scheduling(thread, |scheduling| {
                scheduling.set_policy(Policy::Timeshare, TICK_MS);
            });
        }
    });
}

fn for_each_task(does: impl Fn(&Task)) {
    TASKS.lock().iter().for_each(|task| does(task));
}
