//! Single values: integers, truth values, names, rights, structures.
//!
//! Owns the elements; see the folder's module for who calls it.

use super::{Argument, BadArguments, Element, EncodeError, Placement, Reader, Shape, Writer};
use crate::layout::Plain;
use crate::message::{Descriptor, TypeName};
use crate::port::PortName;

macro_rules! elements {
    ($($type:ty: $name:ident, $bits:literal;)*) => {$(
        impl Element for $type {
            const NAME: u8 = TypeName::$name.0;
            const BITS: u16 = $bits;
        }
    )*};
}
elements! {
    bool: BOOLEAN, 32;
    u8: BYTE, 8;
    Char: CHAR, 8;
    u16: INTEGER_16, 16;
    u32: INTEGER_32, 32;
    i32: INTEGER_32, 32;
    u64: INTEGER_64, 64;
    PortName: PORT_NAME, 32;
}

/// A `char`: the byte type by another number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Char(pub u8);

impl Plain for Char {
    const BYTES: usize = 1;
    fn write(&self, out: &mut [u8]) {
        self.0.write(out);
    }
    fn read(bytes: &[u8]) -> Self {
        Self(u8::read(bytes))
    }
}

/// `boolean_t`: written as 0 or 1, read as true unless 0.
impl Plain for bool {
    const BYTES: usize = 4;
    fn write(&self, out: &mut [u8]) {
        u32::from(*self).write(out);
    }
    fn read(bytes: &[u8]) -> Self {
        u32::read(bytes) != 0
    }
}

impl Plain for PortName {
    const BYTES: usize = 4;
    fn write(&self, out: &mut [u8]) {
        self.0.write(out);
    }
    fn read(bytes: &[u8]) -> Self {
        Self(u32::read(bytes))
    }
}

const ANY: u8 = TypeName::POLYMORPHIC.0;
const RECEIVE: u8 = TypeName::MOVE_RECEIVE.0;
const SEND: u8 = TypeName::MOVE_SEND.0;
const ONCE: u8 = TypeName::MOVE_SEND_ONCE.0;
const COPY: u8 = TypeName::COPY_SEND.0;
const MAKE: u8 = TypeName::MAKE_SEND.0;
const MAKE_ONCE: u8 = TypeName::MAKE_SEND_ONCE.0;

/// A right in a body: a name in a task's messages, the kernel's own handle in
/// the kernel's. `SENT` is its disposition, `TAKEN` what the receiver insists
/// on; [`TypeName::POLYMORPHIC`] leaves either open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Right<const SENT: u8, const TAKEN: u8> {
    /// The name or handle.
    pub port: u32,
    /// What the descriptor says, or is to say where `SENT` is open.
    pub disposition: TypeName,
}

impl<const SENT: u8, const TAKEN: u8> Right<SENT, TAKEN> {
    /// A right with the disposition of its definition.
    #[must_use]
    pub const fn new(port: u32) -> Self {
        let disposition = TypeName(SENT);
        Self { port, disposition }
    }

    /// A right whose disposition the caller chooses; it counts only where the
    /// definition leaves it open.
    #[must_use]
    pub const fn with(port: u32, disposition: TypeName) -> Self {
        Self { port, disposition }
    }
}

impl<const SENT: u8, const TAKEN: u8> Plain for Right<SENT, TAKEN> {
    const BYTES: usize = 4;
    fn write(&self, out: &mut [u8]) {
        self.port.write(out);
    }
    fn read(bytes: &[u8]) -> Self {
        Self::with(u32::read(bytes), TypeName(TAKEN))
    }
}

impl<const SENT: u8, const TAKEN: u8> Element for Right<SENT, TAKEN> {
    const NAME: u8 = SENT;
    const TAKEN: u8 = TAKEN;
    const BITS: u16 = 32;
    fn chosen_name(&self) -> u8 {
        if SENT == ANY {
            self.disposition.0
        } else {
            SENT
        }
    }
    fn read_named(bytes: &[u8], name: u8) -> Self {
        Self::with(u32::read(bytes), TypeName(name))
    }
}

/// The sender keeps its send right.
pub type CopySend = Right<COPY, SEND>;
/// A send right made from a receive right.
pub type MakeSend = Right<MAKE, SEND>;
/// A send right that leaves the sender.
pub type MoveSend = Right<SEND, SEND>;
/// A receive right that leaves the sender.
pub type MoveReceive = Right<RECEIVE, RECEIVE>;
/// A send-once right that leaves the sender.
pub type MoveSendOnce = Right<ONCE, ONCE>;
/// A send right, come by as the sender chooses.
pub type SendRight = Right<ANY, SEND>;
/// A send-once right, come by as the sender chooses.
pub type SendOnceRight = Right<ANY, ONCE>;
/// A receive right.
pub type ReceiveRight = Right<ANY, RECEIVE>;
/// Any right at all, or a bare name.
pub type AnyRight = Right<ANY, ANY>;
/// Sent as a new send-once right; any right is taken.
pub type MakeSendOnceOrAny = Right<MAKE_ONCE, ANY>;

/// What a receiver sees of a disposition; other names stay.
pub(super) fn received(name: u16) -> u8 {
    u8::try_from(name).map_or(ANY, |name| TypeName(name).received().0)
}

impl<'a, E: Element> Argument<'a> for E {
    const SHAPE: Shape = Shape::of::<E>(1, Placement::Fixed);

    fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
        to.descriptor(Descriptor {
            name: self.chosen_name().into(),
            size_bits: E::BITS,
            number: E::NUMBER,
            is_inline: true,
            is_long: false,
            deallocate: false,
        })?;
        self.write(to.room(E::BYTES)?);
        Ok(())
    }

    fn take(from: &mut Reader<'a>) -> Result<Self, BadArguments> {
        let wanted = Descriptor {
            name: E::TAKEN.into(),
            size_bits: E::BITS,
            number: E::NUMBER,
            is_inline: true,
            is_long: false,
            deallocate: false,
        };
        if E::TAKEN != ANY && !wanted.carries_rights() {
            from.exactly(wanted)?;
            return Ok(Self::read(from.data(E::BYTES)?));
        }
        let found = from.descriptor()?;
        let name = u8::try_from(found.name).map_err(|_| BadArguments)?;
        let same = Descriptor {
            name: if E::TAKEN == ANY {
                found.name
            } else {
                wanted.name
            },
            deallocate: found.deallocate,
            ..wanted
        };
        if found != same {
            return Err(BadArguments);
        }
        Ok(Self::read_named(from.data(E::BYTES)?, name))
    }
}
