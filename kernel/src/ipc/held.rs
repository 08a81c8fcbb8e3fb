//! A right that the kernel itself holds.
//!
//! Owns one right outside of any task's names and any message. Called by
//! whatever keeps a port for a task, or has taken one out of a request.

use core::mem;

use kernel_core::ipc::port::Effects;
use kernel_core::ipc::right::Carried;

use super::with;

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

    /// The right, for the caller to keep or to give up.
    pub(crate) fn into_carried(mut self) -> Carried {
        mem::replace(&mut self.0, Carried::Null)
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
