//! Kinds of rights, how they travel, and what an operation on them may answer.
//!
//! Owns no state. Numbers are those of `mach/port.h`, `mach/message.h` and
//! `mach/kern_return.h`.

use super::port::PortId;

/// The name that denotes nothing: `MACH_PORT_NULL`.
pub const NULL: u32 = 0;
/// The name that stands for a right whose port died: `MACH_PORT_DEAD`.
pub const DEAD: u32 = u32::MAX;
/// The most user references of one right. The reference kernel's limit, seen:
/// 65,535 are accepted, one more is `KERN_UREFS_OVERFLOW`.
pub const UREFS_MAX: u32 = 0xffff;

/// Why a `mach_port` operation was refused; nothing has changed then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// `KERN_NO_SPACE`: every name is taken.
    NoSpace = 3,
    /// `KERN_INVALID_ARGUMENT`.
    InvalidArgument = 4,
    /// `KERN_RESOURCE_SHORTAGE`: no kernel memory.
    ResourceShortage = 6,
    /// `KERN_NOT_IN_SET`.
    NotInSet = 12,
    /// `KERN_NAME_EXISTS`: the name already denotes a right.
    NameExists = 13,
    /// `KERN_INVALID_NAME`: the name denotes no right.
    InvalidName = 15,
    /// `KERN_INVALID_RIGHT`: the name denotes another kind of right.
    InvalidRight = 17,
    /// `KERN_INVALID_VALUE`.
    InvalidValue = 18,
    /// `KERN_UREFS_OVERFLOW`.
    UrefsOverflow = 19,
    /// `KERN_INVALID_CAPABILITY`: no right was given where one is needed.
    InvalidCapability = 20,
    /// `KERN_RIGHT_EXISTS`: the task has the right under another name.
    RightExists = 21,
}

impl Refusal {
    /// The `kern_return_t`.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// The kinds of rights, `mach_port_right_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// To send, any number of times.
    Send = 0,
    /// To receive.
    Receive = 1,
    /// To send once.
    SendOnce = 2,
    /// To receive from several ports.
    PortSet = 3,
    /// None any more.
    DeadName = 4,
}

impl Right {
    /// The right with this number.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] if there is none.
    pub const fn from_number(number: u32) -> Result<Self, Refusal> {
        Ok(match number {
            0 => Self::Send,
            1 => Self::Receive,
            2 => Self::SendOnce,
            3 => Self::PortSet,
            4 => Self::DeadName,
            _ => return Err(Refusal::InvalidValue),
        })
    }

    /// The right's bit in a `mach_port_type_t`.
    pub const fn type_bit(self) -> u32 {
        1 << (self as u32 + 16)
    }
}

/// A dead-name request stands: `MACH_PORT_TYPE_DNREQUEST`.
pub const TYPE_DNREQUEST: u32 = 1 << 31;
/// A msg-accepted request stands: `MACH_PORT_TYPE_MAREQUEST`.
pub const TYPE_MAREQUEST: u32 = 1 << 30;

/// How a right is taken out of the sender's names (manual 4.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// The receive right itself.
    MoveReceive = 16,
    /// One user reference of a send right.
    MoveSend = 17,
    /// The send-once right itself.
    MoveSendOnce = 18,
    /// A copy of a send right.
    CopySend = 19,
    /// A new send right, made from the receive right.
    MakeSend = 20,
    /// A new send-once right, made from the receive right.
    MakeSendOnce = 21,
}

impl Disposition {
    /// The disposition with this number, `MACH_MSG_TYPE_PORT_ANY`.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            16 => Self::MoveReceive,
            17 => Self::MoveSend,
            18 => Self::MoveSendOnce,
            19 => Self::CopySend,
            20 => Self::MakeSend,
            21 => Self::MakeSendOnce,
            _ => return None,
        })
    }

    /// The disposition with this number if it makes a right to send,
    /// `MACH_MSG_TYPE_PORT_ANY_SEND`.
    pub const fn sending(number: u32) -> Option<Self> {
        match Self::from_number(number) {
            Some(Self::MoveReceive) | None => None,
            some => some,
        }
    }

    /// The type that the receiver sees.
    pub const fn received(self) -> u32 {
        match self {
            Self::MoveReceive => 16,
            Self::MoveSend | Self::CopySend | Self::MakeSend => 17,
            Self::MoveSendOnce | Self::MakeSendOnce => 18,
        }
    }
}

/// A right on its way: taken from one task, not yet given to another. Whoever
/// holds one must hand it on or drop it ([`super::port::Ports::drop_right`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carried {
    /// `MACH_PORT_NULL` in place of a right.
    Null,
    /// `MACH_PORT_DEAD`, or the copy of a dead name.
    Dead,
    /// A send right.
    Send(PortId),
    /// A send-once right.
    SendOnce(PortId),
    /// The receive right.
    Receive(PortId),
}
