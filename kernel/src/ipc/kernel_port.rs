//! Ports that the kernel receives from, and what they stand for.
//!
//! Owns the table from such a port to its object, whose type only the layers
//! above know. Called by them for each object that has a port.
//!
//! **Invariants**: a place of `Objects` is taken exactly while its
//! [`KernelPort`] lives, whose port has its index for receiver. Objects are never
//! dropped under the lock: they may hold names and memory.

use kernel_core::arena::{Arena, Handle};
use kernel_core::ipc::port::{Effects, PortId, Receiver};
use kernel_core::ipc::right::{Carried, Refusal};

use super::{HeldRight, Ipc, Names, with};
use crate::mm::shared::{Any, Shared};

/// What each port of the kernel's stands for; nothing until the object is made
/// and after it ended.
pub(super) type Objects = Arena<Option<Shared<Any>>>;

/// A port that the kernel receives from: dies when dropped.
pub(crate) struct KernelPort {
    port: PortId,
    object: Handle<Option<Shared<Any>>>,
}

impl KernelPort {
    /// A port that stands for nothing yet.
    pub(crate) fn new() -> Result<KernelPort, Refusal> {
        with(|ipc| {
            let object = ipc.objects.insert(None);
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

    /// From now on it stands for `object`, whose owner it becomes: an object
    /// that owns its port lives until [`KernelPort::stand_for_nothing`].
    pub(crate) fn stand_for(&self, object: Shared<Any>) {
        drop(self.replace(Some(object)));
    }

    /// From now on it serves no requests.
    pub(crate) fn stand_for_nothing(&self) {
        drop(self.replace(None));
    }

    fn replace(&self, object: Option<Shared<Any>>) -> Option<Shared<Any>> {
        with(|ipc| core::mem::replace(ipc.objects.at_mut(self.object)?, object))
    }

    /// A send right to it.
    pub(crate) fn make_send(&self) -> HeldRight {
        HeldRight::new(with(|ipc| ipc.post.ports.make_send(self.port)))
    }

    /// Gives `names` a send right, and tells its name.
    pub(crate) fn send_right(&self, names: &Names) -> Result<u32, Refusal> {
        names.give(self.make_send())
    }

    /// The receive right: from now on it is no port of the kernel's.
    pub(crate) fn into_receive(self) -> HeldRight {
        let object = with(|ipc| {
            ipc.post.ports.depart(self.port, None);
            ipc.objects.remove(self.object)
        });
        drop(object);
        let right = HeldRight::new(Carried::Receive(self.port));
        core::mem::forget(self);
        right
    }

    /// Whether anybody has a send right to it.
    pub(crate) fn has_senders(&self) -> bool {
        with(|ipc| ipc.post.ports.rights(self.port).0 > 0)
    }

    /// Whether `name` denotes a send right to it.
    pub(crate) fn is_named(&self, names: &Names, name: u32) -> bool {
        with(|ipc| {
            let space = names.0.get(&mut ipc.key);
            space.name_of(&ipc.post.ports, self.port) == Some(name)
        })
    }
}

impl Drop for KernelPort {
    fn drop(&mut self) {
        let object = with(|ipc| {
            let object = ipc.objects.remove(self.object);
            ipc.post.ports.kill(self.port);
            ipc.post.settle(&Effects::new());
            object
        });
        // Outside of the lock: it may be the last to hold a task's memory.
        drop(object);
    }
}

impl Ipc {
    /// What the port stands for, if it is a live one of the kernel's.
    pub(super) fn object_of(&self, port: PortId) -> Option<Shared<Any>> {
        match self.post.ports.receiver(port) {
            Receiver::Kernel(object) => self.objects.at(Handle::from_index(object)?)?.clone(),
            _ => None,
        }
    }
}

impl HeldRight {
    /// What the right's port stands for, if it is a right to send to a live one
    /// of the kernel's.
    pub(crate) fn object(&self) -> Option<Shared<Any>> {
        with(|ipc| ipc.object_of(self.port()?))
    }
}
