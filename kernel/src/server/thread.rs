//! The routines on threads, of `mach.defs` and `gnumach.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::layout::Plain;
use abi::layout::thread::*;
use abi::routine::gnumach::{thread_get_name, thread_set_name};
use abi::routine::mach::*;
use abi::wire::{Array, CString, MoveSend};
use kernel_core::ipc::right::NULL;

use super::{Call, Done, Refused, thread_state};
use crate::mm::shared::{Any, Shared};
use crate::sched::{Thread, stop, with_current};
use crate::task::{Name, Special, UserThread};

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
        thread_get_state::ID => call.answer_by(|of: thread_get_state::Request, _, reply| {
            let words = stop::with_registers(other(thread?)?, |registers| {
                thread_state::get(registers, of.flavor, of.old_state_count)
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
        thread_get_name::ID => call.answer_by(|_: thread_get_name::Request, _, reply| {
            reply.with(&thread_get_name::Reply {
                name: CString(user?.name().bytes()),
            })
        }),
        _ => None,
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
