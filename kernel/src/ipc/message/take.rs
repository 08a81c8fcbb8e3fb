//! A message out of its sender's hands (manual 4.2.5).
//!
//! Owns the order: the header's rights first, without which nothing has
//! happened; then the memory, with no lock held; then the body's rights.

use alloc::boxed::Box;
use alloc::vec::Vec;

use abi::message::{Bits, Descriptor, HEADER_BYTES, MsgReturn};
use kernel_core::ipc::message::{self, Body, Header, Item, Place, Sender};
use kernel_core::ipc::port::{Effects, PortId};
use kernel_core::ipc::right::{Carried, DEAD, Disposition, NULL};
use kernel_core::ipc::space::Space;
use kernel_core::vm::map::MapError;

use super::{Attachment, Kmsg, Parcel, Post, copy_of, read, set_type, write};
use crate::vm::copy::{After, Copy};
use crate::vm::space::Space as Memory;

/// Rights that one array may have: a bound on what is found by one look-up after
/// the other under the lock.
const MOST_PORTS: u32 = 16 << 10;

/// A body's memory, in order, and whether all of it could be had.
#[derive(Default)]
pub(in crate::ipc) struct Captured {
    /// Taken from the end: the last comes first.
    #[expect(clippy::vec_box, reason = "each goes into the message as it is")]
    parcels: Vec<Box<Parcel>>,
    /// Where the body is wrong, and how: what comes before it counts.
    error: Option<(usize, MsgReturn)>,
}

impl Captured {
    /// The memory that a body names, out of `memory`.
    fn from_body(body: &[u8], memory: &Memory) -> Captured {
        let mut captured = Captured::default();
        for item in message::items(body) {
            // What is malformed is found again with the rights.
            let Ok(item) = item else { break };
            if let Err(error) = captured.capture(&item, memory) {
                captured.error = Some((item.descriptor, error));
                break;
            }
        }
        captured.parcels.reverse();
        captured
    }

    fn capture(&mut self, item: &Item, memory: &Memory) -> Result<(), MsgReturn> {
        let Place::OutOfLine {
            address, sender, ..
        } = item.place
        else {
            return Ok(());
        };
        if item.size == 0 {
            return Ok(());
        }
        if item.rights.is_some() && item.number > MOST_PORTS {
            return Err(MsgReturn::SEND_NO_BUFFER);
        }
        let room = self.parcels.try_reserve(1);
        room.map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
        let after = match sender {
            Sender::Keeps => After::Keep,
            Sender::Loses => After::Deallocate,
        };
        let copy = memory.capture(address, item.size, after);
        let copy = copy.map_err(|error| match error {
            MapError::ResourceShortage => MsgReturn::SEND_NO_BUFFER,
            _ => MsgReturn::SEND_INVALID_MEMORY,
        })?;
        let parcel = Parcel::new(copy).map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
        self.parcels.push(parcel);
        Ok(())
    }
}

impl Kmsg {
    /// Takes the rights that the header in `bytes` names out of the sender's
    /// space; `cancel` is the port whose dead-name request for the destination
    /// goes silently with its right (`MACH_SEND_CANCEL`). A body that carries
    /// something is left as it is.
    pub(in crate::ipc) fn from_header(
        bytes: Vec<u8>,
        space: &mut Space,
        post: &mut Post,
        cancel: Option<PortId>,
    ) -> Result<(Kmsg, Body), MsgReturn> {
        let header = Header::parse(&bytes).map_err(|error| MsgReturn(error.code()))?;
        let mut effects = Effects::new();
        let (remote, local) = space
            .take_header(&mut post.ports, &header, &mut effects)
            .map_err(|refusal| MsgReturn(refusal as u32))?;
        let cancelled =
            cancel.and_then(|notify| effects.cancel_deleted(notify, header.remote_name));
        if let Some(notify) = cancelled {
            post.ports.drop_used_send_once(notify);
        }
        post.notify_all(&effects);
        let kmsg = Kmsg {
            bytes,
            attached: Vec::new(),
            bits: header.other_bits,
            remote,
            local,
        };
        Ok((kmsg, header.body))
    }

    /// The memory that the body names; with no lock held.
    pub(in crate::ipc) fn capture(&self, memory: &Memory) -> Captured {
        Captured::from_body(&self.bytes[HEADER_BYTES..], memory)
    }

    /// Takes the rights that the body names out of the sender's space, beside
    /// what was captured of its memory. After an error the message is to be
    /// destroyed, with what was taken so far.
    pub(in crate::ipc) fn take_body(
        &mut self,
        mut captured: Captured,
        space: &mut Space,
        post: &mut Post,
    ) -> Result<(), MsgReturn> {
        let taken = self.take_items(&mut captured, space, post);
        for parcel in captured.parcels {
            post.litter.throw(parcel);
        }
        taken
    }

    fn take_items(
        &mut self,
        captured: &mut Captured,
        space: &mut Space,
        post: &mut Post,
    ) -> Result<(), MsgReturn> {
        // Parsed from what the names are still in, for those go.
        let body = copy_of(&self.bytes[HEADER_BYTES..]).ok_or(MsgReturn::SEND_NO_BUFFER)?;
        for item in message::items(&body) {
            let item = item.map_err(|error| MsgReturn(error.code()))?;
            if let Some((at, error)) = captured.error {
                if at == item.descriptor {
                    return Err(error);
                }
            }
            if item.is_complex() {
                self.bits |= Bits::COMPLEX;
            }
            if let Some(how) = item.rights {
                set_type(&mut self.bytes, &item, how.received());
            }
            match (item.place, item.rights) {
                (Place::Inline(first), Some(how)) => {
                    let names = (0..item.number as usize).map(|number| first + number * 4);
                    self.reserve(item.number as usize)?;
                    for at in names {
                        let right = take(read(&body, at), how, space, post)?;
                        self.attached
                            .push((HEADER_BYTES + at, Attachment::Right(right)));
                    }
                }
                (Place::Inline(_), None) => {}
                (Place::OutOfLine { at, .. }, how) => {
                    let descriptor = HEADER_BYTES + item.descriptor;
                    let word = read(&self.bytes, descriptor) | Descriptor::DEALLOCATE;
                    write(&mut self.bytes, descriptor, word);
                    write(&mut self.bytes, HEADER_BYTES + at, NULL);
                    if item.size == 0 {
                        continue;
                    }
                    self.reserve(1)?;
                    let parcel = captured.parcels.pop();
                    let parcel = parcel.ok_or(MsgReturn::SEND_INVALID_MEMORY)?;
                    let attachment = match how {
                        None => Attachment::Memory(parcel),
                        Some(how) => {
                            let names = names_in(&parcel.copy, item.number);
                            // Only its bytes were needed.
                            post.litter.throw(parcel);
                            Attachment::Ports(take_all(names?, how, space, post)?)
                        }
                    };
                    self.attached.push((HEADER_BYTES + at, attachment));
                }
            }
        }
        Ok(())
    }

    fn reserve(&mut self, count: usize) -> Result<(), MsgReturn> {
        let reserved = self.attached.try_reserve(count);
        reserved.map_err(|_| MsgReturn::SEND_NO_BUFFER)
    }
}

/// The names in an array that was sent.
fn names_in(copy: &Copy, count: u32) -> Result<Vec<u32>, MsgReturn> {
    /// Bytes looked at at a time.
    const AT_ONCE: usize = 256;
    let mut names = Vec::new();
    let reserved = names.try_reserve_exact(count as usize);
    reserved.map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
    let mut bytes = [0; AT_ONCE];
    while names.len() < count as usize {
        let offset = names.len() * size_of::<u32>();
        copy.read(offset as u32, &mut bytes)
            .map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
        let left = count as usize - names.len();
        let words = bytes.chunks_exact(size_of::<u32>()).take(left);
        names.extend(words.map(|word| read(word, 0)));
    }
    Ok(names)
}

/// The rights that an array names; none, if one of them cannot be had.
fn take_all(
    names: Vec<u32>,
    how: Disposition,
    space: &mut Space,
    post: &mut Post,
) -> Result<Vec<Carried>, MsgReturn> {
    let mut rights = Vec::new();
    let reserved = rights.try_reserve_exact(names.len());
    reserved.map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
    for name in names {
        match take(name, how, space, post) {
            Ok(right) => rights.push(right),
            Err(error) => {
                super::give_up(Attachment::Ports(rights), post);
                return Err(error);
            }
        }
    }
    Ok(rights)
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
