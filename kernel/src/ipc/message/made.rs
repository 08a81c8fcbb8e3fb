//! Messages that the kernel itself sends: notifications and replies.
//!
//! Owns their form before anybody receives them.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::message::{Bits, Descriptor, HEADER_BYTES, Header as Layout, NotifyId, TypeName};
use abi::routine::REPLY_HEADER_BYTES;
use kernel_core::ipc::message::{self, Place};
use kernel_core::ipc::port::Effect;
use kernel_core::ipc::right::{Carried, NULL};

use super::{Attachment, Kmsg, copy_of, read, write};
use crate::ipc::request::Gives;

impl Kmsg {
    /// What the kernel tells a task, to the send-once right for `notify`.
    pub(in crate::ipc) fn notification(effect: Effect) -> Option<Kmsg> {
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
        let mut attached = Vec::new();
        if let Some(right) = carried {
            attached.try_reserve_exact(1).ok()?;
            let at = HEADER_BYTES + size_of::<u32>();
            attached.push((at, Attachment::Right(right)));
        }
        Some(Kmsg {
            bytes: of_kernel(id.0, body)?,
            bits: carried.map_or(0, |_| Bits::COMPLEX),
            attached,
            remote: Carried::SendOnce(notify),
            local: Carried::Null,
        })
    }

    /// One integer, to whom `to` leads.
    pub(in crate::ipc) fn one_integer(to: Carried, id: i32, word: u32) -> Option<Kmsg> {
        Some(Kmsg {
            bytes: of_kernel(id, one_word(TypeName::INTEGER_32, word))?,
            bits: 0,
            attached: Vec::new(),
            remote: to,
            local: Carried::Null,
        })
    }

    /// A request of the kernel's, with what its body carries in order. Without
    /// memory for it the rights come back.
    pub(in crate::ipc) fn request(
        remote: Carried,
        local: Carried,
        mut bytes: Vec<u8>,
        gives: &mut Gives,
    ) -> Result<Kmsg, (Carried, Carried)> {
        let attached = attach(&mut bytes, gives).ok_or((remote, local))?;
        let bits = Layout::read(&bytes).map_or(0, |header| header.bits.0);
        Ok(Kmsg {
            bytes,
            bits: bits & Bits::COMPLEX,
            attached,
            remote,
            local,
        })
    }

    /// The code in a reply with this id that says nothing else.
    pub(in crate::ipc) fn code_of_reply(&mut self, id: i32) -> Option<KernReturn> {
        let bytes = self.as_received();
        let header = Layout::read(bytes)?;
        let is_plain = bytes.len() == REPLY_HEADER_BYTES && !header.bits.is_complex();
        let word = read(bytes, REPLY_HEADER_BYTES - size_of::<u32>());
        (header.id == id && is_plain).then_some(KernReturn(word as i32))
    }

    /// The kernel's answer, to the right to reply, with what its body carries in
    /// order. None without memory for it.
    pub(in crate::ipc) fn answer(&mut self, bytes: Vec<u8>, gives: &mut Gives) -> Option<Kmsg> {
        let reply = core::mem::replace(&mut self.local, Carried::Null);
        match Kmsg::answering(reply, bytes, gives) {
            Ok(kmsg) => Some(kmsg),
            Err(reply) => {
                self.local = reply;
                None
            }
        }
    }

    /// The same to `reply`, which comes back without memory.
    pub(in crate::ipc) fn answer_to(
        reply: Carried,
        bytes: &[u8],
        gives: &mut Gives,
    ) -> Result<Kmsg, Carried> {
        let bytes = copy_of(bytes).ok_or(reply)?;
        Kmsg::answering(reply, bytes, gives)
    }

    fn answering(reply: Carried, mut bytes: Vec<u8>, gives: &mut Gives) -> Result<Kmsg, Carried> {
        let header = Layout::read(&bytes).ok_or(reply)?;
        let attached = match header.bits.is_complex() {
            true => attach(&mut bytes, gives).ok_or(reply)?,
            false => Vec::new(),
        };
        Ok(Kmsg {
            bytes,
            bits: header.bits.0 & Bits::COMPLEX,
            attached,
            remote: reply,
            local: Carried::Null,
        })
    }

    /// A request with nothing in its body. None without memory for it.
    pub(in crate::ipc) fn plain(bytes: &[u8], remote: Carried, local: Carried) -> Option<Kmsg> {
        Some(Kmsg {
            bytes: copy_of(bytes)?,
            bits: 0,
            attached: Vec::new(),
            remote,
            local,
        })
    }
}

/// Puts what a reply carries where its body says.
fn attach(bytes: &mut [u8], gives: &mut Gives) -> Option<Vec<(usize, Attachment)>> {
    let mut attached = Vec::new();
    attached.try_reserve_exact(Gives::MOST).ok()?;
    let mut from = HEADER_BYTES;
    // One item at a time: the bytes change on the way.
    while let Some(item) = message::items(&bytes[from..]).next() {
        let item = item.ok()?;
        let (at, end) = match item.place {
            Place::Inline(at) => (at, at + (item.size as usize).next_multiple_of(4)),
            Place::OutOfLine { at, .. } => (at, at + size_of::<u32>()),
        };
        let is_out_of_line = matches!(item.place, Place::OutOfLine { .. });
        if is_out_of_line {
            let word = read(bytes, from + item.descriptor) | Descriptor::DEALLOCATE;
            write(bytes, from + item.descriptor, word);
        }
        if item.size > 0 && item.is_complex() {
            let attachment = gives.next()?;
            if attached.len() == Gives::MOST {
                return None;
            }
            attached.push((from + at, attachment));
        }
        from += end;
    }
    Some(attached)
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
