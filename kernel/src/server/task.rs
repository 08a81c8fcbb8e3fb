//! The routines on tasks, of `mach.defs` and `gnumach.defs`.
//!
//! Owns no state; called by the dispatch.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::kern_return::KernReturn;
use abi::layout::Plain;
use abi::layout::task::*;
use abi::routine::gnumach::{task_set_essential, task_set_name};
use abi::routine::mach::*;
use abi::wire::{Array, MoveSend, OutOfLine};
use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::emulation;
use kernel_core::ipc::right::NULL;

use super::host::{in_microseconds, in_nanoseconds, time_of, time64_of};
use super::info::Words;
use super::{Call, Done, Refused, known};
use crate::mm::shared::Any;
use crate::task::birth::Heritage;
use crate::task::{Name, Special, Task, UserThread};
use crate::vm::copy::Copy;

/// Words of the structures as older headers have them.
const BASIC_WITHOUT_64: u32 = 10;
const TIMES_WITHOUT_64: u32 = 4;

/// What is no task, and what is too much, for the routines on emulation (seen; and
/// the code that follows it).
const BAD_TASK: KernReturn = KernReturn(0x8001);
const BAD_COUNT: KernReturn = KernReturn(0x8002);

impl From<emulation::Refused> for Refused {
    fn from(why: emulation::Refused) -> Refused {
        Refused(match why {
            emulation::Refused::TooMany => BAD_COUNT,
            emulation::Refused::NoMemory => KernReturn::RESOURCE_SHORTAGE,
        })
    }
}

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let task = known::<Task>(object, KernReturn::INVALID_ARGUMENT);
    match call.header.id {
        task_create::ID => {
            let parent = known::<Task>(object, KernReturn::INVALID_TASK);
            call.answer_along(|of: task_create::Request, along| {
                let parent = parent?;
                let child = parent.child(match of.inherit_memory {
                    true => Heritage::Memory,
                    false => Heritage::Nothing,
                })?;
                along.gives.right(child.port().make_send());
                Ok(task_create::Reply {
                    child_task: MoveSend::new(NULL),
                })
            })
        }
        task_terminate::ID => call.answer(|_: task_terminate::Request| {
            task?.terminate();
            Ok(task_terminate::Reply {})
        }),
        task_suspend::ID => call.answer(|_: task_suspend::Request| {
            task?.suspend();
            Ok(task_suspend::Reply {})
        }),
        task_resume::ID => call.answer(|_: task_resume::Request| {
            task?.resume()?;
            Ok(task_resume::Reply {})
        }),
        task_info::ID => call.answer_by(|of: task_info::Request, _, reply| {
            let words = information(task?, of.flavor, of.task_info_out_count)?;
            reply.with(&task_info::Reply {
                task_info_out: Array::new(words.words()),
            })
        }),
        task_get_special_port::ID => {
            call.answer_along(|of: task_get_special_port::Request, along| {
                along.gives.right(task?.special(special(of.which_port)?));
                Ok(task_get_special_port::Reply {
                    special_port: MoveSend::new(NULL),
                })
            })
        }
        task_set_special_port::ID => {
            call.answer_along(|of: task_set_special_port::Request, along| {
                task?.set_special(special(of.which_port)?, along.given.right());
                Ok(task_set_special_port::Reply {})
            })
        }
        task_set_name::ID => call.answer_code(|of: task_set_name::Request<'_>| {
            task?.set_name(Name::new(of.name.0));
            Ok(())
        }),
        task_set_essential::ID => call.answer_code(|of: task_set_essential::Request| {
            task?.is_essential.store(of.essential, Ordering::Relaxed);
            Ok(())
        }),
        task_set_emulation::ID => call.answer(|of: task_set_emulation::Request| {
            let task = known::<Task>(object, BAD_TASK)?;
            task.emulate(of.routine_number, &[of.routine_entry_pt])?;
            Ok(task_set_emulation::Reply {})
        }),
        task_set_emulation_vector::ID => {
            call.answer_along(|of: task_set_emulation_vector::Request, along| {
                let copy = along.given.memory();
                let task = known::<Task>(object, BAD_TASK)?;
                let entries = match copy {
                    Some(copy) => entries(&copy, of.emulation_vector.count)?,
                    None => Vec::new(),
                };
                task.emulate(of.vector_start, &entries)?;
                Ok(task_set_emulation_vector::Reply {})
            })
        }
        task_get_emulation_vector::ID => {
            call.answer_along(|_: task_get_emulation_vector::Request, mut along| {
                let table = known::<Task>(object, BAD_TASK)?.emulation();
                let (first, entries) = match &table {
                    Some(table) => (table.first(), table.entries()),
                    None => (0, &[][..]),
                };
                along.give_words(entries)?;
                Ok(task_get_emulation_vector::Reply {
                    vector_start: first,
                    emulation_vector: OutOfLine::new(0, entries.len() as u32),
                })
            })
        }
        // Not supported on this configuration, as the manual has it, and as the
        // reference kernel says of anything.
        task_ras_control::ID => {
            call.answer_code(|_: task_ras_control::Request| Err(Refused(KernReturn::FAILURE)))
        }
        thread_create::ID => {
            let parent = call.object.downcast::<Task>();
            call.answer_along(|_: thread_create::Request, along| {
                let parent = parent.ok_or(Refused(KernReturn::INVALID_ARGUMENT))?;
                let nowhere = VirtAddr::new(0);
                let thread = Task::thread(&parent, nowhere, nowhere)?;
                let thread = thread.ok_or(Refused(KernReturn::FAILURE))?;
                if let Some(user) = thread.upper::<UserThread>() {
                    along.gives.right(user.port().make_send());
                }
                Ok(thread_create::Reply {
                    child_thread: MoveSend::new(NULL),
                })
            })
        }
        _ => None,
    }
}

/// What a flavour of `task_info` tells.
fn information(task: &Task, flavor: i32, room: u32) -> Result<Words, Refused> {
    let (used, live) = task.used();
    match flavor {
        TASK_BASIC_INFO => {
            let (virtual_size, resident_size) = sizes(task);
            let info = TaskBasicInfo {
                suspend_count: task.suspensions() as i32,
                base_priority: task.priority().into(),
                virtual_size,
                resident_size,
                user_time: time_of(used.user_us),
                system_time: time_of(used.system_us),
                creation_time: in_microseconds(task.since_ns),
                user_time64: time64_of(used.user_us),
                system_time64: time64_of(used.system_us),
                creation_time64: in_nanoseconds(task.since_ns),
            };
            Words::up_to(&info, BASIC_WITHOUT_64, room)
        }
        TASK_EVENTS_INFO => {
            let count = |events: &AtomicU32| events.load(Ordering::Relaxed);
            let info = TaskEventsInfo {
                faults: count(&task.events.faults),
                zero_fills: count(&task.events.zero_fills),
                // No fault does that: a page is mapped until it goes.
                reactivations: 0,
                pageins: count(&task.events.pageins),
                cow_faults: count(&task.events.cow_faults),
                messages_sent: count(&task.events.messages_sent),
                messages_received: count(&task.events.messages_received),
            };
            Words::up_to(
                &info,
                (TaskEventsInfo::BYTES / size_of::<u32>()) as u32,
                room,
            )
        }
        TASK_THREAD_TIMES_INFO => {
            let info = TaskThreadTimesInfo {
                user_time: time_of(live.user_us),
                system_time: time_of(live.system_us),
                user_time64: time64_of(live.user_us),
                system_time64: time64_of(live.system_us),
            };
            Words::up_to(&info, TIMES_WITHOUT_64, room)
        }
        _ => Err(Refused(KernReturn::INVALID_ARGUMENT)),
    }
}

/// The entry points that a message carries.
fn entries(copy: &Copy, count: u32) -> Result<Vec<u32>, Refused> {
    let count = count as usize;
    if count > emulation::MOST {
        return Err(Refused(BAD_COUNT));
    }
    let shortage = Refused(KernReturn::RESOURCE_SHORTAGE);
    let mut entries = Vec::new();
    entries.try_reserve_exact(count).map_err(|_| shortage)?;
    for place in 0..count {
        let mut bytes = [0; size_of::<u32>()];
        copy.read((place * size_of::<u32>()) as u32, &mut bytes)?;
        entries.push(u32::from_le_bytes(bytes));
    }
    Ok(entries)
}

/// Bytes that a task has allocated, and bytes that have frames.
fn sizes(task: &Task) -> (u32, u32) {
    let (mut size, mut from) = (0_u32, 0);
    // One region at a time: there may be many, and others want the lock.
    while let Some(region) = task.space().region(from) {
        size = size.saturating_add(region.range.size());
        from = region.range.end;
    }
    let resident = task.space().pmap().resident();
    (size, resident.saturating_mul(PAGE_SIZE))
}

/// The special port of a task with this number.
fn special(number: i32) -> Result<Special, Refused> {
    Special::of_task(number).ok_or(Refused(KernReturn::INVALID_ARGUMENT))
}
