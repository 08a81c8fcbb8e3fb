//! A right that the kernel itself holds.
//!
//! Owns one right outside of any task's names and any message. Called by
//! whatever keeps a port for a task, or has taken one out of a request.

use alloc::vec::Vec;
use core::mem;

use kernel_core::ipc::port::{Effects, Port, PortId};
use kernel_core::ipc::right::{Carried, Refusal};

use super::message::Kmsg;
use super::{Names, with};
use crate::mm::OutOfMemory;

/// A right; given up when dropped, outside of the lock.
#[derive(Debug)]
pub(crate) struct HeldRight(Carried);

impl HeldRight {
    /// `MACH_PORT_NULL`.
    pub(crate) const NULL: HeldRight = HeldRight(Carried::Null);

    /// Takes the right over.
    pub(crate) const fn new(right: Carried) -> HeldRight {
        HeldRight(right)
    }

    /// One more send right, if this is one to a live port; else what it is worth.
    pub(crate) fn copy_send(&self) -> HeldRight {
        HeldRight(match self.0 {
            Carried::Send(port) => with(|ipc| ipc.post.ports.copy_send(port)),
            Carried::Dead => Carried::Dead,
            _ => Carried::Null,
        })
    }

    /// Gives `names` a copy of the right, if it is one to send to a live port, and
    /// tells its name.
    pub(crate) fn give_copy(&self, names: &Names) -> Result<u32, Refusal> {
        if let Carried::Send(port) = self.0 {
            let again = with(|ipc| {
                let space = names.0.get(&mut ipc.key);
                space.give_again(&ipc.post.ports, port)
            });
            if let Some(name) = again {
                return Ok(name);
            }
        }
        names.give(self.copy_send())
    }

    /// Whether it is a send right to a port that was live when it was copied.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.0, Carried::Send(_))
    }

    /// The right, for the caller to keep or to give up.
    pub(crate) fn into_carried(mut self) -> Carried {
        mem::replace(&mut self.0, Carried::Null)
    }
}

impl HeldRight {
    /// Whether both are rights to the same live port.
    pub(crate) fn leads_where(&self, other: &HeldRight) -> bool {
        self.port().is_some() && self.port() == other.port()
    }

    /// Whether this is `MACH_PORT_NULL`.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self.0, Carried::Null)
    }

    /// A number that no other port has while there is a right to this one.
    pub(crate) fn port_number(&self) -> Option<u32> {
        self.port().map(|port| port.index())
    }

    /// Whether it is a right to send to a port that somebody receives from, or
    /// will.
    pub(crate) fn has_receiver(&self) -> bool {
        self.port()
            .is_some_and(|port| with(|ipc| !ipc.post.ports.is_dead(port)))
    }

    /// How many messages nobody has received yet that were sent to its port.
    pub(crate) fn queued(&self) -> u32 {
        let queued = |port| with(|ipc| ipc.post.ports.at(port).map(Port::queued));
        self.port().and_then(queued).unwrap_or(0)
    }

    /// The port that it sends to.
    pub(super) const fn port(&self) -> Option<PortId> {
        match self.0 {
            Carried::Send(port) | Carried::SendOnce(port) => Some(port),
            _ => None,
        }
    }

    /// Sends a message of one integer through this send right, whatever the
    /// queue's limit: the caller sends no second one before it is answered.
    ///
    /// # Errors
    ///
    /// The port is dead, or there is no memory.
    pub(crate) fn send_word(&self, id: i32, word: u32) -> Result<(), Unsent> {
        let Carried::Send(port) = self.0 else {
            return Err(Unsent);
        };
        with(|ipc| {
            if ipc.post.ports.is_dead(port) {
                return Err(Unsent);
            }
            let right = ipc.post.ports.copy_send(port);
            let sent = match Kmsg::one_integer(right, id, word) {
                Some(kmsg) => ipc.post.force_through(kmsg),
                None => {
                    ipc.post.ports.drop_right(right, &mut Effects::new());
                    false
                }
            };
            ipc.post.settle(&Effects::new());
            sent.then_some(()).ok_or(Unsent)
        })
    }
}

/// A message of the kernel's reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsent;

/// Rights in a row; those that nobody takes are given up when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct HeldRights(Vec<Carried>);

impl HeldRights {
    /// Takes the rights over.
    pub(super) fn new(rights: Vec<Carried>) -> HeldRights {
        HeldRights(rights)
    }

    /// Appends a right.
    ///
    /// # Errors
    ///
    /// There is no memory; the right is given up.
    pub(crate) fn push(&mut self, right: HeldRight) -> Result<(), OutOfMemory> {
        self.0.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.0.push(right.into_carried());
        Ok(())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.0.len() as u32
    }

    /// Takes the last one.
    pub(crate) fn pop(&mut self) -> Option<HeldRight> {
        self.0.pop().map(HeldRight::new)
    }

    /// The rights, for the caller to keep or to give up.
    pub(super) fn into_carried(mut self) -> Vec<Carried> {
        mem::take(&mut self.0)
    }
}

impl Drop for HeldRights {
    fn drop(&mut self) {
        while let Some(right) = self.pop() {
            drop(right);
        }
    }
}

impl Drop for HeldRight {
    fn drop(&mut self) {
        if matches!(self.0, Carried::Null | Carried::Dead) {
            return;
        }
        with(|ipc| {
            let mut effects = Effects::new();
            ipc.post.ports.drop_right(self.0, &mut effects);
            ipc.post.settle(&effects);
        });
    }
}
