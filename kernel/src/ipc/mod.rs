//! Ports, names and messages: the rules of `kernel_core::ipc`, behind one lock.
//!
//! Owns all ports, each task's names for rights, and the messages in queues.
//! Called by the layers above for whatever a task does with a name. What a
//! change leaves to be done, notifications and what died, is done before the
//! lock is released ([`Post::settle`]).

mod message;
mod post;
mod server;
mod transfer;
mod wait;

use kernel_core::arena::{Arena, Handle};
use kernel_core::ipc::port::{Effects, PortId, Ports, Receiver, SpaceId};
use kernel_core::ipc::right::{Carried, DEAD, Disposition, NULL, Refusal, Right};
use kernel_core::ipc::space::Space;

use spin::Once;

use self::post::Post;
pub(crate) use self::server::allocate;
pub(crate) use self::transfer::{Patience, Receive, Send};
pub(crate) use self::wait::Waiter;
use crate::mm::shared::Shared;
use crate::mm::space::Space as Memory;
use crate::sync::{TaskLock, rank};

/// All ports and names.
#[derive(Default)]
struct Ipc {
    post: Post,
    spaces: Arena<Space>,
    /// What the kernel's ports stand for.
    objects: Arena<Served>,
    /// How many spaces there ever were.
    made: u32,
}

static IPC: TaskLock<rank::Ipc, Option<Ipc>> = TaskLock::new(None);

fn with<R>(use_it: impl FnOnce(&mut Ipc) -> R) -> R {
    use_it(IPC.lock().get_or_insert_with(Ipc::default))
}

/// A task's names; its rights are given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Names(Handle<Space>);

/// What a port of the kernel's stands for, as far as it serves requests.
#[derive(Clone)]
enum Served {
    /// A task, by its names and its memory.
    Task(Handle<Space>, Shared<Memory>),
    /// Something whose routines are not served yet.
    Other,
}

/// A port that the kernel receives from: dies when dropped.
pub(crate) struct KernelPort {
    port: PortId,
    object: Handle<Served>,
}

impl KernelPort {
    /// For the task with these names.
    pub(crate) fn of_task(names: &Names, memory: Shared<Memory>) -> Result<KernelPort, Refusal> {
        KernelPort::new(Served::Task(names.0, memory))
    }

    /// For an object that serves no requests yet.
    pub(crate) fn of_object() -> Result<KernelPort, Refusal> {
        KernelPort::new(Served::Other)
    }

    fn new(served: Served) -> Result<KernelPort, Refusal> {
        with(|ipc| {
            let object = ipc.objects.insert(served);
            let object = object.map_err(|_| Refusal::ResourceShortage)?;
            match ipc.post.ports.allocate(Receiver::Kernel(object.index())) {
                Ok(port) => Ok(KernelPort { port, object }),
                Err(refusal) => {
                    ipc.objects.remove(object);
                    Err(refusal)
                }
            }
        })
    }

    /// Gives `names` a send right, and tells its name.
    pub(crate) fn send_right(&self, names: &Names) -> Result<u32, Refusal> {
        names.change(|space, ports, effects| {
            let right = ports.make_send(self.port);
            space.give(ports, right, effects).inspect_err(|_| {
                ports.drop_right(right, effects);
            })
        })
    }
}

impl KernelPort {
    /// Whether `name` denotes a send right to it.
    pub(crate) fn is_named(&self, names: &Names, name: u32) -> bool {
        with(|ipc| {
            let space = ipc.spaces.at(names.0);
            space.and_then(|space| space.name_of(&ipc.post.ports, self.port)) == Some(name)
        })
    }
}

/// The host's control port.
pub(crate) fn host() -> Option<&'static KernelPort> {
    well_known(&HOST)
}

/// The device master port.
pub(crate) fn device_master() -> Option<&'static KernelPort> {
    well_known(&DEVICE_MASTER)
}

static HOST: Once<KernelPort> = Once::new();
static DEVICE_MASTER: Once<KernelPort> = Once::new();

/// Made when first asked for; not, while there is no memory.
fn well_known(place: &'static Once<KernelPort>) -> Option<&'static KernelPort> {
    place.try_call_once(KernelPort::of_object).ok()
}

impl Drop for KernelPort {
    fn drop(&mut self) {
        let object = with(|ipc| {
            let object = ipc.objects.remove(self.object);
            ipc.post.ports.kill(self.port);
            ipc.post.settle(&Effects::new());
            object
        });
        // It may be the last to hold a task's memory.
        drop(object);
    }
}

impl Names {
    /// No names yet.
    pub(crate) fn new() -> Result<Names, Refusal> {
        with(|ipc| {
            ipc.made = ipc.made.wrapping_add(1);
            let space = Space::new(SpaceId(ipc.made));
            let inserted = ipc.spaces.insert(space);
            inserted.map(Names).map_err(|_| Refusal::ResourceShortage)
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
        self.change(|space, ports, effects| space.destroy(ports, name, effects))
    }

    /// `mach_port_insert_right` with a right of the same task's.
    pub(crate) fn insert_own_right(
        &self,
        name: u32,
        from: u32,
        how: Disposition,
    ) -> Result<(), Refusal> {
        self.change(|space, ports, effects| {
            let right = match from {
                NULL => Carried::Null,
                DEAD => Carried::Dead,
                from => space.take(ports, from, how, effects)?,
            };
            space
                .insert_right(ports, name, right, effects)
                .inspect_err(|_| ports.drop_right(right, effects))
        })
    }

    fn change<R>(
        &self,
        change: impl FnOnce(&mut Space, &mut Ports, &mut Effects) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        with(|ipc| {
            let mut effects = Effects::new();
            let space = ipc.spaces.at_mut(self.0).ok_or(Refusal::InvalidName)?;
            let result = change(space, &mut ipc.post.ports, &mut effects);
            ipc.post.settle(&effects);
            result
        })
    }
}

impl Ipc {
    /// What the port stands for that a message is sent to, if it is a live one
    /// of the kernel's.
    fn served(&self, port: PortId) -> Option<Served> {
        match self.post.ports.receiver(port) {
            Receiver::Kernel(object) => self.objects.at(Handle::from_index(object)?).cloned(),
            _ => None,
        }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // One at a time: there may be many, and others want the lock.
        while let Some(name) = self.first() {
            let gone = self.change(|space, ports, effects| space.destroy(ports, name, effects));
            debug_assert!(gone.is_ok(), "a name that is there cannot be destroyed");
        }
        with(|ipc| ipc.spaces.remove(self.0));
    }
}

impl Names {
    fn first(&self) -> Option<u32> {
        with(|ipc| ipc.spaces.at(self.0)?.name_from(0))
    }
}
