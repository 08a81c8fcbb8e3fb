//! Ports, names and messages: the rules of `kernel_core::ipc`, behind one lock.
//!
//! Owns all ports, each task's names for rights, and the messages in queues.
//! Called by the layers above for whatever a task does with a name. What a
//! change leaves to be done, notifications and what died, is done before the
//! lock is released ([`Post::settle`]). A message to a port of the kernel's is
//! handed back to whoever sent it, as a [`Request`]: the layers above know what
//! the port stands for.

mod ask;
mod call;
mod direct;
mod held;
mod kernel_port;
mod message;
mod post;
mod request;
mod tell;
mod transfer;
mod wait;

use kernel_core::ipc::port::{Effects, Ports, SpaceId};
use kernel_core::ipc::right::{Carried, DEAD, Disposition, NULL, Refusal, Right};
use kernel_core::ipc::space::Space;

pub(crate) use self::ask::Asked;
pub(crate) use self::call::{Called, call};
pub(crate) use self::direct::{Arguments as MsgArguments, Direct};
pub(crate) use self::held::{HeldRight, HeldRights};
pub(crate) use self::kernel_port::{Fleeting, KernelPort};
use self::post::Post;
pub(crate) use self::request::{Given, Gives, Request};
pub(crate) use self::tell::{port_pair, tell};
pub(crate) use self::transfer::{Patience, Receive, Send, Sent};
pub(crate) use self::wait::Waiter;
use crate::mm::shared::Shared;
use crate::sync::{TaskLock, guarded, rank};

/// Opens what the lock guards of each task.
type Key = guarded::Key<Ipc>;
/// A task's names, under the lock.
type GuardedSpace = guarded::Guarded<Ipc, Space>;

/// All ports.
struct Ipc {
    key: Key,
    post: Post,
    /// How many spaces there ever were.
    made: u32,
}

static IPC: TaskLock<rank::Ipc, Option<Ipc>> = TaskLock::new(None);

fn with<R>(use_it: impl FnOnce(&mut Ipc) -> R) -> R {
    let mut guard = IPC.lock();
    let ipc = guard.get_or_insert_with(|| Ipc {
        // SAFETY: the only one, as there is only one `Ipc`, and inside of the lock.
        key: unsafe { Key::new() },
        // SAFETY: as above.
        post: unsafe { Post::new() },
        made: 0,
    });
    let result = use_it(ipc);
    let litter = ipc.post.litter.take();
    drop(guard);
    drop(litter);
    result
}

/// How many forced messages nobody has received yet.
pub(crate) fn accepted_requests() -> u32 {
    with(|ipc| ipc.post.ports.accepted_requests())
}

/// A task's names; its rights are given up when it is dropped.
pub(crate) struct Names(Shared<GuardedSpace>);

impl Names {
    /// No names yet.
    pub(crate) fn new() -> Result<Names, Refusal> {
        with(|ipc| {
            ipc.made = ipc.made.wrapping_add(1);
            let space = GuardedSpace::new(Space::new(SpaceId(ipc.made)));
            let space = Shared::try_new(space);
            space.map(Names).map_err(|_| Refusal::ResourceShortage)
        })
    }

    /// `mach_port_allocate`.
    pub(crate) fn allocate(&self, right: Right) -> Result<u32, Refusal> {
        self.change(|space, ports, _| space.allocate(ports, right))
    }

    /// `mach_port_allocate_name`.
    pub(crate) fn allocate_name(&self, right: Right, name: u32) -> Result<(), Refusal> {
        self.change(|space, ports, _| space.allocate_name(ports, right, name))
    }

    /// `mach_port_deallocate`.
    pub(crate) fn deallocate(&self, name: u32) -> Result<(), Refusal> {
        self.change(|space, ports, effects| space.deallocate(ports, name, effects))
    }

    /// `mach_port_destroy`.
    pub(crate) fn destroy(&self, name: u32) -> Result<(), Refusal> {
        self.change_receivers(|space, ports, effects| space.destroy(ports, name, effects))
    }

    /// `mach_port_insert_right`.
    pub(crate) fn insert_right(&self, name: u32, right: HeldRight) -> Result<(), Refusal> {
        let right = right.into_carried();
        self.change(|space, ports, effects| {
            space
                .insert_right(ports, name, right, effects)
                .inspect_err(|_| ports.drop_right(right, effects))
        })
    }

    /// A right out of the task's own names, as a message would take it.
    pub(crate) fn take(&self, name: u32, how: Disposition) -> Result<HeldRight, Refusal> {
        let right = match name {
            NULL => Carried::Null,
            DEAD => Carried::Dead,
            name => self.change(|space, ports, effects| space.take(ports, name, how, effects))?,
        };
        Ok(HeldRight::new(right))
    }

    /// Changes names, under the lock of all.
    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut Space, &mut Ports, &mut Effects) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let (mut change, mut result) = (Some(change), Err(Refusal::InvalidName));
        self.change_once(&mut |space, ports, effects| {
            if let Some(change) = change.take() {
                result = change(space, ports, effects);
            }
        });
        result
    }

    /// [`Names::change`], there once for all changes.
    fn change_once(&self, change: &mut dyn FnMut(&mut Space, &mut Ports, &mut Effects)) {
        with(|ipc| {
            let mut effects = Effects::new();
            let space = self.0.get(&mut ipc.key);
            change(space, &mut ipc.post.ports, &mut effects);
            ipc.post.settle(&effects);
        });
    }

    /// Changes names that others may wait at: these look again whether what they
    /// wait at is still theirs.
    pub(crate) fn change_receivers<R>(
        &self,
        change: impl FnOnce(&mut Space, &mut Ports, &mut Effects) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let result = self.change(change);
        Names::look_again();
        result
    }

    fn look_again() {
        with(|ipc| ipc.post.waiters.wake_all());
    }

    /// Gives `names` the right, and tells its name.
    pub(crate) fn give(&self, right: HeldRight) -> Result<u32, Refusal> {
        let right = right.into_carried();
        self.change(|space, ports, effects| {
            space
                .give(ports, right, effects)
                .inspect_err(|_| ports.drop_right(right, effects))
        })
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // One at a time: there may be many, and others want the lock.
        while let Some(name) = self.first() {
            let gone = self.change(|space, ports, effects| space.destroy(ports, name, effects));
            debug_assert!(gone.is_ok(), "a name that is there cannot be destroyed");
        }
    }
}

impl Names {
    fn first(&self) -> Option<u32> {
        with(|ipc| self.0.get(&mut ipc.key).name_from(0))
    }
}
