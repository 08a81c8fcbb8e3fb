//! Ports that name memory objects, for whoever debugs them.
//!
//! Owns which object has such a port: one at a time, so that two regions of the
//! same object have the same name. A port ends with its last sender, and lets go
//! of the object.

use kernel_core::radix::Radix;

use super::Shortage;
use crate::ipc::{Fleeting, HeldRight, KernelPort};
use crate::mm::shared::Shared;
use crate::sync::{TaskLock, rank};
use crate::vm::look::Looked;

/// The port of one object.
pub(crate) struct ObjectName {
    object: Looked,
    port: KernelPort,
}

/// The number of the port by the object's. Each port is here while its `ObjectName`
/// lives, if it is the object's.
static NAMES: TaskLock<rank::ObjectNames, Radix<u32>> = TaskLock::new(Radix::new());

impl ObjectName {
    /// A send right to the port of an object.
    pub(crate) fn port_of(object: Looked) -> Result<HeldRight, Shortage> {
        let number = object.number();
        if let Some(right) = find(&NAMES.lock(), number) {
            return Ok(right);
        }
        let port = KernelPort::new()?;
        let named = Shared::try_new(ObjectName { object, port })?;
        let mut names = NAMES.lock();
        // Somebody may have been faster.
        if let Some(right) = find(&names, number) {
            return Ok(right);
        }
        names.remove(number);
        let port = named.port.fleeting().number();
        names.insert(number, port).map_err(|_| Shortage)?;
        let right = named.port.stand_for_while_sent_to(named.clone().into_any());
        Ok(right?)
    }

    /// The object.
    pub(crate) fn object(&self) -> &Looked {
        &self.object
    }
}

/// A right to the port of an object that has one, which is not just ending.
fn find(names: &Radix<u32>, number: u32) -> Option<HeldRight> {
    let right = Fleeting::from_number(*names.at(number)?)?.make_send();
    right.object().is_some().then_some(right)
}

impl Drop for ObjectName {
    fn drop(&mut self) {
        let mut names = NAMES.lock();
        let number = self.object.number();
        if names.at(number) == Some(&self.port.fleeting().number()) {
            names.remove(number);
        }
    }
}
