//! A message straight into the hands of a thread that waits for it.
//!
//! Owns the short way: a short message without anything in its body, to a port
//! at which a thread waits and no other message, is in no queue and takes no
//! memory. Whoever sends and then waits itself leaves its processor to the
//! receiver at once. For all else there is the long way, [`super::transfer`],
//! which does the same.

use core::mem::MaybeUninit;

use abi::message::MsgReturn;
use kernel_core::ipc::space::Source;

use super::post::Post;
use super::wait::{Place, Waiter};
use super::{IPC, Ipc, Names};
use crate::arch::user_memory::{self, Words};
use crate::sched::{Delivery, Wake};

const WORD: u32 = size_of::<u32>() as u32;
/// The largest message that goes this way.
const MOST: u32 = Words::MOST as u32 * WORD;
/// Bytes of a header.
const HEADER: u32 = 6 * WORD;

/// How far a message came.
pub(crate) enum Direct {
    /// Nowhere; nothing has changed.
    NotSent,
    /// To its receiver.
    Sent,
    /// To its receiver, and the caller received one with this code.
    Received(MsgReturn),
    /// To its receiver, and the caller waited for one until this.
    Woken(Wake),
}

/// Where the caller receives from, and bytes that there are for a message.
#[derive(Clone, Copy)]
pub(crate) struct From {
    pub(crate) name: u32,
    pub(crate) size: u32,
}

impl Names {
    /// Sends the message of `size` bytes at `address`, if a thread waits for it;
    /// then receives one to the same address, if there is a place to wait for it.
    #[inline(never)]
    pub(crate) fn send_directly(
        &self,
        waiter: &Waiter,
        address: u32,
        size: u32,
        from: Option<From>,
    ) -> Direct {
        if !(HEADER..=MOST).contains(&size) || size % WORD != 0 {
            return Direct::NotSent;
        }
        let mut place = MaybeUninit::uninit();
        let Ok(words) = Words::copied_in(&mut place, address, (size / WORD) as usize) else {
            return Direct::NotSent;
        };
        let mut guard = IPC.lock();
        let Some(ipc) = guard.as_mut() else {
            return Direct::NotSent;
        };
        let Some((delivery, waits)) = self.deliver(ipc, waiter, words, from) else {
            return Direct::NotSent;
        };
        drop(guard);
        if !waits {
            delivery.post(words);
            return Direct::Sent;
        }
        match delivery.hand_over(words) {
            Wake::Mail => Direct::Received(put(words, address)),
            why => Direct::Woken(why),
        }
    }

    /// Moves the rights that `words` name to who waits for them; the words are as
    /// received then. Whether the caller is entered as waiting itself. None if
    /// they go the long way.
    #[inline(always)]
    fn deliver(
        &self,
        ipc: &mut Ipc,
        waiter: &Waiter,
        words: &mut Words,
        from: Option<From>,
    ) -> Option<(Delivery, bool)> {
        let size = words.length() as u32 * WORD;
        let [bits, bytes, remote, local, sequence, _] =
            words.as_mut_slice().first_chunk_mut::<6>()?;
        let Ipc { key, post, .. } = ipc;
        let Post { ports, waiters, .. } = post;
        let space = self.0.get(key);
        let plain = space.plain(ports, *bits, *remote, *local)?;
        let source = from.and_then(|from| space.quiet_source(ports, from.name));
        let at = match plain.set {
            Some(set) if !waiters.has(Place::Receive(Source::Port(plain.destination))) => {
                Source::Set(set)
            }
            _ => Source::Port(plain.destination),
        };
        let delivery = waiters.serve(Place::Receive(at), size, |thread, receiver| {
            let delivery = Delivery::begin(thread)?;
            let reply = receiver.get(key).plain_given(&plain)?;
            let space = self.0.get(key);
            let arrived = space.plain_sent(ports, &plain, *bits, reply);
            (*bits, *bytes) = (arrived.bits, size);
            (*remote, *local) = (arrived.remote, arrived.local);
            *sequence = arrived.sequence;
            Some(delivery)
        })?;
        if let (Some(source), Some(from)) = (source, from) {
            waiters.enter(waiter, Place::Receive(source), Some(from.size));
        }
        Some((delivery, source.is_some()))
    }
}

/// Gives the receiver its message.
pub(super) fn put(words: &Words, address: u32) -> MsgReturn {
    match user_memory::copy_out(words.as_slice(), address) {
        Ok(()) => MsgReturn::SUCCESS,
        Err(_) => MsgReturn::RCV_INVALID_DATA,
    }
}
