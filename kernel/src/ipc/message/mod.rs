//! Messages between a sender and a receiver: bytes, and what they carry.
//!
//! Owns what a message looks like while nobody has it: names and addresses are
//! out of its bytes, rights and memory in a list. Taken from a sender ([`take`]),
//! or made by the kernel ([`made`]); ends at a receiver ([`give`]), or destroyed
//! with all it carries.

mod give;
mod made;
mod parcel;
mod take;

use alloc::boxed::Box;
use alloc::vec::Vec;

use abi::message::{Bits, HEADER_BYTES, Header as Layout, TypeName};
use kernel_core::ipc::message::{Form, Item};
use kernel_core::ipc::port::{Effects, PortId, Ports};
use kernel_core::ipc::right::{Carried, NULL};

pub(super) use self::give::Received;
pub(super) use self::parcel::{Litter, Parcel};
use super::post::Post;

/// The largest message: a bound on what one trap copies, and on what a queue
/// holds.
pub(crate) const LARGEST: u32 = 64 << 10;

/// What a message carries beside its bytes.
#[derive(Debug)]
pub(super) enum Attachment {
    /// A right, for the name at its place.
    Right(Carried),
    /// Memory, for the address at its place.
    Memory(Box<Parcel>),
    /// Rights whose names come in memory, for the address at its place.
    Ports(Vec<Carried>),
}

impl Attachment {
    fn rights(&self) -> &[Carried] {
        match self {
            Attachment::Right(right) => core::slice::from_ref(right),
            Attachment::Memory(_) => &[],
            Attachment::Ports(rights) => rights,
        }
    }
}

/// A message that nobody has. Whoever holds one queues it, receives it or
/// destroys it.
#[derive(Debug)]
pub(super) struct Kmsg {
    /// Header and body, as sent.
    bytes: Vec<u8>,
    /// What it carries, in the order of the body, and where in `bytes` the name
    /// or address belongs.
    attached: Vec<(usize, Attachment)>,
    /// Bits of the header to be seen by the receiver.
    bits: u32,
    /// The right it was sent to.
    remote: Carried,
    /// The right to reply to.
    local: Carried,
}

impl Kmsg {
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
    pub(super) fn parts(&mut self) -> (&[u8], &mut [(usize, Attachment)]) {
        (&self.bytes, &mut self.attached)
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
        let attached = self.attached.iter();
        let mut rights = attached.flat_map(|(_, attachment)| attachment.rights());
        rights.any(|right| match *right {
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

    /// Gives up all that it carries. [`Post::settle`] is to follow.
    pub(super) fn destroy(self, post: &mut Post) {
        for right in [self.remote, self.local] {
            drop_right(right, post);
        }
        for (_, attachment) in self.attached {
            give_up(attachment, post);
        }
    }
}

/// Gives up what a message carried.
pub(super) fn give_up(attachment: Attachment, post: &mut Post) {
    for &right in attachment.rights() {
        drop_right(right, post);
    }
    if let Attachment::Memory(parcel) = attachment {
        post.litter.throw(parcel);
    }
}

fn drop_right(right: Carried, post: &mut Post) {
    // Each right's own: there are few places for effects.
    let mut effects = Effects::new();
    post.ports.drop_right(right, &mut effects);
    post.notify_all(&effects);
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

/// Makes the descriptor of `item` say that the items are `name`.
fn set_type(bytes: &mut [u8], item: &Item, name: u32) {
    let descriptor = HEADER_BYTES + item.descriptor;
    let (at, mask) = match item.form {
        Form::Short => (descriptor, 0xff),
        Form::Long => (descriptor + size_of::<u32>(), 0xffff),
    };
    let word = read(bytes, at) & !mask | name;
    write(bytes, at, word);
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
