//! The items of a complex body: type descriptors and what they describe.
//!
//! Owns no state; [`Items`] walks over bytes that a task sent. Layouts:
//! `mach_msg_type_t` (4 bytes: name 8 bits, size 8, number 12, in line, long
//! form, deallocate, unused) and `mach_msg_type_long_t` (12 bytes: the first,
//! name 16 bits, size 16, number 32).
//!
//! **Invariants**: `Items::at` is a multiple of 4 and at most the body's
//! length; only `next` moves it, forward, by at least a descriptor. Broken,
//! the walk would not end.

use super::super::right::Disposition;
use super::{Malformed, word};

const INLINE: u32 = 1 << 28;
const LONG_FORM: u32 = 1 << 29;
const DEALLOCATE: u32 = 1 << 30;
const UNUSED: u32 = 1 << 31;
/// Bits of one port name.
const NAME_BITS: u32 = 32;

/// Where an item's data is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the message: at this offset of the body.
    Inline(usize),
    /// In the sender's memory.
    OutOfLine {
        /// Its address; the address of nothing means nothing.
        address: u32,
        /// Offset of the address in the body, to be overwritten.
        at: usize,
        /// What becomes of the sender's memory.
        sender: Sender,
    },
}

/// What becomes of memory that was sent out of line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// It stays.
    Keeps,
    /// It goes, whole pages, as if by `vm_deallocate`.
    Loses,
}

/// One item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// Offset of the descriptor in the body.
    pub descriptor: usize,
    /// Whether the descriptor is of 4 or 12 bytes.
    pub form: Form,
    /// The type, as sent.
    pub name: u32,
    /// Rights, one a word, if the type is one of a right.
    pub rights: Option<Disposition>,
    /// How many elements.
    pub number: u32,
    /// How many bytes these are, not padded.
    pub size: u32,
    /// Where they are.
    pub place: Place,
}

/// Which of the two descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `mach_msg_type_t`.
    Short,
    /// `mach_msg_type_long_t`.
    Long,
}

impl Item {
    /// Whether a received message with this item is complex.
    pub const fn is_complex(&self) -> bool {
        self.rights.is_some() || matches!(self.place, Place::OutOfLine { .. })
    }
}

/// Walks over the items of a body; ends after an error.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    body: &'a [u8],
    at: usize,
}

/// The items of `body`: what follows the header of a complex message.
pub const fn items(body: &[u8]) -> Items<'_> {
    Items { body, at: 0 }
}

impl Items<'_> {
    fn parse(&self) -> Result<(Item, usize), Malformed> {
        let at = self.at;
        let read = |offset: usize| word(self.body, offset / 4).ok_or(Malformed::TooSmall);
        let head = read(at)?;
        let (form, name, bits, number, data) = if head & LONG_FORM == 0 {
            let number = head >> 16 & 0xfff;
            (Form::Short, head & 0xff, head >> 8 & 0xff, number, at + 4)
        } else {
            let (second, number) = (read(at + 4)?, read(at + 8)?);
            let (name, bits) = (second & 0xffff, second >> 16);
            (Form::Long, name, bits, number, at + 12)
        };
        let rights = Disposition::from_number(name);
        let invalid = head & UNUSED != 0
            || head & INLINE != 0 && head & DEALLOCATE != 0
            || form == Form::Long && head & 0x0fff_ffff != 0
            || rights.is_some() && bits != NAME_BITS;
        if invalid {
            return Err(Malformed::InvalidType);
        }
        let size = (u64::from(number) * u64::from(bits)).div_ceil(8);
        let (place, size, end) = if head & INLINE == 0 {
            let size = u32::try_from(size).map_err(|_| Malformed::InvalidMemory)?;
            let place = Place::OutOfLine {
                address: read(data)?,
                at: data,
                sender: if head & DEALLOCATE == 0 {
                    Sender::Keeps
                } else {
                    Sender::Loses
                },
            };
            (place, size, data + 4)
        } else {
            let left = self.body.len().saturating_sub(data) as u64;
            let padded = size.next_multiple_of(4);
            let size = u32::try_from(size).map_err(|_| Malformed::TooSmall)?;
            let padded = usize::try_from(padded).map_err(|_| Malformed::TooSmall)?;
            if padded as u64 > left {
                return Err(Malformed::TooSmall);
            }
            (Place::Inline(data), size, data + padded)
        };
        let item = Item {
            descriptor: at,
            form,
            name,
            rights,
            number,
            size,
            place,
        };
        Ok((item, end))
    }
}

impl Iterator for Items<'_> {
    type Item = Result<Item, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.body.len() {
            return None;
        }
        match self.parse() {
            Ok((item, end)) => {
                self.at = end;
                Some(Ok(item))
            }
            Err(malformed) => {
                self.at = self.body.len();
                Some(Err(malformed))
            }
        }
    }
}
