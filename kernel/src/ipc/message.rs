//! Messages between a sender and a receiver: bytes, and the rights they carry.
//!
//! Owns what a message looks like while nobody has it: the names are out of its
//! bytes, the rights in lists. Made from a sender's bytes, or by the kernel as a
//! notification; ends in a receiver's bytes, or destroyed with all it carries.

use alloc::vec::Vec;

use abi::message::{Bits, Descriptor, HEADER_BYTES, Header as Layout, MsgReturn, TypeName};
use kernel_core::ipc::message::{self, Body, Form, Header, Item, Place};
use kernel_core::ipc::port::{Effect, Effects, PortId, Ports};
use kernel_core::ipc::right::{Carried, DEAD, Disposition, NULL, Refusal};
use kernel_core::ipc::space::Space;

use super::post::Post;
use super::request::Gives;

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
    /// 4.2.3); `cancel` is the port whose dead-name request for the destination
    /// goes silently with its right (`MACH_SEND_CANCEL`). If the body is wrong,
    /// the message is given back all the same: it is to be destroyed, with what
    /// was taken so far.
    pub(super) fn from_sender(
        bytes: Vec<u8>,
        space: &mut Space,
        post: &mut Post,
        cancel: Option<PortId>,
    ) -> Result<Kmsg, (MsgReturn, Option<Kmsg>)> {
        let header = Header::parse(&bytes).map_err(|error| (MsgReturn(error.code()), None))?;
        let mut effects = Effects::new();
        let (remote, local) = space
            .take_header(&mut post.ports, &header, &mut effects)
            .map_err(|refusal| (MsgReturn(refusal as u32), None))?;
        let cancelled =
            cancel.and_then(|notify| effects.cancel_deleted(notify, header.remote_name));
        if let Some(notify) = cancelled {
            post.ports.drop_used_send_once(notify);
        }
        post.notify_all(&effects);
        let mut kmsg = Kmsg {
            bytes,
            carried: Vec::new(),
            bits: header.other_bits,
            remote,
            local,
        };
        if header.body == Body::Complex {
            if let Err(error) = kmsg.take_body(space, post) {
                return Err((error, Some(kmsg)));
            }
        }
        Ok(kmsg)
    }

    fn take_body(&mut self, space: &mut Space, post: &mut Post) -> Result<(), MsgReturn> {
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
                // No memory at all: the receiver has it at address 0.
                (Place::OutOfLine { at, .. }, how) => {
                    if let Some(how) = how {
                        self.set_type(&item, how.received());
                    }
                    let descriptor = HEADER_BYTES + item.descriptor;
                    let word = read(&self.bytes, descriptor) | Descriptor::DEALLOCATE;
                    write(&mut self.bytes, descriptor, word);
                    write(&mut self.bytes, HEADER_BYTES + at, NULL);
                }
                (Place::Inline(first), Some(how)) => {
                    self.carried
                        .try_reserve(item.number as usize)
                        .map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
                    for number in 0..item.number as usize {
                        let at = HEADER_BYTES + first + number * size_of::<u32>();
                        let right = take(read(&self.bytes, at), how, space, post)?;
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
        let (notify, id, body, carried) = match effect {
            Effect::PortDeleted { notify, name } => {
                let body = one_word(TypeName::PORT_NAME, name);
                (notify, NotifyId::PORT_DELETED, body, None)
            }
            Effect::MessageAccepted { notify, name } => {
                let body = one_word(TypeName::PORT_NAME, name);
                (notify, NotifyId::MSG_ACCEPTED, body, None)
            }
            Effect::DeadName { notify, name } => {
                let body = one_word(TypeName::PORT_NAME, name);
                (notify, NotifyId::DEAD_NAME, body, None)
            }
            Effect::NoSenders { notify, count } => {
                let body = one_word(TypeName::INTEGER_32, count);
                (notify, NotifyId::NO_SENDERS, body, None)
            }
            Effect::PortDestroyed { notify, port } => {
                let body = one_word(TypeName::MOVE_RECEIVE, NULL);
                let right = Carried::Receive(port);
                (notify, NotifyId::PORT_DESTROYED, body, Some(right))
            }
            Effect::SendOnce { notify } => (notify, NotifyId::SEND_ONCE, None, None),
        };
        let mut rights = Vec::new();
        if let Some(right) = carried {
            rights.try_reserve_exact(1).ok()?;
            rights.push((HEADER_BYTES + size_of::<u32>(), right));
        }
        Some(Kmsg {
            bytes: of_kernel(id.0, body)?,
            bits: carried.map_or(0, |_| Bits::COMPLEX),
            carried: rights,
            remote: Carried::SendOnce(notify),
            local: Carried::Null,
        })
    }

    /// The bytes as a receiver in the kernel sees them: rights are not in them.
    pub(super) fn as_received(&mut self) -> &[u8] {
        let bits = Bits(self.bits | type_of(self.local) | type_of(self.remote) << 8);
        let header = Layout {
            bits,
            size: self.size(),
            ..Layout::read(&self.bytes).unwrap_or_default()
        };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        &self.bytes
    }

    /// What a receiver in the kernel needs: the bytes, and what is not in them.
    pub(super) fn parts(&mut self) -> (&[u8], &mut Vec<(usize, Carried)>) {
        (&self.bytes, &mut self.carried)
    }

    /// The kernel's answer, to the right to reply, with the rights of its body in
    /// order. None without memory for it.
    pub(super) fn answer(&mut self, bytes: Vec<u8>, gives: &mut Gives) -> Option<Kmsg> {
        let mut carried = Vec::new();
        let header = Layout::read(&bytes)?;
        if header.bits.is_complex() {
            for item in message::items(&bytes[HEADER_BYTES..]).flatten() {
                if let (Place::Inline(at), Some(_)) = (item.place, item.rights) {
                    carried.try_reserve_exact(1).ok()?;
                    carried.push((HEADER_BYTES + at, gives.next()?));
                }
            }
        }
        Some(Kmsg {
            bytes,
            bits: header.bits.0 & Bits::COMPLEX,
            carried,
            remote: core::mem::replace(&mut self.local, Carried::Null),
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
    /// `dead_name` names the port to be told when a new right to reply dies
    /// (`MACH_RCV_NOTIFY`).
    pub(super) fn receive(
        mut self,
        from: PortId,
        sequence: u32,
        space: &mut Space,
        post: &mut Post,
        dead_name: Option<u32>,
    ) -> Result<(Vec<u8>, MsgReturn), (MsgReturn, Kmsg)> {
        let reply = match give_reply(self.local, space, post, dead_name) {
            Ok(name) => name,
            Err(code) => return Err((code, self)),
        };
        let mut effects = Effects::new();
        match self.remote {
            Carried::SendOnce(port) => post.ports.drop_used_send_once(port),
            right => post.ports.drop_right(right, &mut effects),
        }
        post.notify_all(&effects);
        let mut code = MsgReturn::SUCCESS;
        for (at, right) in core::mem::take(&mut self.carried) {
            let name = give_or_drop(right, space, post, &mut code);
            write(&mut self.bytes, at, name);
        }
        if code != MsgReturn::SUCCESS {
            code.0 |= MsgReturn::RCV_BODY_ERROR.0;
        }
        let sent = Layout::read(&self.bytes).unwrap_or_default();
        let payload = post.ports.at(from).and_then(|port| port.payload);
        let (local, local_port) = match payload {
            Some(payload) => (TypeName::PROTECTED_PAYLOAD.0.into(), payload),
            None => (type_of(self.remote), space.received_as(&post.ports, from)),
        };
        let header = Layout {
            bits: Bits(self.bits | type_of(self.local) | local << 8),
            size: self.size(),
            remote_port: reply,
            local_port,
            seqno: sequence,
            id: sent.id,
        };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        Ok((self.bytes, code))
    }

    /// Gives a message that was not sent back to its sender, whose own rights
    /// the header names again: the destination stays remote (manual 4.2.8).
    pub(super) fn return_to_sender(
        mut self,
        space: &mut Space,
        post: &mut Post,
    ) -> (Vec<u8>, MsgReturn) {
        let mut code = MsgReturn::SUCCESS;
        let mut names = [NULL; 2];
        for (name, right) in names.iter_mut().zip([self.remote, self.local]) {
            *name = give_or_drop(right, space, post, &mut code);
        }
        for (at, right) in core::mem::take(&mut self.carried) {
            let name = give_or_drop(right, space, post, &mut code);
            write(&mut self.bytes, at, name);
        }
        let sent = Layout::read(&self.bytes).unwrap_or_default();
        let header = Layout {
            bits: Bits(self.bits | type_of(self.remote) | type_of(self.local) << 8),
            size: self.size(),
            remote_port: names[0],
            local_port: names[1],
            seqno: 0,
            id: sent.id,
        };
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        (self.bytes, code)
    }

    /// Gives up all that it carries. [`Post::settle`] is to follow.
    pub(super) fn destroy(self, post: &mut Post) {
        let body = self.carried.iter().map(|(_, right)| *right);
        for right in [self.remote, self.local].into_iter().chain(body) {
            let mut effects = Effects::new();
            post.ports.drop_right(right, &mut effects);
            post.notify_all(&effects);
        }
    }
}

/// The name that the space has for the right to reply now.
fn give_reply(
    right: Carried,
    space: &mut Space,
    post: &mut Post,
    dead_name: Option<u32>,
) -> Result<u32, MsgReturn> {
    let error = |refusal| MsgReturn(MsgReturn::RCV_HEADER_ERROR.0 | room(refusal));
    let notify = match dead_name {
        None => None,
        Some(name) => {
            let received = space.received(&mut post.ports, name);
            Some(received.map_err(|_| MsgReturn::RCV_INVALID_NOTIFY)?.0)
        }
    };
    let is_new = match right {
        Carried::Send(port) => space.name_of(&post.ports, port).is_none(),
        Carried::SendOnce(_) => true,
        _ => false,
    };
    let mut effects = Effects::new();
    let name = space.give(&mut post.ports, right, &mut effects);
    post.notify_all(&effects);
    let name = name.map_err(error)?;
    if let Some(notify) = notify.filter(|_| is_new && name != DEAD) {
        let mut effects = Effects::new();
        if let Carried::SendOnce(notify) = post.ports.make_send_once(notify) {
            let ports = &mut post.ports;
            let asked = space.request_dead_name(ports, name, 1, Some(notify), &mut effects);
            if asked.is_err() {
                post.ports.drop_used_send_once(notify);
            }
        }
        post.notify_all(&effects);
    }
    Ok(name)
}

/// The right that a message's body names.
fn take(
    name: u32,
    how: Disposition,
    space: &mut Space,
    post: &mut Post,
) -> Result<Carried, MsgReturn> {
    // Each right's own: there are few places for effects.
    let mut effects = Effects::new();
    let right = match name {
        NULL => Carried::Null,
        DEAD => Carried::Dead,
        name => space
            .take(&mut post.ports, name, how, &mut effects)
            .map_err(|_| MsgReturn::SEND_INVALID_RIGHT)?,
    };
    post.notify_all(&effects);
    Ok(right)
}

/// A descriptor and the word that it describes.
fn one_word(name: TypeName, word: u32) -> Option<[u32; 2]> {
    let descriptor = Descriptor {
        name: name.0.into(),
        size_bits: u32::BITS as u16,
        number: 1,
        is_inline: true,
        is_long: false,
        deallocate: false,
    };
    Some([descriptor.first_word()?, word])
}

/// The bytes of a message of the kernel's; header words that are for the
/// receiver come when it is received.
fn of_kernel(id: i32, body: Option<[u32; 2]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let size = HEADER_BYTES + body.map_or(0, |body| size_of_val(&body));
    bytes.try_reserve_exact(size).ok()?;
    let header = Layout {
        id,
        ..Layout::default()
    };
    bytes.extend_from_slice(&header.to_bytes());
    for word in body.iter().flatten() {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    Some(bytes)
}

/// The name that the space has for `right` now; null if there is no room for it,
/// which `code` says then.
fn give_or_drop(right: Carried, space: &mut Space, post: &mut Post, code: &mut MsgReturn) -> u32 {
    let mut effects = Effects::new();
    let name = space.give(&mut post.ports, right, &mut effects);
    let name = name.unwrap_or_else(|refusal| {
        code.0 |= room(refusal);
        post.ports.drop_right(right, &mut effects);
        NULL
    });
    post.notify_all(&effects);
    name
}

/// The type of a header's right, as a receiver sees it.
fn type_of(right: Carried) -> u32 {
    let name = match right {
        Carried::Null | Carried::Dead => return 0,
        Carried::Send(_) => TypeName::MOVE_SEND,
        Carried::SendOnce(_) => TypeName::MOVE_SEND_ONCE,
        Carried::Receive(_) => TypeName::MOVE_RECEIVE,
    };
    name.0.into()
}

/// What a receiver is told of a right for which there was no room.
fn room(refusal: Refusal) -> u32 {
    match refusal {
        Refusal::NoSpace => MsgReturn::IPC_SPACE,
        _ => MsgReturn::IPC_KERNEL,
    }
}

fn copy_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).ok()?;
    copy.extend_from_slice(bytes);
    Some(copy)
}

fn read(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(NULL, |word| u32::from_le_bytes(*word))
}

fn write(bytes: &mut [u8], at: usize, word: u32) {
    if let Some(place) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = word.to_le_bytes();
    }
}
