//! Messages between a sender and a receiver: bytes, and the rights they carry.
//!
//! Owns what a message looks like while nobody has it: the names are out of its
//! bytes, the rights in lists. Made from a sender's bytes, or by the kernel as a
//! notification; ends in a receiver's bytes, or destroyed with all it carries.

use alloc::vec::Vec;

use abi::message::{Bits, Descriptor, HEADER_BYTES, Header as Layout, MsgReturn, TypeName};
use kernel_core::ipc::message::{self, Body, Form, Header, Item, Place};
use kernel_core::ipc::port::{Effect, Effects, PortId, Ports};
use kernel_core::ipc::right::{Carried, DEAD, NULL, Refusal};
use kernel_core::ipc::space::Space;

/// The largest message: a bound on what one trap copies, and on what a queue
/// holds.
pub(crate) const LARGEST: u32 = 64 << 10;

/// A message that nobody has. Whoever holds one queues it, receives it or
/// destroys it.
#[derive(Debug)]
pub(super) struct Kmsg {
    /// Header and body, as sent.
    bytes: Vec<u8>,
    /// Rights of the body, and where in `bytes` their names belong.
    carried: Vec<(usize, Carried)>,
    /// Bits of the header to be seen by the receiver.
    bits: u32,
    /// The right it was sent to.
    remote: Carried,
    /// The right to reply to.
    local: Carried,
}

impl Kmsg {
    /// Takes the rights that `bytes` names out of the sender's space (manual
    /// 4.2.3). If the body is wrong, the message is given back all the same: it
    /// is to be destroyed, with what was taken so far.
    pub(super) fn from_sender(
        bytes: Vec<u8>,
        space: &mut Space,
        ports: &mut Ports,
        effects: &mut Effects,
    ) -> Result<Kmsg, (MsgReturn, Option<Kmsg>)> {
        let header = Header::parse(&bytes).map_err(|error| (MsgReturn(error.code()), None))?;
        let (remote, local) = space
            .take_header(ports, &header, effects)
            .map_err(|refusal| (MsgReturn(refusal as u32), None))?;
        let mut kmsg = Kmsg {
            bytes,
            carried: Vec::new(),
            bits: header.other_bits,
            remote,
            local,
        };
        if header.body == Body::Complex {
            if let Err(error) = kmsg.take_body(space, ports, effects) {
                return Err((error, Some(kmsg)));
            }
        }
        Ok(kmsg)
    }

    fn take_body(
        &mut self,
        space: &mut Space,
        ports: &mut Ports,
        effects: &mut Effects,
    ) -> Result<(), MsgReturn> {
        // Parsed from what the names are still in, for those go.
        let body = copy_of(&self.bytes[HEADER_BYTES..]).ok_or(MsgReturn::SEND_NO_BUFFER)?;
        for item in message::items(&body) {
            let item = item.map_err(|error| MsgReturn(error.code()))?;
            if item.is_complex() {
                self.bits |= Bits::COMPLEX;
            }
            match (item.place, item.rights) {
                // Memory cannot be sent yet.
                (Place::OutOfLine { .. }, _) if item.size > 0 => {
                    return Err(MsgReturn::SEND_INVALID_MEMORY);
                }
                (Place::Inline(first), Some(how)) => {
                    self.carried
                        .try_reserve(item.number as usize)
                        .map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
                    for number in 0..item.number as usize {
                        let at = HEADER_BYTES + first + number * size_of::<u32>();
                        let right = match read(&self.bytes, at) {
                            NULL => Carried::Null,
                            DEAD => Carried::Dead,
                            name => space
                                .take(ports, name, how, effects)
                                .map_err(|_| MsgReturn::SEND_INVALID_RIGHT)?,
                        };
                        self.carried.push((at, right));
                    }
                    self.set_type(&item, how.received());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn set_type(&mut self, item: &Item, name: u32) {
        let descriptor = HEADER_BYTES + item.descriptor;
        let (at, mask) = match item.form {
            Form::Short => (descriptor, 0xff),
            Form::Long => (descriptor + size_of::<u32>(), 0xffff),
        };
        let word = read(&self.bytes, at) & !mask | name;
        write(&mut self.bytes, at, word);
    }

    /// What the kernel tells a task, to the send-once right for `notify`.
    pub(super) fn notification(effect: Effect) -> Option<Kmsg> {
        use abi::message::NotifyId;
        let word = |name: TypeName, word: u32| {
            let descriptor = Descriptor::inline(name, 1).to_word();
            Some([descriptor, word])
        };
        let (notify, id, body, carried) = match effect {
            Effect::PortDeleted { notify, name } => {
                let body = word(TypeName::PORT_NAME, name);
                (notify, NotifyId::PORT_DELETED, body, None)
            }
            Effect::DeadName { notify, name } => {
                let body = word(TypeName::PORT_NAME, name);
                (notify, NotifyId::DEAD_NAME, body, None)
            }
            Effect::NoSenders { notify, count } => {
                let body = word(TypeName::INTEGER_32, count);
                (notify, NotifyId::NO_SENDERS, body, None)
            }
            Effect::PortDestroyed { notify, port } => {
                let body = word(TypeName::MOVE_RECEIVE, NULL);
                let right = Carried::Receive(port);
                (notify, NotifyId::PORT_DESTROYED, body, Some(right))
            }
            Effect::SendOnce { notify } => (notify, NotifyId::SEND_ONCE, None, None),
        };
        let mut bytes = Vec::new();
        let size = HEADER_BYTES + body.map_or(0, |body| size_of_val(&body));
        bytes.try_reserve_exact(size).ok()?;
        let header = Layout {
            id: id.0,
            ..Layout::default()
        };
        bytes.extend_from_slice(&header.to_bytes());
        for word in body.iter().flatten() {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let mut rights = Vec::new();
        if let Some(right) = carried {
            rights.try_reserve_exact(1).ok()?;
            rights.push((HEADER_BYTES + size_of::<u32>(), right));
        }
        Some(Kmsg {
            bytes,
            bits: carried.map_or(0, |_| Bits::COMPLEX),
            carried: rights,
            remote: Carried::SendOnce(notify),
            local: Carried::Null,
        })
    }

    /// The port it is for; none if that died before the message was sent.
    pub(super) fn destination(&self) -> Option<PortId> {
        match self.remote {
            Carried::Send(port) | Carried::SendOnce(port) => Some(port),
            _ => None,
        }
    }

    /// Whether it was sent by a send-once right, which no limit holds up.
    pub(super) fn is_sent_once(&self) -> bool {
        matches!(self.remote, Carried::SendOnce(_))
    }

    /// Receive rights that it carries wait at `destination` from now on; tells
    /// whether nobody could ever receive them (manual 4.2.5).
    pub(super) fn goes_in_circles(&self, destination: PortId, ports: &mut Ports) -> bool {
        self.carried.iter().any(|(_, right)| match *right {
            Carried::Receive(port) if ports.closes_circle(destination, port) => true,
            Carried::Receive(port) => {
                ports.depart(port, Some(destination));
                false
            }
            _ => false,
        })
    }

    /// Bytes that a receiver needs for it.
    pub(super) fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Gives the rights to the receiver's space, and the bytes to be copied to
    /// it. A right of the body for which there is no room is given up, and the
    /// code says so; one of the header leaves the whole message as it was.
    pub(super) fn receive(
        mut self,
        from: PortId,
        sequence: u32,
        space: &mut Space,
        ports: &mut Ports,
        effects: &mut Vec<Effects>,
    ) -> Result<(Vec<u8>, MsgReturn), (MsgReturn, Kmsg)> {
        let mut some = Effects::new();
        let reply = match space.give(ports, self.local, &mut some) {
            Ok(name) => name,
            Err(refusal) => {
                let code = MsgReturn::RCV_HEADER_ERROR.0 | room(refusal);
                return Err((MsgReturn(code), self));
            }
        };
        ports.use_up(self.remote, &mut some);
        effects.push(some);
        let mut code = MsgReturn::SUCCESS;
        for (at, right) in core::mem::take(&mut self.carried) {
            let mut some = Effects::new();
            let name = space.give(ports, right, &mut some).unwrap_or_else(|refusal| {
                code = MsgReturn(MsgReturn::RCV_BODY_ERROR.0 | code.0 | room(refusal));
                ports.drop_right(right, &mut some);
                NULL
            });
            write(&mut self.bytes, at, name);
            effects.push(some);
        }
        let layout = Layout::read(&self.bytes).unwrap_or_default();
        let bits = self.bits | type_of(self.local) | type_of(self.remote) << 8;
        let header = Layout {
            bits: Bits(bits),
            size: self.size(),
            remote_port: reply,
            local_port: space.received_as(ports, from),
            seqno: sequence,
            id: layout.id,
        };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        Ok((self.bytes, code))
    }
}
