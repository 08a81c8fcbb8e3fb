//! The tasks that were started here, until they end.
//!
//! Owns a send right to each, and the port at which the kernel tells of their
//! ends: a task's port dies with it.

use alloc::string::String;
use alloc::vec::Vec;

use user_rt::abi::message::{Header, MsgReturn, NotifyId, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::wire::SendOnceRight;
use user_rt::message::{Buffer, Exchange, received};
use user_rt::rpc::mach_port;
use user_rt::trap::{self, Result};

/// One of them.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) task: PortName,
    pub(crate) name: String,
}

/// All that have not ended.
#[derive(Debug)]
pub(crate) struct Children {
    notify: PortName,
    all: Vec<Child>,
}

impl Children {
    /// None yet.
    ///
    /// # Errors
    /// There is no port for their ends.
    pub(crate) fn new() -> Result<Children> {
        let notify = trap::mach_port_allocate(trap::mach_task_self(), PortRight::RECEIVE)?;
        Ok(Children {
            notify,
            all: Vec::new(),
        })
    }

    /// A task was started.
    pub(crate) fn add(&mut self, task: PortName, name: String) {
        let right = SendOnceRight::with(self.notify.0, TypeName::MAKE_SEND_ONCE);
        let own = trap::mach_task_self();
        let id = NotifyId::DEAD_NAME.0;
        // One that has ended already is told of at once.
        let _ = mach_port::mach_port_request_notification(own, task, id, 1, right);
        self.all.push(Child { task, name });
    }

    /// What the task was started as, if it was started here.
    pub(crate) fn name_of(&self, task: PortName) -> Option<&str> {
        let child = self.all.iter().find(|child| child.task == task);
        child.map(|child| child.name.as_str())
    }

    /// Those that have ended within so many milliseconds; waits no longer than
    /// until one has.
    pub(crate) fn ended(&mut self, within_ms: u32) -> Option<Child> {
        let mut room = Buffer::<128>::new();
        let exchange = Exchange::receive(self.notify).within(within_ms);
        if exchange.run(&mut room.0) != MsgReturn::SUCCESS {
            return None;
        }
        let message = received(&room.0);
        let header = Header::read(message)?;
        let name = message.get(28..32)?.first_chunk().copied()?;
        if header.id != NotifyId::DEAD_NAME.0 {
            return None;
        }
        let task = PortName(u32::from_le_bytes(name));
        let place = self.all.iter().position(|child| child.task == task)?;
        let own = trap::mach_task_self();
        // The dead name, and the reference that came with the notification.
        let _ = trap::mach_port_deallocate(own, task);
        let _ = trap::mach_port_deallocate(own, task);
        Some(self.all.remove(place))
    }
}
