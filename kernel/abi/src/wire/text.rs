//! Strings: C strings in arrays of a fixed or a bounded length.
//!
//! Owns three types; see the folder's module for who calls it. Each holds the
//! bytes before the zero that ends them; a string that fills its array without
//! one ends there. A string with its zero must fit the array to be written.

use super::{Argument, BadArguments, EncodeError, Placement, Reader, Shape, Writer};
use crate::message::{Descriptor, TypeName};

/// `c_string[MAX]`: an array of `MAX` bytes, items of a byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixedString<'a, const MAX: u16>(pub &'a [u8]);

/// `(MACH_MSG_TYPE_STRING, 8 * MAX)`: an array of `MAX` bytes as one item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LongString<'a, const MAX: u16>(pub &'a [u8]);

/// `c_string[*:MAX]`: as many bytes as there are, at most `MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CString<'a, const MAX: u16>(pub &'a [u8]);

/// Bytes of `number` items of `size_bits`.
const fn descriptor(size_bits: u16, number: u32) -> Descriptor {
    Descriptor {
        name: TypeName::STRING.0 as u16,
        size_bits,
        number,
        is_inline: true,
        is_long: size_bits > 8,
        deallocate: false,
    }
}

const fn shape(size_bits: u16, number: u32, placement: Placement) -> Shape {
    Shape {
        sent: TypeName::STRING.0,
        taken: TypeName::STRING.0,
        size_bits,
        number,
        per_element: 1,
        placement,
        is_long: size_bits > 8,
        deallocate: false,
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Appends `what`, `size` bytes that begin with `text`.
fn put(text: &[u8], size: usize, what: Descriptor, to: &mut Writer<'_>) -> Result<(), EncodeError> {
    if text.len() >= size {
        return Err(EncodeError::ArrayTooLarge);
    }
    to.descriptor(what)?;
    to.room(size)?[..text.len()].copy_from_slice(text);
    Ok(())
}

impl<'a, const MAX: u16> Argument<'a> for FixedString<'a, MAX> {
    const SHAPE: Shape = shape(8, MAX as u32, Placement::Fixed);

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        put(self.0, MAX.into(), descriptor(8, MAX.into()), to)
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        from.exactly(descriptor(8, MAX.into()))?;
        Ok(Self(until_zero(from.data(MAX.into())?)))
    }
}

impl<'a, const MAX: u16> Argument<'a> for LongString<'a, MAX> {
    const SHAPE: Shape = shape(MAX * 8, 1, Placement::Fixed);

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        put(self.0, MAX.into(), descriptor(MAX * 8, 1), to)
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let found = from.descriptor()?;
        let deallocate = found.deallocate;
        if found
            != (Descriptor {
                deallocate,
                ..descriptor(MAX * 8, 1)
            })
        {
            return Err(BadArguments);
        }
        Ok(Self(until_zero(from.data(MAX.into())?)))
    }
}

impl<'a, const MAX: u16> Argument<'a> for CString<'a, MAX> {
    const SHAPE: Shape = shape(8, MAX as u32, Placement::UpTo);

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        let size = self.0.len().saturating_add(1);
        let number = u32::try_from(size).map_err(|_| EncodeError::ArrayTooLarge)?;
        if number > MAX.into() {
            return Err(EncodeError::ArrayTooLarge);
        }
        put(self.0, size, descriptor(8, number), to)
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let found = from.descriptor()?;
        let Descriptor {
            number, deallocate, ..
        } = found;
        if found
            != (Descriptor {
                deallocate,
                ..descriptor(8, number)
            })
            || number > MAX.into()
        {
            return Err(BadArguments);
        }
        let size = usize::try_from(number).map_err(|_| BadArguments)?;
        Ok(Self(until_zero(from.data(size)?)))
    }
}
