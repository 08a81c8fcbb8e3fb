//! What is left to do when an operation on rights has changed the state.
//!
//! Owns no state: the kernel delivers what is listed here, once it has let go
//! of the lock. Source: manual 4.3.8; ids of `mach/notify.h`.

use super::PortId;
use crate::fixed_vec::FixedVec;

/// What the kernel must do after a change. Each holds a send-once right for
/// `notify`, which the notification uses up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// `MACH_NOTIFY_PORT_DELETED`: a name with a dead-name request is gone.
    PortDeleted {
        /// Where the notification goes.
        notify: PortId,
        /// The name, in the space of the request.
        name: u32,
    },
    /// `MACH_NOTIFY_MSG_ACCEPTED`: the name may force a message again.
    MessageAccepted {
        /// Where the notification goes.
        notify: PortId,
        /// The port's name in the sender's space; null if it has none.
        name: u32,
    },
    /// `MACH_NOTIFY_PORT_DESTROYED`: carries the receive right.
    PortDestroyed {
        /// Where the notification goes.
        notify: PortId,
        /// The port that would have died.
        port: PortId,
    },
    /// `MACH_NOTIFY_NO_SENDERS`, with the make-send count.
    NoSenders {
        /// Where the notification goes.
        notify: PortId,
        /// The make-send count.
        count: u32,
    },
    /// `MACH_NOTIFY_SEND_ONCE`: the right died unused.
    SendOnce {
        /// Where the notification goes.
        notify: PortId,
    },
    /// `MACH_NOTIFY_DEAD_NAME`.
    DeadName {
        /// Where the notification goes.
        notify: PortId,
        /// The name, in the space of the request.
        name: u32,
    },
}

/// The effects of one operation, in order.
#[derive(Debug)]
pub struct Effects(FixedVec<Effect, 4>);

impl Effects {
    /// None yet.
    pub const fn new() -> Self {
        let Some(filler) = PortId::from_index(0) else {
            unreachable!()
        };
        Self(FixedVec::new(Effect::SendOnce { notify: filler }))
    }

    /// Adds one. No operation has more than three: a deleted name's request,
    /// the last sender's, and the receive right's.
    pub(in crate::ipc) fn add(&mut self, effect: Effect) {
        let added = self.0.push(effect);
        debug_assert!(added.is_ok(), "an operation with more than four effects");
    }

    /// Takes the notification of the deleted `name` out if it goes to `notify`,
    /// whose send-once right is the caller's then: `MACH_SEND_CANCEL`.
    pub fn cancel_deleted(&mut self, notify: PortId, name: u32) -> Option<PortId> {
        let cancelled = Effect::PortDeleted { notify, name };
        let mut rest = Self::new();
        for effect in self.as_slice() {
            if *effect != cancelled {
                rest.add(*effect);
            }
        }
        let found = rest.0.len() < self.0.len();
        *self = rest;
        found.then_some(notify)
    }

    /// What there is to do.
    pub fn as_slice(&self) -> &[Effect] {
        self.0.as_slice()
    }
}

impl Default for Effects {
    fn default() -> Self {
        Self::new()
    }
}
