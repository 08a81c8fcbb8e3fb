//! Data elsewhere: an address in the message instead of the elements.
//!
//! Owns the value; see the folder's module for who calls it.

use core::marker::PhantomData;

use super::{Argument, BadArguments, Element, EncodeError, Placement, Reader, Shape, Writer};
use crate::layout::Plain;
use crate::message::{Descriptor, TypeName};

/// By definition the sender keeps what it sends.
pub const NEVER: u8 = 0;
/// By definition it loses it.
pub const ALWAYS: u8 = 1;
/// The caller decides.
pub const CHOSEN: u8 = 2;

/// `^array[] of E`: elements at an address, whose descriptor's deallocate flag
/// is `DEALLOCATE`: [`NEVER`], [`ALWAYS`] or [`CHOSEN`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfLine<E, const DEALLOCATE: u8> {
    /// Where the first element is.
    pub address: u32,
    /// How many elements there are.
    pub count: u32,
    /// The descriptor's flag; when written it counts only if [`CHOSEN`].
    pub deallocate: bool,
    /// What the descriptor says the items are.
    pub name: TypeName,
    element: PhantomData<E>,
}

impl<E: Element, const DEALLOCATE: u8> OutOfLine<E, DEALLOCATE> {
    /// `count` elements at `address`.
    #[must_use]
    pub const fn new(address: u32, count: u32) -> Self {
        Self {
            address,
            count,
            deallocate: DEALLOCATE == ALWAYS,
            name: TypeName(E::NAME),
            element: PhantomData,
        }
    }

    /// The same, moved out of the sender. Only where the caller decides.
    #[must_use]
    pub const fn moved(self) -> Self {
        Self {
            deallocate: DEALLOCATE != NEVER,
            ..self
        }
    }

    pub(super) fn take_after(
        found: Descriptor,
        from: &mut Reader<'_>,
    ) -> Result<Self, BadArguments> {
        let name = u8::try_from(found.name).map_err(|_| BadArguments)?;
        if name != E::TAKEN || found.size_bits != E::BITS || found.number % E::NUMBER != 0 {
            return Err(BadArguments);
        }
        Ok(Self {
            address: u32::read(from.data(4)?),
            count: found.number / E::NUMBER,
            deallocate: found.deallocate,
            name: TypeName(name),
            element: PhantomData,
        })
    }
}

impl<'a, E: Element, const DEALLOCATE: u8> Argument<'a> for OutOfLine<E, DEALLOCATE> {
    const SHAPE: Shape = Shape {
        number: 0,
        is_long: true,
        deallocate: DEALLOCATE == ALWAYS,
        ..Shape::of::<E>(0, Placement::OutOfLine)
    };

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        let items = self.count.checked_mul(E::NUMBER);
        to.descriptor(Descriptor {
            name: E::NAME.into(),
            size_bits: E::BITS,
            number: items.ok_or(EncodeError::ArrayTooLarge)?,
            is_inline: false,
            is_long: true,
            deallocate: match DEALLOCATE {
                ALWAYS => true,
                CHOSEN => self.deallocate,
                _ => false,
            },
        })?;
        self.address.write(to.room(4)?);
        Ok(())
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let found = from.descriptor()?;
        if found.is_inline || !found.is_long {
            return Err(BadArguments);
        }
        Self::take_after(found, from)
    }
}
