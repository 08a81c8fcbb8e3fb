//! Port names, rights, and types of names.
//!
//! Pure numbers, for anyone. Source: `mach/port.h`.

use crate::constants::named;
use crate::layout::plain;

/// A task's name for a right: `mach_port_name_t`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PortName(pub u32);

impl PortName {
    /// `MACH_PORT_NULL`: no right.
    pub const NULL: Self = Self(0);
    /// `MACH_PORT_DEAD`: a right whose port died before it arrived.
    pub const DEAD: Self = Self(u32::MAX);

    /// Whether it may name a right: neither null nor dead.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 != Self::NULL.0 && self.0 != Self::DEAD.0
    }
}

named! {
    /// `mach_port_right_t`: what a name may stand for.
    PortRight: u32;
    SEND = 0, "MACH_PORT_RIGHT_SEND";
    RECEIVE = 1, "MACH_PORT_RIGHT_RECEIVE";
    SEND_ONCE = 2, "MACH_PORT_RIGHT_SEND_ONCE";
    PORT_SET = 3, "MACH_PORT_RIGHT_PORT_SET";
    DEAD_NAME = 4, "MACH_PORT_RIGHT_DEAD_NAME";
}

impl PortRight {
    /// The bit of `mach_port_type_t` for this right; none for a wild number.
    #[must_use]
    pub const fn type_bit(self) -> u32 {
        if self.0 <= Self::DEAD_NAME.0 {
            1 << (self.0 + 16)
        } else {
            0
        }
    }
}

/// `MACH_PORT_TYPE_DNREQUEST`: a dead-name notification is requested.
pub const PORT_TYPE_DNREQUEST: u32 = 0x8000_0000;
/// `MACH_PORT_TYPE_MAREQUEST`: a message-accepted notification is requested.
pub const PORT_TYPE_MAREQUEST: u32 = 0x4000_0000;
/// `MACH_PORT_TYPE_COMPAT`: a name in the old compatibility mode.
pub const PORT_TYPE_COMPAT: u32 = 0x2000_0000;
/// `MACH_PORT_QLIMIT_DEFAULT`, in messages.
pub const QLIMIT_DEFAULT: u32 = 5;
/// `MACH_PORT_QLIMIT_MAX`, in messages.
pub const QLIMIT_MAX: u32 = 16;

plain! {
    /// `mach_port_status_t`: the state of a receive right.
    PortStatus {
        /// The set that holds the right, or null.
        pset: u32,
        /// The next message's sequence number.
        seqno: u32,
        /// Send rights made so far.
        mscount: u32,
        /// Limit of the queue, in messages.
        qlimit: u32,
        /// Messages in the queue.
        msgcount: u32,
        /// Send-once rights there are.
        sorights: u32,
        /// Whether there are send rights.
        srights: u32,
        /// Whether a port-destroyed notification is requested.
        pdrequest: u32,
        /// Whether a no-senders notification is requested.
        nsrequest: u32,
    }
}
