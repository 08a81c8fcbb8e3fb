//! The routines on the host: information, time, and the end, of
//! `mach_host.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::layout::host::*;
use abi::layout::time::{TimeValue, TimeValue64};
use abi::routine::gnumach::register_new_task_notification;
use abi::routine::mach_host::*;
use abi::wire::{Array, FixedString, LongString};
use kernel_core::addr::PAGE_SIZE;
use kernel_core::clock::SECOND_NS;
use kernel_core::cpuid::Identity;
use spin::Once;

use super::info::Words;
use super::{Call, Done, Refused, known};
use crate::arch::percpu;
use crate::arch::pit::TICKS_PER_SECOND;
use crate::arch::processor;
use crate::mm;
use crate::mm::shared::{Any, Shared};
use crate::sched::{Thread, load, with_current};
use crate::task::host::Host;
use crate::task::{UserThread, birth};
use crate::time::clock;

/// `host_kernel_version`.
const VERSION: &[u8] = concat!("ExoV6 ", env!("CARGO_PKG_VERSION"), " i386\0").as_bytes();
/// The shortest turn there is, in milliseconds.
const MIN_QUANTUM_MS: i32 = 30;
const MICROSECOND_NS: i64 = 1000;

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Reboot,
    PowerOff,
}

/// Who ends the machine: the layers above know how. Set once, at the start.
pub(crate) static END: Once<fn(End) -> !> = Once::new();

/// `RB_HALT` of `sys/reboot.h`: stay off.
const RB_HALT: i32 = 8;

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    // Either of its ports tells about the host.
    let host = known::<Host>(object, KernReturn::INVALID_ARGUMENT).and_then(|host| match host {
        Host::Name | Host::Control => Ok(()),
        Host::DeviceMaster => Err(Refused(KernReturn::INVALID_ARGUMENT)),
    });
    // What asks for the time is refused as what sets it.
    let clock = host.map_err(|_| Refused(KernReturn::INVALID_HOST));
    let control = match object.downcast_ref() {
        Some(Host::Control) => Ok(()),
        _ => Err(Refused(KernReturn::INVALID_HOST)),
    };
    match call.header.id {
        host_info::ID => call.answer_by(|of: host_info::Request, _, reply| {
            host?;
            let slots;
            let info;
            let words = match of.flavor {
                HOST_PROCESSOR_SLOTS => {
                    slots = processor_slots(of.host_info_out_count)?;
                    &slots[..percpu::online()]
                }
                flavor => {
                    info = information(flavor, of.host_info_out_count)?;
                    info.words()
                }
            };
            reply.with(&host_info::Reply {
                host_info_out: Array::new(words),
            })
        }),
        host_kernel_version::ID => call.answer_by(|_: host_kernel_version::Request, _, reply| {
            host?;
            reply.with(&host_kernel_version::Reply {
                kernel_version: LongString(VERSION),
            })
        }),
        host_get_kernel_version::ID => {
            call.answer_by(|_: host_get_kernel_version::Request, _, reply| {
                host?;
                reply.with(&host_get_kernel_version::Reply {
                    kernel_version: FixedString(VERSION),
                })
            })
        }
        host_get_time::ID => call.answer(|_: host_get_time::Request| {
            clock?;
            let current_time = in_microseconds(clock::now().1);
            Ok(host_get_time::Reply { current_time })
        }),
        host_get_time64::ID => call.answer(|_: host_get_time64::Request| {
            clock?;
            let current_time = in_nanoseconds(clock::now().1);
            Ok(host_get_time64::Reply { current_time })
        }),
        host_get_uptime64::ID => call.answer(|_: host_get_uptime64::Request| {
            clock?;
            let uptime = in_nanoseconds(clock::now().0);
            Ok(host_get_uptime64::Reply { uptime })
        }),
        host_set_time::ID => call.answer(|of: host_set_time::Request| {
            control?;
            clock::set(time_of_day(wide(of.new_time))?);
            Ok(host_set_time::Reply {})
        }),
        host_set_time64::ID => call.answer(|of: host_set_time64::Request| {
            control?;
            clock::set(time_of_day(of.new_time)?);
            Ok(host_set_time64::Reply {})
        }),
        host_adjust_time::ID => call.answer(|of: host_adjust_time::Request| {
            control?;
            let before = clock::adjust(total(wide(of.new_adjustment))?);
            Ok(host_adjust_time::Reply {
                old_adjustment: in_microseconds(before),
            })
        }),
        host_adjust_time64::ID => call.answer(|of: host_adjust_time64::Request| {
            control?;
            let before = clock::adjust(total(of.new_adjustment)?);
            Ok(host_adjust_time64::Reply {
                old_adjustment: in_nanoseconds(before),
            })
        }),
        register_new_task_notification::ID => {
            call.answer_along(|_: register_new_task_notification::Request, along| {
                control?;
                let told = birth::tell_of_tasks(along.given.right());
                told.map_err(|_| Refused(KernReturn::NO_ACCESS))?;
                Ok(register_new_task_notification::Reply {})
            })
        }
        thread_wire::ID => call.answer_along(|of: thread_wire::Request, along| {
            let invalid = Refused(KernReturn::INVALID_ARGUMENT);
            control.map_err(|_| invalid)?;
            let thread = along.given.right().object();
            let thread = thread.and_then(|object| object.downcast::<Thread>());
            // None but the caller: seen.
            let is_own = |thread: &Shared<Thread>| with_current(|own| own.is_same(thread));
            let thread = thread.filter(|thread| is_own(thread) == Some(true));
            let thread = thread.ok_or(invalid)?;
            let user: &UserThread = thread.upper().ok_or(invalid)?;
            match of.wired {
                true => user.wire(),
                false => user.unwire(),
            }
            Ok(thread_wire::Reply {})
        }),
        host_reboot::ID => call.answer(|of: host_reboot::Request| {
            control?;
            let how = match of.options & RB_HALT {
                0 => End::Reboot,
                _ => End::PowerOff,
            };
            match END.get() {
                Some(end) => end(how),
                None => Ok(host_reboot::Reply {}),
            }
        }),
        _ => None,
    }
}

/// What a flavour of `host_info` tells.
fn information(flavor: i32, room: u32) -> Result<Words, Refused> {
    let processors = percpu::online() as i32;
    match flavor {
        HOST_BASIC_INFO => {
            let info = HostBasicInfo {
                max_cpus: processors,
                avail_cpus: processors,
                memory_size: mm::counts().total * PAGE_SIZE,
                cpu_type: processor_type(),
                cpu_subtype: CPU_SUBTYPE_AT386,
            };
            Words::of(&info, room)
        }
        HOST_SCHED_INFO => {
            let info = HostSchedInfo {
                min_timeout: (1000 / TICKS_PER_SECOND) as i32,
                min_quantum: MIN_QUANTUM_MS,
            };
            Words::of(&info, room)
        }
        HOST_LOAD_INFO => {
            let load = load::load();
            let info = HostLoadInfo {
                avenrun: load.averages,
                mach_factor: load.mach_factors,
            };
            Words::of(&info, room)
        }
        _ => Err(Refused(KernReturn::INVALID_ARGUMENT)),
    }
}

/// The numbers of the processors.
fn processor_slots(room: u32) -> Result<[i32; percpu::MAX_CPUS], Refused> {
    if (room as usize) < percpu::online() {
        return Err(Refused(KernReturn::INVALID_ARGUMENT));
    }
    Ok(core::array::from_fn(|number| number as i32))
}

/// The `cpu_type_t` of this machine.
pub(super) fn processor_type() -> i32 {
    match Identity::read(processor::cpuid).family() {
        4 => CPU_TYPE_I486,
        5 => CPU_TYPE_PENTIUM,
        _ => CPU_TYPE_PENTIUMPRO,
    }
}

pub(super) fn in_microseconds(ns: i64) -> TimeValue {
    TimeValue {
        seconds: (ns / SECOND_NS) as i32,
        microseconds: (ns % SECOND_NS / MICROSECOND_NS) as i32,
    }
}

pub(super) fn in_nanoseconds(ns: i64) -> TimeValue64 {
    TimeValue64 {
        seconds: ns / SECOND_NS,
        nanoseconds: ns % SECOND_NS,
    }
}

/// So many microseconds, of processor time.
pub(super) fn time_of(us: u64) -> TimeValue {
    in_microseconds(i64::try_from(us.saturating_mul(1000)).unwrap_or(i64::MAX))
}

/// The same.
pub(super) fn time64_of(us: u64) -> TimeValue64 {
    in_nanoseconds(i64::try_from(us.saturating_mul(1000)).unwrap_or(i64::MAX))
}

fn wide(time: TimeValue) -> TimeValue64 {
    TimeValue64 {
        seconds: time.seconds.into(),
        nanoseconds: i64::from(time.microseconds) * MICROSECOND_NS,
    }
}

/// A time of day, whose nanoseconds are less than a second. The reference kernel
/// fails an assertion at others.
fn time_of_day(time: TimeValue64) -> Result<i64, Refused> {
    match (0..SECOND_NS).contains(&time.nanoseconds) {
        true => total(time),
        false => Err(Refused(KernReturn::INVALID_VALUE)),
    }
}

/// Nanoseconds, of which there may be centuries.
fn total(time: TimeValue64) -> Result<i64, Refused> {
    let seconds = time.seconds.checked_mul(SECOND_NS);
    let ns = seconds.and_then(|ns| ns.checked_add(time.nanoseconds));
    ns.filter(|ns| ns.unsigned_abs() < i64::MAX as u64 / 2)
        .ok_or(Refused(KernReturn::INVALID_VALUE))
}
