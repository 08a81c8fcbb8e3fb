//! Arrays in a message: of bounded length, or elsewhere when they are long.
//!
//! Owns a view of the elements; see the folder's module for who calls it.

use core::marker::PhantomData;

use super::{
    ALWAYS, Argument, BadArguments, Element, EncodeError, OutOfLine, Placement, Reader, Shape,
    Writer,
};
use crate::message::{Descriptor, TypeName};

/// `array[*:MAX] of E`: at most `MAX` elements.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a, E, const MAX: u32> {
    source: Source<'a, E>,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a, E> {
    Values(&'a [E]),
    /// Whole elements as they lie in a message, under this type name.
    Bytes(&'a [u8], u8),
}

impl<'a, E: Element, const MAX: u32> Array<'a, E, MAX> {
    /// An array of these values. Too many are refused when they are written.
    #[must_use]
    pub const fn new(values: &'a [E]) -> Self {
        let source = Source::Values(values);
        Self { source }
    }

    /// How many elements there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.source {
            Source::Values(values) => values.len(),
            Source::Bytes(bytes, _) => bytes.len() / E::BYTES,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in order.
    pub fn iter(&self) -> impl Iterator<Item = E> + 'a {
        let (values, bytes, name): (&[E], &[u8], u8) = match self.source {
            Source::Values(values) => (values, &[], 0),
            Source::Bytes(bytes, name) => (&[], bytes, name),
        };
        let read = move |place| E::read_named(place, name);
        values
            .iter()
            .copied()
            .chain(bytes.chunks_exact(E::BYTES).map(read))
    }

    fn name(&self) -> u8 {
        match self.source {
            Source::Values([first, ..]) => first.chosen_name(),
            // Without an element nobody chose; what is taken is always right.
            Source::Values([]) if E::NAME == TypeName::POLYMORPHIC.0 => E::TAKEN,
            Source::Values([]) => E::NAME,
            Source::Bytes(_, name) => name,
        }
    }

    fn put_as(&self, is_long: bool, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        let count = u32::try_from(self.len()).map_err(|_| EncodeError::ArrayTooLarge)?;
        if count > MAX {
            return Err(EncodeError::ArrayTooLarge);
        }
        to.descriptor(Descriptor {
            name: self.name().into(),
            size_bits: E::BITS,
            number: count * E::NUMBER,
            is_inline: true,
            is_long,
            deallocate: false,
        })?;
        let place = to.room(self.len() * E::BYTES)?;
        for (element, place) in self.iter().zip(place.chunks_exact_mut(E::BYTES)) {
            element.write(place);
        }
        Ok(())
    }

    fn take_after(found: Descriptor, from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let name = u8::try_from(found.name).map_err(|_| BadArguments)?;
        if name != E::TAKEN && E::TAKEN != TypeName::POLYMORPHIC.0
            || found.size_bits != E::BITS
            || found.number % E::NUMBER != 0
            || found.number / E::NUMBER > MAX
        {
            return Err(BadArguments);
        }
        let count = usize::try_from(found.number / E::NUMBER).map_err(|_| BadArguments)?;
        let bytes = from.data(count.checked_mul(E::BYTES).ok_or(BadArguments)?)?;
        let source = Source::Bytes(bytes, name);
        Ok(Self { source })
    }
}

/// MIG's servers take more than `MAX` elements where the message has them; we
/// do not. MIG's clients cannot send them.
impl<'a, E: Element, const MAX: u32> Argument<'a> for Array<'a, E, MAX> {
    const SHAPE: Shape = Shape::of::<E>(MAX, Placement::UpTo);

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.put_as(false, to)
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let found = from.descriptor()?;
        if !found.is_inline || found.is_long {
            return Err(BadArguments);
        }
        Self::take_after(found, from)
    }
}

/// `array[] of E`: up to `MAX` elements in the message, more at an address.
#[derive(Clone, Copy, Debug)]
pub enum Flexible<'a, E, const MAX: u32, const DEALLOCATE: u8> {
    /// In the message.
    Inline(Array<'a, E, MAX>),
    /// At an address.
    Elsewhere(OutOfLine<E, DEALLOCATE>, PhantomData<&'a E>),
}

impl<'a, E: Element, const MAX: u32, const DEALLOCATE: u8> Argument<'a>
    for Flexible<'a, E, MAX, DEALLOCATE>
{
    const SHAPE: Shape = Shape {
        is_long: true,
        deallocate: DEALLOCATE == ALWAYS,
        ..Shape::of::<E>(MAX, Placement::Flexible)
    };

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Inline(array) => array.put_as(true, to),
            Self::Elsewhere(memory, _) => memory.put(to),
        }
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let found = from.descriptor()?;
        if !found.is_long {
            return Err(BadArguments);
        }
        if found.is_inline {
            return Array::take_after(found, from).map(Self::Inline);
        }
        let memory = OutOfLine::take_after(found, from)?;
        Ok(Self::Elsewhere(memory, PhantomData))
    }
}
