//! A message to a port of the kernel's, until it is answered.
//!
//! Owns the request, with whatever it carries, and sends the reply. Made by a
//! send; whoever sent it has it served, with no lock held.

use alloc::vec::Vec;

use abi::message::Header;
use kernel_core::ipc::port::Effects;
use kernel_core::ipc::right::Carried;

use super::message::Kmsg;
use super::{HeldRight, with};
use crate::mm::shared::{Any, Shared};

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
                let (bytes, carried) = kmsg.parts();
                let given = Given { carried, next: 0 };
                (bytes, given)
            }
            None => (&[], Given::default()),
        }
    }

    /// Sends `bytes` as the reply to whoever the request says, with what `gives`
    /// has for its body. One that nobody can take is lost: the kernel waits for
    /// no client.
    pub(crate) fn reply(mut self, bytes: Vec<u8>, mut gives: Gives) {
        let Some(mut kmsg) = self.kmsg.take() else {
            return;
        };
        let answer = kmsg.answer(bytes, &mut gives);
        with(|ipc| {
            kmsg.destroy(&mut ipc.post);
            if let Some(answer) = answer {
                ipc.post.reply(answer);
            }
            ipc.post.settle(&Effects::new());
        });
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
    carried: &'k mut [(usize, Carried)],
    next: usize,
}

impl Given<'_> {
    /// The next right; null if there is none.
    pub(crate) fn right(&mut self) -> HeldRight {
        let Some((_, place)) = self.carried.get_mut(self.next) else {
            return HeldRight::NULL;
        };
        self.next += 1;
        HeldRight::new(core::mem::replace(place, Carried::Null))
    }
}

/// What a reply carries beside its bytes, in order; what is not sent is given up.
#[derive(Default)]
pub(crate) struct Gives {
    rights: [Option<HeldRight>; Gives::MOST],
    next: usize,
}

impl Gives {
    /// No reply has more.
    const MOST: usize = 2;

    /// One more right.
    pub(crate) fn right(&mut self, right: HeldRight) {
        if let Some(place) = self.rights.iter_mut().find(|place| place.is_none()) {
            *place = Some(right);
        }
    }

    /// The next right, for the message that takes it.
    pub(super) fn next(&mut self) -> Option<Carried> {
        let right = self.rights.get_mut(self.next)?.take()?;
        self.next += 1;
        Some(right.into_carried())
    }
}
