//! A port's queue of messages, and its limit.
//!
//! Owns the order of a port's messages; the kernel owns the messages. Threads
//! that wait for room or for a message are the kernel's as well.

use super::{
    AcceptedId, Effects, Port, PortId, Ports, QUEUE_LIMIT, QUEUE_LIMIT_MAX, Receiver, SetId,
};
use crate::arena::Handle;
use crate::ipc::Refusal;

/// A message, by a number of the kernel's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message(pub usize);

/// The right that a message is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// A send right: waits if the queue is full.
    Send,
    /// A send-once right, or one of `MACH_SEND_NOTIFY`: ignores the limit.
    Forced,
}

/// Why a message is not in the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unqueued {
    /// The limit is reached: wait, or time out.
    Full,
    /// The port is dead: the message is to be destroyed, and was sent.
    Dead,
    /// `MACH_SEND_NO_BUFFER`.
    NoBuffer,
}

#[derive(Debug)]
pub(super) struct Queued {
    message: Message,
    accepted: Option<AcceptedId>,
    next: Option<Handle<Queued>>,
}

/// **Invariant**: `length` messages hang between `first` and `last`; `push` and
/// `dequeue` keep it.
#[derive(Debug)]
pub(super) struct Queue {
    first: Option<Handle<Queued>>,
    last: Option<Handle<Queued>>,
    length: u32,
    limit: u32,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            first: None,
            last: None,
            length: 0,
            limit: QUEUE_LIMIT,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Port {
    /// Messages in the queue.
    pub const fn queued(&self) -> u32 {
        self.queue.length
    }

    /// Messages that may be, `mps_qlimit`.
    pub const fn queue_limit(&self) -> u32 {
        self.queue.limit
    }

    /// Whether a message to a send right would have to wait.
    pub const fn is_full(&self) -> bool {
        self.queue.length >= self.queue.limit
    }

    /// Changes the limit; zero is legal (manual 4.3.6, and seen).
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] beyond [`QUEUE_LIMIT_MAX`].
    pub const fn set_queue_limit(&mut self, limit: u32) -> Result<(), Refusal> {
        if limit > QUEUE_LIMIT_MAX {
            return Err(Refusal::InvalidValue);
        }
        self.queue.limit = limit;
        Ok(())
    }
}

impl Ports {
    /// Appends a message.
    ///
    /// # Errors
    /// [`Unqueued`] says why not.
    pub fn enqueue(&mut self, id: PortId, message: Message, via: Via) -> Result<(), Unqueued> {
        let port = self.ports.at_mut(id).ok_or(Unqueued::Dead)?;
        if port.receiver == Receiver::Dead {
            return Err(Unqueued::Dead);
        }
        if via == Via::Send && port.is_full() {
            return Err(Unqueued::Full);
        }
        let queued = Queued {
            message,
            accepted: None,
            next: None,
        };
        let queued = self
            .messages
            .insert(queued)
            .map_err(|_| Unqueued::NoBuffer)?;
        match port.queue.last.and_then(|last| self.messages.at_mut(last)) {
            Some(last) => last.next = Some(queued),
            None => port.queue.first = Some(queued),
        }
        port.queue.last = Some(queued);
        port.queue.length += 1;
        if port.queue.length == 1 {
            self.make_ready(id);
        }
        Ok(())
    }

    /// The message that [`Ports::dequeue`] would give, which stays:
    /// `MACH_RCV_LARGE`.
    pub fn front(&self, port: PortId) -> Option<Message> {
        let first = self.ports.at(port)?.queue.first?;
        self.messages.at(first).map(|queued| queued.message)
    }

    /// The last message has a request now.
    pub(super) fn mark_last(&mut self, id: PortId, request: AcceptedId) {
        let last = self.ports.at(id).and_then(|port| port.queue.last);
        if let Some(queued) = last.and_then(|last| self.messages.at_mut(last)) {
            queued.accepted = Some(request);
        }
    }

    /// The request of the oldest message, which loses it.
    pub(super) fn front_accepted(&mut self, id: PortId) -> Option<AcceptedId> {
        let first = self.ports.at(id)?.queue.first?;
        self.messages.at_mut(first)?.accepted.take()
    }

    /// Takes the oldest message, with the sequence number that it is stamped
    /// with. Who forced it may want to hear of that.
    pub fn dequeue(&mut self, id: PortId, effects: &mut Effects) -> Option<(Message, u32)> {
        let port = self.ports.at_mut(id)?;
        let queued = self.messages.remove(port.queue.first?)?;
        port.queue.first = queued.next;
        port.queue.length -= 1;
        if port.queue.length == 0 {
            port.queue.last = None;
        }
        let sequence = port.next_sequence();
        self.was_served(id);
        self.accept(queued.accepted, effects);
        Some((queued.message, sequence))
    }

    /// The member of a set whose turn it is, if one has messages: members take
    /// turns, so that none starves.
    pub fn ready_member(&self, set: SetId) -> Option<PortId> {
        self.sets.at(set)?.first_ready()
    }
}
