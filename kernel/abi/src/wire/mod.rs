//! Arguments of routines in a message's body: one type a kind of argument.
//!
//! Owns the reader and the writer of bodies and the traits that tie a Rust type
//! to its descriptor. [`routine`](crate::routine) calls it for the kernel's
//! decoder and the user's stub alike. Nothing is trusted: every length is
//! checked against the bytes there are. Layouts are those that MIG gives the
//! public definition files.

mod array;
mod memory;
mod scalar;
mod shape;
mod text;

pub use array::{Array, Flexible};
pub use memory::{ALWAYS, CHOSEN, NEVER, OutOfLine};
pub use scalar::{
    AnyRight, Char, CopySend, MakeSend, MakeSendOnceOrAny, MoveReceive, MoveSend, MoveSendOnce,
    ReceiveRight, Right, SendOnceRight, SendRight,
};
pub use shape::{Complexity, Field, Placement, Shape};
pub use text::{CString, FixedString, LongString};

use crate::message::Descriptor;

/// The body is not what the routine's definition says: `MIG_BAD_ARGUMENTS` from
/// a server, `MIG_TYPE_ERROR` in a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadArguments;

/// Why a message was not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// The buffer is too short.
    NoRoom,
    /// An array or a string is longer than its definition allows:
    /// `MIG_ARRAY_TOO_LARGE`.
    ArrayTooLarge,
}

/// Whose dispositions a message is written with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A task's, for the kernel to carry out: copy, make, move.
    Sent,
    /// The kernel's own, already carried out: as the receiver will see them.
    Received,
}

/// A value that can stand in arrays: a fixed number of items of one type.
pub trait Element: crate::layout::Plain {
    /// `mach_msg_type_name_t` as sent.
    const NAME: u8;
    /// The same as received.
    const TAKEN: u8 = Self::NAME;
    /// Bits of one item.
    const BITS: u16;
    /// Items that make up the value.
    const NUMBER: u32 = 1;
    /// The disposition of this very value, where `NAME` leaves it open.
    fn chosen_name(&self) -> u8 {
        Self::NAME
    }
    /// The value under a descriptor that says `name`.
    fn read_named(bytes: &[u8], _name: u8) -> Self {
        Self::read(bytes)
    }
}

/// One argument with its descriptor.
pub trait Argument<'a>: Sized {
    /// What its descriptor says.
    const SHAPE: Shape;
    /// Appends descriptor and data.
    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError>;
    /// Takes descriptor and data off the front.
    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments>;
}

/// Writes a message from front to back.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// Bytes written; at most `buffer.len()`.
    at: usize,
    complex: bool,
    form: Form,
}

impl<'b> Writer<'b> {
    /// A writer at the front of `buffer`.
    pub fn new(buffer: &'b mut [u8], form: Form) -> Self {
        Self {
            buffer,
            at: 0,
            complex: false,
            form,
        }
    }

    /// How many bytes there are so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Whether what has been written carries rights or out-of-line data.
    #[must_use]
    pub const fn is_complex(&self) -> bool {
        self.complex
    }

    /// Room for `size` bytes, zeroed, and padding to a whole word.
    pub fn room(&mut self, size: usize) -> Result<&mut [u8], EncodeError> {
        let padded = size
            .checked_next_multiple_of(4)
            .ok_or(EncodeError::NoRoom)?;
        let end = self.at.checked_add(padded).ok_or(EncodeError::NoRoom)?;
        let place = self
            .buffer
            .get_mut(self.at..end)
            .ok_or(EncodeError::NoRoom)?;
        place.fill(0);
        self.at = end;
        Ok(&mut place[..size])
    }

    /// A descriptor. Dispositions are turned into the writer's form.
    pub fn descriptor(&mut self, mut what: Descriptor) -> Result<(), EncodeError> {
        if what.carries_rights() {
            self.complex = true;
            if self.form == Form::Received {
                what.name = u16::from(scalar::received(what.name));
            }
        }
        self.complex |= !what.is_inline;
        let (bytes, size) = what.to_bytes().ok_or(EncodeError::ArrayTooLarge)?;
        self.room(size)?.copy_from_slice(&bytes[..size]);
        Ok(())
    }

    /// The whole buffer's first 24 bytes, for the header.
    pub(crate) fn finish(self, header: [u8; crate::message::HEADER_BYTES]) -> usize {
        if let Some(place) = self.buffer.get_mut(..header.len()) {
            place.copy_from_slice(&header);
        }
        self.at
    }
}

/// Reads a message's body from front to back.
pub struct Reader<'a> {
    bytes: &'a [u8],
    complex: bool,
}

impl<'a> Reader<'a> {
    /// A reader of `body`, which says of itself whether it is `complex`.
    #[must_use]
    pub const fn new(body: &'a [u8], complexity: Complexity) -> Self {
        Self {
            bytes: body,
            complex: matches!(complexity, Complexity::Complex),
        }
    }

    /// Takes `size` bytes and their padding to a whole word.
    pub fn data(&mut self, size: usize) -> Result<&'a [u8], BadArguments> {
        let padded = size.checked_next_multiple_of(4).ok_or(BadArguments)?;
        let (data, rest) = self.bytes.split_at_checked(padded).ok_or(BadArguments)?;
        self.bytes = rest;
        Ok(&data[..size])
    }

    /// Takes a descriptor. Rights and out-of-line data in a message that is not
    /// marked complex were never handled by the kernel: refused.
    pub fn descriptor(&mut self) -> Result<Descriptor, BadArguments> {
        let (what, size) = Descriptor::read(self.bytes).ok_or(BadArguments)?;
        if (what.carries_rights() || !what.is_inline) && !self.complex {
            return Err(BadArguments);
        }
        self.bytes = &self.bytes[size..];
        Ok(what)
    }

    /// Takes a descriptor that must equal `wanted`, bit by bit.
    pub fn exactly(&mut self, wanted: Descriptor) -> Result<(), BadArguments> {
        let (bytes, size) = wanted.to_bytes().ok_or(BadArguments)?;
        if self.data(size)? == &bytes[..size] {
            Ok(())
        } else {
            Err(BadArguments)
        }
    }

    /// The end: nothing may be left.
    pub const fn finish(self) -> Result<(), BadArguments> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(BadArguments)
        }
    }
}
