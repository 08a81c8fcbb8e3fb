//! Whole messages: requests and replies from and to bytes.
//!
//! Pure functions for the kernel and the runtime. Sizes and the complex bit
//! are checked as MIG's stubs do; every refusal of a request is one
//! `MIG_BAD_ARGUMENTS`.

use super::{REPLY_HEADER_BYTES, REPLY_OFFSET, Routine, complexity, reply_bits};
use crate::kern_return::KernReturn;
use crate::message::{Bits, HEADER_BYTES, Header, NotifyId, TypeName};
use crate::wire::{Argument, BadArguments, Complexity, EncodeError, Field, Form, Reader, Writer};

/// The arguments of a request or a reply.
pub trait Body<'a>: Sized {
    /// Whose they are.
    const ROUTINE: &'static Routine;
    /// What they look like.
    const FIELDS: &'static [Field];
    /// Appends them.
    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError>;
    /// Takes them off the front.
    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments>;
}

/// A [`Body`] of a request.
pub trait RequestBody<'a>: Body<'a> {}
/// A [`Body`] of a reply.
pub trait ReplyBody<'a>: Body<'a> {}

/// Why a call has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The server's return code.
    Refused(KernReturn),
    /// The reply was not one: a `MIG_*` code of the client's own.
    Garbled(KernReturn),
}

impl From<BadArguments> for Failure {
    fn from(_: BadArguments) -> Self {
        Self::Garbled(KernReturn::MIG_TYPE_ERROR)
    }
}

/// Writes a request into `buffer`; gives its size. `target` is the port that it
/// is sent to, with the disposition of its definition or, where that is open,
/// `MOVE_SEND_ONCE`; `reply_port` is null where no reply is wanted.
pub fn encode_request<'a, B: RequestBody<'a>>(
    body: &B,
    target: u32,
    reply_port: u32,
    form: Form,
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    let sent = match B::ROUTINE.target_sent {
        TypeName::POLYMORPHIC => TypeName::MOVE_SEND_ONCE,
        sent => sent,
    };
    let local = if B::ROUTINE.reply.is_some() {
        TypeName::MAKE_SEND_ONCE
    } else {
        TypeName(0)
    };
    let bits = match form {
        Form::Sent => Bits::new(sent, local),
        Form::Received => Bits::new(sent.received(), local.received()),
    };
    let header = Header {
        bits,
        remote_port: target,
        local_port: reply_port,
        id: B::ROUTINE.id,
        ..Header::default()
    };
    encode(header, form, buffer, &|to| body.put(to))
}

/// Writes the reply to the received `request`; gives its size.
pub fn encode_reply<'a, B: ReplyBody<'a>>(
    body: &B,
    request: &Header,
    form: Form,
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    encode(reply_header(request), form, buffer, &|to| {
        KernReturn::SUCCESS.0.put(to)?;
        body.put(to)
    })
}

/// Writes a reply that says only why there is no result; gives its size.
pub fn encode_refusal(
    code: KernReturn,
    request: &Header,
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    encode(reply_header(request), Form::Received, buffer, &|to| {
        code.0.put(to)
    })
}

fn reply_header(request: &Header) -> Header {
    Header {
        bits: reply_bits(request.bits),
        remote_port: request.remote_port,
        id: request.id.wrapping_add(REPLY_OFFSET),
        ..Header::default()
    }
}

fn encode(
    mut header: Header,
    form: Form,
    buffer: &mut [u8],
    body: &dyn Fn(&mut Writer<'_>) -> Result<(), EncodeError>,
) -> Result<usize, EncodeError> {
    let mut to = Writer::new(buffer, form);
    to.room(HEADER_BYTES)?;
    body(&mut to)?;
    header.size = u32::try_from(to.len()).map_err(|_| EncodeError::ArrayTooLarge)?;
    if to.is_complex() {
        header.bits = header.bits.complex();
    }
    Ok(to.finish(header.to_bytes()))
}

/// The arguments of a received request of the routine of `B`: `message` is as
/// long as its header says.
pub fn decode_request<'a, B: RequestBody<'a>>(message: &'a [u8]) -> Result<B, BadArguments> {
    let (bits, body) = opened(message, B::ROUTINE.id)?;
    decode_body(bits, body)
}

/// What the header of a whole request with this id says of its body; once for all
/// routines.
#[inline(never)]
fn opened(message: &[u8], id: i32) -> Result<(Bits, &[u8]), BadArguments> {
    let header = Header::read(message).ok_or(BadArguments)?;
    if header.id != id || !is_whole(&header, message) {
        return Err(BadArguments);
    }
    Ok((header.bits, &message[HEADER_BYTES..]))
}

/// The arguments of a received reply of the routine of `B`.
pub fn decode_reply<'a, B: ReplyBody<'a>>(message: &'a [u8]) -> Result<B, Failure> {
    let header = Header::read(message).ok_or(BadArguments)?;
    if header.id != B::ROUTINE.id + REPLY_OFFSET {
        return Err(Failure::Garbled(if header.id == NotifyId::SEND_ONCE.0 {
            KernReturn::MIG_SERVER_DIED
        } else {
            KernReturn::MIG_REPLY_MISMATCH
        }));
    }
    let (head, body) = message
        .split_at_checked(REPLY_HEADER_BYTES)
        .ok_or(BadArguments)?;
    if !is_whole(&header, message) {
        return Err(BadArguments.into());
    }
    let mut from = Reader::new(&head[HEADER_BYTES..], Complexity::Simple);
    let code = KernReturn(i32::take(&mut from)?);
    if code == KernReturn::SUCCESS {
        Ok(decode_body(header.bits, body)?)
    } else if body.is_empty() && !header.bits.is_complex() {
        Err(Failure::Refused(code))
    } else {
        Err(BadArguments.into())
    }
}

fn is_whole(header: &Header, message: &[u8]) -> bool {
    usize::try_from(header.size).is_ok_and(|size| size == message.len())
}

fn decode_body<'a, B: Body<'a>>(bits: Bits, body: &'a [u8]) -> Result<B, BadArguments> {
    let says = if bits.is_complex() {
        Complexity::Complex
    } else {
        Complexity::Simple
    };
    let wants = const { complexity(B::FIELDS) };
    if wants != Complexity::Varies && wants != says {
        return Err(BadArguments);
    }
    let mut from = Reader::new(body, says);
    let arguments = B::take(&mut from)?;
    from.finish()?;
    Ok(arguments)
}
