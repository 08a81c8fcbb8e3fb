//! The routines on a task's memory, of `mach.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::layout::vm::*;
use abi::routine::gnumach::*;
use abi::routine::mach::*;
use abi::routine::mach_host::vm_wire;
use abi::wire::{Array, Flexible, MoveSend, OutOfLine};
use kernel_core::addr::{Frame, PhysAddr, VirtAddr};
use kernel_core::frames::Zone;
use kernel_core::ipc::right::NULL;
use kernel_core::vm::ledger::Return;
use kernel_core::vm::map::{Attributes, Inheritance, Limit, MapError, Place, Protection, Range};

use super::{Call, Done, Refused, known};
use crate::ipc::HeldRight;
use crate::mm;
use crate::mm::shared::{Any, Shared};
use crate::pager::{self, MemoryObject, Part, Proxy};
use crate::task::Task;
use crate::task::host::Host;
use crate::vm;
use crate::vm::copy::After;
use crate::vm::managed::{self, Kept, SharedManager};
use crate::vm::published::Published;
use crate::vm::space::{Mapped, Space, USER_END, Wire};

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let space = known(object, KernReturn::INVALID_ARGUMENT).map(Task::space);
    match call.header.id {
        vm_allocate::ID => call.answer(|of: vm_allocate::Request| {
            let address = allocate(space?, of.address, of.size, of.anywhere)?;
            Ok(vm_allocate::Reply { address })
        }),
        vm_deallocate::ID => call.answer(|of: vm_deallocate::Request| {
            space?.deallocate(of.address, of.size)?;
            Ok(vm_deallocate::Reply {})
        }),
        vm_protect::ID => call.answer(|of: vm_protect::Request| {
            let limit = match of.set_maximum {
                true => Limit::Maximum,
                false => Limit::Current,
            };
            let protection = Protection::from_bits(of.new_protection as u32);
            let protection = protection.ok_or(MapError::InvalidArgument)?;
            space?.protect(of.address, of.size, limit, protection)?;
            Ok(vm_protect::Reply {})
        }),
        vm_inherit::ID => call.answer(|of: vm_inherit::Request| {
            let inheritance = Inheritance::from_number(of.new_inheritance as u32);
            let inheritance = inheritance.ok_or(MapError::InvalidArgument)?;
            space?.inherit(of.address, of.size, inheritance)?;
            Ok(vm_inherit::Reply {})
        }),
        vm_read::ID => call.answer_along(|of: vm_read::Request, along| {
            let copy = space?.capture(of.address, of.size, After::Keep)?;
            if of.size > 0 {
                along.gives.memory(copy);
            }
            Ok(vm_read::Reply {
                data: OutOfLine::new(0, of.size),
            })
        }),
        vm_write::ID => call.answer_along(|of: vm_write::Request, along| {
            let copy = along.given.memory();
            if !is_pages(of.address, of.data.count) {
                return Err(Refused(KernReturn::INVALID_ARGUMENT));
            }
            match copy {
                Some(copy) => space?.overwrite(of.address, &copy)?,
                None => _ = space?,
            }
            Ok(vm_write::Reply {})
        }),
        vm_copy::ID => call.answer(|of: vm_copy::Request| {
            if !is_pages(of.source_address | of.dest_address, of.size) {
                return Err(Refused(KernReturn::INVALID_ARGUMENT));
            }
            let copy = space?.capture(of.source_address, of.size, After::Keep)?;
            if of.size > 0 {
                space?.overwrite(of.dest_address, &copy)?;
            }
            Ok(vm_copy::Reply {})
        }),
        vm_region::ID => call.answer_along(|of: vm_region::Request, along| {
            let region = space?.region(of.address);
            let region = region.ok_or(Refused(KernReturn::NO_SPACE))?;
            let attributes = region.attributes;
            along.gives.right(name_of(region.manager));
            Ok(vm_region::Reply {
                address: region.range.start,
                size: region.range.size(),
                protection: attributes.protection.bits() as i32,
                max_protection: attributes.max_protection.bits() as i32,
                inheritance: match attributes.inheritance {
                    Inheritance::Share => VM_INHERIT_SHARE,
                    Inheritance::Copy => VM_INHERIT_COPY,
                    Inheritance::None => VM_INHERIT_NONE,
                },
                is_shared: attributes.is_shared,
                object_name: MoveSend::new(NULL),
                offset: region.offset,
            })
        }),
        vm_map::ID => call.answer_along(|of: vm_map::Request, along| {
            let object = along.given.right();
            let address = map(space?, &of, object).map_err(Refused)?;
            Ok(vm_map::Reply { address })
        }),
        vm_statistics::ID => call.answer(|_: vm_statistics::Request| {
            space?;
            Ok(vm_statistics::Reply {
                vm_stats: statistics(),
            })
        }),
        vm_machine_attribute::ID => call.answer(|of: vm_machine_attribute::Request| {
            space?;
            // No processor of this kind has any: seen.
            let end = of.address.checked_add(of.size);
            Err::<vm_machine_attribute::Reply, _>(match end {
                Some(end) if end <= USER_END => Refused(KernReturn::INVALID_ADDRESS),
                _ => Refused(KernReturn::INVALID_ARGUMENT),
            })
        }),
        vm_cache_statistics::ID => call.answer(|_: vm_cache_statistics::Request| {
            space?;
            // Nothing is cached that nobody maps.
            Ok(vm_cache_statistics::Reply {
                vm_cache_stats: VmCacheStatistics::default(),
            })
        }),
        vm_msync::ID => call.answer(|of: vm_msync::Request| {
            sync(space?, &of)?;
            Ok(vm_msync::Reply {})
        }),
        _ => None,
    }
}

/// The same that are sent to the host's ports, of `mach_host.defs` and
/// `gnumach.defs`.
pub(super) fn serve_host(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let invalid = Refused(KernReturn::INVALID_HOST);
    let host = match object.downcast_ref() {
        Some(Host::Name | Host::Control) => Ok(()),
        _ => Err(invalid),
    };
    let control = match object.downcast_ref() {
        Some(Host::Control) => Ok(()),
        _ => Err(invalid),
    };
    match call.header.id {
        vm_wire::ID => call.answer_along(|of: vm_wire::Request, along| {
            host?;
            let task = task_of(&along.given.right())?;
            let access = Protection::from_bits(of.access as u32);
            let access = access.ok_or(MapError::InvalidArgument)?;
            task.space().wire(of.address, of.size, access)?;
            Ok(vm_wire::Reply {})
        }),
        vm_wire_all::ID => call.answer_along(|of: vm_wire_all::Request, along| {
            control?;
            let task = task_of(&along.given.right())?;
            match of.flags {
                VM_WIRE_NONE => {
                    task.space().set_future(Wire::Nothing);
                    task.space().wire_all(Wire::Nothing)?;
                }
                VM_WIRE_CURRENT => task.space().wire_all(Wire::Pages)?,
                VM_WIRE_FUTURE => task.space().set_future(Wire::Pages),
                VM_WIRE_ALL => {
                    task.space().set_future(Wire::Pages);
                    task.space().wire_all(Wire::Pages)?;
                }
                _ => return Err(Refused(KernReturn::INVALID_ARGUMENT)),
            }
            Ok(vm_wire_all::Reply {})
        }),
        vm_allocate_contiguous::ID => {
            call.answer_along(|of: vm_allocate_contiguous::Request, along| {
                control?;
                let task = task_of(&along.given.right())?;
                let (vaddr, first) = contiguous(task.space(), &of)?;
                Ok(vm_allocate_contiguous::Reply {
                    vaddr,
                    paddr: first.start().as_u32().into(),
                })
            })
        }
        vm_pages_phys::ID => call.answer_by(|of: vm_pages_phys::Request, along, reply| {
            control?;
            let task = task_of(&along.given.right())?;
            let mut pages = [0; MOST_PAGES];
            let count = of.size.div_ceil(PAGE_SIZE) as usize;
            let pages = pages
                .get_mut(..count)
                .ok_or(Refused(KernReturn::INVALID_ARGUMENT))?;
            for (number, page) in (0..).zip(pages.iter_mut()) {
                let address = of.vaddr.checked_add(number * PAGE_SIZE);
                let address = address.filter(|address| *address < USER_END);
                let frame = address.and_then(|address| task.space().frame(VirtAddr::new(address)));
                *page = frame.map_or(0, |frame| frame.start().as_u32().into());
            }
            reply.with(&vm_pages_phys::Reply {
                pages: Flexible::Inline(Array::new(pages)),
            })
        }),
        _ => None,
    }
}

/// Pages that one `vm_pages_phys` tells of.
const MOST_PAGES: usize = 256;

fn is_pages(address: u32, size: u32) -> bool {
    (address | size) % PAGE_SIZE == 0
}

/// The task that a right in a request leads to.
fn task_of(right: &HeldRight) -> Result<Shared<Task>, Refused> {
    let object = right.object();
    let task = object.and_then(|object| object.downcast::<Task>());
    task.ok_or(Refused(KernReturn::INVALID_TASK))
}

/// `vm_msync`: pagers get what was written to the range. None of it may be memory
/// without one (seen).
fn sync(space: &Space, of: &vm_msync::Request) -> Result<(), Refused> {
    const BOTH: i32 = VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS;
    let invalid = Refused(KernReturn::INVALID_ARGUMENT);
    if of.sync_flags & !(BOTH | VM_SYNC_INVALIDATE) != 0 || of.sync_flags & BOTH == BOTH {
        return Err(invalid);
    }
    let request = managed::Request {
        returns: Return::Dirty,
        keeps: match of.sync_flags & VM_SYNC_INVALIDATE {
            0 => Kept::Copy,
            _ => Kept::Nothing,
        },
        locked: None,
    };
    let range = Range::covering(of.address, of.size).ok_or(invalid)?;
    let mut from = range.start;
    while from < range.end {
        let region = space
            .region(from)
            .filter(|region| region.range.start <= from);
        let region = region.ok_or(invalid)?;
        let id = region.manager.and_then(|manager| {
            let object = manager.upper().downcast::<MemoryObject>();
            object.and_then(|object| object.id())
        });
        let first = (region.offset + (from - region.range.start)) / PAGE_SIZE;
        let end = region.range.end.min(range.end);
        let pages = (end - from) / PAGE_SIZE;
        managed::lock(id.ok_or(invalid)?, first, first + pages, request);
        from = end;
    }
    Ok(())
}

/// The port that names a pager's object.
fn name_of(manager: Option<SharedManager>) -> HeldRight {
    let object = manager.and_then(|manager| manager.upper().downcast::<MemoryObject>());
    object.map_or(HeldRight::NULL, |object| object.name())
}

/// `vm_map`, by whichever way it was asked for.
pub(crate) fn map(
    space: &Space,
    of: &vm_map::Request,
    object: HeldRight,
) -> Result<u32, KernReturn> {
    map_part(space, of, object).map_err(|Refused(code)| code)
}

/// Zeroes, or what a pager supplies.
fn map_part(space: &Space, of: &vm_map::Request, object: HeldRight) -> Result<u32, Refused> {
    let invalid = Refused(KernReturn::INVALID_ARGUMENT);
    let protection = Protection::from_bits(of.cur_protection as u32).ok_or(invalid)?;
    let max_protection = Protection::from_bits(of.max_protection as u32).ok_or(invalid)?;
    let inheritance = Inheritance::from_number(of.inheritance as u32).ok_or(invalid)?;
    if of.size == 0 {
        return Err(invalid);
    }
    // What a proxy is in the place of, and how much of it.
    let proxy = object.object().and_then(|of| of.downcast::<Proxy>());
    let (object, part) = match proxy {
        Some(proxy) => proxy.part(of.offset, of.size)?,
        None => {
            let part = Part {
                start: of.offset,
                size: of.size,
                protection: Protection::ALL,
            };
            (object, part)
        }
    };
    let max_protection = max_protection & part.protection;
    let place = match of.anywhere {
        true => Place::Anywhere {
            from: of.address.max(PAGE_SIZE),
            mask: of.mask,
        },
        false => Place::At(of.address),
    };
    let attributes = Attributes {
        // More than the maximum is no more than that (seen).
        protection: protection & max_protection,
        max_protection,
        inheritance,
        ..Attributes::ALLOCATED
    };
    if object.is_null() {
        return Ok(space.enter(place, of.size, attributes)?);
    }
    if let Some(found) = object.object() {
        let published = found.downcast::<Published>().ok_or(invalid)?;
        let from = (&*published, part.start);
        return Ok(space.map_published(place, of.size, attributes, from)?);
    }
    let mapped = match of.copy {
        true => Mapped::Copy,
        false => Mapped::Itself,
    };
    let object = pager::object_of(object)?;
    let from = (&object, part.start / PAGE_SIZE);
    Ok(space.map(place, of.size, attributes, from, mapped)?)
}

fn contiguous(
    space: &Space,
    of: &vm_allocate_contiguous::Request,
) -> Result<(u32, Frame), Refused> {
    let invalid = Refused(KernReturn::INVALID_ARGUMENT);
    let pages = of.size.div_ceil(PAGE_SIZE);
    let align = u32::try_from(of.palign.max(PAGE_SIZE.into())).map_err(|_| invalid)?;
    // Where the reference kernel has no such choice: seen.
    let is_power = of.palign & of.palign.saturating_sub(1) == 0;
    let is_served = pages > 0 && of.pmin == 0 && align == PAGE_SIZE && is_power;
    if !is_served {
        return Err(invalid);
    }
    let zone = match u32::try_from(of.pmax) {
        Ok(0) | Err(_) => Zone::Any,
        Ok(most) => Zone::Below(PhysAddr::new(most).frame()),
    };
    Ok(space.allocate_contiguous(pages, 1, zone)?)
}

fn statistics() -> VmStatistics {
    let frames = mm::counts();
    let (pages, counts) = vm::counts();
    VmStatistics {
        pagesize: PAGE_SIZE as i32,
        free_count: frames.free as i32,
        active_count: pages as i32,
        inactive_count: 0,
        wire_count: (frames.total - frames.free).saturating_sub(pages) as i32,
        zero_fill_count: counts.zero_filled as i32,
        faults: counts.faults as i32,
        cow_faults: counts.copied as i32,
        pageins: counts.paged_in as i32,
        pageouts: counts.paged_out as i32,
        reactivations: counts.reactivated as i32,
        ..VmStatistics::default()
    }
}

/// `vm_allocate`; no memory is at address 0.
pub(crate) fn allocate(
    space: &Space,
    address: u32,
    size: u32,
    anywhere: bool,
) -> Result<u32, MapError> {
    match (size, anywhere) {
        (0, _) => Ok(0),
        (size, true) => space.allocate_anywhere(size),
        (size, false) => space.allocate_at(address, size, Protection::DEFAULT),
    }
}
