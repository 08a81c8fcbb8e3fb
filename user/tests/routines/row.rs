//! Printing rows, and what groups have in common.

use core::fmt::Debug;

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::message::{MsgReturn, TypeName};
use user_rt::abi::port::{PortName, PortRight};
use user_rt::trap::{self, Result};
use user_rt::{print, println};

/// Prints a row, and gives what the call gave.
pub(crate) fn row<T>(routine: &str, case: &str, answer: Result<T>) -> Option<T> {
    code(routine, case, &answer);
    println!();
    answer.ok()
}

/// The same with a value of the answer.
pub(crate) fn value<T, V: Debug>(
    routine: &str,
    case: &str,
    answer: Result<T>,
    of: impl FnOnce(&T) -> V,
) -> Option<T> {
    code(routine, case, &answer);
    match &answer {
        Ok(given) => println!(" {:?}", of(given)),
        Err(_) => println!(),
    }
    answer.ok()
}

/// A row that says whether something holds.
pub(crate) fn holds(routine: &str, case: &str, does: bool) {
    println!("row {routine} {case}: {}", if does { "yes" } else { "NO" });
}

fn code<T>(routine: &str, case: &str, answer: &Result<T>) {
    let code = answer.as_ref().err().copied();
    let code = code.unwrap_or(KernReturn::SUCCESS);
    let message = MsgReturn(code.0 as u32).name();
    match code.name().or(message) {
        Some(name) => print!("row {routine} {case}: {name}"),
        None => print!("row {routine} {case}: {:#x}", code.0),
    }
}

/// A new receive right; null if there is none to be had.
pub(crate) fn receive_right() -> PortName {
    let right = trap::mach_port_allocate(trap::mach_task_self(), PortRight::RECEIVE);
    right.unwrap_or(PortName::NULL)
}

/// A new receive right with a send right under the same name.
pub(crate) fn port() -> PortName {
    let (task, port) = (trap::mach_task_self(), receive_right());
    let made = trap::mach_port_insert_right(task, port, port, TypeName::MAKE_SEND);
    made.map_or(PortName::NULL, |()| port)
}

/// New pages; null if there are none to be had.
pub(crate) fn pages(count: u32) -> u32 {
    trap::vm_allocate(trap::mach_task_self(), count * PAGE).unwrap_or(0)
}

/// The size of a page.
pub(crate) const PAGE: u32 = user_rt::abi::layout::vm::PAGE_SIZE;
/// A name that nobody has.
pub(crate) const NOBODY: PortName = PortName(0x7777);
