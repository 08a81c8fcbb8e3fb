//! Type descriptors: what the next piece of a body is.
//!
//! Plain values and their bytes, for anyone. Source: `mach/message.h`,
//! `mach_msg_type_t` and `mach_msg_type_long_t`.

use super::TypeName;
use crate::layout::Plain;

/// Size of a short descriptor.
pub const SHORT_DESCRIPTOR_BYTES: usize = 4;
/// Size of a long descriptor.
pub const LONG_DESCRIPTOR_BYTES: usize = 12;

const NUMBER_SHIFT: u32 = 16;
const NUMBER_MAX: u32 = 0xfff;
const INLINE: u32 = 1 << 28;
const LONGFORM: u32 = 1 << 29;
const DEALLOCATE: u32 = 1 << 30;

/// A descriptor of either form, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// What an item is; in the long form 16 bits wide.
    pub name: u16,
    /// Bits of an item; at most 255 in the short form.
    pub size_bits: u16,
    /// How many items; at most 4,095 in the short form.
    pub number: u32,
    /// Whether the items follow; else their address does.
    pub is_inline: bool,
    /// Which form it has.
    pub is_long: bool,
    /// Whether memory or rights leave the sender.
    pub deallocate: bool,
}

impl Descriptor {
    /// The bit of a descriptor's first word that says `deallocate`. The kernel
    /// sets it for what a receiver gets out of line.
    pub const DEALLOCATE: u32 = DEALLOCATE;

    /// The descriptor that `bytes` begins with, and its size; `None` if it is
    /// cut off. Bits without meaning are ignored.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let word = u32::read(bytes.get(..SHORT_DESCRIPTOR_BYTES)?);
        let flags = |mask| word & mask != 0;
        let short = Self {
            name: u16::from(word.to_le_bytes()[0]),
            size_bits: u16::from(word.to_le_bytes()[1]),
            number: word >> NUMBER_SHIFT & NUMBER_MAX,
            is_inline: flags(INLINE),
            is_long: flags(LONGFORM),
            deallocate: flags(DEALLOCATE),
        };
        if !short.is_long {
            return Some((short, SHORT_DESCRIPTOR_BYTES));
        }
        let rest = bytes.get(SHORT_DESCRIPTOR_BYTES..LONG_DESCRIPTOR_BYTES)?;
        let long = Self {
            name: u16::read(rest),
            size_bits: u16::read(rest.get(2..)?),
            number: u32::read(rest.get(4..)?),
            ..short
        };
        Some((long, LONG_DESCRIPTOR_BYTES))
    }

    /// The word of the short form, or the first of the long one. `None` if a
    /// field does not fit the form.
    #[must_use]
    pub const fn first_word(&self) -> Option<u32> {
        let mut word = 0;
        if self.is_inline {
            word |= INLINE;
        }
        if self.deallocate {
            word |= DEALLOCATE;
        }
        if self.is_long {
            return Some(word | LONGFORM);
        }
        if self.name > 0xff || self.size_bits > 0xff || self.number > NUMBER_MAX {
            return None;
        }
        Some(word | self.name as u32 | (self.size_bits as u32) << 8 | self.number << NUMBER_SHIFT)
    }

    /// The bytes, and how many of them count: 4 or 12. `None` as above.
    #[must_use]
    pub fn to_bytes(&self) -> Option<([u8; LONG_DESCRIPTOR_BYTES], usize)> {
        let mut bytes = [0; LONG_DESCRIPTOR_BYTES];
        let (first, rest) = bytes.split_at_mut(SHORT_DESCRIPTOR_BYTES);
        self.first_word()?.write(first);
        if !self.is_long {
            return Some((bytes, SHORT_DESCRIPTOR_BYTES));
        }
        let (kind, number) = rest.split_at_mut(4);
        (u32::from(self.name) | u32::from(self.size_bits) << 16).write(kind);
        self.number.write(number);
        Some((bytes, LONG_DESCRIPTOR_BYTES))
    }

    /// Whether the items are rights, by disposition or as received.
    #[must_use]
    pub fn carries_rights(&self) -> bool {
        u8::try_from(self.name).is_ok_and(|name| TypeName(name).is_right())
    }
}
