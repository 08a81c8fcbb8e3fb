//! A request of the kernel's own to a task, with a reply that is waited for.
//!
//! Owns the port to reply to: it belongs to no task, and dies when the call is
//! over, however it ends. Called by threads of tasks, for which the kernel asks.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::routine::{REPLY_OFFSET, RequestBody, encode_request};
use abi::wire::Form;
use kernel_core::ipc::port::{Effects, PortId, Receiver, SpaceId};
use kernel_core::ipc::right::NULL;
use kernel_core::ipc::space::Source;

use super::message::Kmsg;
use super::post::NotSent;
use super::request::Gives;
use super::wait::{Place, Waiter};
use super::{HeldRight, Ipc, with};
use crate::sched::{self, Wake};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// With this code in the reply.
    Answered(KernReturn),
    /// Without a reply to it.
    Failed,
    /// Somebody interrupted it.
    Interrupted,
}

/// The space of ports that are received from here; no task's has this number.
const NO_TASK: SpaceId = SpaceId(0);

/// Sends `request`, with what it carries, to `port`, and waits for a reply that
/// consists of its code.
pub(crate) fn call<'a, Q: RequestBody<'a>>(
    port: HeldRight,
    request: &Q,
    gives: Gives,
    waiter: &Waiter,
) -> Called {
    let (_, most) = Q::ROUTINE.request_bytes();
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(most).is_err() {
        return Called::Failed;
    }
    bytes.resize(most, 0);
    let encoded = encode_request(request, NULL, NULL, Form::Received, &mut bytes);
    let Ok(size) = encoded else {
        return Called::Failed;
    };
    bytes.truncate(size);
    let reply_id = Q::ROUTINE.id + REPLY_OFFSET;
    let Ok(reply) = with(|ipc| ipc.post.ports.allocate(Receiver::Space(NO_TASK, NULL))) else {
        return Called::Failed;
    };
    let called = match send(port, bytes, gives, reply, waiter) {
        Ok(()) => receive(reply, reply_id, waiter),
        Err(called) => called,
    };
    with(|ipc| {
        ipc.post.waiters.leave(waiter);
        ipc.post.ports.kill(reply);
        ipc.post.settle(&Effects::new());
    });
    called
}

fn send(
    port: HeldRight,
    bytes: Vec<u8>,
    mut gives: Gives,
    reply: PortId,
    waiter: &Waiter,
) -> Result<(), Called> {
    let local = with(|ipc| ipc.post.ports.make_send_once(reply));
    let kmsg = Kmsg::request(port.into_carried(), local, bytes, &mut gives);
    let mut kmsg = kmsg.map_err(|(remote, local)| {
        drop((HeldRight::new(remote), HeldRight::new(local)));
        Called::Failed
    })?;
    loop {
        let (back, why) = match with(|ipc| try_send(ipc, kmsg, waiter)) {
            Ok(()) => return Ok(()),
            Err(NotSent::NoBuffer(back)) => (back, Called::Failed),
            Err(NotSent::Full(back)) => match sched::block() {
                Wake::Interrupted => (back, Called::Interrupted),
                _ => {
                    kmsg = back;
                    continue;
                }
            },
        };
        with(|ipc| {
            back.destroy(&mut ipc.post);
            ipc.post.settle(&Effects::new());
        });
        return Err(why);
    }
}

/// Queues the message, or makes the thread wait for room.
fn try_send(ipc: &mut Ipc, kmsg: Kmsg, waiter: &Waiter) -> Result<(), NotSent> {
    let destination = kmsg.destination();
    let queued = ipc.post.enqueue(kmsg);
    ipc.post.settle(&Effects::new());
    if let (Err(NotSent::Full(_)), Some(port)) = (&queued, destination) {
        ipc.post.waiters.join(waiter, Place::Send(port));
    }
    queued
}

fn receive(reply: PortId, id: i32, waiter: &Waiter) -> Called {
    loop {
        let received = with(|ipc| {
            let Some((mut kmsg, _)) = ipc.post.dequeue(reply) else {
                let place = Place::Receive(Source::Port(reply));
                ipc.post.waiters.join(waiter, place);
                return None;
            };
            let code = kmsg.code_of_reply(id);
            kmsg.destroy(&mut ipc.post);
            ipc.post.settle(&Effects::new());
            Some(code.map_or(Called::Failed, Called::Answered))
        });
        if let Some(called) = received {
            return called;
        }
        if sched::block() == Wake::Interrupted {
            return Called::Interrupted;
        }
    }
}
