//! The routines that wait at words of memory, of `gnumach.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::gsync::{GSYNC_BROADCAST, GSYNC_MUTATE, GSYNC_QUAD, GSYNC_SHARED, GSYNC_TIMED};
use abi::kern_return::KernReturn;
use abi::routine::gnumach::{gsync_requeue, gsync_wait, gsync_wake};
use kernel_core::vm::map::MapError;

use super::{Call, Done, Refused, known};
use crate::mm::shared::Any;
use crate::task::Task;
use crate::task::gsync::{self, First, Many, Unwoken, Wait};
use crate::vm::word::Scope;

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let space = known(object, KernReturn::INVALID_TASK).map(Task::space);
    match call.header.id {
        gsync_wait::ID => call.answer(|of: gsync_wait::Request| {
            let wait = Wait {
                address: of.addr,
                value: of.val1,
                second: (of.flags & GSYNC_QUAD != 0).then_some(of.val2),
                scope: scope(of.flags),
                milliseconds: (of.flags & GSYNC_TIMED != 0).then_some(of.msec),
            };
            gsync::wait(space?, wait)?;
            Ok(gsync_wait::Reply {})
        }),
        gsync_wake::ID => call.answer_code(|of: gsync_wake::Request| {
            let value = (of.flags & GSYNC_MUTATE != 0).then_some(of.val);
            let (scope, many) = (scope(of.flags), many(of.flags));
            let has_woken = gsync::wake(space?, of.addr, scope, many, value);
            // Nobody waits: seen.
            let has_woken = has_woken.map_err(unusable)?;
            has_woken
                .then_some(())
                .ok_or(Refused(KernReturn::INVALID_ARGUMENT))
        }),
        gsync_requeue::ID => call.answer_code(|of: gsync_requeue::Request| {
            let words = (of.src_addr, of.dst_addr);
            let first = match of.wake_one {
                true => First::WakeOne,
                false => First::Nothing,
            };
            let moved = gsync::requeue(space?, words, scope(of.flags), first, many(of.flags));
            moved.map_err(unusable)
        }),
        _ => None,
    }
}

fn scope(flags: i32) -> Scope {
    match flags & GSYNC_SHARED {
        0 => Scope::Task,
        _ => Scope::Memory,
    }
}

fn many(flags: i32) -> Many {
    match flags & GSYNC_BROADCAST {
        0 => Many::One,
        _ => Many::All,
    }
}

/// What may not be used is not there, here: seen.
fn unusable(error: MapError) -> Refused {
    Refused::from(match error {
        MapError::ProtectionFailure => MapError::InvalidAddress,
        error => error,
    })
}

impl From<Unwoken> for Refused {
    fn from(why: Unwoken) -> Refused {
        match why {
            Unwoken::Bad(error) => unusable(error),
            Unwoken::Differs => Refused(KernReturn::INVALID_ARGUMENT),
            Unwoken::TimedOut => Refused(KernReturn::TIMEDOUT),
            Unwoken::Interrupted => Refused(KernReturn::INTERRUPTED),
        }
    }
}
