//! Calls of routines: a request goes out, its reply comes back.
//!
//! Owns the exchange and the ports that replies come to. [`call`] makes any
//! routine of the tables of `abi`; the modules have a function for each, made of
//! the same tables, with the arguments of its row. Codes of `mach_msg`, of the
//! stubs (`MIG_*`) and of the servers share one number space, as in C.
//!
//! **Invariants**: stated beside [`REPLY_PORTS`].

mod stubs;

pub use stubs::*;

use core::sync::atomic::{AtomicU32, Ordering};

use abi::kern_return::KernReturn;
use abi::message::{Header, MsgReturn};
use abi::port::PortName;
use abi::routine::{Failure, ReplyBody, RequestBody, decode_reply, encode_request};
use abi::wire::{EncodeError, Form};

use crate::message::{Exchange, received};
use crate::trap::{self, Result};

/// Reply ports that nobody waits at, 0 for none. A port is here only while no
/// reply can come to it: who takes it is the only one that uses it, and it goes
/// back only when its one reply came. A reply would else go to a later call.
static REPLY_PORTS: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];

/// Sends a request to `target` and waits for its reply, both in `buffer`.
///
/// # Errors
/// The server's code, one of `mach_msg`, or one of MIG's if the reply is none.
pub fn call<'b, 'q, Q, R>(target: PortName, request: &Q, buffer: &'b mut [u8]) -> Result<R>
where
    Q: RequestBody<'q>,
    R: ReplyBody<'b>,
{
    let port = take_reply_port()?;
    let size = encode_request(request, target.0, port.0, Form::Sent, buffer).map_err(not_encoded);
    let exchanged = size.and_then(|size| exchange(buffer, size, port));
    match exchanged {
        // Something may still come.
        Err(code) => {
            let _ = destroy(port);
            Err(code)
        }
        Ok(()) => {
            put_reply_port(port);
            decode_reply(received(buffer)).map_err(|failure| match failure {
                Failure::Refused(code) | Failure::Garbled(code) => code,
            })
        }
    }
}

/// Sends a request of a routine that has no reply.
///
/// # Errors
/// As [`call`].
pub fn send<'q, Q>(target: PortName, request: &Q, buffer: &mut [u8]) -> Result
where
    Q: RequestBody<'q>,
{
    let size = encode_request(request, target.0, 0, Form::Sent, buffer).map_err(not_encoded)?;
    checked(Exchange::send(size).run(buffer))
}

fn exchange(buffer: &mut [u8], size: usize, port: PortName) -> Result {
    checked(Exchange::rpc(size, port).run(buffer))
}

/// A code of `mach_msg` as a result.
///
/// # Errors
/// The code, unless it is success.
pub fn checked(code: MsgReturn) -> Result {
    match code {
        MsgReturn::SUCCESS => Ok(()),
        MsgReturn(code) => Err(KernReturn(code as i32)),
    }
}

fn not_encoded(error: EncodeError) -> KernReturn {
    match error {
        EncodeError::NoRoom => KernReturn::NO_SPACE,
        EncodeError::ArrayTooLarge => KernReturn::MIG_ARRAY_TOO_LARGE,
    }
}

fn take_reply_port() -> Result<PortName> {
    let mut places = REPLY_PORTS.iter();
    let kept = places.find_map(|place| match place.swap(0, Ordering::Relaxed) {
        0 => None,
        name => Some(PortName(name)),
    });
    let port = kept.unwrap_or_else(trap::mach_reply_port);
    match port.is_valid() {
        true => Ok(port),
        false => Err(KernReturn::RESOURCE_SHORTAGE),
    }
}

fn put_reply_port(port: PortName) {
    let put = |place: &AtomicU32| {
        let empty = place.compare_exchange(0, port.0, Ordering::Relaxed, Ordering::Relaxed);
        empty.is_ok()
    };
    if !REPLY_PORTS.iter().any(put) {
        let _ = destroy(port);
    }
}

/// Gives up a receive right, without asking for a reply: this is what calls do
/// that must not fail for want of one.
pub(crate) fn destroy(port: PortName) -> Result {
    use abi::routine::mach_port::mach_port_mod_refs::Request;
    let request = Request {
        name: port,
        right: abi::port::PortRight::RECEIVE.0,
        delta: -1,
    };
    send(trap::mach_task_self(), &request, &mut [0; 128])
}

/// The header of the message in a buffer.
#[must_use]
pub fn header(buffer: &[u8]) -> Header {
    Header::read(buffer).unwrap_or_default()
}
