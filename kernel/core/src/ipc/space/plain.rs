//! The rights of a plain message whose receiver waits: in one step.
//!
//! Owns nothing; it is the part of [`Space`] that does for the usual headers
//! what [`Space::take_header`], a queue and [`Space::give`] do for all. As
//! nothing is ever on its way, most counts go up and down at once, so that they
//! need not change. A header that is not usual is refused; nothing has changed
//! then.

use super::super::message::{CIRCULAR, COMPLEX};
use super::super::port::{Port, PortId, Ports, Receiver, SetId};
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

/// The rights that a header names, and the ports that they lead to.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'p> {
    destination: (PortId, &'p Port),
    through: Through,
    /// Its name, and what that means.
    reply: Option<(u32, PortId, &'p Port)>,
}

impl Plain<'_> {
    /// The port that it is for; it lives, and a space receives from it.
    pub const fn destination(&self) -> PortId {
        self.destination.0
    }

    /// The set that this is in.
    pub const fn set(&self) -> Option<SetId> {
        self.destination.1.set()
    }
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
    #[inline(always)]
    pub fn plain<'p>(
        &self,
        ports: &'p Ports,
        bits: u32,
        remote: u32,
        local: u32,
    ) -> Option<Plain<'p>> {
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
                Entry::Rights(rights) if rights.receives => {
                    Some((local, rights.port, ports.at(rights.port)?))
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(Plain {
            destination: (destination, port),
            through,
            reply,
        })
    }

    /// Where a thread that sends this and receives from `name` would wait: a port or
    /// set with no messages. `None` if it need not, or cannot.
    #[inline(always)]
    pub fn quiet_source(&self, ports: &Ports, plain: &Plain<'_>, name: u32) -> Option<Source> {
        let (id, port) = match plain.reply {
            // What most who ask for a reply wait for.
            Some((local, id, port)) if local == name => (id, port),
            _ => match *self.entry(name)? {
                Entry::Rights(rights) if rights.receives => (rights.port, ports.at(rights.port)?),
                Entry::Set(set) if ports.ready_member(set).is_none() => {
                    return Some(Source::Set(set));
                }
                _ => return None,
            },
        };
        let is_quiet = port.queued() == 0 && port.set().is_none();
        is_quiet.then_some(Source::Port(id))
    }

    /// Gives the space, the receiver, its right to reply; its name, null if
    /// there is none. `None` if that takes more than a look: nothing has changed.
    /// Else [`Space::plain_sent`] is to follow.
    #[inline(always)]
    pub fn plain_given(&mut self, plain: &Plain<'_>) -> Option<u32> {
        let Some((_, port, _)) = plain.reply else {
            return Some(NULL);
        };
        let request = None;
        let entry = Entry::SendOnce { port, request };
        self.names.insert_lowest_in_place(entry)?.checked_add(1)
    }

    /// Takes the rights out of the space, the sender; `reply` is the name that
    /// the receiver has, `bits` those that were sent. What arrives.
    #[inline(always)]
    pub fn plain_sent(&mut self, plain: &Plain<'_>, bits: u32, reply: u32) -> Arrived {
        let mut bits = bits & !TYPES;
        if let Some((_, _, port)) = plain.reply {
            port.add_send_once();
            bits |= Disposition::MakeSendOnce.received();
        }
        let port = plain.destination.1;
        let how = match plain.through {
            Through::Send => Disposition::MoveSend,
            Through::SendOnce(name) => {
                self.remove_once(name);
                // It lives: nobody waits for it to be forgotten.
                port.end_send_once();
                Disposition::MoveSendOnce
            }
        };
        let (received, local) = match (port.payload, port.receiver()) {
            (Some(payload), _) => (PROTECTED, payload),
            (None, Receiver::Space(_, name)) => (how.received(), name),
            (None, _) => (0, NULL),
        };
        Arrived {
            bits: bits | received << 8,
            remote: reply,
            local,
            sequence: port.next_sequence(),
        }
    }
}
