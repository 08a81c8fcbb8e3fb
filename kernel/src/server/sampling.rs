//! The routines that sample tasks and threads, of `mach4.defs`.
//!
//! Owns no state; called by the dispatch.

use alloc::vec::Vec;

use abi::kern_return::KernReturn;
use abi::layout::thread::SampledPc;
use abi::routine::mach4::*;
use abi::wire::Array;

use super::{Call, Done, Refused};
use crate::arch::pit::TICKS_PER_SECOND;
use crate::mm::shared::Any;
use crate::sched::Thread;
use crate::task::sampling::{MOST, NotSampled, Sampler};
use crate::task::{Task, UserThread};

const INVALID: Refused = Refused(KernReturn::INVALID_ARGUMENT);
/// Microseconds from one sample to the next.
const TICK_US: i32 = (1_000_000 / TICKS_PER_SECOND) as i32;

impl From<NotSampled> for Refused {
    fn from(_: NotSampled) -> Refused {
        Refused(KernReturn::FAILURE)
    }
}

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let task = object.downcast_ref::<Task>().map(Task::sampler);
    let task = task.ok_or(INVALID);
    let user = object.downcast_ref::<Thread>().and_then(Thread::upper);
    let thread = user.map(UserThread::sampler).ok_or(INVALID);
    match call.header.id {
        task_enable_pc_sampling::ID => call.answer(|of: task_enable_pc_sampling::Request| {
            task?.enable(of.flavor)?;
            Ok(task_enable_pc_sampling::Reply { tick: TICK_US })
        }),
        task_disable_pc_sampling::ID => call.answer(|_: task_disable_pc_sampling::Request| {
            let samplecnt = task?.disable() as i32;
            Ok(task_disable_pc_sampling::Reply { samplecnt })
        }),
        task_get_sampled_pcs::ID => {
            call.answer_by(|of: task_get_sampled_pcs::Request, _, reply| {
                let (samples, seqno) = samples(task?, of.seqno)?;
                reply.with(&task_get_sampled_pcs::Reply {
                    seqno,
                    sampled_pcs: Array::new(&samples),
                })
            })
        }
        thread_enable_pc_sampling::ID => call.answer(|of: thread_enable_pc_sampling::Request| {
            thread?.enable(of.flavor)?;
            Ok(thread_enable_pc_sampling::Reply { tick: TICK_US })
        }),
        thread_disable_pc_sampling::ID => call.answer(|_: thread_disable_pc_sampling::Request| {
            let samplecnt = thread?.disable() as i32;
            Ok(thread_disable_pc_sampling::Reply { samplecnt })
        }),
        thread_get_sampled_pcs::ID => {
            call.answer_by(|of: thread_get_sampled_pcs::Request, _, reply| {
                let (samples, seqno) = samples(thread?, of.seqno)?;
                reply.with(&thread_get_sampled_pcs::Reply {
                    seqno,
                    sampled_pcs: Array::new(&samples),
                })
            })
        }
        _ => None,
    }
}

/// The samples from a number on, and the number of the next.
fn samples(sampler: &Sampler, from: u32) -> Result<(Vec<SampledPc>, u32), Refused> {
    let mut samples = Vec::new();
    let reserved = samples.try_reserve_exact(MOST);
    reserved.map_err(|_| Refused(KernReturn::RESOURCE_SHORTAGE))?;
    let next = sampler.samples(from, &mut samples)?;
    Ok((samples, next))
}
