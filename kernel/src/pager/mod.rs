//! Memory objects whose pages tasks supply: the kernel's side of each.
//!
//! Owns a memory object's ports, and which object stands for which: mapped by its
//! port again, it is the same. What its pager is told goes out from here; what
//! that says comes in by the routines on the control port. What is known of the
//! pages is the business of [`crate::vm::managed`].
//!
//! **Invariants**: stand beside the fields.

mod daemon;
mod default;
mod proxy;

use alloc::boxed::Box;

use abi::layout::vm::PAGE_SIZE;
use abi::routine::memory_object::*;
use abi::routine::memory_object_default::memory_object_data_initialize;
use abi::wire::{MakeSend, MoveReceive, OutOfLine};
use kernel_core::arena::NoMemory;
use kernel_core::ipc::right::NULL;
use kernel_core::radix::Radix;
use kernel_core::vm::ledger::Ask;
use kernel_core::vm::map::{MapError, Protection};
use spin::Once;

pub(crate) use self::daemon::start;
pub(crate) use self::default::set as set_default;
pub(crate) use self::proxy::{NoProxy, Part, Proxy};
use crate::ipc::{Gives, HeldRight, KernelPort, tell};
use crate::mm::heap::try_box;
use crate::mm::shared::{Any, Shared};
use crate::sync::{TaskLock, rank};
use crate::vm::copy::Copy;
use crate::vm::managed::{self, Given, Id, Kept, Manager, NotAsked, Reference};

/// A memory object that a task supplies.
pub(crate) struct MemoryObject {
    /// A send right to the port that it is mapped by.
    port: HeldRight,
    /// Until its pager is told that it is over; they stand for it.
    ports: TaskLock<rank::MemoryObject, Option<Ports>>,
    /// Its pages; from the beginning, as others see it.
    id: Once<Id>,
}

struct Ports {
    control: KernelPort,
    of_control: Shared<Any>,
    name: KernelPort,
    of_name: Shared<Any>,
}

/// What a control port stands for.
pub(crate) struct Control(pub(crate) Shared<MemoryObject>);

/// What the port that names an object stands for.
pub(crate) struct Name(pub(crate) Shared<MemoryObject>);

/// By the number of its port: the port stays while the object has a right to it.
static TABLE: TaskLock<rank::MemoryObjects, Radix<Shared<MemoryObject>>> =
    TaskLock::new(Radix::new());

/// The object to be mapped by `right`: the one that there is, or a new one, whose
/// pager is told.
pub(crate) fn object_of(right: HeldRight) -> Result<Reference, MapError> {
    let number = right.port_number().ok_or(MapError::InvalidArgument)?;
    if !right.has_receiver() {
        return Err(MapError::InvalidArgument);
    }
    let mut before = None;
    let made = {
        let mut table = TABLE.lock();
        let known = table.at(number).and_then(|object| object.refer());
        match known {
            Some(reference) => return Ok(reference),
            None => make(&mut table, number, right, &mut before),
        }
    };
    // Without the lock: it may be the last of one that is over.
    drop(before);
    let (object, reference) = made?;
    object.tell_of_itself();
    Ok(reference)
}

fn make(
    table: &mut Radix<Shared<MemoryObject>>,
    number: u32,
    port: HeldRight,
    before: &mut Option<Shared<MemoryObject>>,
) -> Result<(Shared<MemoryObject>, Reference), MapError> {
    let shortage = MapError::ResourceShortage;
    let (object, ports) = MemoryObject::new(port)?;
    let manager: Box<dyn Manager> = try_box(Managing(object.clone())).map_err(|_| shortage)?;
    let manager = Shared::try_new(manager).map_err(|_| shortage)?;
    *before = table.at(number).cloned();
    let inserted = table.insert(number, object.clone());
    inserted.map_err(|NoMemory| shortage)?;
    let (id, reference) = match managed::create(&manager) {
        Ok(made) => made,
        Err(error) => {
            table.remove(number);
            return Err(error);
        }
    };
    manager.manages(id);
    object.begin(ports);
    Ok((object, reference))
}

impl MemoryObject {
    /// With ports that stand for it from [`MemoryObject::begin`] on.
    fn new(port: HeldRight) -> Result<(Shared<MemoryObject>, Ports), MapError> {
        let shortage = MapError::ResourceShortage;
        let new_port = || KernelPort::new().map_err(|_| shortage);
        let (control, name) = (new_port()?, new_port()?);
        let object = Shared::try_new(MemoryObject {
            port,
            ports: TaskLock::new(None),
            id: Once::new(),
        });
        let object = object.map_err(|_| shortage)?;
        let of_control = Shared::try_new(Control(object.clone()));
        let of_name = Shared::try_new(Name(object.clone()));
        let ports = Ports {
            of_control: of_control.map_err(|_| shortage)?.into_any(),
            of_name: of_name.map_err(|_| shortage)?.into_any(),
            control,
            name,
        };
        Ok((object, ports))
    }

    /// From now on its ports stand for it: until it leaves.
    fn begin(&self, ports: Ports) {
        ports.control.stand_for(ports.of_control.clone());
        ports.name.stand_for(ports.of_name.clone());
        *self.ports.lock() = Some(ports);
    }

    /// Its pages; none while it is made.
    pub(crate) fn id(&self) -> Option<Id> {
        self.id.get().copied()
    }

    fn refer(&self) -> Option<Reference> {
        managed::refer(self.id()?)
    }

    fn control(&self) -> Option<HeldRight> {
        let ports = self.ports.lock();
        Some(ports.as_ref()?.control.make_send())
    }

    /// A send right to the port that names it.
    pub(crate) fn name(&self) -> HeldRight {
        let ports = self.ports.lock();
        let name = ports.as_ref().map(|ports| ports.name.make_send());
        name.unwrap_or(HeldRight::NULL)
    }

    /// Why its pager could not be told something.
    fn why(&self) -> NotAsked {
        match self.port.has_receiver() {
            true => NotAsked::Shortage,
            false => NotAsked::Gone,
        }
    }

    /// `memory_object_init`.
    fn tell_of_itself(&self) {
        let mut gives = Gives::default();
        if let Some(ports) = &*self.ports.lock() {
            gives.right(ports.control.make_send());
            gives.right(ports.name.make_send());
        }
        let request = memory_object_init::Request {
            memory_control: MakeSend::new(NULL),
            memory_object_name: MakeSend::new(NULL),
            memory_object_page_size: PAGE_SIZE,
        };
        let told = tell(self.port.copy_send(), &request, gives);
        if let (Err(_), Some(id)) = (told, self.id()) {
            managed::end(id);
        }
    }

    /// From now on its pager is neither asked nor heard (`memory_object_destroy`).
    pub(crate) fn destroy(&self) {
        if let Some(id) = self.id() {
            managed::end(id);
        }
        self.leave();
    }

    /// Gives its ports away, once, and is not what its port stands for any more.
    fn leave(&self) {
        let own = {
            let mut table = TABLE.lock();
            let number = self.port.port_number();
            let is_own = |number: &u32| {
                let object = table.at(*number);
                object.is_some_and(|object| core::ptr::eq(&**object, self))
            };
            let number = number.filter(is_own);
            number.and_then(|number| table.remove(number))
        };
        let ports = self.ports.lock().take();
        if let Some(ports) = ports {
            let mut gives = Gives::default();
            gives.right(ports.control.into_receive());
            gives.right(ports.name.into_receive());
            let request = memory_object_terminate::Request {
                memory_control: MoveReceive::new(NULL),
                memory_object_name: MoveReceive::new(NULL),
            };
            // To a dead port: then its ports die as well.
            let _ = tell(self.port.copy_send(), &request, gives);
        }
        drop(own);
    }

    /// `memory_object_lock_completed`.
    pub(crate) fn tell_locked(&self, to: HeldRight, offset: u32, length: u32) {
        let request = memory_object_lock_completed::Request {
            memory_control: MakeSend::new(NULL),
            offset,
            length,
        };
        self.answer(to, &request);
    }

    /// `memory_object_supply_completed`, if anybody is to know.
    pub(crate) fn tell_supplied(
        &self,
        to: HeldRight,
        (offset, length): (u32, u32),
        (result, error_offset): (i32, u32),
    ) {
        let request = memory_object_supply_completed::Request {
            memory_control: MakeSend::new(NULL),
            offset,
            length,
            result,
            error_offset,
        };
        self.answer(to, &request);
    }

    /// Tells `to`, and with what control port.
    fn answer<'a, Q: abi::routine::RequestBody<'a>>(&self, to: HeldRight, request: &Q) {
        let Some(control) = self.control() else {
            return;
        };
        let mut gives = Gives::default();
        gives.right(control);
        let _ = tell(to, request, gives);
    }
}

/// `memory_object_change_completed`: it may be the last that is heard of it.
pub(crate) fn tell_changed(to: HeldRight, may_cache: bool, copy_strategy: i32) {
    let request = memory_object_change_completed::Request {
        may_cache,
        copy_strategy,
    };
    let _ = tell(to, &request, Gives::default());
}

/// The object, as the layer below knows it.
struct Managing(Shared<MemoryObject>);

impl Manager for Managing {
    fn ask(&self, offset: u32, ask: Ask) -> Result<(), NotAsked> {
        let object = &self.0;
        let control = object.control().ok_or(NotAsked::Gone)?;
        let mut gives = Gives::default();
        gives.right(control);
        let to = object.port.copy_send();
        let (memory_control, length) = (MakeSend::new(NULL), PAGE_SIZE);
        let access = |access: Protection| access.bits() as i32;
        let told = match ask {
            Ask::Data(desired) => {
                let request = memory_object_data_request::Request {
                    memory_control,
                    offset,
                    length,
                    desired_access: access(desired),
                };
                tell(to, &request, gives)
            }
            Ask::Unlock(desired) => {
                let request = memory_object_data_unlock::Request {
                    memory_control,
                    offset,
                    length,
                    desired_access: access(desired),
                };
                tell(to, &request, gives)
            }
        };
        told.map_err(|_| object.why())
    }

    fn give_back(&self, offset: u32, data: Copy, given: Given) -> Result<(), NotAsked> {
        let control = self.0.control().ok_or(NotAsked::Gone)?;
        let (to, size) = (self.0.port.copy_send(), data.size());
        let mut gives = Gives::default();
        gives.right(control);
        gives.memory(data);
        let told = if given.is_first {
            let request = memory_object_data_initialize::Request {
                memory_control_port: MakeSend::new(NULL),
                offset,
                data: OutOfLine::new(0, size),
            };
            tell(to, &request, gives)
        } else {
            let request = memory_object_data_return::Request {
                memory_control: MakeSend::new(NULL),
                offset,
                data: OutOfLine::new(0, size),
                dirty: given.dirty,
                kernel_copy: given.kept == Kept::Copy,
            };
            tell(to, &request, gives)
        };
        told.map_err(|_| self.0.why())
    }

    fn manages(&self, id: Id) {
        self.0.id.call_once(|| id);
    }

    fn terminate(&self) {
        self.0.leave();
    }

    fn upper(&self) -> Shared<Any> {
        self.0.clone().into_any()
    }
}
