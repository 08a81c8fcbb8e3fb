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

/// Where a header leads.
#[derive(Clone, Copy, Debug)]
pub struct Addressed<'p> {
    id: PortId,
    port: &'p Port,
    through: Through,
}

impl Addressed<'_> {
    /// `msgh_bits` as the kernel receives a request to be answered.
    pub const ASKED: u32 =
        Disposition::MakeSendOnce.received() | Disposition::MoveSend.received() << 8;

    /// The port.
    pub const fn id(&self) -> PortId {
        self.id
    }

    /// Who receives from it.
    pub const fn receiver(&self) -> Receiver {
        self.port.receiver()
    }

    /// The set that it is in.
    pub const fn set(&self) -> Option<SetId> {
        self.port.set()
    }
}

/// The rights that a header names, and the ports that they lead to.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'p> {
    to: Addressed<'p>,
    reply: Option<Reply<'p>>,
}

/// The port that a header asks a reply to.
#[derive(Clone, Copy, Debug)]
struct Reply<'p> {
    name: u32,
    id: PortId,
    port: &'p Port,
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
    /// Where a message with these bits goes whose destination has this name; `None`
    /// unless that is a send right that is copied, or a send-once right, and the
    /// body is plain.
    #[inline(always)]
    pub fn addressed<'p>(&self, ports: &'p Ports, bits: u32, remote: u32) -> Option<Addressed<'p>> {
        if bits & (COMPLEX | CIRCULAR) != 0 {
            return None;
        }
        let (id, through) = match (bits & TYPES & !REPLY, self.entry(remote)?) {
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
        let port = ports.at(id)?;
        Some(Addressed { id, port, through })
    }

    /// The rights of that message; `None` unless a space receives it, the reply port
    /// is one that the space receives from, or none; and unless messages wait at
    /// the destination, which come first.
    #[inline(always)]
    pub fn plain<'p>(
        &self,
        ports: &'p Ports,
        to: Addressed<'p>,
        bits: u32,
        local: u32,
    ) -> Option<Plain<'p>> {
        if !matches!(to.receiver(), Receiver::Space(..)) || to.port.queued() > 0 {
            return None;
        }
        let reply = match (bits & TYPES & REPLY, local) {
            (0, NULL) => None,
            (REPLY, _) => Some(self.reply(ports, local)?),
            _ => return None,
        };
        Some(Plain { to, reply })
    }

    #[inline(always)]
    fn reply<'p>(&self, ports: &'p Ports, name: u32) -> Option<Reply<'p>> {
        Reply::of(self.entry(name)?, ports, name)
    }

    /// The same for a request to the kernel, with a reply that is waited for at
    /// the port it goes to, `name`: the reply port. Both ports have one right more
    /// then, until [`Space::answered`] or what [`Ports`] does with rights ends
    /// them.
    pub fn asks(&self, ports: &Ports, to: Addressed<'_>, bits: u32, name: u32) -> Option<PortId> {
        if to.through != Through::Send || bits & TYPES & REPLY != REPLY {
            return None;
        }
        let reply = self.reply(ports, name)?;
        if !reply.is_quiet() {
            return None;
        }
        to.port.add_send();
        reply.port.add_send_once();
        Some(reply.id)
    }

    /// What arrives when the space receives the kernel's answer at `port` as `name`
    /// at once; the right that it went to is used up. `None`, and nothing has
    /// changed, if it is not to be received there, or others come first.
    pub fn answered(&self, ports: &Ports, port: PortId, name: u32) -> Option<Arrived> {
        let reply = self.reply(ports, name)?;
        if reply.id != port || !reply.is_quiet() {
            return None;
        }
        reply.port.end_send_once();
        let (received, local) = reply.port.received_by(Disposition::MoveSendOnce);
        Some(Arrived {
            bits: received << 8,
            remote: NULL,
            local,
            sequence: reply.port.next_sequence(),
        })
    }

    /// Where a thread that sends this and receives from `name` would wait: a port or
    /// set with no messages. `None` if it need not, or cannot.
    #[inline(always)]
    pub fn quiet_source(&self, ports: &Ports, plain: &Plain<'_>, name: u32) -> Option<Source> {
        let place = match plain.reply {
            // What most who ask for a reply wait for.
            Some(reply) if reply.name == name => reply,
            _ => match self.entry(name)? {
                Entry::Set(set) if ports.ready_member(*set).is_none() => {
                    return Some(Source::Set(*set));
                }
                entry => Reply::of(entry, ports, name)?,
            },
        };
        place.is_quiet().then_some(Source::Port(place.id))
    }

    /// Gives the space, the receiver, its right to reply; its name, null if
    /// there is none. `None` if that takes more than a look: nothing has changed.
    /// Else [`Space::plain_sent`] is to follow.
    #[inline(always)]
    pub fn plain_given(&mut self, plain: &Plain<'_>) -> Option<u32> {
        let Some(Reply { id: port, .. }) = plain.reply else {
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
        if let Some(Reply { port, .. }) = plain.reply {
            port.add_send_once();
            bits |= Disposition::MakeSendOnce.received();
        }
        let port = plain.to.port;
        let how = match plain.to.through {
            Through::Send => Disposition::MoveSend,
            Through::SendOnce(name) => {
                self.remove_once(name);
                // It lives: nobody waits for it to be forgotten.
                port.end_send_once();
                Disposition::MoveSendOnce
            }
        };
        let (received, local) = port.received_by(how);
        Arrived {
            bits: bits | received << 8,
            remote: reply,
            local,
            sequence: port.next_sequence(),
        }
    }
}

impl<'p> Reply<'p> {
    /// What this entry of this name is, if it is a receive right.
    #[inline(always)]
    fn of(entry: &Entry, ports: &'p Ports, name: u32) -> Option<Self> {
        let id = match entry {
            Entry::Rights(rights) if rights.receives => rights.port,
            _ => return None,
        };
        let port = ports.at(id)?;
        Some(Self { name, id, port })
    }

    /// Whether who receives from it waits.
    #[inline(always)]
    const fn is_quiet(&self) -> bool {
        self.port.queued() == 0 && self.port.set().is_none()
    }
}

impl Port {
    /// The type and the name of the port in the header of a message that came by a
    /// right of this kind.
    #[inline(always)]
    fn received_by(&self, how: Disposition) -> (u32, u32) {
        match (self.payload, self.receiver()) {
            (Some(payload), _) => (PROTECTED, payload),
            (None, Receiver::Space(_, name)) => (how.received(), name),
            (None, _) => (0, NULL),
        }
    }
}
