//! User threads: what they have beyond a thread of control.
//!
//! Owns a thread's port and its place in its task. A thread owns itself by way
//! of its port and its task's list, from when it is made until it ends.

use core::sync::atomic::{AtomicBool, Ordering};

use kernel_core::addr::VirtAddr;

use super::sampling::Sampler;
use super::{Name, Shortage, Special, Task};
use crate::arch::interrupts;
use crate::arch::trap::UserFrame;
use crate::ipc::{HeldRight, KernelPort, Waiter};
use crate::mm::heap::try_box;
use crate::mm::shared::Shared;
use crate::sched::{self, Above, Kind, Thread, Upper, info, stop};
use crate::sync::{TaskLock, rank};
use crate::time::clock;

/// What a user thread has that the scheduler does not ask about.
pub(crate) struct UserThread {
    pub(crate) task: Shared<Task>,
    port: KernelPort,
    pub(crate) waiter: Waiter,
    /// When it was made, in nanoseconds since 1970.
    pub(crate) since_ns: i64,
    pub(super) sampler: Sampler,
    /// It is a reason for its task to have memory that is kept back from others.
    is_wired: AtomicBool,
    pub(super) inner: TaskLock<rank::Thread, Inner>,
}

static KIND: Kind = Kind::new();

// SAFETY: nothing else names it.
unsafe impl Above for UserThread {
    const KIND: &'static Kind = &KIND;
}

/// What changes.
pub(super) struct Inner {
    pub(super) name: Option<Name>,
    /// `thread_suspend`s without their `thread_resume`: while there are any, the
    /// thread has one more reason to stop.
    pub(super) suspensions: u32,
    pub(super) special: [HeldRight; Special::OF_THREAD],
}

impl Task {
    /// A suspended thread that is to begin at `entry`, its stack pointer at
    /// `stack`. None if the task is over.
    pub(crate) fn thread(
        task: &Shared<Task>,
        entry: VirtAddr,
        stack: VirtAddr,
    ) -> Result<Option<Shared<Thread>>, Shortage> {
        let port = KernelPort::new()?;
        let special = [port.make_send(), HeldRight::NULL];
        let user = try_box(UserThread {
            task: task.clone(),
            port,
            waiter: Waiter::new(task.names())?,
            since_ns: clock::now().1,
            sampler: Sampler::new(),
            is_wired: AtomicBool::new(false),
            inner: TaskLock::new(Inner {
                name: None,
                suspensions: 1,
                special,
            }),
        })?;
        let frame = UserFrame::new(entry.as_u32(), stack.as_u32());
        let thread = Thread::for_user(&frame, task.space().pmap().clone(), Upper::new(user))?;
        let own = task.scheduling(info::scheduling(&thread));
        info::change_scheduling(&thread, |scheduling| *scheduling = own);
        stop::hold(&thread);
        {
            let mut inner = task.inner.lock();
            if inner.is_over {
                return Ok(None);
            }
            inner.threads.try_reserve(1).map_err(|_| Shortage)?;
            inner.threads.push(thread.clone());
            if inner.suspensions > 0 {
                stop::hold(&thread);
            }
        }
        if let Some(user) = thread.upper::<UserThread>() {
            user.port.stand_for(thread.clone().into_any());
            // It may have been terminated with its task in the meantime.
            if thread.is_to_end() {
                user.port.stand_for_nothing();
            }
        }
        Ok(Some(thread))
    }
}

impl UserThread {
    /// Where it is.
    pub(crate) fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Its own port.
    pub(crate) fn port(&self) -> &KernelPort {
        &self.port
    }

    /// What it is called, for reports: as its task if nobody said.
    pub(crate) fn name(&self) -> Name {
        let name = self.inner.lock().name;
        name.unwrap_or_else(|| self.task.name())
    }

    /// From now on it is called so (`thread_set_name`).
    pub(crate) fn set_name(&self, name: Name) {
        self.inner.lock().name = Some(name);
    }

    /// From now on it need not wait until memory is free (`thread_wire`), and its
    /// task with it.
    pub(crate) fn wire(&self) {
        if !self.is_wired.swap(true, Ordering::Relaxed) {
            self.task.space().add_privilege();
        }
    }

    /// It waits again, as others do.
    pub(crate) fn unwire(&self) {
        if self.is_wired.swap(false, Ordering::Relaxed) {
            self.task.space().take_privilege();
        }
    }

    /// Whoever owns it by way of its port and its task does so no more.
    pub(super) fn leave(&self, own: &Shared<Thread>) {
        self.port.stand_for_nothing();
        self.unwire();
        let in_list = {
            let mut inner = self.task.inner.lock();
            let place = inner.threads.iter().position(|thread| thread.is_same(own));
            if place.is_some() {
                inner.used = super::plus(inner.used, info::used(own));
            }
            place.map(|place| inner.threads.remove(place))
        };
        drop(in_list);
    }
}

/// The last thing before user mode goes on; from the trap layer, with interrupts
/// off.
#[inline]
pub(crate) fn before_user() {
    if sched::before_user() {
        end_current();
    }
}

/// The first thing that a thread does; from the trap layer.
pub(crate) fn thread_begins() {
    sched::thread_begins();
    before_user();
}

/// Ends the user thread that calls.
pub(crate) fn end_current() -> ! {
    // SAFETY: the kernel has started: every vector has its handler.
    unsafe { interrupts::enable() };
    sched::with_current(|thread| {
        if let Some(user) = thread.upper::<UserThread>() {
            user.leave(thread);
        }
    });
    sched::exit()
}

/// Gives `use_it` the user thread that runs this.
pub(crate) fn with_current<R>(use_it: impl FnOnce(&UserThread) -> R) -> Option<R> {
    sched::with_current(|thread| thread.upper::<UserThread>().map(use_it)).flatten()
}
