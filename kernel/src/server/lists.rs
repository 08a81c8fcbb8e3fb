//! The routines on many ports at once, and on processors.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::layout::host::*;
use abi::routine::mach::*;
use abi::routine::mach_host::*;
use abi::wire::{Array, MoveSend, OutOfLine};
use kernel_core::ipc::right::NULL;

use super::host::processor_type;
use super::info::Words;
use super::{Along, Call, Done, Refused, known};
use crate::ipc::{HeldRight, HeldRights};
use crate::mm::OutOfMemory;
use crate::mm::shared::Any;
use crate::task::Task;
use crate::task::host::Host;
use crate::task::lists::REGISTERED;
use crate::task::processor::{self, Processor};
use crate::task::processor_set::ProcessorSet;

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);
const FAILURE: Refused = Refused(KernReturn::FAILURE);

/// Gives an array of rights along; what the reply says of it.
fn give<const D: u8>(
    along: Along<'_, '_>,
    rights: Result<HeldRights, OutOfMemory>,
) -> Result<OutOfLine<MoveSend, D>, Refused> {
    let rights = rights.map_err(|_| Refused(KernReturn::RESOURCE_SHORTAGE))?;
    let count = rights.len();
    along.gives.rights(rights);
    Ok(OutOfLine::new(0, count))
}

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let task = known::<Task>(object, KernReturn::INVALID_ARGUMENT);
    let host = known::<Host>(object, KernReturn::INVALID_ARGUMENT);
    let set = match object.downcast_ref() {
        Some(ProcessorSet::Control) => Ok(()),
        _ => Err(INVALID),
    };
    let processor = known::<Processor>(object, KernReturn::INVALID_ARGUMENT);
    // There is no other set, and no processor stops.
    let stays = match processor {
        Ok(_) => Err(FAILURE),
        Err(refused) => Err(refused),
    };
    match call.header.id {
        task_threads::ID => call.answer_along(|_: task_threads::Request, along| {
            let thread_list = give(along, task?.threads())?;
            Ok(task_threads::Reply { thread_list })
        }),
        mach_ports_register::ID => call.answer_along(|of: mach_ports_register::Request, along| {
            if of.init_port_set.count as usize > REGISTERED {
                return Err(INVALID);
            }
            task?.register(along.given.rights());
            Ok(mach_ports_register::Reply {})
        }),
        mach_ports_lookup::ID => call.answer_along(|_: mach_ports_lookup::Request, along| {
            let init_port_set = give(along, task?.registered())?;
            Ok(mach_ports_lookup::Reply { init_port_set })
        }),
        processor_set_tasks::ID => call.answer_along(|_: processor_set_tasks::Request, along| {
            set?;
            let task_list = give(along, Task::all())?;
            Ok(processor_set_tasks::Reply { task_list })
        }),
        processor_set_threads::ID => {
            call.answer_along(|_: processor_set_threads::Request, along| {
                set?;
                let thread_list = give(along, Task::all_threads())?;
                Ok(processor_set_threads::Reply { thread_list })
            })
        }
        host_processor_sets::ID => call.answer_along(|_: host_processor_sets::Request, along| {
            host?;
            let mut rights = HeldRights::default();
            let pushed = rights.push(ProcessorSet::Name.right());
            let processor_sets = give(along, pushed.map(|()| rights))?;
            Ok(host_processor_sets::Reply { processor_sets })
        }),
        host_processors::ID => call.answer_along(|_: host_processors::Request, along| {
            if host? != &Host::Control {
                return Err(INVALID);
            }
            let processor_list = give(along, processor::all())?;
            Ok(host_processors::Reply { processor_list })
        }),
        processor_info::ID => call.answer_by(|of: processor_info::Request, along, reply| {
            let Processor(number) = *processor?;
            if of.flavor != PROCESSOR_BASIC_INFO {
                return Err(FAILURE);
            }
            let info = ProcessorBasicInfo {
                cpu_type: processor_type(),
                cpu_subtype: CPU_SUBTYPE_AT386,
                running: 1,
                slot_num: number as i32,
                is_master: (number == 0).into(),
            };
            let words = Words::of(&info, of.processor_info_out_count)?;
            let host = Host::Name.port();
            along
                .gives
                .right(host.map_or(HeldRight::NULL, |port| port.make_send()));
            reply.with(&processor_info::Reply {
                host: MoveSend::new(NULL),
                processor_info_out: Array::new(words.words()),
            })
        }),
        processor_get_assignment::ID => {
            call.answer_along(|_: processor_get_assignment::Request, along| {
                processor?;
                along.gives.right(ProcessorSet::Name.right());
                Ok(processor_get_assignment::Reply {
                    assigned_set: MoveSend::new(NULL),
                })
            })
        }
        processor_start::ID => call.answer_code(|_: processor_start::Request| stays),
        processor_exit::ID => call.answer_code(|_: processor_exit::Request| stays),
        processor_assign::ID => {
            // Of whatever, and to wherever: seen.
            call.answer_code(|_: processor_assign::Request| Err(FAILURE))
        }
        processor_control::ID => call.answer_code(|_: processor_control::Request<'_>| stays),
        _ => None,
    }
}
