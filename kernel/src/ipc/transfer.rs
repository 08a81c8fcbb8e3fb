//! `mach_msg`: a message out of one task and into another.
//!
//! Owns the order of a send and of a receive. Bytes are copied outside of the
//! lock: what a user named may fault.

use alloc::vec::Vec;

use abi::message::{Header, MsgReturn};
use kernel_core::ipc::message::{Body, check_size};
use kernel_core::ipc::port::Effects;
use kernel_core::ipc::space::ReceiveRefusal;

use super::direct::put;
use super::message::{Kmsg, LARGEST, Received};
use super::post::NotSent;
use super::wait::{Place, Waiter};
use super::{Names, Request, with};
use crate::arch::pit::TICKS_PER_SECOND;
use crate::arch::user_memory;
use crate::sched::{self, Mail, Wake};
use crate::vm::space::Space as Memory;

/// How long a wait may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as it takes.
    Endless,
    /// So many milliseconds; none means not to wait.
    Milliseconds(u32),
}

impl Patience {
    fn wait(self) -> Wake {
        match self {
            Patience::Endless => sched::block(),
            Patience::Milliseconds(0) => {
                sched::do_not_wait();
                Wake::TimedOut
            }
            Patience::Milliseconds(time) => sched::block_for(ticks(time)),
        }
    }

    /// The same, of a thread that mail may be for.
    fn wait_for_mail(self, mail: &mut Mail) -> Wake {
        match self {
            Patience::Endless => sched::block_for_mail(mail),
            Patience::Milliseconds(0) => self.wait(),
            Patience::Milliseconds(time) => sched::block_for_mail_for(mail, ticks(time)),
        }
    }
}

/// Ticks that are `time` milliseconds at least.
fn ticks(time: u32) -> u32 {
    time.div_ceil(1000 / TICKS_PER_SECOND)
}

/// The sending half of a `mach_msg`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Send {
    /// Where the message is.
    pub(crate) address: u32,
    /// Its bytes.
    pub(crate) size: u32,
    /// How long there may be no room for it.
    pub(crate) patience: Patience,
    /// Whom to tell when it was received, if it was queued without room
    /// (`MACH_SEND_NOTIFY`).
    pub(crate) accepted: Option<u32>,
    /// Whose dead-name request for the destination goes silently
    /// (`MACH_SEND_CANCEL`).
    pub(crate) cancel: Option<u32>,
}

/// How a send ended.
pub(crate) enum Sent {
    /// With this code.
    Over(MsgReturn),
    /// At the kernel, which is to serve it.
    Request(Request),
}

/// The receiving half of a `mach_msg`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receive {
    /// Where the message goes.
    pub(crate) address: u32,
    /// Bytes that there are for it.
    pub(crate) size: u32,
    /// The port or set.
    pub(crate) name: u32,
    /// How long there may be none.
    pub(crate) patience: Patience,
    /// Whether a message that is too large stays where it is.
    pub(crate) keeps_large: bool,
    /// Whom to tell when the right to reply is dead, if that is a new one
    /// (`MACH_RCV_NOTIFY`).
    pub(crate) dead_name: Option<u32>,
}

impl Names {
    /// Sends a message of the task with this `memory`; one to the kernel itself
    /// comes back, to be served.
    pub(crate) fn send(&self, memory: &Memory, waiter: &Waiter, send: Send) -> Sent {
        match self.take_message(memory, &send) {
            Ok(Ok(kmsg)) => Sent::Over(self.post(memory, waiter, send, kmsg)),
            Ok(Err(request)) => Sent::Request(request),
            Err(error) => Sent::Over(error),
        }
    }

    /// The message that is to be sent, out of the sender's hands.
    fn take_message(
        &self,
        memory: &Memory,
        send: &Send,
    ) -> Result<Result<Kmsg, Request>, MsgReturn> {
        check_size(send.size).map_err(|_| MsgReturn::SEND_MSG_TOO_SMALL)?;
        let bytes = copy_in(send.address, send.size)?;
        let (kmsg, body, mut object) = with(|ipc| {
            let space = self.0.get(&mut ipc.key);
            let cancel = match send.cancel {
                None => None,
                Some(name) => {
                    let received = space.received(&mut ipc.post.ports, name);
                    Some(received.map_err(|_| MsgReturn::SEND_INVALID_NOTIFY)?.0)
                }
            };
            let taken = Kmsg::from_header(bytes, space, &mut ipc.post, cancel);
            ipc.post.settle(&Effects::new());
            let (kmsg, body) = taken?;
            let object = match body {
                Body::Plain => kmsg.destination().and_then(|port| ipc.object_of(port)),
                Body::Complex => None,
            };
            Ok((kmsg, body, object))
        })?;
        let kmsg = match body {
            Body::Plain => kmsg,
            Body::Complex => {
                let kmsg = self.take_body(memory, kmsg)?;
                let port = kmsg.destination();
                object = port.and_then(|port| with(|ipc| ipc.object_of(port)));
                kmsg
            }
        };
        Ok(match object {
            Some(object) => Err(Request::new(kmsg, object)),
            None => Ok(kmsg),
        })
    }

    /// The same, for what the body carries.
    fn take_body(&self, memory: &Memory, mut kmsg: Kmsg) -> Result<Kmsg, MsgReturn> {
        let captured = kmsg.capture(memory);
        with(|ipc| {
            let space = self.0.get(&mut ipc.key);
            let result = match kmsg.take_body(captured, space, &mut ipc.post) {
                Ok(()) => Ok(kmsg),
                Err(error) => {
                    kmsg.destroy(&mut ipc.post);
                    Err(error)
                }
            };
            ipc.post.settle(&Effects::new());
            result
        })
    }

    /// Puts a message into the queue that it is for.
    fn post(&self, memory: &Memory, waiter: &Waiter, send: Send, mut kmsg: Kmsg) -> MsgReturn {
        loop {
            let queued = with(|ipc| {
                let destination = kmsg.destination();
                let queued = ipc.post.enqueue(kmsg);
                ipc.post.settle(&Effects::new());
                if let (Err(NotSent::Full(_)), Some(port)) = (&queued, destination) {
                    ipc.post.waiters.join(waiter, Place::Send(port));
                }
                queued
            });
            let (why, back) = match queued {
                Ok(()) => return MsgReturn::SUCCESS,
                Err(NotSent::NoBuffer(back)) => (MsgReturn::SEND_NO_BUFFER, back),
                Err(NotSent::Full(waiting)) => {
                    let wake = match (send.accepted, send.patience) {
                        // It need not wait at all.
                        (Some(_), Patience::Endless) => Patience::Milliseconds(0).wait(),
                        (_, patience) => patience.wait(),
                    };
                    match (wake, send.accepted) {
                        (Wake::Event | Wake::Mail, _) => {
                            kmsg = waiting;
                            continue;
                        }
                        (Wake::TimedOut, None) => (MsgReturn::SEND_TIMED_OUT, waiting),
                        (Wake::TimedOut, Some(notify)) => match self.force(waiting, notify) {
                            Ok(code) => {
                                with(|ipc| ipc.post.waiters.leave(waiter));
                                return code;
                            }
                            Err(why) => why,
                        },
                        (Wake::Interrupted, _) => (MsgReturn::SEND_INTERRUPTED, waiting),
                    }
                }
            };
            return self.give_back(memory, waiter, send, back, why);
        }
    }

    /// Queues a message without room for it, and asks for a notification.
    fn force(&self, kmsg: Kmsg, notify: u32) -> Result<MsgReturn, (MsgReturn, Kmsg)> {
        with(|ipc| {
            let space = self.0.get(&mut ipc.key);
            let forced = ipc.post.force(kmsg, space, notify);
            ipc.post.settle(&Effects::new());
            forced
        })
    }

    /// A message that cannot be sent comes back to its sender, as if received.
    fn give_back(
        &self,
        memory: &Memory,
        waiter: &Waiter,
        send: Send,
        kmsg: Kmsg,
        error: MsgReturn,
    ) -> MsgReturn {
        let given = with(|ipc| {
            ipc.post.waiters.leave(waiter);
            let space = self.0.get(&mut ipc.key);
            let given = kmsg.return_to_sender(space, &mut ipc.post);
            ipc.post.settle(&Effects::new());
            given
        });
        let (bytes, room) = given.place(memory);
        match user_memory::copy_out(&bytes, send.address) {
            Ok(()) => MsgReturn(error.0 | room.0 & MsgReturn::MASK),
            Err(_) => MsgReturn::SEND_INVALID_DATA,
        }
    }

    /// Receives a message for the task with this `memory`; the thread may have
    /// waited for it already, until it was `woken`.
    pub(crate) fn receive(
        &self,
        memory: &Memory,
        waiter: &Waiter,
        receive: Receive,
        woken: Option<Wake>,
    ) -> MsgReturn {
        let Some(mut words) = waiter.take_words() else {
            // Nobody receives while the same thread does.
            return MsgReturn::RCV_INTERRUPTED;
        };
        let code = self.receive_with(&mut words, memory, waiter, receive, woken);
        waiter.put_words(words);
        code
    }

    fn receive_with(
        &self,
        words: &mut Mail,
        memory: &Memory,
        waiter: &Waiter,
        receive: Receive,
        woken: Option<Wake>,
    ) -> MsgReturn {
        let mut has_waited = woken.is_some();
        if let Some(code) = woken.and_then(|why| self.woken(waiter, why)) {
            return code;
        }
        loop {
            match with(|ipc| self.try_receive(ipc, waiter, &receive, has_waited)) {
                Step::Over(code) => return code,
                Step::TooLarge(size) => return tell_size(receive.address, size),
                Step::Received(received) => {
                    let (bytes, code) = received.place(memory);
                    return match user_memory::copy_out(&bytes, receive.address) {
                        Ok(()) => code,
                        Err(_) => MsgReturn::RCV_INVALID_DATA,
                    };
                }
                Step::Wait => {}
            }
            has_waited = true;
            let over = match receive.patience.wait_for_mail(words) {
                Wake::Mail => Some(put(words, receive.address)),
                why => self.woken(waiter, why),
            };
            if let Some(code) = over {
                return code;
            }
        }
    }

    /// How a receive ends that was woken like this, without a message; it does not
    /// end for one that is in a queue.
    fn woken(&self, waiter: &Waiter, why: Wake) -> Option<MsgReturn> {
        let code = match why {
            Wake::Event | Wake::Mail => return None,
            Wake::TimedOut => MsgReturn::RCV_TIMED_OUT,
            Wake::Interrupted => MsgReturn::RCV_INTERRUPTED,
        };
        with(|ipc| ipc.post.waiters.leave(waiter));
        Some(code)
    }

    fn try_receive(
        &self,
        ipc: &mut super::Ipc,
        waiter: &Waiter,
        receive: &Receive,
        has_waited: bool,
    ) -> Step {
        let space = self.0.get(&mut ipc.key);
        let source = match space.receive_from(&mut ipc.post.ports, receive.name) {
            Ok(source) => source,
            Err(refusal) => {
                return Step::Over(match (refusal, has_waited) {
                    (refusal, false) => MsgReturn(refusal as u32),
                    (ReceiveRefusal::InSet, true) => MsgReturn::RCV_PORT_CHANGED,
                    (ReceiveRefusal::InvalidName, true) => MsgReturn::RCV_PORT_DIED,
                });
            }
        };
        let Some((port, size)) = ipc.post.waiting_at(source) else {
            // One that is to be told of a dead right looks for itself.
            let room = receive.dead_name.map_or(receive.size, |_| 0);
            let place = Place::Receive(source);
            ipc.post.waiters.enter(waiter, place, room);
            sched::assert_interruptible_wait();
            return Step::Wait;
        };
        if size > receive.size && receive.keeps_large {
            return Step::TooLarge(size);
        }
        let Some((kmsg, sequence)) = ipc.post.dequeue(port) else {
            return Step::Over(MsgReturn::RCV_INVALID_NAME);
        };
        let step = if size > receive.size {
            kmsg.destroy(&mut ipc.post);
            Step::TooLarge(size)
        } else {
            match kmsg.receive(port, sequence, space, &mut ipc.post, receive.dead_name) {
                Ok(received) => Step::Received(received),
                Err((code, kmsg)) => {
                    kmsg.destroy(&mut ipc.post);
                    Step::Over(code)
                }
            }
        };
        ipc.post.settle(&Effects::new());
        step
    }
}

/// How far a receive came.
enum Step {
    Received(Received),
    TooLarge(u32),
    Over(MsgReturn),
    Wait,
}

fn copy_in(address: u32, size: u32) -> Result<Vec<u8>, MsgReturn> {
    if size > LARGEST {
        return Err(MsgReturn::SEND_NO_BUFFER);
    }
    let mut bytes = Vec::new();
    let reserved = bytes.try_reserve_exact(size as usize);
    reserved.map_err(|_| MsgReturn::SEND_NO_BUFFER)?;
    bytes.resize(size as usize, 0);
    let copied = user_memory::copy_in(address, &mut bytes);
    copied.map_err(|_| MsgReturn::SEND_INVALID_DATA)?;
    Ok(bytes)
}

/// A message is too large: the receiver learns its size from a header.
fn tell_size(address: u32, size: u32) -> MsgReturn {
    let header = Header {
        size,
        ..Header::default()
    };
    match user_memory::copy_out(&header.to_bytes(), address) {
        Ok(()) => MsgReturn::RCV_TOO_LARGE,
        Err(_) => MsgReturn::RCV_INVALID_DATA,
    }
}
