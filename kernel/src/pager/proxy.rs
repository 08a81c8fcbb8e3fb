//! Proxies: parts of memory objects, for less access than these allow.
//!
//! Owns what a proxy's port stands for. It goes with its last sender, and the right
//! to the object with it.

use kernel_core::ipc::Refusal;
use kernel_core::vm::map::{MapError, Protection};

use super::MemoryObject;
use crate::ipc::{HeldRight, KernelPort};
use crate::mm::shared::Shared;

/// A part of a memory object.
pub(crate) struct Proxy {
    /// A send right to the object's port; never to another proxy's.
    object: HeldRight,
    part: Part,
    port: KernelPort,
}

/// Which part, and what may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where it begins, in bytes of the object.
    pub(crate) start: u32,
    pub(crate) size: u32,
    pub(crate) protection: Protection,
}

impl Part {
    /// What `part` is, as a part of this one; none if it goes beyond.
    fn part(self, part: Part) -> Option<Part> {
        let end = part.start.checked_add(part.size)?;
        Some(Part {
            start: self.start.checked_add(part.start)?,
            size: part.size,
            protection: self.protection & part.protection,
        })
        .filter(|_| end <= self.size)
    }
}

impl Proxy {
    /// A send right to the port of a new proxy for a part of what `object` leads
    /// to.
    pub(crate) fn port_of(object: HeldRight, part: Part) -> Result<HeldRight, NoProxy> {
        let of = object
            .object()
            .and_then(|object| object.downcast::<Proxy>());
        let (object, part) = match of {
            Some(of) => (
                of.object.copy_send(),
                of.part.part(part).ok_or(NoProxy::Invalid)?,
            ),
            None => (object, part),
        };
        let port = KernelPort::new()?;
        let proxy = Shared::try_new(Proxy { object, part, port });
        let proxy = proxy.map_err(|_| NoProxy::Shortage)?;
        let right = proxy.port.stand_for_while_sent_to(proxy.clone().into_any());
        Ok(right?)
    }

    /// What is mapped in its place: the object, from where, and how at most.
    pub(crate) fn part(&self, offset: u32, size: u32) -> Result<(HeldRight, Part), MapError> {
        let whole = Part {
            start: offset,
            size,
            protection: Protection::ALL,
        };
        let part = self.part.part(whole).ok_or(MapError::InvalidArgument)?;
        Ok((self.object.copy_send(), part))
    }
}

/// Why there is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoProxy {
    /// It would be more than there is.
    Invalid,
    /// There is no memory.
    Shortage,
}

impl From<Refusal> for NoProxy {
    fn from(_: Refusal) -> NoProxy {
        NoProxy::Shortage
    }
}

impl MemoryObject {
    /// A right to the port that it is mapped by.
    pub(crate) fn port(&self) -> HeldRight {
        self.port.copy_send()
    }
}
