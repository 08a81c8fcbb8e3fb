//! A message straight into the hands of a thread that waits for it.
//!
//! Owns the short way: a short message without anything in its body, to a port
//! at which a thread waits and no other message, is in no queue and takes no
//! memory. Whoever sends and then waits itself leaves its processor to the
//! receiver at once. For all else there is the long way, [`super::transfer`],
//! which does the same.

use core::mem::MaybeUninit;

use abi::message::{MsgReturn, Options};
use kernel_core::ipc::port::Receiver;
use kernel_core::ipc::space::Source;

use super::post::Post;
use super::wait::{Place, Waiter};
use super::{IPC, Ipc, Names};
use crate::arch::user_memory::{self, BadAddress, Words};
use crate::sched::{Delivery, Mail, Wake};

const WORD: u32 = size_of::<u32>() as u32;
/// The largest message that goes this way.
const MOST: u32 = Words::MOST as u32 * WORD;
/// Words of a header, and bytes.
const HEADER_WORDS: usize = 6;
const HEADER: u32 = HEADER_WORDS as u32 * WORD;

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
    /// Nowhere yet: it is for the kernel, and the waiter has its words.
    ToKernel,
}

/// The arguments of `mach_msg`, as the caller pushed them.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a>(&'a [u32; 6]);

impl Arguments<'_> {
    /// From the user's address `from`, in `place`.
    #[inline(always)]
    pub(crate) fn read(
        place: &mut MaybeUninit<[u32; 6]>,
        from: u32,
    ) -> Result<Arguments<'_>, BadAddress> {
        user_memory::read_words(place, from).map(Arguments)
    }

    /// Where the message is, and where the one received goes.
    pub(crate) const fn address(&self) -> u32 {
        self.0[0]
    }

    /// What to do, and how.
    pub(crate) const fn options(&self) -> Options {
        Options(self.0[1])
    }

    /// Bytes of the message that is sent.
    pub(crate) const fn send_size(&self) -> u32 {
        self.0[2]
    }

    /// Bytes that there are for the one received.
    pub(crate) const fn receive_size(&self) -> u32 {
        self.0[3]
    }

    /// The port or set to receive from.
    pub(crate) const fn receive_name(&self) -> u32 {
        self.0[4]
    }

    /// How many milliseconds it may take.
    pub(crate) const fn timeout(&self) -> u32 {
        self.0[5]
    }

    /// Whether it sends, and receives or not, and that is all.
    const fn are_plain(&self) -> bool {
        self.0[1] & !Options::RCV_MSG.0 == Options::SEND_MSG.0
    }
}

impl Names {
    /// Sends the message of these arguments, if they ask for nothing unusual and a
    /// thread waits for it; then receives one, if they say so and there is a place
    /// to wait for it.
    #[inline(always)]
    pub(crate) fn send_directly(&self, waiter: &Waiter, arguments: Arguments<'_>) -> Direct {
        let size = arguments.send_size();
        if !arguments.are_plain() || !(HEADER..=MOST).contains(&size) || size % WORD != 0 {
            return Direct::NotSent;
        }
        let Some(mut words) = waiter.take_words() else {
            return Direct::NotSent;
        };
        let direct = self.try_directly(waiter, arguments, &mut words);
        waiter.put_words(words);
        direct.unwrap_or(Direct::NotSent)
    }

    #[inline(never)]
    fn try_directly(
        &self,
        waiter: &Waiter,
        arguments: Arguments<'_>,
        words: &mut Mail,
    ) -> Option<Direct> {
        let length = (arguments.send_size() / WORD) as usize;
        words.copy_in(arguments.address(), length).ok()?;
        let mut guard = IPC.lock();
        let mut is_to_kernel = false;
        let delivered = self.deliver(guard.as_mut()?, waiter, words, arguments, &mut is_to_kernel);
        drop(guard);
        let Some((delivery, waits)) = delivered else {
            return is_to_kernel.then_some(Direct::ToKernel);
        };
        if !waits {
            delivery.post(words);
            return Some(Direct::Sent);
        }
        Some(match delivery.hand_over(words) {
            Wake::Mail => Direct::Received(put(words, arguments.address())),
            why => Direct::Woken(why),
        })
    }

    /// Moves the rights that `words` name to who waits for them; the words are as
    /// received then. Whether the caller is entered as waiting itself. None if they
    /// go the long way, or to the kernel.
    #[inline(always)]
    fn deliver(
        &self,
        ipc: &mut Ipc,
        waiter: &Waiter,
        words: &mut Words,
        arguments: Arguments<'_>,
        is_to_kernel: &mut bool,
    ) -> Option<(Delivery, bool)> {
        let [bits, size, remote, local, sequence, _] =
            words.as_mut_slice().first_chunk_mut::<HEADER_WORDS>()?;
        let Ipc { key, post, .. } = ipc;
        let Post { ports, waiters, .. } = post;
        let space = self.0.get(key);
        let to = space.addressed(ports, *bits, *remote)?;
        if let Receiver::Kernel(_) = to.receiver() {
            *is_to_kernel = true;
            return None;
        }
        let plain = space.plain(ports, to, *bits, *local)?;
        let source = match arguments.options().has(Options::RCV_MSG) {
            true => space.quiet_source(ports, &plain, arguments.receive_name()),
            false => None,
        };
        let port = Source::Port(to.id());
        let at = match to.set() {
            Some(set) if !waiters.has(Place::Receive(port)) => Source::Set(set),
            _ => port,
        };
        let (first, thread) = waiters.take_first(Place::Receive(at), arguments.send_size())?;
        let delivery = match Delivery::begin(thread) {
            Ok(delivery) => delivery,
            Err(thread) => {
                waiters.put_back(first, thread);
                return None;
            }
        };
        let Some(reply) = first.names().get(key).plain_given(&plain) else {
            waiters.put_back(first, delivery.give_up());
            return None;
        };
        let arrived = self.0.get(key).plain_sent(&plain, *bits, reply);
        (*bits, *size) = (arrived.bits, arguments.send_size());
        (*remote, *local) = (arrived.remote, arrived.local);
        *sequence = arrived.sequence;
        if let Some(source) = source {
            waiters.enter(waiter, Place::Receive(source), arguments.receive_size());
        }
        Some((delivery, source.is_some()))
    }
}

/// Gives the receiver its message.
#[inline(always)]
pub(super) fn put(words: &Words, address: u32) -> MsgReturn {
    match words.copy_out(address) {
        Ok(()) => MsgReturn::SUCCESS,
        Err(_) => MsgReturn::RCV_INVALID_DATA,
    }
}
