//! A server's loop: receives requests, and answers them with the next receive.
//!
//! Owns the exchange of the two buffers. What a request means its program says,
//! by a `match` on the id and the types of `abi`. No client can stop the loop: it
//! waits for none to take a reply, a message that does not fit is dropped, and
//! what came with a request that is refused is given up.

use abi::kern_return::KernReturn;
use abi::message::{Header, MsgReturn, Options};
use abi::port::PortName;
use abi::routine::{ReplyBody, RequestBody, decode_request, encode_refusal, encode_reply};
use abi::wire::Form;

use crate::discard;
use crate::message::{Exchange, received};
use crate::rpc::checked;
use crate::trap::Result;

/// A message that was received.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
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

impl<'a> Incoming<'a> {
    /// The message that was received into `buffer`, for who has no loop.
    ///
    /// # Safety
    ///
    /// This task received it there, and nobody has taken anything of it.
    #[must_use]
    pub unsafe fn new(buffer: &'a [u8]) -> Incoming<'a> {
        let bytes = received(buffer);
        let header = Header::read(bytes).unwrap_or_default();
        Incoming { header, bytes }
    }

    /// Decodes the request, does it, and writes its reply into `room`. Where `does`
    /// fails it has taken nothing of what came with the request: that is given up.
    pub fn answer<'s, 'r, Q, R>(
        &'s self,
        room: &mut [u8],
        does: impl FnOnce(Q) -> Result<R>,
    ) -> Next
    where
        Q: RequestBody<'s>,
        R: ReplyBody<'r>,
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

    /// Gives up what came with the message, and its reply port: nobody waits, or
    /// nobody will be answered.
    pub fn drop_all(&self) -> Next {
        // SAFETY: it was received, and who drops it has taken nothing of it.
        unsafe { discard::whole(self.bytes) };
        Next::Receive
    }

    /// Gives up what came with the request, and writes a reply that says why there
    /// is no other; nothing if nobody waits.
    pub fn refuse(&self, code: KernReturn, room: &mut [u8]) -> Next {
        // SAFETY: it was received, and who refuses it has taken nothing of it.
        unsafe { discard::body(self.bytes) };
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
/// each. A client that is gone before its reply, or whose queue is full, is
/// nobody's loss.
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
    let mut exchange = Exchange::receive(from);
    loop {
        let next = match outcome(exchange.run(request))? {
            Outcome::Arrived => {
                // SAFETY: it was received right now.
                obey(unsafe { Incoming::new(request) }, reply)
            }
            Outcome::Useless => {
                // SAFETY: a request of which nobody took anything, or a reply that
                // was not sent.
                unsafe { discard::whole(received(request)) };
                Next::Receive
            }
            Outcome::Nothing => Next::Receive,
        };
        exchange = match next {
            Next::Reply(size) => {
                core::mem::swap(&mut request, &mut reply);
                at_once(Exchange::rpc(size, from))
            }
            Next::Receive => Exchange::receive(from),
            Next::End(0) => return Ok(()),
            Next::End(size) => return checked(at_once(Exchange::send(size)).run(reply)),
        };
    }
}

/// What an exchange led to.
enum Outcome {
    /// A request is there.
    Arrived,
    /// A message is there, of which no use can be made: the reply that was not
    /// sent, or a request that is not whole.
    Useless,
    /// Nothing is there; what came is gone.
    Nothing,
}

/// # Errors
/// The code, if no other message can be received.
fn outcome(code: MsgReturn) -> Result<Outcome> {
    /// The number of a code among those of sending or of receiving.
    const NUMBER: u32 = 0x3fff;
    const SENDING: u32 = MsgReturn::SEND_IN_PROGRESS.0 & !NUMBER;
    match MsgReturn(code.0 & !MsgReturn::MASK) {
        MsgReturn::SUCCESS => Ok(Outcome::Arrived),
        MsgReturn::RCV_BODY_ERROR => Ok(Outcome::Useless),
        MsgReturn::RCV_TOO_LARGE | MsgReturn::RCV_HEADER_ERROR | MsgReturn::RCV_INTERRUPTED => {
            Ok(Outcome::Nothing)
        }
        MsgReturn(sent) if sent & !NUMBER == SENDING => Ok(Outcome::Useless),
        _ => Err(KernReturn(code.0 as i32)),
    }
}

/// The same without waiting for room in the queue of who is sent to.
fn at_once(exchange: Exchange) -> Exchange {
    Exchange {
        options: exchange.options.with(Options::SEND_TIMEOUT),
        ..exchange
    }
}
