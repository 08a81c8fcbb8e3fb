//! The routines on threads, of `mach.defs` and `gnumach.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::layout::Plain;
use abi::layout::thread::*;
use abi::port::PortName;
use abi::routine::gnumach::{thread_get_name, thread_set_name, thread_terminate_release};
use abi::routine::mach::*;
use abi::wire::{Array, CString, MoveSend};
use kernel_core::ipc::right::NULL;
use kernel_core::sched::priority::Policy;

use super::host::{in_microseconds, in_nanoseconds, time_of, time64_of};
use super::info::Words;
use super::{Call, Done, Refused, thread_state};
use crate::mm::shared::{Any, Shared};
use crate::sched::info::Appearance;
use crate::sched::{Thread, info, stop, with_current};
use crate::task::{Name, Special, Task, UserThread};

/// Words of the structures as older headers have them.
const BASIC_WITHOUT_64: u32 = 13;
const SCHED_WITHOUT_PROCESSOR: u32 = 7;

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let user = object.downcast_ref::<Thread>().and_then(Thread::upper);
    let user: Result<&UserThread, Refused> = user.ok_or(INVALID);
    let thread = call.object.downcast::<Thread>();
    let thread = thread.as_ref().ok_or(INVALID);
    match call.header.id {
        thread_terminate::ID => call.answer(|_: thread_terminate::Request| {
            UserThread::terminate(thread?);
            Ok(thread_terminate::Reply {})
        }),
        thread_suspend::ID => call.answer(|_: thread_suspend::Request| {
            user?.suspend(thread?);
            Ok(thread_suspend::Reply {})
        }),
        thread_resume::ID => call.answer(|_: thread_resume::Request| {
            user?.resume(thread?)?;
            Ok(thread_resume::Reply {})
        }),
        thread_abort::ID => call.answer(|_: thread_abort::Request| {
            stop::abort(other(thread?)?);
            Ok(thread_abort::Reply {})
        }),
        thread_info::ID => call.answer_by(|of: thread_info::Request, _, reply| {
            let words = information(user?, thread?, of.flavor, of.thread_info_out_count)?;
            reply.with(&thread_info::Reply {
                thread_info_out: Array::new(words.words()),
            })
        }),
        thread_get_state::ID => call.answer_by(|of: thread_get_state::Request, _, reply| {
            let ports = user?.task.space().pmap();
            let words = stop::with_registers(other(thread?)?, |registers| {
                thread_state::get(registers, ports, of.flavor, of.old_state_count)
            });
            let (words, count) = words.ok_or(INVALID)??.unsigned();
            reply.with(&thread_get_state::Reply {
                old_state: Array::new(&words[..count]),
            })
        }),
        thread_set_state::ID => call.answer(|of: thread_set_state::Request<'_>| {
            let mut bytes = [0; thread_state::MOST_BYTES];
            let places = bytes.chunks_exact_mut(size_of::<u32>());
            for (place, word) in places.zip(of.new_state.iter()) {
                word.write(place);
            }
            let given = of.new_state.len() * size_of::<u32>();
            let given = &bytes[..given.min(bytes.len())];
            let set = stop::with_registers(other(thread?)?, |registers| {
                thread_state::set(registers, of.flavor, given)
            });
            set.ok_or(INVALID)??;
            Ok(thread_set_state::Reply {})
        }),
        thread_get_special_port::ID => {
            call.answer_along(|of: thread_get_special_port::Request, along| {
                along.gives.right(user?.special(special(of.which_port)?));
                Ok(thread_get_special_port::Reply {
                    special_port: MoveSend::new(NULL),
                })
            })
        }
        thread_set_special_port::ID => {
            call.answer_along(|of: thread_set_special_port::Request, along| {
                user?.set_special(special(of.which_port)?, along.given.right());
                Ok(thread_set_special_port::Reply {})
            })
        }
        thread_set_name::ID => call.answer_code(|of: thread_set_name::Request<'_>| {
            user?.set_name(Name::new(of.name.0));
            Ok(())
        }),
        thread_terminate_release::ID => {
            call.answer_by(|of: thread_terminate_release::Request, along, _| {
                let object = along.given.right().object();
                let task = object.and_then(|object| object.downcast::<Task>());
                let (task, thread) = (task.ok_or(INVALID)?, thread?);
                // Each of them as if it were alone, whatever comes of the others.
                let _ = task.names().deallocate(of.thread_name.0);
                if of.reply_port != PortName::NULL {
                    let _ = task.names().destroy(of.reply_port.0);
                }
                if (of.address, of.size) != (0, 0) {
                    let _ = task.space().deallocate(of.address, of.size);
                }
                UserThread::terminate(thread);
                Err(Refused(KernReturn::SUCCESS))
            })
        }
        thread_get_name::ID => call.answer_by(|_: thread_get_name::Request, _, reply| {
            reply.with(&thread_get_name::Reply {
                name: CString(user?.name().bytes()),
            })
        }),
        _ => None,
    }
}

/// What a flavour of `thread_info` tells.
fn information(
    user: &UserThread,
    thread: &Shared<Thread>,
    flavor: i32,
    room: u32,
) -> Result<Words, Refused> {
    let whereabouts = info::whereabouts(thread);
    let scheduling = info::scheduling(thread);
    match flavor {
        THREAD_BASIC_INFO => {
            let used = info::used(thread);
            let usage = i32::try_from(scheduling.usage_ms() * 3 / 8);
            let info = ThreadBasicInfo {
                user_time: time_of(used.user_us),
                system_time: time_of(used.system_us),
                cpu_usage: usage.map_or(TH_USAGE_SCALE, |usage| usage.min(TH_USAGE_SCALE)),
                base_priority: scheduling.priority().into(),
                cur_priority: scheduling.current().into(),
                run_state: match info::appearance(thread) {
                    Appearance::Running => TH_STATE_RUNNING,
                    Appearance::Stopped => TH_STATE_STOPPED,
                    Appearance::Halted => TH_STATE_HALTED,
                    Appearance::Waiting => TH_STATE_WAITING,
                    Appearance::Uninterruptible => TH_STATE_UNINTERRUPTIBLE,
                },
                // Each keeps its kernel stack, and none is for idling.
                flags: 0,
                suspend_count: user.suspensions() as i32,
                sleep_time: whereabouts.slept_s as i32,
                creation_time: in_microseconds(user.since_ns),
                user_time64: time64_of(used.user_us),
                system_time64: time64_of(used.system_us),
                creation_time64: in_nanoseconds(user.since_ns),
            };
            Words::up_to(&info, BASIC_WITHOUT_64, room)
        }
        THREAD_SCHED_INFO => {
            let (policy, data) = match scheduling.policy() {
                Policy::Timeshare => (POLICY_TIMESHARE, 0),
                Policy::FixedPriority { quantum_ms } => (POLICY_FIXEDPRI, quantum_ms as i32),
            };
            let is_depressed = scheduling.is_depressed();
            let info = ThreadSchedInfo {
                policy,
                data,
                base_priority: scheduling.priority().into(),
                max_priority: scheduling.max_priority().into(),
                cur_priority: scheduling.current().into(),
                depressed: is_depressed.into(),
                depress_priority: match is_depressed {
                    true => scheduling.priority().into(),
                    false => -1,
                },
                last_processor: whereabouts.processor as i32,
            };
            // All of it, even for who knows nothing of the processor (seen).
            match room < SCHED_WITHOUT_PROCESSOR {
                true => Err(INVALID),
                false => Words::up_to(&info, 0, u32::MAX),
            }
        }
        _ => Err(INVALID),
    }
}

/// The thread, unless it is the caller itself.
fn other(thread: &Shared<Thread>) -> Result<&Shared<Thread>, Refused> {
    match with_current(|own| own.is_same(thread)) {
        Some(true) => Err(INVALID),
        _ => Ok(thread),
    }
}

/// The special port of a thread with this number.
fn special(number: i32) -> Result<Special, Refused> {
    match number {
        THREAD_KERNEL_PORT => Ok(Special::Own),
        THREAD_EXCEPTION_PORT => Ok(Special::Exception),
        _ => Err(INVALID),
    }
}
