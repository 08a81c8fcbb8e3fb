//! The routines on priorities, policies and processor sets, of
//! `mach_host.defs`.
//!
//! Owns no state; called by the dispatch. There is one processor set: nothing is
//! assigned to another, and none is created.

use abi::kern_return::KernReturn;
use abi::layout::host::*;
use abi::layout::thread::{POLICY_FIXEDPRI, POLICY_TIMESHARE};
use abi::routine::mach_host::*;
use abi::wire::{Array, MoveSend};
use kernel_core::ipc::right::NULL;
use kernel_core::sched::priority::{Policy, PriorityError, Reach};

use super::info::Words;
use super::{Along, Call, Done, Refused, known};
use crate::arch::percpu;
use crate::ipc::HeldRight;
use crate::mm::shared::Any;
use crate::sched::{TICK_MS, Thread, info, load};
use crate::task::Task;
use crate::task::host::Host;
use crate::task::processor_set::{self, Allowed, ProcessorSet};

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);
const FAILURE: Refused = Refused(KernReturn::FAILURE);

impl From<PriorityError> for Refused {
    fn from(error: PriorityError) -> Refused {
        Refused(KernReturn(error.code()))
    }
}

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let thread = call.object.downcast::<Thread>();
    let thread = thread.as_ref().ok_or(INVALID);
    let task = known::<Task>(object, KernReturn::INVALID_ARGUMENT);
    let set = known::<ProcessorSet>(object, KernReturn::INVALID_ARGUMENT);
    let control = match set {
        Ok(ProcessorSet::Control) => Ok(()),
        _ => Err(INVALID),
    };
    let host = known::<Host>(object, KernReturn::INVALID_ARGUMENT);
    match call.header.id {
        thread_priority::ID => call.answer(|of: thread_priority::Request| {
            let reach = match of.set_max {
                true => Reach::Maximum,
                false => Reach::Priority,
            };
            info::change_scheduling(thread?, |scheduling| {
                scheduling.set_priority(of.priority as u32, reach)
            })?;
            Ok(thread_priority::Reply {})
        }),
        thread_max_priority::ID => {
            call.answer_along(|of: thread_max_priority::Request, mut along| {
                if given_set(&mut along)? != ProcessorSet::Control {
                    return Err(INVALID);
                }
                info::change_scheduling(thread?, |scheduling| {
                    scheduling.set_max_priority(of.max_priority as u32)
                })?;
                Ok(thread_max_priority::Reply {})
            })
        }
        thread_policy::ID => call.answer(|of: thread_policy::Request| {
            let thread = thread?;
            let policy = match of.policy {
                POLICY_TIMESHARE => Policy::Timeshare,
                POLICY_FIXEDPRI if !processor_set::allows_fixed() => return Err(FAILURE),
                POLICY_FIXEDPRI => Policy::FixedPriority {
                    quantum_ms: u32::try_from(of.data).unwrap_or(0),
                },
                _ => return Err(INVALID),
            };
            info::change_scheduling(thread, |scheduling| {
                scheduling.set_policy(policy, TICK_MS);
            });
            Ok(thread_policy::Reply {})
        }),
        thread_depress_abort::ID => call.answer(|_: thread_depress_abort::Request| {
            info::abort_depression(thread?);
            Ok(thread_depress_abort::Reply {})
        }),
        task_priority::ID => call.answer(|of: task_priority::Request| {
            let task = task?;
            task.set_priority(of.priority)?;
            if of.change_threads {
                task.set_threads_priorities()?;
            }
            Ok(task_priority::Reply {})
        }),
        processor_set_default::ID => {
            call.answer_along(|_: processor_set_default::Request, along| {
                host?;
                along.gives.right(ProcessorSet::Name.right());
                Ok(processor_set_default::Reply {
                    default_set: MoveSend::new(NULL),
                })
            })
        }
        host_processor_set_priv::ID => {
            call.answer_along(|_: host_processor_set_priv::Request, mut along| {
                if host? != &Host::Control {
                    return Err(INVALID);
                }
                given_set(&mut along)?;
                along.gives.right(ProcessorSet::Control.right());
                Ok(host_processor_set_priv::Reply {
                    set: MoveSend::new(NULL),
                })
            })
        }
        processor_set_info::ID => {
            call.answer_by(|of: processor_set_info::Request, along, reply| {
                set?;
                let words = information(of.flavor, of.info_out_count)?;
                along.gives.right(
                    Host::Name
                        .port()
                        .map_or(HeldRight::NULL, |port| port.make_send()),
                );
                reply.with(&processor_set_info::Reply {
                    host: MoveSend::new(NULL),
                    info_out: Array::new(words.words()),
                })
            })
        }
        processor_set_max_priority::ID => call.answer(|of: processor_set_max_priority::Request| {
            control?;
            processor_set::set_max_priority(of.max_priority)?;
            if of.change_threads {
                processor_set::lower_threads();
            }
            Ok(processor_set_max_priority::Reply {})
        }),
        processor_set_policy_enable::ID => {
            call.answer(|of: processor_set_policy_enable::Request| {
                control?;
                match of.policy {
                    POLICY_TIMESHARE => {}
                    POLICY_FIXEDPRI => processor_set::allow_fixed(Allowed::Yes),
                    _ => return Err(INVALID),
                }
                Ok(processor_set_policy_enable::Reply {})
            })
        }
        processor_set_policy_disable::ID => {
            call.answer(|of: processor_set_policy_disable::Request| {
                control?;
                // Sharing time is always allowed.
                if of.policy != POLICY_FIXEDPRI {
                    return Err(INVALID);
                }
                processor_set::allow_fixed(Allowed::No);
                if of.change_threads {
                    processor_set::unfix_threads();
                }
                Ok(processor_set_policy_disable::Reply {})
            })
        }
        thread_get_assignment::ID => {
            call.answer_along(|_: thread_get_assignment::Request, along| {
                thread?;
                along.gives.right(ProcessorSet::Name.right());
                Ok(thread_get_assignment::Reply {
                    assigned_set: MoveSend::new(NULL),
                })
            })
        }
        task_get_assignment::ID => call.answer_along(|_: task_get_assignment::Request, along| {
            task?;
            along.gives.right(ProcessorSet::Name.right());
            Ok(task_get_assignment::Reply {
                assigned_set: MoveSend::new(NULL),
            })
        }),
        // There is nothing else to be assigned to.
        thread_assign::ID => call.answer_code(|_: thread_assign::Request| Err(FAILURE)),
        thread_assign_default::ID => {
            call.answer_code(|_: thread_assign_default::Request| Err(FAILURE))
        }
        task_assign::ID => call.answer_code(|_: task_assign::Request| Err(FAILURE)),
        task_assign_default::ID => call.answer_code(|_: task_assign_default::Request| Err(FAILURE)),
        processor_set_create::ID => {
            call.answer_code(|_: processor_set_create::Request| Err(FAILURE))
        }
        processor_set_destroy::ID => {
            call.answer_code(|_: processor_set_destroy::Request| Err(FAILURE))
        }
        _ => None,
    }
}

/// Which port of the processor set the next right is to.
fn given_set(along: &mut Along<'_, '_>) -> Result<ProcessorSet, Refused> {
    let object = along.given.right().object();
    let set = object.and_then(|object| object.downcast::<ProcessorSet>());
    set.map(|set| *set).ok_or(INVALID)
}

/// What a flavour of `processor_set_info` tells.
fn information(flavor: i32, room: u32) -> Result<Words, Refused> {
    match flavor {
        PROCESSOR_SET_BASIC_INFO => {
            let (tasks, threads) = Task::counts();
            let load = load::load();
            let info = ProcessorSetBasicInfo {
                processor_count: percpu::online() as i32,
                task_count: tasks as i32,
                thread_count: threads as i32,
                load_average: load.averages[0],
                mach_factor: load.mach_factors[0],
            };
            Words::of(&info, room)
        }
        PROCESSOR_SET_SCHED_INFO => {
            let fixed = match processor_set::allows_fixed() {
                true => POLICY_FIXEDPRI,
                false => 0,
            };
            let info = ProcessorSetSchedInfo {
                policies: POLICY_TIMESHARE | fixed,
                max_priority: processor_set::max_priority().into(),
            };
            Words::of(&info, room)
        }
        _ => Err(INVALID),
    }
}
