//! The routines on the kernel's insides, of `mach_debug.defs`.
//!
//! Owns no state; called by the dispatch. Where the interface tells of tables
//! that other kernels have, the answer is what there is of ours in that place:
//! one bucket, with a true count.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::layout::debug::*;
use abi::routine::mach_debug::*;
use abi::wire::{Array, Element, Flexible, MoveSend, OutOfLine};
use kernel_core::addr::PAGE_SIZE;
use kernel_core::ipc::right::{Carried, Disposition, NULL, Refusal, Right};
use kernel_core::vm::map::{Inheritance, Protection};

use super::{Along, Call, Done, Refused, known};
use crate::ipc::{HeldRight, Names, accepted_requests};
use crate::mm::shared::Any;
use crate::mm::{heap, stack};
use crate::sched::{self, Thread};
use crate::task::Task;
use crate::task::host::Host;
use crate::task::object_name::ObjectName;
use crate::task::processor::Processor;
use crate::task::processor_set::ProcessorSet;
use crate::vm;
use crate::vm::look::Looked;

const SHORTAGE: Refused = Refused(KernReturn::RESOURCE_SHORTAGE);

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let task = known::<Task>(object, KernReturn::INVALID_TASK);
    let host = match object.downcast_ref() {
        Some(Host::Name | Host::Control) => Ok(()),
        _ => Err(Refused(KernReturn::INVALID_HOST)),
    };
    match call.header.id {
        mach_port_get_srights::ID => call.answer(|of: mach_port_get_srights::Request| {
            let srights = task?.names().change(|space, ports, _| {
                let (port, _) = space.received(ports, of.name.0)?;
                Ok(ports.rights(port).0)
            })?;
            Ok(mach_port_get_srights::Reply { srights })
        }),
        mach_port_dnrequest_info::ID => call.answer(|of: mach_port_dnrequest_info::Request| {
            let used = task?.names().change(|space, ports, _| {
                let (port, _) = space.received(ports, of.name.0)?;
                Ok(ports.dead_name_requests(port))
            })?;
            Ok(mach_port_dnrequest_info::Reply { total: used, used })
        }),
        mach_port_kernel_object::ID => call.answer(|of: mach_port_kernel_object::Request| {
            let right = sent_to(task?.names(), of.name.0)?;
            let found = right.object();
            let found = found.as_deref();
            Ok(mach_port_kernel_object::Reply {
                object_type: found.map_or(IKOT_NONE, kind),
                object_addr: found.map_or(0, |found| core::ptr::from_ref(found).addr() as u32),
            })
        }),
        mach_vm_region_info::ID => {
            call.answer_along(|of: mach_vm_region_info::Request, along| region(task?, &of, along))
        }
        host_ipc_marequest_info::ID => {
            call.answer_by(|of: host_ipc_marequest_info::Request, mut along, reply| {
                host?;
                let buckets = [HashInfoBucket {
                    count: accepted_requests(),
                }];
                reply.with(&host_ipc_marequest_info::Reply {
                    max_requests: u32::MAX,
                    info: along.array(&buckets, of.info_count)?,
                })
            })
        }
        host_virtual_physical_table_info::ID => call.answer_by(
            |of: host_virtual_physical_table_info::Request, mut along, reply| {
                host?;
                let buckets = [HashInfoBucket {
                    count: vm::counts().0,
                }];
                reply.with(&host_virtual_physical_table_info::Reply {
                    info: along.array(&buckets, of.info_count)?,
                })
            },
        ),
        host_stack_usage::ID => call.answer(|_: host_stack_usage::Request| {
            host?;
            let total = stack::count();
            Ok(host_stack_usage::Reply {
                reserved: 0,
                total,
                space: total.saturating_mul(stack::SPACE),
                resident: total.saturating_mul(stack::RESIDENT),
                // Nobody looks how deep they get.
                maxusage: 0,
                maxstack: 0,
            })
        }),
        processor_set_stack_usage::ID => call.answer(|_: processor_set_stack_usage::Request| {
            known::<ProcessorSet>(object, KernReturn::INVALID_ARGUMENT)?;
            let (_, threads) = Task::counts();
            let total = threads as u32;
            Ok(processor_set_stack_usage::Reply {
                total,
                space: total.saturating_mul(stack::SPACE),
                resident: total.saturating_mul(stack::RESIDENT),
                maxusage: 0,
                maxstack: 0,
            })
        }),
        host_slab_info::ID => call.answer_by(|of: host_slab_info::Request, mut along, reply| {
            host?;
            let caches = heap::classes().map(cache);
            reply.with(&host_slab_info::Reply {
                info: along.array(&caches, of.info_count)?,
            })
        }),
        _ => None,
    }
}

/// The same on memory objects, by the ports that name them.
pub(super) fn serve_object(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let object = known(object, KernReturn::INVALID_ARGUMENT).map(ObjectName::object);
    match call.header.id {
        mach_vm_object_info::ID => {
            call.answer_along(|_: mach_vm_object_info::Request, along| about(object?, along))
        }
        mach_vm_object_pages::ID => {
            call.answer_by(|of: mach_vm_object_pages::Request, mut along, reply| {
                let pages = pages(object?, |offset, phys_addr| VmPageInfo {
                    offset,
                    phys_addr,
                    wire_count: 0,
                    page_lock: 0,
                    unlock_request: 0,
                    state: PAGE_STATE,
                })?;
                reply.with(&mach_vm_object_pages::Reply {
                    pages: along.array(&pages, of.pages_count)?,
                })
            })
        }
        mach_vm_object_pages_phys::ID => {
            call.answer_by(|of: mach_vm_object_pages_phys::Request, mut along, reply| {
                let pages = pages(object?, |offset, phys_addr| VmPagePhysInfo {
                    offset,
                    phys_addr: phys_addr.into(),
                    wire_count: 0,
                    page_lock: 0,
                    unlock_request: 0,
                    state: PAGE_STATE,
                })?;
                reply.with(&mach_vm_object_pages_phys::Reply {
                    pages: along.array(&pages, of.pages_count)?,
                })
            })
        }
        _ => None,
    }
}

/// Kinds of kernel objects, as other Mach kernels number them (`IKOT_*`): seen.
const IKOT_NONE: u32 = 0;
const IKOT_THREAD: u32 = 1;
const IKOT_TASK: u32 = 2;
const IKOT_HOST: u32 = 3;
const IKOT_HOST_PRIV: u32 = 4;
const IKOT_PROCESSOR: u32 = 5;
const IKOT_PSET: u32 = 6;
const IKOT_PSET_NAME: u32 = 7;
const IKOT_PAGING_NAME: u32 = 16;

/// Of a page that is there: nobody asks whether it was written to since.
const PAGE_STATE: u32 = VPI_STATE_TABLED | VPI_STATE_ACTIVE | VPI_STATE_DIRTY;

/// The kind of an object.
fn kind(object: &Any) -> u32 {
    match object.downcast_ref() {
        Some(Host::Name) => return IKOT_HOST,
        Some(Host::Control) => return IKOT_HOST_PRIV,
        Some(Host::DeviceMaster) => return IKOT_NONE,
        None => {}
    }
    match object.downcast_ref() {
        Some(ProcessorSet::Name) => return IKOT_PSET_NAME,
        Some(ProcessorSet::Control) => return IKOT_PSET,
        None => {}
    }
    if object.is::<Task>() {
        IKOT_TASK
    } else if object.is::<Thread>() {
        IKOT_THREAD
    } else if object.is::<Processor>() {
        IKOT_PROCESSOR
    } else if object.is::<ObjectName>() {
        IKOT_PAGING_NAME
    } else {
        IKOT_NONE
    }
}

/// A send right to the port that `name` denotes; none to one that the task itself
/// receives from.
fn sent_to(names: &Names, name: u32) -> Result<HeldRight, Refusal> {
    let right = names.change(|space, ports, effects| {
        let kind = space.port_type(ports, name)?;
        if kind & Right::Send.type_bit() != 0 {
            space.take(ports, name, Disposition::CopySend, effects)
        } else if kind & Right::Receive.type_bit() != 0 {
            Ok(Carried::Null)
        } else {
            Err(Refusal::InvalidRight)
        }
    });
    right.map(HeldRight::new)
}

fn region(
    task: &Task,
    of: &mach_vm_region_info::Request,
    along: Along<'_, '_>,
) -> Result<mach_vm_region_info::Reply, Refused> {
    let region = task.space().look(of.address);
    let region = region.ok_or(Refused(KernReturn::NO_SPACE))?;
    let attributes = region.attributes;
    let by_user = u32::from(attributes.wired != Protection::NONE);
    let number = region.object.as_ref().map(Looked::number);
    along.gives.right(match region.object {
        Some(object) => ObjectName::port_of(object)?,
        None => HeldRight::NULL,
    });
    Ok(mach_vm_region_info::Reply {
        region: VmRegionInfo {
            start: region.range.start,
            end: region.range.end,
            protection: attributes.protection.bits() as i32,
            max_protection: attributes.max_protection.bits() as i32,
            inheritance: match attributes.inheritance {
                Inheritance::Share => abi::layout::vm::VM_INHERIT_SHARE,
                Inheritance::Copy => abi::layout::vm::VM_INHERIT_COPY,
                Inheritance::None => abi::layout::vm::VM_INHERIT_NONE,
            },
            wired_count: u32::from(attributes.holds) + by_user,
            user_wired_count: by_user,
            object: number.map_or(0, in_place_of_address),
            offset: region.offset,
            needs_copy: attributes.needs_copy.into(),
            sharing: region.sharers,
        },
        object: MoveSend::new(NULL),
    })
}

fn about(object: &Looked, along: Along<'_, '_>) -> Result<mach_vm_object_info::Reply, Refused> {
    let about = object.about();
    let (shadow, shadow_offset) = match about.shadow {
        Some((shadow, offset)) => {
            let number = in_place_of_address(shadow.number());
            along.gives.right(ObjectName::port_of(shadow)?);
            (number, offset)
        }
        None => {
            along.gives.right(HeldRight::NULL);
            (0, 0)
        }
    };
    along.gives.right(HeldRight::NULL);
    Ok(mach_vm_object_info::Reply {
        info: VmObjectInfo {
            object: in_place_of_address(object.number()),
            pagesize: PAGE_SIZE,
            size: about.size,
            ref_count: about.references,
            resident_page_count: about.resident,
            absent_count: 0,
            copy: 0,
            shadow,
            shadow_offset,
            paging_offset: 0,
            copy_strategy: abi::layout::vm::MEMORY_OBJECT_COPY_NONE,
            last_alloc: 0,
            paging_in_progress: 0,
            state: VOI_STATE_INTERNAL | VOI_STATE_TEMPORARY | VOI_STATE_ALIVE,
        },
        shadow: MoveSend::new(NULL),
        copy: MoveSend::new(NULL),
    })
}

/// What tells objects apart as an address would, and is not null.
fn in_place_of_address(number: u32) -> u32 {
    number.wrapping_add(1)
}

/// Something about each page of an object: its offset, and where it is.
fn pages<P>(object: &Looked, about: impl Fn(u32, u32) -> P) -> Result<Vec<P>, Refused> {
    /// Pages looked up before others have their turn.
    const AT_ONCE: usize = 32;
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let mut some = [(0, None); AT_ONCE];
        let count = object.pages(from, &mut some);
        all.try_reserve(count).map_err(|_| SHORTAGE)?;
        for &(page, frame) in &some[..count] {
            let address = frame.map_or(0, |frame| frame.start().as_u32());
            all.push(about(page.wrapping_mul(PAGE_SIZE), address));
        }
        if count < AT_ONCE {
            return Ok(all);
        }
        from = some[count - 1].0.saturating_add(1);
        sched::pause_if_turn_is_over();
    }
}

/// What there is of a class of the heap's blocks.
fn cache(class: heap::InUse) -> CacheInfo {
    let heap::InUse {
        size,
        align,
        per_slab,
        used,
        slabs,
    } = class;
    let mut name = [0; 32];
    // Four digits: no block is as large as a page.
    let digits = [size / 1000 % 10, size / 100 % 10, size / 10 % 10, size % 10];
    let digits = digits.map(|digit| b'0' + digit as u8);
    name[..5].copy_from_slice(b"heap ");
    name[5..9].copy_from_slice(&digits);
    CacheInfo {
        flags: 0,
        cpu_pool_size: 0,
        obj_size: size,
        align,
        buf_size: size,
        slab_size: PAGE_SIZE,
        bufs_per_slab: per_slab,
        nr_objs: used,
        nr_bufs: slabs * per_slab,
        nr_slabs: slabs,
        nr_free_slabs: 0,
        name,
    }
}

impl Along<'_, '_> {
    /// The elements, in the message if the caller has room for them, and along
    /// with it if not.
    pub(super) fn array<'r, E: Element, const MAX: u32, const DEALLOCATE: u8>(
        &mut self,
        elements: &'r [E],
        room: u32,
    ) -> Result<Flexible<'r, E, MAX, DEALLOCATE>, Refused> {
        if elements.len() <= room.min(MAX) as usize {
            return Ok(Flexible::Inline(Array::new(elements)));
        }
        let mut bytes = Vec::new();
        let reserved = bytes.try_reserve_exact(elements.len().saturating_mul(E::BYTES));
        reserved.map_err(|_| SHORTAGE)?;
        bytes.resize(elements.len() * E::BYTES, 0);
        for (element, place) in elements.iter().zip(bytes.chunks_exact_mut(E::BYTES)) {
            element.write(place);
        }
        self.give_bytes(&bytes)?;
        let memory = OutOfLine::new(0, elements.len() as u32);
        Ok(Flexible::Elsewhere(memory, core::marker::PhantomData))
    }
}
