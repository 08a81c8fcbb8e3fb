//! Tasks: memory, names for rights, and the threads that run with both.
//!
//! Owns all tasks, their threads, and the ports that they keep. A task lives from
//! [`Task::new`] to [`Task::terminate`], whoever else owns it or its threads.
//! Tasks are made from boot modules ([`load`]) and by `task_create`.
//!
//! **Invariants**: stand beside the fields.

pub(crate) mod birth;
pub(crate) mod emulation;
mod exception;
pub(crate) mod gsync;
pub(crate) mod host;
pub(crate) mod io_ports;
pub(crate) mod lists;
pub(crate) mod load;
mod name;
pub(crate) mod object_name;
mod priority;
pub(crate) mod processor;
pub(crate) mod processor_set;
pub(crate) mod sampling;
pub(crate) mod segments;
mod special;
mod suspend;
mod thread;

use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[cfg(feature = "ktest")]
use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::emulation::Emulation;
use kernel_core::ipc::Refusal;
#[cfg(feature = "ktest")]
use kernel_core::vm::map::Protection;

pub(crate) use self::exception::{Exception, mends_fault, on_exception, raise};
pub(crate) use self::name::Name;
use self::sampling::Sampler;
pub(crate) use self::special::Special;
pub(crate) use self::suspend::NotSuspended;
pub(crate) use self::thread::{UserThread, before_user, thread_begins, with_current};
use crate::ipc::{HeldRight, KernelPort, Names};
use crate::mm::OutOfMemory;
use crate::mm::shared::Shared;
use crate::sched::Thread;
use crate::sched::info::{self, Used};
use crate::sync::{TaskLock, rank};
use crate::time::clock;
use crate::vm::Counts;
use crate::vm::space::Space;

/// A task.
pub(crate) struct Task {
    space: Space,
    names: Names,
    port: KernelPort,
    /// When it was made, in nanoseconds since 1970.
    pub(crate) since_ns: i64,
    pub(crate) events: Events,
    /// The system is of no use without it (`task_set_essential`): if it crashes,
    /// the console says so. Nobody may stop the machine with a port of a task.
    pub(crate) is_essential: AtomicBool,
    sampler: Sampler,
    inner: TaskLock<rank::Task, Inner>,
}

/// How often something happened, for `task_info`.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Page faults that were looked into.
    pub(crate) faults: AtomicU32,
    /// Pages of zeroes that they made.
    pub(crate) zero_fills: AtomicU32,
    /// Pages that pagers were asked for.
    pub(crate) pageins: AtomicU32,
    /// Pages copied because they were written to.
    pub(crate) cow_faults: AtomicU32,
    pub(crate) messages_sent: AtomicU32,
    pub(crate) messages_received: AtomicU32,
}

impl Events {
    /// One of its threads had page faults, which led to this.
    fn count(&self, did: Counts) {
        for (events, more) in [
            (&self.faults, did.faults),
            (&self.zero_fills, did.zero_filled),
            (&self.pageins, did.paged_in),
            (&self.cow_faults, did.copied),
        ] {
            if more > 0 {
                events.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// One of its threads sent a message.
    pub(crate) fn sent_message(&self) {
        self.messages_sent.fetch_add(1, Ordering::Relaxed);
    }

    /// One of its threads received a message.
    pub(crate) fn received_message(&self) {
        self.messages_received.fetch_add(1, Ordering::Relaxed);
    }
}

/// What changes.
struct Inner {
    name: Name,
    /// Those that have not ended, the oldest first. Each is here from when it is
    /// made; whoever ends one takes it out.
    threads: Vec<Shared<Thread>>,
    /// It gets no more threads, and all it has are to end.
    is_over: bool,
    /// `task_suspend`s without their `task_resume`: while there are any, each
    /// thread has one more reason to stop.
    suspensions: u32,
    special: [HeldRight; Special::COUNT],
    registered: [HeldRight; lists::REGISTERED],
    /// System calls that it serves itself, if it ever said so.
    emulation: Option<Shared<Emulation>>,
    /// For new threads.
    priority: u8,
    /// What its threads had used that have ended.
    used: Used,
}

/// All tasks but those that were terminated.
static TASKS: TaskLock<rank::Tasks, Vec<Shared<Task>>> = TaskLock::new(Vec::new());

/// Why a task or thread could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage;

impl From<OutOfMemory> for Shortage {
    fn from(_: OutOfMemory) -> Shortage {
        Shortage
    }
}

impl From<Refusal> for Shortage {
    fn from(_: Refusal) -> Shortage {
        Shortage
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OutOfMemory.fmt(f)
    }
}

impl Task {
    /// A task with no memory, no names and no threads.
    pub(crate) fn new(name: Name) -> Result<Shared<Task>, Shortage> {
        Task::with(name, Space::new()?)
    }

    /// A task that has `space`, no names and no threads.
    pub(crate) fn with(name: Name, space: Space) -> Result<Shared<Task>, Shortage> {
        let port = KernelPort::new()?;
        let special = [port.make_send(), HeldRight::NULL, HeldRight::NULL];
        let task = Shared::try_new(Task {
            space,
            names: Names::new()?,
            port,
            sampler: Sampler::new(),
            inner: TaskLock::new(Inner {
                name,
                threads: Vec::new(),
                is_over: false,
                suspensions: 0,
                special,
                registered: [const { HeldRight::NULL }; lists::REGISTERED],
                emulation: None,
                priority: processor_set::PRIORITY,
                used: Used::default(),
            }),
            since_ns: clock::now().1,
            events: Events::default(),
            is_essential: AtomicBool::new(false),
        })?;
        {
            let mut tasks = TASKS.lock();
            tasks.try_reserve(1).map_err(|_| Shortage)?;
            tasks.push(task.clone());
        }
        task.port.stand_for(task.clone().into_any());
        Ok(task)
    }

    /// How many tasks there are, and threads of tasks.
    pub(crate) fn counts() -> (usize, usize) {
        let tasks = TASKS.lock();
        let threads = tasks.iter().map(|task| task.inner.lock().threads.len());
        (tasks.len(), threads.sum())
    }

    /// Its memory.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// Its names for rights.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Where its threads are.
    pub(crate) fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Its own port.
    pub(crate) fn port(&self) -> &KernelPort {
        &self.port
    }

    /// What it is called, for reports.
    pub(crate) fn name(&self) -> Name {
        self.inner.lock().name
    }

    /// From now on it is called so (`task_set_name`).
    pub(crate) fn set_name(&self, name: Name) {
        self.inner.lock().name = name;
    }

    /// What its threads have used that have ended, and that live.
    pub(crate) fn used(&self) -> (Used, Used) {
        let inner = self.inner.lock();
        let live = inner.threads.iter().map(info::used);
        (inner.used, live.fold(Used::default(), plus))
    }

    /// Ends the task: its threads, and then, with the last who uses them, its
    /// names and memory. The thread that calls goes on until it would go back to
    /// user mode.
    pub(crate) fn terminate(&self) {
        self.end_threads();
        self.port.stand_for_nothing();
        // Dropped without the lock: it may be the last owner.
        let own = {
            let mut tasks = TASKS.lock();
            let place = tasks.iter().position(|task| core::ptr::eq(&**task, self));
            place.map(|place| tasks.remove(place))
        };
        drop(own);
    }

    /// A page of memory at `at` that begins with `bytes`.
    #[cfg(feature = "ktest")]
    pub(crate) fn allocate_for_test(&self, at: VirtAddr, protection: Protection, bytes: &[u8]) {
        let made = self.space.allocate_at(at.as_u32(), PAGE_SIZE, protection);
        made.and_then(|_| self.space.fill(at, bytes))
            .expect("there is memory");
    }
}

/// Both together.
fn plus(one: Used, other: Used) -> Used {
    Used {
        user_us: one.user_us.saturating_add(other.user_us),
        system_us: one.system_us.saturating_add(other.system_us),
    }
}
