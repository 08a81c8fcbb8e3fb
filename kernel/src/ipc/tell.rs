//! Messages of the kernel's own that nobody answers: what pagers are told.
//!
//! They go into a queue whatever its limit is: the kernel waits for no task. Who
//! sends them sees to it that their number has a bound.

use alloc::vec::Vec;

use abi::routine::{RequestBody, encode_request};
use abi::wire::{EncodeError, Form};
use kernel_core::ipc::port::{Effects, Receiver};
use kernel_core::ipc::right::{Carried, NULL, Refusal};

use super::held::Unsent;
use super::message::Kmsg;
use super::request::Gives;
use super::{HeldRight, with};

/// Sends `request`, with what it carries, to where `to` leads.
///
/// # Errors
///
/// The port is dead, or there is no memory; what it carries is given up.
pub(crate) fn tell<'a, Q: RequestBody<'a>>(
    to: HeldRight,
    request: &Q,
    gives: Gives,
) -> Result<(), Unsent> {
    let (_, most) = Q::ROUTINE.request_bytes();
    let encode = |bytes: &mut [u8]| encode_request(request, NULL, NULL, Form::Received, bytes);
    send(to, most, &encode, gives)
}

/// [`tell`], there once for all requests.
fn send(
    to: HeldRight,
    most: usize,
    encode: &dyn Fn(&mut [u8]) -> Result<usize, EncodeError>,
    mut gives: Gives,
) -> Result<(), Unsent> {
    if !to.has_receiver() {
        return Err(Unsent);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(most).map_err(|_| Unsent)?;
    bytes.resize(most, 0);
    let size = encode(&mut bytes).map_err(|_| Unsent)?;
    bytes.truncate(size);
    let kmsg = Kmsg::request(to.into_carried(), Carried::Null, bytes, &mut gives);
    let kmsg = kmsg.map_err(|(remote, _)| {
        drop(HeldRight::new(remote));
        Unsent
    })?;
    with(|ipc| {
        let sent = ipc.post.force_through(kmsg);
        ipc.post.settle(&Effects::new());
        sent.then_some(()).ok_or(Unsent)
    })
}

/// A new port that nobody receives from yet: its receive right and a send right.
pub(crate) fn port_pair() -> Result<(HeldRight, HeldRight), Refusal> {
    with(|ipc| {
        let port = ipc.post.ports.allocate(Receiver::Message(None))?;
        let send = ipc.post.ports.make_send(port);
        Ok((HeldRight::new(Carried::Receive(port)), HeldRight::new(send)))
    })
}
