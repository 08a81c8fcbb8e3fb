//! I/O ports that tasks may be given.
//!
//! Owns what a port of `i386_io_perm_create` stands for: a range, which whoever
//! has the port may have put into a task's map. Goes with its last sender; what
//! was put into maps stays there until it is taken out, or the task ends.

use alloc::boxed::Box;
use alloc::vec::Vec;

use kernel_core::port_map::Permission;

use super::{Shortage, Task};
use crate::arch::percpu;
use crate::arch::segments::WIDE_WORDS;
use crate::ipc::{HeldRight, KernelPort};
use crate::mm::shared::Shared;
use crate::sync::{TaskLock, rank};

/// Some I/O ports.
pub(crate) struct PortRange {
    first: u16,
    last: u16,
    port: KernelPort,
}

impl PortRange {
    /// A send right to the port of a new range, whose last port is in it.
    pub(crate) fn port_of(first: u16, last: u16) -> Result<HeldRight, Shortage> {
        make_room()?;
        let port = KernelPort::new()?;
        let range = Shared::try_new(PortRange { first, last, port })?;
        let right = range.port.stand_for_while_sent_to(range.clone().into_any());
        Ok(right?)
    }

    /// Lets the task use them, or not any more.
    pub(crate) fn permit(&self, task: &Task, permission: Permission) -> Result<(), Shortage> {
        let pmap = task.space().pmap();
        Ok(pmap.permit_ports(self.first, self.last, permission)?)
    }
}

/// Sees to it that each processor can have a map of ports.
fn make_room() -> Result<(), Shortage> {
    static MAKING: TaskLock<rank::RoomForPorts, ()> = TaskLock::new(());
    let _making = MAKING.lock();
    for processor in percpu::all().filter(|processor| !processor.has_room_for_ports()) {
        let mut room: Vec<u64> = Vec::new();
        room.try_reserve_exact(WIDE_WORDS).map_err(|_| Shortage)?;
        room.resize(WIDE_WORDS, 0);
        let room = Box::<[u64; WIDE_WORDS]>::try_from(room);
        processor.give_room_for_ports(room.map_err(|_| Shortage)?);
    }
    Ok(())
}
