//! A message into its receiver's hands (manual 4.2.6).
//!
//! Owns the order: the header's rights first, without which nothing has
//! happened; then the body's; then, with no lock held, the memory.

use alloc::boxed::Box;
use alloc::vec::Vec;

use abi::message::{Bits, HEADER_BYTES, Header as Layout, MsgReturn, TypeName};
use kernel_core::ipc::message::{self, Form};
use kernel_core::ipc::port::{Effects, PortId};
use kernel_core::ipc::right::{Carried, DEAD, NULL, Refusal};
use kernel_core::ipc::space::Space;
use kernel_core::vm::map::MapError;

use super::{Attachment, Kmsg, Parcel, Post, read, type_of, write};
use crate::vm::copy::Copy;
use crate::vm::space::Space as Memory;

/// A message whose rights the receiver has. Dropped without lock.
pub(in crate::ipc) struct Received {
    bytes: Vec<u8>,
    code: MsgReturn,
    /// Memory that the receiver is to have, and where its address belongs.
    memory: Vec<(usize, Arrival)>,
}

/// What goes into the receiver's memory.
enum Arrival {
    Memory(Box<Parcel>),
    /// Names of rights that it has already.
    Names(Vec<u32>),
}

impl Received {
    /// Gives the receiver its memory; the bytes to be copied to it, and how it
    /// went. What there is no room for is lost, as the bytes say then.
    pub(in crate::ipc) fn place(mut self, memory: &Memory) -> (Vec<u8>, MsgReturn) {
        for (at, arrival) in self.memory {
            let placed = match arrival {
                Arrival::Memory(parcel) => memory.place(parcel.copy).map_err(|(error, _)| error),
                Arrival::Names(names) => match copy_of_names(&names) {
                    Some(copy) => memory.place(copy).map_err(|(error, _)| error),
                    None => Err(MapError::ResourceShortage),
                },
            };
            match placed {
                Ok(address) => write(&mut self.bytes, at, address),
                Err(error) => {
                    let why = match error {
                        MapError::NoSpace => MsgReturn::VM_SPACE,
                        _ => MsgReturn::VM_KERNEL,
                    };
                    self.code.0 |= MsgReturn::RCV_BODY_ERROR.0 | why;
                    clear_size(&mut self.bytes, at);
                }
            }
        }
        (self.bytes, self.code)
    }
}

/// Names as the receiver finds them in memory.
fn copy_of_names(names: &[u32]) -> Option<Copy> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size_of_val(names)).ok()?;
    for name in names {
        bytes.extend_from_slice(&name.to_le_bytes());
    }
    Copy::from_bytes(&bytes).ok()
}

/// Makes the descriptor say that there is nothing whose address would be at `at`.
fn clear_size(bytes: &mut [u8], at: usize) {
    let items = message::items(&bytes[HEADER_BYTES..]).flatten();
    let item = items.into_iter().find(|item| match item.place {
        message::Place::OutOfLine { at: address, .. } => HEADER_BYTES + address == at,
        message::Place::Inline(_) => false,
    });
    let Some(item) = item else { return };
    let descriptor = HEADER_BYTES + item.descriptor;
    let (at, bits) = match item.form {
        Form::Short => (descriptor, 0xff << 8),
        Form::Long => (descriptor + size_of::<u32>(), 0xffff << 16),
    };
    let word = read(bytes, at) & !bits;
    write(bytes, at, word);
}

impl Kmsg {
    /// Gives the rights to the receiver's space. A right of the body for which
    /// there is no room is given up, and the code says so; one of the header
    /// leaves the whole message as it was. `dead_name` names the port to be told
    /// when a new right to reply dies (`MACH_RCV_NOTIFY`).
    pub(in crate::ipc) fn receive(
        mut self,
        from: PortId,
        sequence: u32,
        space: &mut Space,
        post: &mut Post,
        dead_name: Option<u32>,
    ) -> Result<Received, (MsgReturn, Kmsg)> {
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
        let (mut code, memory) = self.give_body(space, post);
        if code != MsgReturn::SUCCESS {
            code.0 |= MsgReturn::RCV_BODY_ERROR.0;
        }
        let sent = Layout::read(&self.bytes).unwrap_or_default();
        let payload = post.ports.at(from).and_then(|port| port.payload);
        let (local, local_port) = match payload {
            Some(payload) => (TypeName::PROTECTED_PAYLOAD.0.into(), payload),
            None => (type_of(self.remote), space.received_as(&post.ports, from)),
        };
        self.set_header(Layout {
            bits: Bits(self.bits | type_of(self.local) | local << 8),
            size: self.size(),
            remote_port: reply,
            local_port,
            seqno: sequence,
            id: sent.id,
        });
        Ok(Received {
            bytes: self.bytes,
            code,
            memory,
        })
    }

    /// Gives a message that was not sent back to its sender, whose own rights
    /// the header names again: the destination stays remote (manual 4.2.8).
    pub(in crate::ipc) fn return_to_sender(
        mut self,
        space: &mut Space,
        post: &mut Post,
    ) -> Received {
        let mut header_code = MsgReturn::SUCCESS;
        let mut names = [NULL; 2];
        for (name, right) in names.iter_mut().zip([self.remote, self.local]) {
            *name = give_or_drop(right, space, post, &mut header_code);
        }
        let (mut code, memory) = self.give_body(space, post);
        code.0 |= header_code.0;
        let sent = Layout::read(&self.bytes).unwrap_or_default();
        self.set_header(Layout {
            bits: Bits(self.bits | type_of(self.remote) | type_of(self.local) << 8),
            size: self.size(),
            remote_port: names[0],
            local_port: names[1],
            seqno: 0,
            id: sent.id,
        });
        Received {
            bytes: self.bytes,
            code,
            memory,
        }
    }

    fn set_header(&mut self, header: Layout) {
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    }

    /// Gives the rights of the body; what of it goes into memory.
    fn give_body(
        &mut self,
        space: &mut Space,
        post: &mut Post,
    ) -> (MsgReturn, Vec<(usize, Arrival)>) {
        let mut code = MsgReturn::SUCCESS;
        let attached = core::mem::take(&mut self.attached);
        let mut memory = Vec::new();
        let is_memory = |(_, attachment): &&_| !matches!(attachment, Attachment::Right(_));
        let count = attached.iter().filter(is_memory).count();
        let has_room = memory.try_reserve_exact(count).is_ok();
        for (at, attachment) in attached {
            let names = empty_for(&attachment);
            match (attachment, names) {
                (Attachment::Right(right), _) => {
                    let name = give_or_drop(right, space, post, &mut code);
                    write(&mut self.bytes, at, name);
                }
                (Attachment::Memory(parcel), _) if has_room => {
                    memory.push((at, Arrival::Memory(parcel)));
                }
                (Attachment::Ports(rights), Some(mut names)) if has_room => {
                    for right in rights {
                        names.push(give_or_drop(right, space, post, &mut code));
                    }
                    memory.push((at, Arrival::Names(names)));
                }
                (lost, _) => {
                    super::give_up(lost, post);
                    clear_size(&mut self.bytes, at);
                    code.0 |= MsgReturn::VM_KERNEL;
                }
            }
        }
        (code, memory)
    }
}

/// Room for as many names as there are rights; none without memory for them.
fn empty_for(attachment: &Attachment) -> Option<Vec<u32>> {
    let mut names = Vec::new();
    names.try_reserve_exact(attachment.rights().len()).ok()?;
    Some(names)
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

/// What a receiver is told of a right for which there was no room.
fn room(refusal: Refusal) -> u32 {
    match refusal {
        Refusal::NoSpace => MsgReturn::IPC_SPACE,
        _ => MsgReturn::IPC_KERNEL,
    }
}
