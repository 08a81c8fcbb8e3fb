//! The routines on tasks, of `mach.defs` and `gnumach.defs`.
//!
//! Owns no state; called by the dispatch.

use abi::kern_return::KernReturn;
use abi::layout::task::*;
use abi::routine::gnumach::task_set_name;
use abi::routine::mach::*;
use abi::wire::MoveSend;
use kernel_core::addr::VirtAddr;
use kernel_core::ipc::right::NULL;

use super::{Call, Done, Refused, known};
use crate::mm::shared::Any;
use crate::task::{Name, Special, Task, UserThread};

pub(super) fn serve(call: &mut Call<'_>, object: &Any) -> Option<Done> {
    let task = known::<Task>(object, KernReturn::INVALID_ARGUMENT);
    match call.header.id {
        task_create::ID => {
            let parent = known::<Task>(object, KernReturn::INVALID_TASK);
            call.answer_along(|of: task_create::Request, along| {
                let parent = parent?;
                let name = parent.name().of_child();
                let child = match of.inherit_memory {
                    true => Task::with(name, parent.space().fork()?)?,
                    false => Task::new(name)?,
                };
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

/// The special port of a task with this number.
fn special(number: i32) -> Result<Special, Refused> {
    match number {
        TASK_KERNEL_PORT => Ok(Special::Own),
        TASK_EXCEPTION_PORT => Ok(Special::Exception),
        TASK_BOOTSTRAP_PORT => Ok(Special::Bootstrap),
        _ => Err(Refused(KernReturn::INVALID_ARGUMENT)),
    }
}
