//! The rights of a plain message whose receiver waits: in one step.
//!
//! Owns nothing; it is the part of [`Space`] that does for the usual headers
//! what [`Space::take_header`], a queue and [`Space::give`] do for all. As
//! nothing is ever on its way, most counts go up and down at once, so that they
//! need not change. A header that is not usual is refused; nothing has changed
//! then.

use super::super::message::{CIRCULAR, COMPLEX};
use super::super::port::{PortId, Ports, Receiver, SetId};
use super::super::right::{Disposition, NULL};
use super::{Entry, Source, Space};

/// The usual types of a header's rights, as `msgh_bits` has them.
const TYPES: u32 = 0xffff;
const TO_SEND: u32 = Disposition::CopySend as u32;
const TO_SEND_ONCE: u32 = Disposition::MoveSendOnce as u32;
/// `MACH_MSG_TYPE_PROTECTED_PAYLOAD`.
const PROTECTED: u32 = 23;
const REPLY: u32 = (Disposition::MakeSendOnce as u32) << 8;

/// How the destination is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Through {
    /// A send right, which stays.
    Send,
    /// The send-once right of this name, which goes.
    SendOnce(u32),
}

/// The rights that a header names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plain {
    /// The port that it is for; it lives, and a space receives from it.
    pub destination: PortId,
    /// The set that this is in.
    pub set: Option<SetId>,
    through: Through,
    reply: Option<PortId>,
}

/// What the header says when it is received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrived {
    /// Types of the rights and what came with them, `msgh_bits`.
    pub bits: u32,
    /// Name of the right to reply.
    pub remote: u32,
    /// The port it came from: its name, or what protects that.
    pub local: u32,
    /// The number of the message in its port.
    pub sequence: u32,
}

impl Space {
    /// The rights of a message with these bits and names; `None` unless the
    /// destination is a send right that is copied, or a send-once right, and the
    /// reply port one that the space receives from, or none; and unless messages
    /// wait at the destination, which come first.
    pub fn plain(&self, ports: &Ports, bits: u32, remote: u32, local: u32) -> Option<Plain> {
        if bits & (COMPLEX | CIRCULAR) != 0 {
            return None;
        }
        let (destination, through) = match (bits & TYPES & !REPLY, self.entry(remote)?) {
            (TO_SEND, Entry::Rights(rights)) if rights.urefs > 0 => (rights.port, Through::Send),
            (
                TO_SEND_ONCE,
                Entry::SendOnce {
                    port,
                    request: None,
                },
            ) => (*port, Through::SendOnce(remote)),
            _ => return None,
        };
        let port = ports.at(destination)?;
        if !matches!(port.receiver(), Receiver::Space(..)) || port.queued() > 0 {
            return None;
        }
        let reply = match (bits & TYPES & REPLY, local) {
            (0, NULL) => None,
            (REPLY, _) => match self.entry(local)? {
                Entry::Rights(rights) if rights.receives => Some(rights.port),
                _ => return None,
            },
            _ => return None,
        };
        Some(Plain {
            destination,
            set: port.set(),
            through,
            reply,
        })
    }

    /// Where a thread that receives from `name` would wait: a port or set with no
    /// messages. `None` if it need not, or cannot.
    pub fn quiet_source(&self, ports: &Ports, name: u32) -> Option<Source> {
        match *self.entry(name)? {
            Entry::Rights(rights) if rights.receives => {
                let port = ports.at(rights.port)?;
                let is_quiet = port.queued() == 0 && port.set().is_none();
                is_quiet.then_some(Source::Port(rights.port))
            }
            Entry::Set(set) if ports.ready_member(set).is_none() => Some(Source::Set(set)),
            _ => None,
        }
    }

    /// Gives the space, the receiver, its right to reply; its name, null if
    /// there is none. `None` if that takes more than a look: nothing has changed.
    /// Else [`Space::plain_sent`] is to follow.
    pub fn plain_given(&mut self, plain: &Plain) -> Option<u32> {
        let Some(port) = plain.reply else {
            return Some(NULL);
        };
        let request = None;
        let entry = Entry::SendOnce { port, request };
        self.names.insert_lowest_in_place(entry)?.checked_add(1)
    }

    /// Takes the rights out of the space, the sender; `reply` is the name that
    /// the receiver has, `bits` those that were sent. What arrives.
    pub fn plain_sent(
        &mut self,
        ports: &mut Ports,
        plain: &Plain,
        bits: u32,
        reply: u32,
    ) -> Arrived {
        let mut arrived = Arrived {
            bits: bits & !TYPES,
            remote: reply,
            local: NULL,
            sequence: 0,
        };
        if let Some(port) = plain.reply.and_then(|port| ports.at_mut(port)) {
            port.add_send_once();
            arrived.bits |= Disposition::MakeSendOnce.received();
        }
        let how = match plain.through {
            Through::Send => Disposition::MoveSend,
            Through::SendOnce(name) => {
                self.remove_once(name);
                Disposition::MoveSendOnce
            }
        };
        if let Some(port) = ports.at_mut(plain.destination) {
            if how == Disposition::MoveSendOnce {
                // It lives: nobody waits for it to be forgotten.
                port.end_send_once();
            }
            arrived.sequence = port.next_sequence();
            (arrived.bits, arrived.local) = match (port.payload, port.receiver()) {
                (Some(payload), _) => (arrived.bits | PROTECTED << 8, payload),
                (None, Receiver::Space(_, name)) => (arrived.bits | how.received() << 8, name),
                (None, _) => (arrived.bits, NULL),
            };
        }
        arrived
    }
}
