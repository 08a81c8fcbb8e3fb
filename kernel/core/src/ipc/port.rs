//! Ports: what each counts, queues and has promised to notify.
//!
//! Owns the ports, their queues of messages, the port sets and the dead-name
//! requests of a machine, in [`Ports`]; the kernel keeps it under one lock,
//! together with the spaces. A message is a number of the kernel's. What others
//! must do about a change comes back in [`Effects`], and what a dead port left
//! behind, piece by piece, from [`Ports::reap`]: no step here costs more
//! because a queue is long or a chain of ports deep.
//!
//! **Invariants**
//! - `send_rights` counts the spaces, messages and kernel parts that hold a
//!   send right; `send_once_rights` likewise. User references count once. Every
//!   [`Carried`] and [`Effect`] holds what it names. Broken, a port would leak,
//!   or be freed under a name.
//! - A port is freed once its receiver is [`Receiver::Dead`], both counts are
//!   zero and it has been reaped: until then stale names may look at it.
//! - A port is on its set's `ready` list exactly if it has messages.

use core::cell::Cell;

use super::right::{Carried, Refusal};
use crate::arena::{Arena, Handle};

mod accepted;
mod effect;
mod queue;
mod request;
mod set;

pub use accepted::{Accepted, AcceptedId, Unnotified};
pub use effect::{Effect, Effects};
pub use queue::{Message, Unqueued, Via};
pub use request::{Request, RequestId};
pub use set::{PortSet, SetId};

/// Names a port.
pub type PortId = Handle<Port>;

/// The queue limit of a new port, `MACH_PORT_QLIMIT_DEFAULT`.
pub const QUEUE_LIMIT: u32 = 5;
/// `MACH_PORT_QLIMIT_MAX`.
pub const QUEUE_LIMIT_MAX: u32 = 16;
/// How deep receive rights may lie in messages inside each other's queues:
/// what [`Ports::closes_circle`] costs at most.
pub const DEPTH_MAX: u32 = 1024;

/// Names a space; the kernel's number, which it gives out once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpaceId(pub u32);

/// Who has the receive right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Receiver {
    /// A task, under a name.
    Space(SpaceId, u32),
    /// The kernel: the port stands for the object with this number.
    Kernel(u32),
    /// A message, queued at the port if there is one.
    Message(Option<PortId>),
    /// Nobody, for ever.
    Dead,
}

/// A port.
#[derive(Debug)]
pub struct Port {
    receiver: Receiver,
    send_rights: Cell<u32>,
    send_once_rights: Cell<u32>,
    /// `MACH_MSG_TYPE_MAKE_SEND`s since the receive right last moved.
    pub make_send_count: u32,
    /// What the next message is stamped with.
    sequence: Cell<u32>,
    queue: queue::Queue,
    member: set::Member,
    requests: Option<RequestId>,
    no_senders: Option<PortId>,
    port_destroyed: Option<PortId>,
    /// What a receiver sees in place of the port's name.
    pub payload: Option<u32>,
    next_dying: Option<PortId>,
    reaped: bool,
}

/// One thing that a dead port left behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remains {
    /// A queued message, to be destroyed with all it carries.
    Message(Message),
    /// A notification.
    Effect(Effect),
}

/// All ports.
#[derive(Default)]
pub struct Ports {
    ports: Arena<Port>,
    sets: Arena<PortSet>,
    messages: Arena<queue::Queued>,
    requests: Arena<Request>,
    accepted: Arena<Accepted>,
    dying: Option<PortId>,
}

impl Ports {
    /// A port without rights to send, received by `receiver`.
    ///
    /// # Errors
    /// [`Refusal::ResourceShortage`].
    pub fn allocate(&mut self, receiver: Receiver) -> Result<PortId, Refusal> {
        let port = Port {
            receiver,
            send_rights: Cell::new(0),
            send_once_rights: Cell::new(0),
            make_send_count: 0,
            sequence: Cell::new(0),
            queue: queue::Queue::new(),
            member: set::Member::default(),
            requests: None,
            no_senders: None,
            port_destroyed: None,
            payload: None,
            next_dying: None,
            reaped: false,
        };
        self.ports
            .insert(port)
            .map_err(|_| Refusal::ResourceShortage)
    }

    /// How many ports there are, the dead ones that are still named included.
    pub const fn len(&self) -> u32 {
        self.ports.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Who receives from the port.
    pub fn receiver(&self, port: PortId) -> Receiver {
        self.ports
            .at(port)
            .map_or(Receiver::Dead, |port| port.receiver)
    }

    /// Whether nobody ever will.
    pub fn is_dead(&self, port: PortId) -> bool {
        match self.ports.at(port) {
            Some(port) => matches!(port.receiver, Receiver::Dead),
            None => true,
        }
    }

    /// How many hold rights to send: send rights, send-once rights.
    pub fn rights(&self, port: PortId) -> (u32, u32) {
        self.ports.at(port).map_or((0, 0), |port| {
            (port.send_rights.get(), port.send_once_rights.get())
        })
    }

    /// The port.
    #[inline(always)]
    pub fn at(&self, port: PortId) -> Option<&Port> {
        self.ports.at(port)
    }

    /// The port, to change what is public.
    pub fn at_mut(&mut self, port: PortId) -> Option<&mut Port> {
        self.ports.at_mut(port)
    }

    /// A send right from the receive right; counted as made.
    pub fn make_send(&mut self, port: PortId) -> Carried {
        if let Some(port) = self.ports.at_mut(port) {
            port.make_send_count = port.make_send_count.wrapping_add(1);
        }
        self.copy_send(port)
    }

    /// Another send right.
    pub fn copy_send(&mut self, id: PortId) -> Carried {
        match self.ports.at_mut(id) {
            Some(port) if port.receiver != Receiver::Dead => {
                port.add_send();
                Carried::Send(id)
            }
            _ => Carried::Dead,
        }
    }

    /// A send-once right.
    pub fn make_send_once(&mut self, id: PortId) -> Carried {
        match self.ports.at_mut(id) {
            Some(port) if port.receiver != Receiver::Dead => {
                port.add_send_once();
                Carried::SendOnce(id)
            }
            _ => Carried::Dead,
        }
    }

    /// A send right is gone; the last one may have been waited for.
    pub fn drop_send(&mut self, id: PortId, effects: &mut Effects) {
        let Some(port) = self.ports.at_mut(id) else {
            return;
        };
        if port.end_send() > 0 {
            return;
        }
        if port.receiver == Receiver::Dead {
            self.free_if_unknown(id);
        } else if let Some(notify) = port.no_senders.take() {
            let count = port.make_send_count;
            effects.add(Effect::NoSenders { notify, count });
        }
    }

    /// A send-once right has been used: its message was received.
    pub fn drop_used_send_once(&mut self, id: PortId) {
        if let Some(port) = self.ports.at_mut(id) {
            port.end_send_once();
            self.free_if_unknown(id);
        }
    }

    /// A send-once right ends unused: it becomes a notification.
    pub fn drop_send_once(&mut self, id: PortId, effects: &mut Effects) {
        if self.is_dead(id) {
            self.drop_used_send_once(id);
        } else {
            effects.add(Effect::SendOnce { notify: id });
        }
    }

    /// The receive right is given up: the port dies, unless a backup wants it.
    pub fn drop_receive(&mut self, id: PortId, effects: &mut Effects) {
        self.leave_set(id);
        let Some(port) = self.ports.at_mut(id) else {
            return;
        };
        if let Some(notify) = port.port_destroyed.take() {
            port.depart(None);
            effects.add(Effect::PortDestroyed { notify, port: id });
        } else {
            self.kill(id);
        }
    }

    /// A right that was on its way is given up.
    pub fn drop_right(&mut self, right: Carried, effects: &mut Effects) {
        match right {
            Carried::Null | Carried::Dead => {}
            Carried::Send(port) => self.drop_send(port, effects),
            Carried::SendOnce(port) => self.drop_send_once(port, effects),
            Carried::Receive(port) => self.drop_receive(port, effects),
        }
    }

    /// The receive right goes into a message; that message goes to `queued_at`,
    /// once it is queued.
    pub fn depart(&mut self, id: PortId, queued_at: Option<PortId>) {
        self.leave_set(id);
        if let Some(port) = self.ports.at_mut(id) {
            port.depart(queued_at);
        }
    }

    /// The receive right arrives.
    pub fn arrive(&mut self, id: PortId, receiver: Receiver) {
        if let Some(port) = self.ports.at_mut(id) {
            port.receiver = receiver;
        }
    }

    /// Whether a message that carries the receive right of `carried` may not be
    /// queued at `destination`, because the receive right of `destination` is
    /// itself in a message that waits, at whatever remove, at `carried`: nobody
    /// could ever receive either (manual 4.2.5). The kernel then destroys the
    /// message instead, and so all ports of the circle. One step for each
    /// receive right on the way, [`DEPTH_MAX`] at most: what lies deeper counts
    /// as a circle, so that nobody can make a send long.
    pub fn closes_circle(&self, destination: PortId, carried: PortId) -> bool {
        let mut at = destination;
        for _ in 0..DEPTH_MAX {
            if at == carried {
                return true;
            }
            match self.receiver(at) {
                Receiver::Message(Some(next)) => at = next,
                _ => return false,
            }
        }
        true
    }

    /// The port dies; [`Ports::reap`] tells what it leaves.
    pub fn kill(&mut self, id: PortId) {
        let next = self.dying;
        let Some(port) = self.ports.at_mut(id) else {
            return;
        };
        if port.receiver == Receiver::Dead {
            return;
        }
        port.receiver = Receiver::Dead;
        port.next_dying = next;
        self.dying = Some(id);
    }

    /// Whether a port has died since everything was last reaped.
    pub const fn has_dying(&self) -> bool {
        self.dying.is_some()
    }

    /// One thing that is left of dead ports. To be called after every operation
    /// until there is none; what is done with it may kill more ports.
    pub fn reap(&mut self) -> Option<Remains> {
        while let Some(id) = self.dying {
            if let Some(id) = self.front_accepted(id) {
                if let Some(Accepted { notify, .. }) = self.end_accepted(id) {
                    return Some(Remains::Effect(Effect::SendOnce { notify }));
                }
            }
            if let Some((message, _)) = self.dequeue(id, &mut Effects::new()) {
                return Some(Remains::Message(message));
            }
            if let Some(request) = self.ports.at(id).and_then(|port| port.requests) {
                if let Some(Request { notify, name, .. }) = self.cancel_request(request) {
                    return Some(Remains::Effect(Effect::DeadName { notify, name }));
                }
            }
            let port = self.ports.at_mut(id)?;
            if let Some(notify) = port.no_senders.take().or(port.port_destroyed.take()) {
                return Some(Remains::Effect(Effect::SendOnce { notify }));
            }
            self.dying = port.next_dying.take();
            port.reaped = true;
            self.free_if_unknown(id);
        }
        None
    }

    fn free_if_unknown(&mut self, id: PortId) {
        let unknown = self
            .ports
            .at(id)
            .is_some_and(|port| port.reaped && port.has_no_senders());
        if unknown {
            self.ports.remove(id);
        }
    }
}

impl Port {
    /// Who receives from it.
    pub const fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// Whether nobody has a right to send to it.
    fn has_no_senders(&self) -> bool {
        self.send_rights.get() == 0 && self.send_once_rights.get() == 0
    }

    /// One more send right.
    pub(in crate::ipc) fn add_send(&self) {
        self.send_rights.set(self.send_rights.get() + 1);
    }

    /// One less; how many are left.
    fn end_send(&self) -> u32 {
        let left = self.send_rights.get() - 1;
        self.send_rights.set(left);
        left
    }

    /// One more send-once right.
    pub(in crate::ipc) fn add_send_once(&self) {
        self.send_once_rights.set(self.send_once_rights.get() + 1);
    }

    /// One less; whoever takes the last one of a dead port frees that.
    pub(in crate::ipc) fn end_send_once(&self) {
        self.send_once_rights.set(self.send_once_rights.get() - 1);
    }

    /// What the next message received is stamped with.
    pub fn sequence(&self) -> u32 {
        self.sequence.get()
    }

    /// The next message received is stamped with `sequence`
    /// (`mach_port_set_seqno`).
    pub fn set_sequence(&self, sequence: u32) {
        self.sequence.set(sequence);
    }

    /// The stamp of a message that is received now.
    pub(in crate::ipc) fn next_sequence(&self) -> u32 {
        self.sequence.replace(self.sequence().wrapping_add(1))
    }

    /// The receive right leaves its task (manual 4.2.3, 4.2.6).
    fn depart(&mut self, queued_at: Option<PortId>) {
        self.receiver = Receiver::Message(queued_at);
        self.make_send_count = 0;
        self.set_sequence(0);
        self.payload = None;
    }
}
