//! The numbers of messages: types, options, returns, notifications.
//!
//! For anyone. Sources: `mach/message.h`, `mach/notify.h`.

use crate::constants::named;

named! {
    /// `mach_msg_type_name_t`: what an item is, and what becomes of a right.
    TypeName: u8;
    BIT = 0, "MACH_MSG_TYPE_BIT";
    BOOLEAN = 0, "MACH_MSG_TYPE_BOOLEAN";
    INTEGER_16 = 1, "MACH_MSG_TYPE_INTEGER_16";
    INTEGER_32 = 2, "MACH_MSG_TYPE_INTEGER_32";
    CHAR = 8, "MACH_MSG_TYPE_CHAR";
    BYTE = 9, "MACH_MSG_TYPE_BYTE";
    REAL = 10, "MACH_MSG_TYPE_REAL";
    INTEGER_64 = 11, "MACH_MSG_TYPE_INTEGER_64";
    STRING = 12, "MACH_MSG_TYPE_STRING";
    PORT_NAME = 15, "MACH_MSG_TYPE_PORT_NAME";
    MOVE_RECEIVE = 16, "MACH_MSG_TYPE_MOVE_RECEIVE";
    MOVE_SEND = 17, "MACH_MSG_TYPE_MOVE_SEND";
    MOVE_SEND_ONCE = 18, "MACH_MSG_TYPE_MOVE_SEND_ONCE";
    COPY_SEND = 19, "MACH_MSG_TYPE_COPY_SEND";
    MAKE_SEND = 20, "MACH_MSG_TYPE_MAKE_SEND";
    MAKE_SEND_ONCE = 21, "MACH_MSG_TYPE_MAKE_SEND_ONCE";
    PROTECTED_PAYLOAD = 23, "MACH_MSG_TYPE_PROTECTED_PAYLOAD";
    /// In definitions only, never in a message: the caller chooses.
    POLYMORPHIC = 255, "MACH_MSG_TYPE_POLYMORPHIC";
}

impl TypeName {
    /// Whether it is a right's disposition: `MACH_MSG_TYPE_PORT_ANY`.
    #[must_use]
    pub const fn is_right(self) -> bool {
        self.0 >= Self::MOVE_RECEIVE.0 && self.0 <= Self::MAKE_SEND_ONCE.0
    }

    /// What the receiver sees of a right sent so: `MOVE_RECEIVE`, `MOVE_SEND`
    /// or `MOVE_SEND_ONCE`; anything else stays.
    #[must_use]
    pub const fn received(self) -> Self {
        match self {
            Self::COPY_SEND | Self::MAKE_SEND => Self::MOVE_SEND,
            Self::MAKE_SEND_ONCE => Self::MOVE_SEND_ONCE,
            other => other,
        }
    }
}

/// `mach_msg_option_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options(pub u32);

macro_rules! options {
    ($($constant:ident = $value:literal, $text:literal;)*) => {
        impl Options {
            $(#[doc = concat!("`", $text, "`.")] pub const $constant: Self = Self($value);)*

            /// Whether every option of `other` is set.
            #[must_use]
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// The options of both.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

options! {
    SEND_MSG = 0x1, "MACH_SEND_MSG";
    RCV_MSG = 0x2, "MACH_RCV_MSG";
    SEND_TIMEOUT = 0x10, "MACH_SEND_TIMEOUT";
    SEND_NOTIFY = 0x20, "MACH_SEND_NOTIFY";
    SEND_INTERRUPT = 0x40, "MACH_SEND_INTERRUPT";
    SEND_CANCEL = 0x80, "MACH_SEND_CANCEL";
    RCV_TIMEOUT = 0x100, "MACH_RCV_TIMEOUT";
    RCV_NOTIFY = 0x200, "MACH_RCV_NOTIFY";
    RCV_INTERRUPT = 0x400, "MACH_RCV_INTERRUPT";
    RCV_LARGE = 0x800, "MACH_RCV_LARGE";
    SEND_ALWAYS = 0x10000, "MACH_SEND_ALWAYS";
}

named! {
    /// `mach_msg_return_t`: what the message trap returns.
    MsgReturn: u32;
    SUCCESS = 0, "MACH_MSG_SUCCESS";
    SEND_IN_PROGRESS = 0x1000_0001, "MACH_SEND_IN_PROGRESS";
    SEND_INVALID_DATA = 0x1000_0002, "MACH_SEND_INVALID_DATA";
    SEND_INVALID_DEST = 0x1000_0003, "MACH_SEND_INVALID_DEST";
    SEND_TIMED_OUT = 0x1000_0004, "MACH_SEND_TIMED_OUT";
    SEND_WILL_NOTIFY = 0x1000_0005, "MACH_SEND_WILL_NOTIFY";
    SEND_NOTIFY_IN_PROGRESS = 0x1000_0006, "MACH_SEND_NOTIFY_IN_PROGRESS";
    SEND_INTERRUPTED = 0x1000_0007, "MACH_SEND_INTERRUPTED";
    SEND_MSG_TOO_SMALL = 0x1000_0008, "MACH_SEND_MSG_TOO_SMALL";
    SEND_INVALID_REPLY = 0x1000_0009, "MACH_SEND_INVALID_REPLY";
    SEND_INVALID_RIGHT = 0x1000_000a, "MACH_SEND_INVALID_RIGHT";
    SEND_INVALID_NOTIFY = 0x1000_000b, "MACH_SEND_INVALID_NOTIFY";
    SEND_INVALID_MEMORY = 0x1000_000c, "MACH_SEND_INVALID_MEMORY";
    SEND_NO_BUFFER = 0x1000_000d, "MACH_SEND_NO_BUFFER";
    SEND_NO_NOTIFY = 0x1000_000e, "MACH_SEND_NO_NOTIFY";
    SEND_INVALID_TYPE = 0x1000_000f, "MACH_SEND_INVALID_TYPE";
    SEND_INVALID_HEADER = 0x1000_0010, "MACH_SEND_INVALID_HEADER";
    RCV_IN_PROGRESS = 0x1000_4001, "MACH_RCV_IN_PROGRESS";
    RCV_INVALID_NAME = 0x1000_4002, "MACH_RCV_INVALID_NAME";
    RCV_TIMED_OUT = 0x1000_4003, "MACH_RCV_TIMED_OUT";
    RCV_TOO_LARGE = 0x1000_4004, "MACH_RCV_TOO_LARGE";
    RCV_INTERRUPTED = 0x1000_4005, "MACH_RCV_INTERRUPTED";
    RCV_PORT_CHANGED = 0x1000_4006, "MACH_RCV_PORT_CHANGED";
    RCV_INVALID_NOTIFY = 0x1000_4007, "MACH_RCV_INVALID_NOTIFY";
    RCV_INVALID_DATA = 0x1000_4008, "MACH_RCV_INVALID_DATA";
    RCV_PORT_DIED = 0x1000_4009, "MACH_RCV_PORT_DIED";
    RCV_IN_SET = 0x1000_400a, "MACH_RCV_IN_SET";
    RCV_HEADER_ERROR = 0x1000_400b, "MACH_RCV_HEADER_ERROR";
    RCV_BODY_ERROR = 0x1000_400c, "MACH_RCV_BODY_ERROR";
}

impl MsgReturn {
    /// `MACH_MSG_MASK`: the bits that say what could not be handled.
    pub const MASK: u32 = 0x3c00;
    /// `MACH_MSG_IPC_SPACE`: no room in the name space.
    pub const IPC_SPACE: u32 = 0x2000;
    /// `MACH_MSG_VM_SPACE`: no room in the address space.
    pub const VM_SPACE: u32 = 0x1000;
    /// `MACH_MSG_IPC_KERNEL`: the kernel is short of IPC resources.
    pub const IPC_KERNEL: u32 = 0x800;
    /// `MACH_MSG_VM_KERNEL`: the kernel is short of memory.
    pub const VM_KERNEL: u32 = 0x400;
}

named! {
    /// Ids of notifications.
    NotifyId: i32;
    PORT_DELETED = 65, "MACH_NOTIFY_PORT_DELETED";
    MSG_ACCEPTED = 66, "MACH_NOTIFY_MSG_ACCEPTED";
    PORT_DESTROYED = 69, "MACH_NOTIFY_PORT_DESTROYED";
    NO_SENDERS = 70, "MACH_NOTIFY_NO_SENDERS";
    SEND_ONCE = 71, "MACH_NOTIFY_SEND_ONCE";
    DEAD_NAME = 72, "MACH_NOTIFY_DEAD_NAME";
}
