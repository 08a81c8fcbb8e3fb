//! What pagers ask for: the routines on memory objects, of `mach.defs`.
//!
//! Owns no state; called by the dispatch. Offsets and sizes are in bytes.

use abi::kern_return::KernReturn;
use abi::layout::vm::{PAGE_SIZE, VM_PROT_NO_CHANGE};
use abi::routine::gnumach::vm_object_sync;
use abi::routine::mach::*;
use abi::routine::mach4::{memory_object_create_proxy, vm_region_create_proxy};
use abi::wire::{Array, MoveSend};
use kernel_core::ipc::right::NULL;
use kernel_core::vm::ledger::{Return, Strategy};
use kernel_core::vm::map::Protection;

use super::{Call, Done, Refused, known};
use crate::device::time;
use crate::mm::shared::{Any, Shared};
use crate::pager::{self, Control, MemoryObject, Name, NoProxy, Part, Proxy, tell_changed};
use crate::task::host::Host;
use crate::task::{Task, with_current};
use crate::vm::managed::{self, Answer, Id, Kept, Stopped};

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let control = known(object, KernReturn::INVALID_ARGUMENT).map(|Control(object)| object);
    match call.header.id {
        memory_object_get_attributes::ID => {
            call.answer(|_: memory_object_get_attributes::Request| {
                let attributes = managed::attributes(id_of(control?)?).ok_or(INVALID)?;
                let (may_cache, strategy) = attributes.unwrap_or((false, Strategy::None));
                Ok(memory_object_get_attributes::Reply {
                    object_ready: attributes.is_some(),
                    may_cache,
                    copy_strategy: strategy.number(),
                })
            })
        }
        memory_object_ready::ID => call.answer_code(|of: memory_object_ready::Request| {
            let strategy = Strategy::from_number(of.copy_strategy).ok_or(INVALID)?;
            managed::set_attributes(id_of(control?)?, of.may_cache, strategy);
            Ok(())
        }),
        memory_object_change_attributes::ID => {
            call.answer_by(|of: memory_object_change_attributes::Request, along, _| {
                let reply_to = along.given.right();
                let id = id_of(control?)?;
                let strategy = Strategy::from_number(of.copy_strategy).ok_or(INVALID)?;
                managed::set_attributes(id, of.may_cache, strategy);
                if !reply_to.is_null() {
                    tell_changed(reply_to, of.may_cache, of.copy_strategy);
                }
                Err(Refused(KernReturn::SUCCESS))
            })
        }
        memory_object_data_supply::ID => {
            call.answer_by(|of: memory_object_data_supply::Request, along, _| {
                let data = match of.data.count {
                    0 => None,
                    _ => along.given.memory(),
                };
                let reply_to = along.given.right();
                let object = control?;
                let locked = protection(of.lock_value)?;
                let first = page_of(of.offset)?;
                let id = id_of(object)?;
                let stopped = match &data {
                    Some(data) if data.is_aligned() => {
                        managed::supply(id, first, data, locked, of.precious)
                    }
                    Some(_) => Err(Stopped::Failed),
                    None => Ok(()),
                };
                if !reply_to.is_null() {
                    let result = match stopped {
                        Ok(()) => (KernReturn::SUCCESS, 0),
                        Err(Stopped::Present(page)) => (KernReturn::MEMORY_PRESENT, page),
                        Err(Stopped::Failed) => (KernReturn::RESOURCE_SHORTAGE, first),
                    };
                    let (KernReturn(code), page) = result;
                    let place = (of.offset, of.data.count);
                    object.tell_supplied(reply_to, place, (code, page.wrapping_mul(PAGE_SIZE)));
                }
                Err(Refused(KernReturn::SUCCESS))
            })
        }
        memory_object_data_unavailable::ID => {
            call.answer_code(|of: memory_object_data_unavailable::Request| {
                let (first, end) = pages(of.offset, of.size)?;
                managed::answer(id_of(control?)?, first, end, Answer::Unavailable);
                Ok(())
            })
        }
        memory_object_data_error::ID => {
            call.answer_code(|of: memory_object_data_error::Request| {
                let (first, end) = pages(of.offset, of.size)?;
                managed::answer(id_of(control?)?, first, end, Answer::Error);
                Ok(())
            })
        }
        memory_object_lock_request::ID => {
            call.answer_by(|of: memory_object_lock_request::Request, along, _| {
                let reply_to = along.given.right();
                let object = control?;
                let (first, end) = pages(of.offset, of.size)?;
                let request = managed::Request {
                    returns: Return::from_number(of.should_return).ok_or(INVALID)?,
                    keeps: match of.should_flush {
                        true => Kept::Nothing,
                        false => Kept::Copy,
                    },
                    locked: match of.lock_value {
                        VM_PROT_NO_CHANGE => None,
                        value => Some(protection(value)?),
                    },
                };
                managed::lock(id_of(object)?, first, end, request);
                if !reply_to.is_null() {
                    object.tell_locked(reply_to, of.offset, of.size);
                }
                Err(Refused(KernReturn::SUCCESS))
            })
        }
        vm_object_sync::ID => call.answer(|of: vm_object_sync::Request| {
            let Name(object) = known(object, KernReturn::INVALID_ARGUMENT)?;
            let (first, end) = pages(of.offset, of.size)?;
            let request = managed::Request {
                returns: match of.should_return {
                    true => Return::Dirty,
                    false => Return::None,
                },
                keeps: match of.should_flush {
                    true => Kept::Nothing,
                    false => Kept::Copy,
                },
                locked: None,
            };
            managed::lock(id_of(object)?, first, end, request);
            Ok(vm_object_sync::Reply {})
        }),
        vm_set_default_memory_manager::ID => {
            call.answer_along(|_: vm_set_default_memory_manager::Request, along| {
                let Some(Host::Control) = object.downcast_ref() else {
                    return Err(Refused(KernReturn::INVALID_HOST));
                };
                let new = along.given.right();
                if !new.is_null() {
                    // What it needs to make memory free it is to get.
                    with_current(|user| user.task.space().add_privilege());
                }
                along.gives.right(pager::set_default(new));
                Ok(vm_set_default_memory_manager::Reply {
                    default_manager: MoveSend::new(NULL),
                })
            })
        }
        memory_object_create_proxy::ID => {
            call.answer_along(|of: memory_object_create_proxy::Request, along| {
                let _: &Task = known(object, KernReturn::INVALID_TASK)?;
                let part = part_of(&of)?;
                let object = along.given.right();
                if object.is_null() {
                    return Err(Refused(KernReturn::INVALID_NAME));
                }
                along.gives.right(Proxy::port_of(object, part)?);
                Ok(memory_object_create_proxy::Reply {
                    proxy: MoveSend::new(NULL),
                })
            })
        }
        vm_region_create_proxy::ID => {
            call.answer_along(|of: vm_region_create_proxy::Request, along| {
                let space = known(object, KernReturn::INVALID_ARGUMENT).map(Task::space)?;
                let region = space.region(of.address).ok_or(INVALID)?;
                if region.range.start > of.address || of.len > region.range.size() {
                    return Err(INVALID);
                }
                let object = match &region.manager {
                    Some(manager) => {
                        let object = manager.upper().downcast::<MemoryObject>();
                        object.map(|object| object.port())
                    }
                    None => time::memory_object_in(&region),
                };
                let object = object.ok_or(INVALID)?;
                let part = Part {
                    start: region.offset,
                    size: of.len,
                    protection: protection(of.max_protection)? & region.attributes.max_protection,
                };
                along.gives.right(Proxy::port_of(object, part)?);
                Ok(vm_region_create_proxy::Reply {
                    proxy: MoveSend::new(NULL),
                })
            })
        }
        memory_object_destroy::ID => call.answer_code(|_: memory_object_destroy::Request| {
            control?.destroy();
            Ok(())
        }),
        _ => None,
    }
}

/// The part of one object that a request is about.
fn part_of(of: &memory_object_create_proxy::Request<'_>) -> Result<Part, Refused> {
    let single = |words: &Array<'_, u32, 1024>| {
        let mut words = words.iter();
        match (words.next(), words.next()) {
            (Some(word), None) => Ok(word),
            _ => Err(INVALID),
        }
    };
    let mut objects = of.object.iter();
    if objects.next().is_none() || objects.next().is_some() || single(&of.offset)? != 0 {
        return Err(INVALID);
    }
    Ok(Part {
        start: single(&of.start)?,
        size: single(&of.len)?,
        protection: protection(of.max_protection)?,
    })
}

impl From<NoProxy> for Refused {
    fn from(why: NoProxy) -> Refused {
        match why {
            NoProxy::Invalid => INVALID,
            NoProxy::Shortage => Refused(KernReturn::RESOURCE_SHORTAGE),
        }
    }
}

fn id_of(object: &Shared<MemoryObject>) -> Result<Id, Refused> {
    object.id().ok_or(INVALID)
}

fn protection(bits: i32) -> Result<Protection, Refused> {
    Protection::from_bits(bits as u32).ok_or(INVALID)
}

fn page_of(offset: u32) -> Result<u32, Refused> {
    match offset % PAGE_SIZE {
        0 => Ok(offset / PAGE_SIZE),
        _ => Err(INVALID),
    }
}

/// The pages from the first, up to and without the last.
fn pages(offset: u32, size: u32) -> Result<(u32, u32), Refused> {
    let first = page_of(offset)?;
    Ok((first, first + size.div_ceil(PAGE_SIZE)))
}
