//! The routines on a task's memory, of `mach.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::routine::mach::*;
use kernel_core::vm::map::{Inheritance, Limit, MapError, Protection};

use super::{Call, Done, known};
use crate::mm::shared::Any;
use crate::mm::space::Space;
use crate::task::Task;

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
        _ => None,
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
