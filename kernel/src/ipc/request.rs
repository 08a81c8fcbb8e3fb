//! A message to a port of the kernel's, until it is answered.
//!
//! Owns the request, with whatever it carries, and sends the reply. Made by a
//! send; whoever sent it has it served, with no lock held.

use alloc::vec::Vec;

use abi::message::Header;
use kernel_core::ipc::port::Effects;
use kernel_core::ipc::right::Carried;

use super::message::{Attachment, Kmsg, Parcel};
use super::{HeldRight, HeldRights, with};
use crate::mm::OutOfMemory;
use crate::mm::shared::{Any, Shared};
use crate::vm::copy::Copy;

/// A request to the kernel. Dropped without a reply, it is given up with all that
/// it carries.
pub(crate) struct Request {
    /// Taken by `reply` alone.
    kmsg: Option<Kmsg>,
    object: Shared<Any>,
}

impl Request {
    pub(super) fn new(kmsg: Kmsg, object: Shared<Any>) -> Request {
        Request {
            kmsg: Some(kmsg),
            object,
        }
    }

    /// What it was sent to.
    pub(crate) fn object(&self) -> &Shared<Any> {
        &self.object
    }

    /// Its header, as received.
    pub(crate) fn header(&mut self) -> Header {
        let kmsg = self.kmsg.as_mut();
        let bytes = kmsg.and_then(|kmsg| Header::read(kmsg.as_received()));
        bytes.unwrap_or_default()
    }

    /// Its bytes, in which no rights are, and these.
    pub(crate) fn parts(&mut self) -> (&[u8], Given<'_>) {
        match &mut self.kmsg {
            Some(kmsg) => {
                let (bytes, attached) = kmsg.parts();
                (bytes, Given { attached, next: 0 })
            }
            None => (&[], Given::default()),
        }
    }

    /// Sends `bytes` as the reply to whoever the request says, with what `gives`
    /// has for its body. One that nobody can take is lost: the kernel waits for
    /// no client.
    ///
    /// # Errors
    /// There was no memory for it: who waits for it hears nothing.
    pub(crate) fn reply(mut self, bytes: Vec<u8>, mut gives: Gives) -> Result<(), OutOfMemory> {
        let Some(mut kmsg) = self.kmsg.take() else {
            return Ok(());
        };
        let answer = kmsg.answer(bytes, &mut gives);
        with(|ipc| {
            kmsg.destroy(&mut ipc.post);
            let replied = match answer {
                Some(answer) => ipc.post.reply(answer),
                None => Err(OutOfMemory),
            };
            ipc.post.settle(&Effects::new());
            replied
        })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if let Some(kmsg) = self.kmsg.take() {
            with(|ipc| {
                kmsg.destroy(&mut ipc.post);
                ipc.post.settle(&Effects::new());
            });
        }
    }
}

/// What a request carries beside its bytes, in order; what nobody takes is given
/// up with it.
#[derive(Default)]
pub(crate) struct Given<'k> {
    attached: &'k mut [(usize, Attachment)],
    next: usize,
}

impl Given<'_> {
    /// The next right; null if there is none.
    #[inline(never)]
    pub(crate) fn right(&mut self) -> HeldRight {
        match self.next() {
            Some(Attachment::Right(right)) => HeldRight::new(right),
            _ => HeldRight::NULL,
        }
    }

    /// The next memory, of which there is none for an array of nothing.
    pub(crate) fn memory(&mut self) -> Option<Copy> {
        match self.next() {
            Some(Attachment::Memory(parcel)) => Some(parcel.copy),
            _ => None,
        }
    }

    /// The next array of rights; none are no array.
    pub(crate) fn rights(&mut self) -> HeldRights {
        match self.next() {
            Some(Attachment::Ports(rights)) => HeldRights::new(rights),
            _ => HeldRights::default(),
        }
    }

    fn next(&mut self) -> Option<Attachment> {
        let (_, place) = self.attached.get_mut(self.next)?;
        self.next += 1;
        Some(core::mem::replace(place, Attachment::Right(Carried::Null)))
    }
}

/// What a reply carries beside its bytes, in order; what is not sent is given up.
#[derive(Default)]
pub(crate) struct Gives {
    gifts: [Option<Gift>; Gives::MOST],
    next: usize,
}

/// One of them.
enum Gift {
    Right(HeldRight),
    Memory(Copy),
    Rights(HeldRights),
}

impl Gives {
    /// No message of the kernel's has more.
    pub(super) const MOST: usize = 3;

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.gifts.iter().all(Option::is_none)
    }

    /// One more right.
    pub(crate) fn right(&mut self, right: HeldRight) {
        self.give(Gift::Right(right));
    }

    /// More memory, not empty.
    pub(crate) fn memory(&mut self, copy: Copy) {
        self.give(Gift::Memory(copy));
    }

    /// An array of rights; of none there is nothing to give.
    pub(crate) fn rights(&mut self, rights: HeldRights) {
        if rights.len() > 0 {
            self.give(Gift::Rights(rights));
        }
    }

    #[inline(never)]
    fn give(&mut self, gift: Gift) {
        if let Some(place) = self.gifts.iter_mut().find(|place| place.is_none()) {
            *place = Some(gift);
        }
    }

    /// The next, for the message that takes it.
    pub(super) fn next(&mut self) -> Option<Attachment> {
        let gift = self.gifts.get_mut(self.next)?.take()?;
        self.next += 1;
        match gift {
            Gift::Right(right) => Some(Attachment::Right(right.into_carried())),
            Gift::Rights(rights) => Some(Attachment::Ports(rights.into_carried())),
            Gift::Memory(copy) => Some(Attachment::Memory(Parcel::new(copy).ok()?)),
        }
    }
}
