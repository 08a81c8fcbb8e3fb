//! A request to the kernel that is served and answered without a queue.
//!
//! Owns the rights of such a request: one to send to the port that it is for, one
//! to reply. Made by the short way of a message ([`super::direct`]) for a thread
//! that waits for the answer where it asks it to; whoever serves it has its words.
//! What is not answered like that goes the long way, as a [`Request`].

use abi::message::{MsgReturn, Options};
use kernel_core::ipc::message::COMPLEX;
use kernel_core::ipc::port::Effects;
use kernel_core::ipc::right::Carried;
use kernel_core::ipc::space::{Addressed, Source};

use super::direct::{Arguments, put};
use super::message::Kmsg;
use super::wait::Place;
use super::{Gives, Ipc, Names, Request, with};
use crate::arch::user_memory::Words;
use crate::mm::OutOfMemory;
use crate::mm::shared::{Any, Shared};

/// A plain request to the kernel. Dropped without an answer, it is given up.
pub(crate) struct Asked {
    object: Shared<Any>,
    /// Null as soon as another has it.
    to: Carried,
    /// The same.
    reply: Carried,
}

impl Asked {
    /// Makes `words` a request to what they are for; `None` if it is none to the
    /// kernel, or not answered to where its sender waits.
    pub(crate) fn new(names: &Names, words: &mut Words, arguments: Arguments<'_>) -> Option<Asked> {
        with(|ipc| Asked::take(names, ipc, words, arguments))
    }

    fn take(
        names: &Names,
        ipc: &mut Ipc,
        words: &mut Words,
        arguments: Arguments<'_>,
    ) -> Option<Asked> {
        let [bits, size, remote, local, ..] = words.as_mut_slice().first_chunk_mut::<4>()?;
        let Ipc { key, post, .. } = ipc;
        let ports = &post.ports;
        let space = names.0.get(key);
        let to = space.addressed(ports, *bits, *remote)?;
        let object = post.objects.at(to.receiver())?;
        let receives = arguments.options().has(Options::RCV_MSG);
        if !receives || arguments.receive_name() != *local {
            return None;
        }
        let reply = space.asks(ports, to, *bits, *local)?;
        (*bits, *size) = (Addressed::ASKED, arguments.send_size());
        Some(Asked {
            object,
            to: Carried::Send(to.id()),
            reply: Carried::SendOnce(reply),
        })
    }

    /// What it was sent to.
    pub(crate) fn object(&self) -> &Shared<Any> {
        &self.object
    }

    /// The same with words of its own, to be answered another time. `None` without
    /// memory for them.
    pub(crate) fn into_request(mut self, words: &Words) -> Option<Request> {
        let kmsg = Kmsg::plain(words.as_bytes(), self.to, self.reply)?;
        (self.to, self.reply) = (Carried::Null, Carried::Null);
        Some(Request::new(kmsg, self.object.clone()))
    }

    /// Gives whoever asked the answer, with nothing in its body, if nothing else is
    /// to be received before it; how that went. Else it is as if it had been sent.
    pub(crate) fn answer(
        mut self,
        names: &Names,
        answer: &mut Words,
        arguments: Arguments<'_>,
    ) -> Option<MsgReturn> {
        let is_received = self.try_answer(names, answer, arguments);
        if is_received.is_none() {
            let queued = self.answer_by_queue(answer.as_bytes(), &mut Gives::default());
            return queued.err().map(|OutOfMemory| MsgReturn::SEND_NO_BUFFER);
        }
        Some(put(answer, arguments.address()))
    }

    fn try_answer(
        &mut self,
        names: &Names,
        answer: &mut Words,
        arguments: Arguments<'_>,
    ) -> Option<()> {
        let (Carried::Send(to), Carried::SendOnce(reply)) = (self.to, self.reply) else {
            return None;
        };
        let sent = answer.as_bytes().len() as u32;
        let [bits, size, remote, local, sequence] = answer.as_mut_slice().first_chunk_mut::<5>()?;
        if sent > arguments.receive_size() || *bits & COMPLEX != 0 {
            return None;
        }
        with(|ipc| {
            let Ipc { key, post, .. } = ipc;
            if post.waiters.has(Place::Receive(Source::Port(reply))) {
                return None;
            }
            let space = names.0.get(key);
            let arrived = space.answered(&post.ports, reply, arguments.receive_name())?;
            (*bits, *size) = (arrived.bits, sent);
            (*remote, *local) = (arrived.remote, arrived.local);
            *sequence = arrived.sequence;
            let mut effects = Effects::new();
            post.ports.drop_send(to, &mut effects);
            post.settle(&effects);
            Some(())
        })?;
        (self.to, self.reply) = (Carried::Null, Carried::Null);
        Some(())
    }

    /// Sends the answer of these bytes, with what `gives` has for its body. One
    /// that there is no memory for is lost.
    ///
    /// # Errors
    /// It was.
    pub(crate) fn answer_by_queue(
        mut self,
        bytes: &[u8],
        gives: &mut Gives,
    ) -> Result<(), OutOfMemory> {
        let reply = core::mem::replace(&mut self.reply, Carried::Null);
        match Kmsg::answer_to(reply, bytes, gives) {
            Ok(kmsg) => with(|ipc| {
                let replied = ipc.post.reply(kmsg);
                ipc.post.settle(&Effects::new());
                replied
            }),
            Err(reply) => {
                self.reply = reply;
                Err(OutOfMemory)
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if matches!((self.to, self.reply), (Carried::Null, Carried::Null)) {
            return;
        }
        with(|ipc| {
            for right in [self.to, self.reply] {
                let mut effects = Effects::new();
                ipc.post.ports.drop_right(right, &mut effects);
                ipc.post.settle(&effects);
            }
        });
    }
}
