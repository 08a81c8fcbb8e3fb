//! What a message looks like: its header and the items of its body.
//!
//! Owns no state: it reads bytes that a task sent, and refuses what is not a
//! message with the code of `mach/message.h`. The kernel's `ipc` layer calls
//! [`Header::parse`] for the first 24 bytes and walks [`items`] over the body
//! of a complex message; it translates rights and memory as it goes. All
//! arithmetic is checked: bytes are hostile.
//!
//! Where the manual (4.2.2, 4.2.5) is silent, the reference kernel decided:
//! bits of the header that mean nothing are carried along, except the internal
//! `CIRCULAR`; in a descriptor they are an error, and so is `deallocate` of
//! in-line data; the complex bit is gone from a received message whose body had
//! neither rights nor out-of-line memory.

use super::right::Disposition;

mod item;

pub use item::{Form, Item, Items, Place, Sender, items};

/// Bytes of a header.
pub const HEADER_SIZE: usize = 24;
/// `MACH_MSGH_BITS_COMPLEX`: the body carries rights or memory.
pub const COMPLEX: u32 = 1 << 31;
/// `MACH_MSGH_BITS_CIRCULAR`: the kernel's own; taken out of what is sent.
pub const CIRCULAR: u32 = 1 << 30;

/// Why a message is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// `MACH_SEND_MSG_TOO_SMALL`: less than a header, no whole number of
    /// words, or an item runs over the end.
    TooSmall = 0x1000_0008,
    /// `MACH_SEND_INVALID_HEADER`: types of the header's rights.
    InvalidHeader = 0x1000_0010,
    /// `MACH_SEND_INVALID_TYPE`: a descriptor.
    InvalidType = 0x1000_000f,
    /// `MACH_SEND_INVALID_MEMORY`: more memory than there are addresses.
    InvalidMemory = 0x1000_000c,
}

impl Malformed {
    /// The `mach_msg_return_t`.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// A header that names its rights properly. The names themselves may be bogus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// How the destination's right is taken.
    pub remote: Disposition,
    /// Name of the destination.
    pub remote_name: u32,
    /// How the reply port's right is taken, and its name; none for a null name
    /// without a type.
    pub local: Option<(Disposition, u32)>,
    /// Whether the body has rights or memory.
    pub body: Body,
    /// Bits 16 to 29, which mean nothing and are carried along.
    pub other_bits: u32,
    /// The operation, `msgh_id`.
    pub id: u32,
}

/// Whether a body is looked into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// Bytes, whatever the descriptors seem to say.
    Plain,
    /// Items that may carry rights and memory.
    Complex,
}

/// Whether `size` bytes may be a message: a header at least, whole words.
///
/// # Errors
/// [`Malformed::TooSmall`].
pub const fn check_size(size: u32) -> Result<(), Malformed> {
    if size < HEADER_SIZE as u32 || size % 4 != 0 {
        return Err(Malformed::TooSmall);
    }
    Ok(())
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`Malformed::TooSmall`] if the bytes are no message,
    /// [`Malformed::InvalidHeader`] if a type is none of a right to send, and
    /// if there is a reply name without a type.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let size = u32::try_from(bytes.len()).map_err(|_| Malformed::TooSmall)?;
        check_size(size)?;
        let word = |index| word(bytes, index).ok_or(Malformed::TooSmall);
        let bits = word(0)?;
        let remote = Disposition::sending(bits & 0xff).ok_or(Malformed::InvalidHeader)?;
        let local_name = word(3)?;
        let local = match (bits >> 8 & 0xff, local_name) {
            (0, 0) => None,
            (number, name) => Some((
                Disposition::sending(number).ok_or(Malformed::InvalidHeader)?,
                name,
            )),
        };
        Ok(Self {
            remote,
            remote_name: word(2)?,
            local,
            body: if bits & COMPLEX == 0 {
                Body::Plain
            } else {
                Body::Complex
            },
            other_bits: bits & 0x3fff_0000,
            id: word(5)?,
        })
    }
}

/// The word with this index.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    let four = bytes.get(start..start.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}
