//! A server's loop: receives requests, and answers them with the next receive.
//!
//! Owns the exchange of the two buffers. What a request means its program says,
//! by a `match` on the id and the types of `abi`.

use abi::kern_return::KernReturn;
use abi::message::{Header, MsgReturn};
use abi::port::PortName;
use abi::routine::{ReplyBody, RequestBody, decode_request, encode_refusal, encode_reply};
use abi::wire::Form;

use crate::message::{Exchange, received};
use crate::rpc::checked;
use crate::trap::Result;

/// A message that was received.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Its header.
    pub header: Header,
    /// All of it.
    pub bytes: &'a [u8],
}

/// What is to happen after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// So many bytes of reply go out, and another request is waited for.
    Reply(usize),
    /// Another request is waited for.
    Receive,
    /// So many bytes of reply go out, if any; then the loop ends.
    End(usize),
}

impl Incoming<'_> {
    /// Decodes the request, does it, and writes its reply into `room`.
    pub fn answer<'s, Q, R>(&'s self, room: &mut [u8], does: impl FnOnce(Q) -> Result<R>) -> Next
    where
        Q: RequestBody<'s>,
        R: for<'r> ReplyBody<'r>,
    {
        let request = decode_request(self.bytes).map_err(|_| KernReturn::MIG_BAD_ARGUMENTS);
        match request.and_then(does) {
            Err(code) => self.refuse(code, room),
            Ok(reply) => match encode_reply(&reply, &self.header, Form::Sent, room) {
                Ok(size) => Next::Reply(size),
                Err(_) => self.refuse(KernReturn::MIG_ARRAY_TOO_LARGE, room),
            },
        }
    }

    /// Writes a reply that says why there is none; nothing if nobody waits.
    pub fn refuse(&self, code: KernReturn, room: &mut [u8]) -> Next {
        if self.header.remote_port == 0 {
            return Next::Receive;
        }
        match encode_refusal(code, &self.header, room) {
            Ok(size) => Next::Reply(size),
            Err(_) => Next::Receive,
        }
    }
}

/// Serves what comes to a port or set; `one` and `other` are room for a message
/// each. A client that is gone before its reply is nobody's loss.
///
/// # Errors
/// The code with which receiving failed.
pub fn serve(
    from: PortName,
    one: &mut [u8],
    other: &mut [u8],
    mut obey: impl FnMut(Incoming<'_>, &mut [u8]) -> Next,
) -> Result {
    let (mut request, mut reply) = (one, other);
    checked(Exchange::receive(from).run(request))?;
    loop {
        let bytes = received(request);
        let incoming = Incoming {
            header: Header::read(bytes).unwrap_or_default(),
            bytes,
        };
        let code = match obey(incoming, reply) {
            Next::Reply(size) => {
                let code = Exchange::rpc(size, from).run(reply);
                core::mem::swap(&mut request, &mut reply);
                code
            }
            Next::Receive => Exchange::receive(from).run(request),
            Next::End(0) => return Ok(()),
            Next::End(size) => return checked(Exchange::send(size).run(reply)),
        };
        match code {
            MsgReturn::SUCCESS => {}
            MsgReturn::SEND_INVALID_DEST | MsgReturn::SEND_TIMED_OUT => {
                checked(Exchange::receive(from).run(request))?;
            }
            code => return checked(code),
        }
    }
}
