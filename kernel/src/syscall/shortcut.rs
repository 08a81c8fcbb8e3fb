//! Traps that do what a message to a task's port would do (`syscall_*`).
//!
//! Owns no state; called by the folder's dispatch. They are for any task, or
//! thread, of this machine to whose port the caller has a send right; of another
//! port they say that the message is to be sent (seen).

use abi::kern_return::KernReturn;
use abi::routine::mach::vm_map;
use abi::trap as number;
use abi::wire::CopySend;
use kernel_core::ipc::Refusal;
use kernel_core::ipc::right::{DEAD, Disposition, Right};

use super::{Arguments, KERN_SUCCESS, MACH_SEND_INTERRUPTED, NULL, thread_named};
use crate::arch::user_memory::{self, BadAddress};
use crate::ipc::{HeldRight, Names};
use crate::mm::shared::Shared;
use crate::sched::info;
use crate::server;
use crate::task::birth::Heritage;
use crate::task::{Special, Task, UserThread};

/// A shortcut, if it has this number.
pub(super) fn call(
    user: &UserThread,
    number: i32,
    arguments: &Arguments,
) -> Option<Result<u32, BadAddress>> {
    Some(match number {
        number::SYSCALL_VM_MAP
        | number::SYSCALL_VM_ALLOCATE
        | number::SYSCALL_VM_DEALLOCATE
        | number::SYSCALL_TASK_CREATE
        | number::SYSCALL_TASK_TERMINATE
        | number::SYSCALL_TASK_SUSPEND
        | number::SYSCALL_TASK_SET_SPECIAL_PORT
        | number::SYSCALL_MACH_PORT_ALLOCATE
        | number::SYSCALL_MACH_PORT_DEALLOCATE
        | number::SYSCALL_MACH_PORT_INSERT_RIGHT
        | number::SYSCALL_MACH_PORT_ALLOCATE_NAME => on_task(user, number, arguments),
        number::SYSCALL_THREAD_DEPRESS_ABORT => on_thread(user, arguments),
        _ => return None,
    })
}

fn on_thread(user: &UserThread, arguments: &Arguments) -> Result<u32, BadAddress> {
    Ok(match thread_named(user, arguments.word(0)?) {
        Some(thread) => {
            info::abort_depression(&thread);
            KERN_SUCCESS
        }
        None => MACH_SEND_INTERRUPTED,
    })
}

fn on_task(user: &UserThread, number: i32, arguments: &Arguments) -> Result<u32, BadAddress> {
    let name = arguments.word(0)?;
    let other;
    let task: &Task = if user.task.port().is_named(user.task.names(), name) {
        &user.task
    } else {
        match task_named(user, name) {
            Some(named) => {
                other = named;
                &other
            }
            None => return Ok(MACH_SEND_INTERRUPTED),
        }
    };
    let (own, names, space) = (user.task.names(), task.names(), task.space());
    let result = match number {
        number::SYSCALL_VM_MAP => return map(own, task, arguments),
        number::SYSCALL_VM_ALLOCATE => {
            let (at, size, anywhere) = (arguments.word(1)?, arguments.word(2)?, arguments.word(3)?);
            let asked = user_memory::read(at)?;
            return match server::allocate(space, asked, size, anywhere != 0) {
                Ok(address) => user_memory::copy_out(&[address], at).map(|()| KERN_SUCCESS),
                Err(error) => Ok(error.code() as u32),
            };
        }
        number::SYSCALL_VM_DEALLOCATE => {
            let done = space.deallocate(arguments.word(1)?, arguments.word(2)?);
            return Ok(done.err().map_or(KERN_SUCCESS, |error| error.code() as u32));
        }
        number::SYSCALL_TASK_CREATE => return create(own, task, arguments),
        number::SYSCALL_TASK_TERMINATE => {
            task.terminate();
            Ok(())
        }
        number::SYSCALL_TASK_SUSPEND => {
            task.suspend();
            Ok(())
        }
        number::SYSCALL_TASK_SET_SPECIAL_PORT => {
            let (which, name) = (arguments.word(1)?, arguments.word(2)?);
            let right = own.take(name, Disposition::CopySend);
            right.and_then(|right| {
                let which = Special::of_task(which as i32).ok_or(Refusal::InvalidArgument)?;
                task.set_special(which, right);
                Ok(())
            })
        }
        number::SYSCALL_MACH_PORT_ALLOCATE => {
            let (right, to) = (arguments.word(1)?, arguments.word(2)?);
            match Right::from_number(right).and_then(|right| names.allocate(right)) {
                Ok(name) => return tell(names, name, to),
                Err(refusal) => Err(refusal),
            }
        }
        number::SYSCALL_MACH_PORT_ALLOCATE_NAME => {
            let (right, name) = (arguments.word(1)?, arguments.word(2)?);
            Right::from_number(right).and_then(|right| names.allocate_name(right, name))
        }
        number::SYSCALL_MACH_PORT_DEALLOCATE => names.deallocate(arguments.word(1)?),
        number::SYSCALL_MACH_PORT_INSERT_RIGHT => {
            let (name, from, how) = (arguments.word(1)?, arguments.word(2)?, arguments.word(3)?);
            Disposition::from_number(how)
                .ok_or(Refusal::InvalidValue)
                .and_then(|how| names.insert_right(name, own.take(from, how)?))
        }
        _ => Err(Refusal::InvalidArgument),
    };
    Ok(result.err().map_or(KERN_SUCCESS, Refusal::code))
}

/// The task to whose port `name` denotes a send right.
fn task_named(user: &UserThread, name: u32) -> Option<Shared<Task>> {
    if name == NULL {
        return None;
    }
    let right = user.task.names().take(name, Disposition::CopySend).ok()?;
    right.object()?.downcast()
}

/// Writes a new name to `at`, or gives it up: one that nobody learns is of no use
/// to anybody.
fn tell(names: &Names, name: u32, at: u32) -> Result<u32, BadAddress> {
    user_memory::copy_out(&[name], at)
        .map(|()| KERN_SUCCESS)
        .inspect_err(|BadAddress| {
            // The task itself may have been faster.
            let _ = names.destroy(name);
        })
}

fn create(own: &Names, parent: &Task, arguments: &Arguments) -> Result<u32, BadAddress> {
    let (inherits, to) = (arguments.word(1)?, arguments.word(2)?);
    let heritage = match inherits {
        0 => Heritage::Nothing,
        _ => Heritage::Memory,
    };
    let child = match parent.child(heritage) {
        Ok(child) => child,
        Err(error) => return Ok(error.code() as u32),
    };
    let told = match own.give(child.port().make_send()) {
        Ok(name) => tell(own, name, to),
        Err(refusal) => Ok(refusal.code()),
    };
    if told != Ok(KERN_SUCCESS) {
        child.terminate();
    }
    told
}

fn map(own: &Names, task: &Task, arguments: &Arguments) -> Result<u32, BadAddress> {
    let at = arguments.word(1)?;
    let object = arguments.word(5)?;
    let of = vm_map::Request {
        address: user_memory::read(at)?,
        size: arguments.word(2)?,
        mask: arguments.word(3)?,
        anywhere: arguments.word(4)? != 0,
        memory_object: CopySend::new(NULL),
        offset: arguments.word(6)?,
        copy: arguments.word(7)? != 0,
        cur_protection: arguments.word(8)? as i32,
        max_protection: arguments.word(9)? as i32,
        inheritance: arguments.word(10)? as i32,
    };
    let object = match own.take(object, Disposition::CopySend) {
        // No object, as null: seen.
        _ if object == DEAD => HeldRight::NULL,
        Ok(right) => right,
        Err(refusal) => return Ok(refusal.code()),
    };
    match server::map(task.space(), &of, object) {
        Ok(address) => user_memory::copy_out(&[address], at).map(|()| KERN_SUCCESS),
        Err(KernReturn(code)) => Ok(code as u32),
    }
}
