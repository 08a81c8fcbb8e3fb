//! Requests to hear that a forced message was accepted: `MACH_SEND_NOTIFY`.
//!
//! Owns the requests. One belongs to a queued message and is known to the entry
//! of the port in the sender's space, until the message is received (manual
//! 4.2.5). Either may go first.
//!
//! **Invariant**: the request of a queued message is there as long as the
//! message is in the queue. An entry's handle of one counts only while the
//! request names that space and that name: `accepting` looks, so that what is
//! over needs not be told to the space.

use super::{Effect, Effects, Message, PortId, Ports, SpaceId, Unqueued, Via};
use crate::arena::Handle;

/// Names a request.
pub type AcceptedId = Handle<Accepted>;

/// A msg-accepted request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Who sent.
    pub space: SpaceId,
    /// The port's name there; null once it has none.
    pub name: u32,
    /// Where the notification goes: a send-once right.
    pub notify: PortId,
}

/// Why a message was not forced; it is to be given back to the sender, and
/// `notify` is still the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unnotified {
    /// `MACH_SEND_NOTIFY_IN_PROGRESS`: the name has forced one already.
    InProgress = 0x1000_0006,
    /// `MACH_SEND_NO_NOTIFY`: no kernel memory.
    NoNotify = 0x1000_000e,
    /// The port died meanwhile: the message counts as sent, and is to be
    /// destroyed.
    Dead = 0,
}

impl Ports {
    /// Appends a message beyond the limit, with a request.
    pub(in crate::ipc) fn force(
        &mut self,
        id: PortId,
        message: Message,
        request: Accepted,
    ) -> Result<AcceptedId, Unnotified> {
        let request = self.accepted.insert(request);
        let request = request.map_err(|_| Unnotified::NoNotify)?;
        let Err(why) = self.enqueue(id, message, Via::Forced) else {
            self.mark_last(id, request);
            return Ok(request);
        };
        self.accepted.remove(request);
        Err(match why {
            Unqueued::Dead => Unnotified::Dead,
            Unqueued::Full | Unqueued::NoBuffer => Unnotified::NoNotify,
        })
    }

    /// The request, if it still stands for this name.
    pub(in crate::ipc) fn accepting(
        &self,
        id: Option<AcceptedId>,
        space: SpaceId,
        name: u32,
    ) -> Option<AcceptedId> {
        let id = id?;
        let request = self.accepted.at(id)?;
        (request.space == space && request.name == name).then_some(id)
    }

    /// The port of a request has another name now, or none: null.
    pub(in crate::ipc) fn rename_accepted(&mut self, id: AcceptedId, name: u32) {
        if let Some(request) = self.accepted.at_mut(id) {
            request.name = name;
        }
    }

    /// How many requests stand.
    pub const fn accepted_requests(&self) -> u32 {
        self.accepted.len()
    }

    /// Takes a request back, with its send-once right.
    pub(super) fn end_accepted(&mut self, id: AcceptedId) -> Option<Accepted> {
        self.accepted.remove(id)
    }

    /// A message with a request is received.
    pub(super) fn accept(&mut self, id: Option<AcceptedId>, effects: &mut Effects) {
        if let Some(request) = id.and_then(|id| self.end_accepted(id)) {
            let Accepted { notify, name, .. } = request;
            effects.add(Effect::MessageAccepted { notify, name });
        }
    }
}
