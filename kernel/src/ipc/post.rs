//! Ports with their queues, and the threads that wait at them.
//!
//! Owns the messages in queues. Whatever changes ports ends with
//! [`Post::settle`], which delivers what the change asks for and clears away
//! what died.

use abi::message::MsgReturn;
use kernel_core::arena::{Arena, Handle};
use kernel_core::ipc::port::{
    Effect, Effects, Message, PortId, Ports, Receiver, Remains, Unnotified, Unqueued, Via,
};
use kernel_core::ipc::right::Carried;
use kernel_core::ipc::space::{Source, Space};

use super::kernel_port::Objects;
use super::message::{Kmsg, Litter};
use super::wait::{Place, Waiters};
use crate::mm::OutOfMemory;
use crate::vm::managed;

/// Ports, messages, and who waits for either.
pub(super) struct Post {
    pub(super) ports: Ports,
    messages: Arena<Kmsg>,
    pub(super) waiters: Waiters,
    /// What the kernel's ports stand for.
    pub(super) objects: Objects,
    /// Memory to be given back as soon as nobody has the lock.
    pub(super) litter: Litter,
}

/// Why a message is not sent; it is given back.
pub(super) enum NotSent {
    /// The queue is full.
    Full(Kmsg),
    /// There is no memory.
    NoBuffer(Kmsg),
}

impl Post {
    /// Without ports.
    ///
    /// # Safety
    ///
    /// Made once, and lies under the lock of ports.
    pub(super) unsafe fn new() -> Post {
        Post {
            ports: Ports::default(),
            messages: Arena::new(),
            // SAFETY: passed on to the caller.
            waiters: unsafe { Waiters::new() },
            objects: Objects::default(),
            litter: Litter::default(),
        }
    }

    /// Does what a change left to be done, until nothing is left. What dies of
    /// it waits for its turn in the same loop, however long the chain is.
    pub(super) fn settle(&mut self, effects: &Effects) {
        self.notify_all(effects);
        if !self.ports.has_dying() {
            return;
        }
        while let Some(remains) = self.ports.reap() {
            match remains {
                Remains::Effect(effect) => self.notify(effect),
                Remains::Message(message) => {
                    if let Some(kmsg) = self.take(message) {
                        kmsg.destroy(self);
                    }
                }
            }
        }
        // Whoever waits at a port looks whether it still is there.
        self.waiters.wake_all();
        managed::ports_died();
    }

    /// Delivers the notifications of a change; what died stays for
    /// [`Post::settle`].
    pub(super) fn notify_all(&mut self, effects: &Effects) {
        for &effect in effects.as_slice() {
            self.notify(effect);
        }
    }

    /// Delivers a notification. Without memory for it the right is used up all
    /// the same: a task that asks for more than there is hears of less.
    fn notify(&mut self, effect: Effect) {
        let (Effect::PortDeleted { notify, .. }
        | Effect::PortDestroyed { notify, .. }
        | Effect::NoSenders { notify, .. }
        | Effect::SendOnce { notify }
        | Effect::MessageAccepted { notify, .. }
        | Effect::DeadName { notify, .. }) = effect;
        let receiver = self.ports.receiver(notify);
        if let (Effect::NoSenders { .. }, Receiver::Kernel(object)) = (effect, receiver) {
            self.ports.drop_used_send_once(notify);
            self.note_unused(object);
            return;
        }
        let kmsg = match self.ports.is_dead(notify) {
            true => None,
            false => Kmsg::notification(effect),
        };
        let kept = match kmsg.map(|kmsg| self.enqueue(kmsg)) {
            Some(Ok(())) => return,
            Some(Err(NotSent::Full(kmsg) | NotSent::NoBuffer(kmsg))) => Some(kmsg),
            None => None,
        };
        drop(kept);
        self.ports.drop_used_send_once(notify);
        if let Effect::PortDestroyed { port, .. } = effect {
            self.ports.kill(port);
        }
    }

    /// Puts a message into the queue of its port, and wakes who waits for it. A
    /// message to a dead port is sent, and destroyed.
    pub(super) fn enqueue(&mut self, kmsg: Kmsg) -> Result<(), NotSent> {
        let via = match kmsg.is_sent_once() {
            true => Via::Forced,
            false => Via::Send,
        };
        self.enqueue_via(kmsg, via)
    }

    /// The same, whatever the queue's limit; tells whether there was memory.
    pub(super) fn force_through(&mut self, kmsg: Kmsg) -> bool {
        match self.enqueue_via(kmsg, Via::Forced) {
            Ok(()) => true,
            Err(NotSent::Full(kmsg) | NotSent::NoBuffer(kmsg)) => {
                kmsg.destroy(self);
                false
            }
        }
    }

    fn enqueue_via(&mut self, kmsg: Kmsg, via: Via) -> Result<(), NotSent> {
        let Some(port) = kmsg.destination() else {
            kmsg.destroy(self);
            return Ok(());
        };
        if let Receiver::Kernel(_) = self.ports.receiver(port) {
            // Requests were served before; the kernel waits for no message.
            kmsg.destroy(self);
            return Ok(());
        }
        if self.ports.is_dead(port) || kmsg.goes_in_circles(port, &mut self.ports) {
            kmsg.destroy(self);
            return Ok(());
        }
        if via == Via::Send && self.ports.at(port).is_some_and(|port| port.is_full()) {
            return Err(NotSent::Full(kmsg));
        }
        self.place(port, kmsg, Unqueued::NoBuffer, |ports, message| {
            ports.enqueue(port, message, via)
        })
        .map_err(|(why, kmsg)| match why {
            Unqueued::Full => NotSent::Full(kmsg),
            _ => NotSent::NoBuffer(kmsg),
        })
    }

    /// Queues a message whatever the limit of its port, and asks for a
    /// notification of `space`, to the port that it receives from as `notify`,
    /// when the message was received (`MACH_SEND_NOTIFY`).
    pub(super) fn force(
        &mut self,
        kmsg: Kmsg,
        space: &mut Space,
        notify: u32,
    ) -> Result<MsgReturn, (MsgReturn, Kmsg)> {
        let Some(port) = kmsg.destination() else {
            kmsg.destroy(self);
            return Ok(MsgReturn::SUCCESS);
        };
        if let Err(why) = space.may_force(&self.ports, port) {
            return Err((MsgReturn(why as u32), kmsg));
        }
        let Ok((notify, _)) = space.received(&mut self.ports, notify) else {
            return Err((MsgReturn::SEND_INVALID_NOTIFY, kmsg));
        };
        let Carried::SendOnce(notify) = self.ports.make_send_once(notify) else {
            return Err((MsgReturn::SEND_NO_NOTIFY, kmsg));
        };
        let placed = self.place(port, kmsg, Unnotified::NoNotify, |ports, message| {
            space.force(ports, port, message, notify)
        });
        let Err((why, kmsg)) = placed else {
            return Ok(MsgReturn::SEND_WILL_NOTIFY);
        };
        self.ports.drop_used_send_once(notify);
        if why == Unnotified::Dead {
            // It counts as sent.
            kmsg.destroy(self);
            return Ok(MsgReturn::SUCCESS);
        }
        Err((MsgReturn(why as u32), kmsg))
    }

    /// Finds a place for a message, which `queue` then queues at `port`, and
    /// wakes who waits for it.
    fn place<E>(
        &mut self,
        port: PortId,
        kmsg: Kmsg,
        no_room: E,
        queue: impl FnOnce(&mut Ports, Message) -> Result<(), E>,
    ) -> Result<(), (E, Kmsg)> {
        // Its place first: what is queued must be found.
        if self.messages.reserve(1).is_err() {
            return Err((no_room, kmsg));
        }
        let Ok(handle) = self.messages.insert(kmsg) else {
            unreachable!("the place was reserved")
        };
        match queue(&mut self.ports, Message(handle.index() as usize)) {
            Ok(()) => {
                self.wake_receiver(port);
                Ok(())
            }
            Err(error) => match self.messages.remove(handle) {
                Some(kmsg) => Err((error, kmsg)),
                None => unreachable!("it was put there"),
            },
        }
    }

    /// Sends the kernel's answer. One that nobody can take is lost: the kernel
    /// waits for no client. Tells whether there was memory for it.
    pub(super) fn reply(&mut self, reply: Kmsg) -> Result<(), OutOfMemory> {
        let (reply, lost) = match self.enqueue(reply) {
            Ok(()) => return Ok(()),
            Err(NotSent::Full(reply)) => (reply, Ok(())),
            Err(NotSent::NoBuffer(reply)) => (reply, Err(OutOfMemory)),
        };
        reply.destroy(self);
        lost
    }

    /// Wakes a thread that waits for a message of `port`, or of its set.
    fn wake_receiver(&mut self, port: PortId) {
        if !self.waiters.wake_one(Place::Receive(Source::Port(port))) {
            if let Some(set) = self.ports.set_of(port) {
                self.waiters.wake_one(Place::Receive(Source::Set(set)));
            }
        }
    }

    /// The port at `source` that has a message, and the size of that.
    pub(super) fn waiting_at(&self, source: Source) -> Option<(PortId, u32)> {
        let port = match source {
            Source::Port(port) => port,
            Source::Set(set) => self.ports.ready_member(set)?,
        };
        let message = self.ports.front(port)?;
        Some((port, self.messages.at(handle_of(message)?)?.size()))
    }

    /// Takes the first message of `port`, with its sequence number; a sender
    /// that waited for room may go on.
    pub(super) fn dequeue(&mut self, port: PortId) -> Option<(Kmsg, u32)> {
        let mut effects = Effects::new();
        let (message, sequence) = self.ports.dequeue(port, &mut effects)?;
        self.notify_all(&effects);
        self.waiters.wake_one(Place::Send(port));
        Some((self.take(message)?, sequence))
    }

    fn take(&mut self, message: Message) -> Option<Kmsg> {
        self.messages.remove(handle_of(message)?)
    }
}

fn handle_of(message: Message) -> Option<Handle<Kmsg>> {
    Handle::from_index(u32::try_from(message.0).ok()?)
}
