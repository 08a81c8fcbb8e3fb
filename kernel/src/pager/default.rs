//! The default pager: who has what goes out of the kernel's own memory.
//!
//! Owns the port on which it is asked to take objects over, and makes each object
//! a memory object with ports of its own when its first page goes
//! (manual 6.7).

use alloc::boxed::Box;

use abi::layout::vm::PAGE_SIZE;
use abi::routine::memory_object_default::memory_object_create;
use abi::wire::{MakeSend, MoveReceive};
use kernel_core::ipc::right::NULL;

use super::{Managing, MemoryObject};
use crate::ipc::{Gives, HeldRight, port_pair, tell};
use crate::mm::heap::try_box;
use crate::mm::shared::Shared;
use crate::sync::{TaskLock, rank};
use crate::vm::managed::{Manager, SharedManager};
use crate::vm::pageout;

static DEFAULT: TaskLock<rank::MemoryObjects, HeldRight> = TaskLock::new(HeldRight::NULL);

/// `vm_set_default_memory_manager`: who it was; null leaves it what it is.
pub(crate) fn set(new: HeldRight) -> HeldRight {
    let mut default = DEFAULT.lock();
    if new.is_null() {
        return default.copy_send();
    }
    pageout::set_default(new.has_receiver());
    core::mem::replace(&mut *default, new)
}

/// A manager of the default pager's for an object of so many pages, which it is
/// told of (`memory_object_create`).
pub(super) fn make_manager(pages: u32) -> Option<SharedManager> {
    let default = DEFAULT.lock().copy_send();
    if !default.has_receiver() {
        pageout::set_default(false);
        return None;
    }
    let (receive, send) = port_pair().ok()?;
    let (object, ports) = MemoryObject::new(send).ok()?;
    let manager: Box<dyn Manager> = try_box(Managing(object.clone())).ok()?;
    let manager = Shared::try_new(manager).ok()?;
    let mut gives = Gives::default();
    gives.right(receive);
    gives.right(ports.control.make_send());
    gives.right(ports.name.make_send());
    object.begin(ports);
    let request = memory_object_create::Request {
        new_memory_object: MoveReceive::new(NULL),
        new_object_size: pages.saturating_mul(PAGE_SIZE),
        new_control_port: MakeSend::new(NULL),
        new_name: MakeSend::new(NULL),
        new_page_size: PAGE_SIZE,
    };
    if tell(default, &request, gives).is_err() {
        object.leave();
        return None;
    }
    Some(manager)
}
