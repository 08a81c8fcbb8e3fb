//! What a descriptor says of an argument, as data for tables and checks.
//!
//! Plain values, for anyone.

use super::Element;

/// Where the data is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// In the message, always as many items.
    Fixed,
    /// In the message, up to as many items.
    UpTo,
    /// In the message up to as many items, elsewhere when more.
    Flexible,
    /// Elsewhere, at an address.
    OutOfLine,
}

/// Whether a message with it has `MACH_MSGH_BITS_COMPLEX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Complexity {
    /// Never.
    Simple,
    /// Always.
    Complex,
    /// It depends on the value.
    Varies,
}

/// What an argument's descriptor says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// `mach_msg_type_name_t` as sent; `POLYMORPHIC` if the caller chooses.
    pub sent: u8,
    /// The same as received; `POLYMORPHIC` if anything is taken.
    pub taken: u8,
    /// Bits of an item.
    pub size_bits: u16,
    /// Items, or the most of them in the message; 0 out of line.
    pub number: u32,
    /// Items that make up one element of an array.
    pub per_element: u32,
    /// Where the data is.
    pub placement: Placement,
    /// Whether the descriptor has the long form.
    pub is_long: bool,
    /// Whether out-of-line data leaves the sender, by definition.
    pub deallocate: bool,
}

impl Shape {
    /// Items of `E` inside the message, under a short descriptor.
    #[must_use]
    pub const fn of<E: Element>(elements: u32, placement: Placement) -> Self {
        Self {
            sent: E::NAME,
            taken: E::TAKEN,
            size_bits: E::BITS,
            number: E::NUMBER * elements,
            per_element: E::NUMBER,
            placement,
            is_long: false,
            deallocate: false,
        }
    }

    /// Whether a message with it is complex.
    #[must_use]
    pub const fn complexity(&self) -> Complexity {
        use crate::message::TypeName;
        match self.placement {
            Placement::OutOfLine => Complexity::Complex,
            _ if TypeName(self.taken).is_right() => Complexity::Complex,
            _ if self.taken == TypeName::POLYMORPHIC.0 => Complexity::Varies,
            Placement::Flexible => Complexity::Varies,
            Placement::Fixed | Placement::UpTo => Complexity::Simple,
        }
    }

    /// The least and the most bytes of descriptor and data in the message.
    #[must_use]
    pub const fn bytes(&self) -> (usize, usize) {
        let descriptor = if self.is_long { 12 } else { 4 };
        let data = (self.number as usize * self.size_bits as usize / 8).next_multiple_of(4);
        match self.placement {
            Placement::Fixed => (descriptor + data, descriptor + data),
            Placement::UpTo | Placement::Flexible => (descriptor, descriptor + data),
            Placement::OutOfLine => (descriptor + 4, descriptor + 4),
        }
    }
}

/// An argument of a routine in a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name in the definition.
    pub name: &'static str,
    /// What its descriptor says.
    pub shape: Shape,
}
