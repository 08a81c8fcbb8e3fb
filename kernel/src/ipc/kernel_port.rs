//! Ports that the kernel receives from, and what they stand for.
//!
//! Owns the table from such a port to its object, whose type only the layers
//! above know. Called by them for each object that has a port.
//!
//! **Invariants**: a place of `Objects` is taken exactly while its
//! [`KernelPort`] lives, whose port has its index for receiver. Objects are never
//! dropped under the lock: they may hold names and memory. A place is on the list
//! of the unused from when its port's last sender is gone, if it ends with that,
//! until the thread that ends them has looked at it.

use core::sync::atomic::{AtomicBool, Ordering};

use kernel_core::arena::{Arena, Handle};
use kernel_core::ipc::port::{Effects, PortId, Receiver};
use kernel_core::ipc::right::{Carried, Refusal};

use super::post::Post;
use super::{HeldRight, Ipc, Names, with};
use crate::mm::shared::{Any, Shared};
use crate::sched::event::Event;
use crate::sched::{self, Thread};

/// What each port of the kernel's stands for.
#[derive(Default)]
pub(super) struct Objects {
    places: Arena<Place>,
    /// The first of those that nobody can send to any more.
    unused: Option<Handle<Place>>,
}

/// What one port stands for.
struct Place {
    port: PortId,
    /// Nothing until the object is made and after it ended.
    object: Option<Shared<Any>>,
    /// The object is to go with the last right to send to the port.
    ends: bool,
    next_unused: Option<Handle<Place>>,
}

/// A port that the kernel receives from: dies when dropped.
pub(crate) struct KernelPort {
    port: PortId,
    object: Handle<Place>,
}

/// A port of the kernel's that may end before whoever has this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fleeting(PortId);

impl KernelPort {
    /// A port that stands for nothing yet.
    pub(crate) fn new() -> Result<KernelPort, Refusal> {
        with(|ipc| {
            let Post { ports, objects, .. } = &mut ipc.post;
            let reserved = objects.places.reserve(1);
            reserved.map_err(|_| Refusal::ResourceShortage)?;
            let port = ports.allocate(Receiver::Dead)?;
            let object = objects.places.insert(Place {
                port,
                object: None,
                ends: false,
                next_unused: None,
            });
            let Ok(object) = object else {
                unreachable!("the place was reserved")
            };
            ports.arrive(port, Receiver::Kernel(object.index()));
            Ok(KernelPort { port, object })
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
        with(|ipc| {
            let place = ipc.post.objects.places.at_mut(self.object)?;
            core::mem::replace(&mut place.object, object)
        })
    }

    /// From now on it stands for `object`, as long as anybody has a right to send
    /// to it: the one that is given back, to begin with.
    pub(crate) fn stand_for_while_sent_to(
        &self,
        object: Shared<Any>,
    ) -> Result<HeldRight, Refusal> {
        start_thread()?;
        self.stand_for(object);
        Ok(HeldRight::new(with(|ipc| {
            let right = ipc.post.ports.make_send(self.port);
            ipc.post.end_with_senders(self.object);
            right
        })))
    }

    /// Itself, for who does not own it.
    pub(crate) fn fleeting(&self) -> Fleeting {
        Fleeting(self.port)
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
            ipc.post.objects.places.remove(self.object)
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
            let object = ipc.post.objects.places.remove(self.object);
            ipc.post.ports.kill(self.port);
            ipc.post.settle(&Effects::new());
            object
        });
        // Outside of the lock: it may be the last to hold a task's memory.
        drop(object);
    }
}

impl Objects {
    /// What a port stands for that this one receives from, if that is the kernel.
    pub(super) fn at(&self, receiver: Receiver) -> Option<Shared<Any>> {
        match receiver {
            Receiver::Kernel(object) => {
                let place = self.places.at(Handle::from_index(object)?)?;
                place.object.clone()
            }
            _ => None,
        }
    }
}

impl Ipc {
    /// What the port stands for, if it is a live one of the kernel's.
    pub(super) fn object_of(&self, port: PortId) -> Option<Shared<Any>> {
        self.post.objects.at(self.post.ports.receiver(port))
    }
}

impl Fleeting {
    /// Its number, which no other port has meanwhile.
    pub(crate) const fn number(self) -> u32 {
        self.0.index()
    }

    /// The one with a number that is known to be one's.
    pub(crate) const fn from_number(number: u32) -> Option<Fleeting> {
        match PortId::from_index(number) {
            Some(port) => Some(Fleeting(port)),
            None => None,
        }
    }

    /// A send right to it. The caller knows that the port is there; what it
    /// stands for may be about to end, and then does not.
    pub(crate) fn make_send(self) -> HeldRight {
        HeldRight::new(with(|ipc| ipc.post.ports.make_send(self.0)))
    }
}

impl Post {
    /// What the port stands for goes with the last right to send to it.
    fn end_with_senders(&mut self, place: Handle<Place>) {
        let Some(found) = self.objects.places.at_mut(place) else {
            return;
        };
        found.ends = true;
        let port = found.port;
        // A port of the kernel's hears of it itself.
        if let Carried::SendOnce(notify) = self.ports.make_send_once(port) {
            let mut effects = Effects::new();
            self.ports
                .request_no_senders(port, 0, Some(notify), &mut effects);
            self.notify_all(&effects);
        }
    }

    /// Nobody can send to the port of `object` any more.
    pub(super) fn note_unused(&mut self, object: u32) {
        let Objects { places, unused, .. } = &mut self.objects;
        let Some(handle) = Handle::from_index(object) else {
            return;
        };
        if let Some(place) = places.at_mut(handle).filter(|place| place.ends) {
            place.ends = false;
            place.next_unused = unused.replace(handle);
            HAS_UNUSED.store(true, Ordering::Release);
            UNUSED.signal();
        }
    }

    fn take_unused(&mut self) -> Option<Shared<Any>> {
        while let Some(handle) = self.objects.unused {
            let place = self.objects.places.at_mut(handle)?;
            self.objects.unused = place.next_unused.take();
            let port = place.port;
            if self.ports.rights(port).0 > 0 {
                // Somebody got a new one in the meantime.
                self.end_with_senders(handle);
            } else if let Some(object) = place.object.take() {
                return Some(object);
            }
        }
        None
    }
}

/// Whether the list of the unused may have one; signalled with [`UNUSED`].
static HAS_UNUSED: AtomicBool = AtomicBool::new(false);
static UNUSED: Event = Event::new();

/// The thread that ends what nobody can send to any more: with no lock held,
/// whoever gave up the last right.
fn end_unused() -> ! {
    loop {
        UNUSED.wait_until(|| HAS_UNUSED.swap(false, Ordering::Acquire));
        while let Some(object) = with(|ipc| ipc.post.take_unused()) {
            drop(object);
        }
    }
}

/// Sees to it that there is that thread.
fn start_thread() -> Result<(), Refusal> {
    static HAS_THREAD: AtomicBool = AtomicBool::new(false);
    if HAS_THREAD.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let thread = Thread::for_kernel(end_unused).map_err(|_| {
        HAS_THREAD.store(false, Ordering::Relaxed);
        Refusal::ResourceShortage
    })?;
    sched::start(&thread);
    Ok(())
}

impl HeldRight {
    /// What the right's port stands for, if it is a right to send to a live one
    /// of the kernel's.
    pub(crate) fn object(&self) -> Option<Shared<Any>> {
        with(|ipc| ipc.object_of(self.port()?))
    }
}
