//! Requests for notifications, as ports keep them.
//!
//! Owns the list of dead-name requests of each port. The entry that a request
//! is about, in its space, holds the request's handle.
//!
//! **Invariant**: a request is on the list of its port, once. Broken, a name
//! would not hear of its port's death.

use super::{Effect, Effects, PortId, Ports, Receiver, SpaceId};
use crate::arena::Handle;
use crate::ipc::Refusal;

/// Requests of one port that are counted at most, so that nobody can make it long.
const MOST_COUNTED: u32 = 1024;

/// Names a request.
pub type RequestId = Handle<Request>;

/// A dead-name request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// Whose name it is about.
    pub space: SpaceId,
    /// The name.
    pub name: u32,
    /// Where the notification goes: a send-once right.
    pub notify: PortId,
    port: PortId,
    previous: Option<RequestId>,
    next: Option<RequestId>,
}

impl Ports {
    /// Registers a dead-name request with a live port.
    ///
    /// # Errors
    /// [`Refusal::ResourceShortage`].
    pub fn add_request(
        &mut self,
        port: PortId,
        space: SpaceId,
        name: u32,
        notify: PortId,
    ) -> Result<RequestId, Refusal> {
        let next = self.ports.at(port).and_then(|port| port.requests);
        let request = Request {
            space,
            name,
            notify,
            port,
            previous: None,
            next,
        };
        let id = self
            .requests
            .insert(request)
            .map_err(|_| Refusal::ResourceShortage)?;
        if let Some(next) = next.and_then(|next| self.requests.at_mut(next)) {
            next.previous = Some(id);
        }
        if let Some(port) = self.ports.at_mut(port) {
            port.requests = Some(id);
        }
        Ok(id)
    }

    /// Takes a request back, with its send-once right.
    pub fn cancel_request(&mut self, id: RequestId) -> Option<Request> {
        let request = self.requests.remove(id)?;
        match request
            .previous
            .and_then(|other| self.requests.at_mut(other))
        {
            Some(previous) => previous.next = request.next,
            None => {
                if let Some(port) = self.ports.at_mut(request.port) {
                    port.requests = request.next;
                }
            }
        }
        if let Some(next) = request.next.and_then(|other| self.requests.at_mut(other)) {
            next.previous = request.previous;
        }
        Some(request)
    }

    /// Puts another send-once right into a request; gives back the old one.
    pub fn swap_request(&mut self, id: RequestId, notify: PortId) -> Option<PortId> {
        let request = self.requests.at_mut(id)?;
        Some(core::mem::replace(&mut request.notify, notify))
    }

    /// The name that a request is about changed.
    pub fn rename_request(&mut self, id: RequestId, name: u32) {
        if let Some(request) = self.requests.at_mut(id) {
            request.name = name;
        }
    }

    /// How many dead-name requests a port has; 1024 if there are more.
    pub fn dead_name_requests(&self, port: PortId) -> u32 {
        let mut next = self.ports.at(port).and_then(|port| port.requests);
        let mut count = 0;
        while let Some(request) = next.and_then(|id| self.requests.at(id)) {
            count += 1;
            if count == MOST_COUNTED {
                break;
            }
            next = request.next;
        }
        count
    }

    /// Registers where the receive right goes instead of dying; gives back what
    /// was registered.
    pub fn request_port_destroyed(&mut self, id: PortId, notify: Option<PortId>) -> Option<PortId> {
        let port = self.ports.at_mut(id)?;
        core::mem::replace(&mut port.port_destroyed, notify)
    }

    /// Registers who hears that the last send right is gone, or tells so at
    /// once: if there is none and the make-send count is at least `sync`.
    pub fn request_no_senders(
        &mut self,
        id: PortId,
        sync: u32,
        notify: Option<PortId>,
        effects: &mut Effects,
    ) -> Option<PortId> {
        let port = self.ports.at_mut(id)?;
        let old = port.no_senders.take();
        let none = port.send_rights.get() == 0 && port.receiver != Receiver::Dead;
        match notify {
            Some(notify) if none && port.make_send_count >= sync => {
                let count = port.make_send_count;
                effects.add(Effect::NoSenders { notify, count });
            }
            notify => port.no_senders = notify,
        }
        old
    }

    /// Whether port-destroyed and no-senders requests stand.
    pub fn requested(&self, port: PortId) -> (bool, bool) {
        self.ports.at(port).map_or((false, false), |port| {
            (port.port_destroyed.is_some(), port.no_senders.is_some())
        })
    }
}
