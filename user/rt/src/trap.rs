//! Mach's traps as functions.
//!
//! Names, arguments and results are those of `mach/mach_traps.h` and
//! `mach/syscall_sw.h`. A function is safe where the trap cannot harm the
//! memory of its own task. A shortcut with a port that is no task's does nothing
//! and returns [`OTHER_TASK`]: whoever serves that port is asked by a message.

use core::ffi::CStr;
use core::ptr;

use abi::kern_return::KernReturn;
use abi::message::TypeName;
use abi::port::{PortName, PortRight};
use abi::trap as number;

use crate::arch::{self, gate};

pub use crate::arch::Door;

/// What a shortcut returns for a port that stands for no task of the kernel's
/// (`MACH_SEND_INTERRUPTED`).
pub const OTHER_TASK: KernReturn = KernReturn(0x1000_0007);

/// What a trap returned: a value, or the code that says why not.
pub type Result<T = ()> = core::result::Result<T, KernReturn>;

/// From now on this program's traps go through `door`; which it is, for one that the
/// processor does not have is another one. Other kernels have Mach's gate alone:
/// there the program ends.
pub fn choose(door: Door) -> Door {
    arch::choose(door)
}

/// Any trap, with any words as arguments: for tests of the gate itself.
///
/// # Safety
///
/// The trap may be called with these arguments: addresses among them point to
/// memory that it may read or write, and nobody relies on what it takes away.
pub unsafe fn raw<const WORDS: usize>(number: i32, words: [u32; WORDS]) -> KernReturn {
    // SAFETY: passed on to the caller.
    KernReturn(unsafe { gate(number, words) })
}

/// A trap that touches no memory of the caller's.
fn plain<const WORDS: usize>(number: i32, words: [u32; WORDS]) -> i32 {
    // SAFETY: only called for such traps, in this file.
    unsafe { gate(number, words) }
}

fn port(number: i32) -> PortName {
    PortName(plain(number, []) as u32)
}

fn checked(code: i32) -> Result {
    match KernReturn(code) {
        KernReturn::SUCCESS => Ok(()),
        code => Err(code),
    }
}

/// A new port for replies; null if there is no memory.
#[must_use]
pub fn mach_reply_port() -> PortName {
    port(number::MACH_REPLY_PORT)
}

/// A send right to the calling thread.
#[must_use]
pub fn mach_thread_self() -> PortName {
    port(number::MACH_THREAD_SELF)
}

/// A send right to the calling task.
#[must_use]
pub fn mach_task_self() -> PortName {
    port(number::MACH_TASK_SELF)
}

/// A send right to the host's name port.
#[must_use]
pub fn mach_host_self() -> PortName {
    port(number::MACH_HOST_SELF)
}

/// Shows text on the kernel's console.
pub fn mach_print(text: &CStr) -> Result {
    let address = text.as_ptr().expose_provenance() as u32;
    // SAFETY: the kernel reads up to the zero byte, and no further.
    checked(unsafe { gate(number::MACH_PRINT, [address]) })
}

/// Lets another thread run; whether there was one that could.
pub fn swtch() -> bool {
    plain(number::SWTCH, []) != 0
}

/// As [`swtch`], with less priority for a moment.
pub fn swtch_pri(priority: i32) -> bool {
    plain(number::SWTCH_PRI, [priority as u32]) != 0
}

/// Lets another thread run: `thread` if it is one; `option` and `time_ms` are
/// those of the manual, Hand-Off Scheduling.
pub fn thread_switch(thread: PortName, option: u32, time_ms: u32) -> Result {
    checked(plain(number::THREAD_SWITCH, [thread.0, option, time_ms]))
}

/// Ends a task. With the caller's own there is nothing to return to.
pub fn task_terminate(task: PortName) -> Result {
    checked(plain(number::SYSCALL_TASK_TERMINATE, [task.0]))
}

/// A new receive right, port set or dead name in `task`.
pub fn mach_port_allocate(task: PortName, right: PortRight) -> Result<PortName> {
    let mut name = 0_u32;
    let to = ptr::from_mut(&mut name).expose_provenance() as u32;
    // SAFETY: the kernel writes one word to the variable, while it lives.
    let code = unsafe { gate(number::SYSCALL_MACH_PORT_ALLOCATE, [task.0, right.0, to]) };
    checked(code).map(|()| PortName(name))
}

/// As [`mach_port_allocate`], under a name that the caller chooses.
pub fn mach_port_allocate_name(task: PortName, right: PortRight, name: PortName) -> Result {
    let words = [task.0, right.0, name.0];
    checked(plain(number::SYSCALL_MACH_PORT_ALLOCATE_NAME, words))
}

/// Gives up one reference to a right.
pub fn mach_port_deallocate(task: PortName, name: PortName) -> Result {
    let words = [task.0, name.0];
    checked(plain(number::SYSCALL_MACH_PORT_DEALLOCATE, words))
}

/// Gives `task` a right under `name`, made of the caller's right `from` as
/// `disposition` says.
pub fn mach_port_insert_right(
    task: PortName,
    name: PortName,
    from: PortName,
    disposition: TypeName,
) -> Result {
    let words = [task.0, name.0, from.0, disposition.0.into()];
    checked(plain(number::SYSCALL_MACH_PORT_INSERT_RIGHT, words))
}

/// New memory of `size` bytes, zeroed, wherever there is room in `task`: its
/// address.
pub fn vm_allocate(task: PortName, size: u32) -> Result<u32> {
    const ANYWHERE: u32 = 1;
    let mut address = 0_u32;
    let at = ptr::from_mut(&mut address).expose_provenance() as u32;
    let words = [task.0, at, size, ANYWHERE];
    // SAFETY: the kernel writes one word to the variable, while it lives; what
    // it allocates is memory that nobody has.
    let code = unsafe { gate(number::SYSCALL_VM_ALLOCATE, words) };
    checked(code).map(|()| address)
}

/// Takes memory away.
///
/// # Safety
///
/// Nobody uses it any more, if it is the caller's.
pub unsafe fn vm_deallocate(task: PortName, address: u32, size: u32) -> Result {
    let words = [task.0, address, size];
    // SAFETY: passed on to the caller.
    checked(unsafe { gate(number::SYSCALL_VM_DEALLOCATE, words) })
}
