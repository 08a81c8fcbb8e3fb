//! Mach's traps: `lcall $7,$0` with the number in EAX and the arguments on the
//! stack, above a return address.
//!
//! Owns what each number does. Numbers and arguments are those of `mach/syscall_sw.h`; what a number does
//! that is in the table without a trap was seen on the reference kernel:
//! `KERN_INVALID_ARGUMENT`.

mod message;
mod shortcut;

use abi::kern_return::KernReturn;
use abi::layout::thread::{SWITCH_OPTION_DEPRESS, SWITCH_OPTION_NONE, SWITCH_OPTION_WAIT};
use abi::trap as number;
use kernel_core::ipc::right::{Disposition, Right};

use crate::arch::interrupts;
use crate::arch::trap::UserFrame;
use crate::arch::user_memory::{self, BadAddress};
use crate::console;
use crate::mm::shared::Shared;
use crate::sched::{self, How, Thread};
use crate::task::emulation;
use crate::task::host::Host;
use crate::task::{Exception, Special, UserThread, raise, with_current};

const KERN_SUCCESS: u32 = KernReturn::SUCCESS.0 as u32;
const KERN_INVALID_ADDRESS: u32 = KernReturn::INVALID_ADDRESS.0 as u32;
const KERN_INVALID_ARGUMENT: u32 = KernReturn::INVALID_ARGUMENT.0 as u32;
/// What a shortcut answers for a port that is no task's: the program is to send the
/// message in its place (seen).
const MACH_SEND_INTERRUPTED: u32 = 0x1000_0007;
/// `MACH_PORT_NULL`.
const NULL: u32 = 0;
/// How long `swtch_pri` depresses the caller at most, in milliseconds.
const DEPRESSED_MS: u32 = 30;
/// Numbers below are not in the table at all.
const LOWEST: i32 = -130;

/// A trap of Mach's interface; from the trap layer, with interrupts off.
pub(crate) fn on_system_call(frame: &mut UserFrame) {
    // SAFETY: the kernel has started: every vector has its handler.
    unsafe { interrupts::enable() };
    obey(frame);
    let _ = interrupts::disable();
}

#[inline(always)]
fn obey(frame: &mut UserFrame) {
    if emulation::is_used() && emulation::divert(frame) {
        return;
    }
    let number = frame.trap.eax as i32;
    let arguments = Arguments { esp: frame.esp };
    if number == number::MACH_MSG_TRAP {
        let result = with_current(|user| message::message(user, &arguments).map(|code| code.0));
        frame.trap.eax = answer(result);
    } else {
        obey_other(frame, number, &arguments);
    }
}

#[inline(never)]
fn obey_other(frame: &mut UserFrame, number: i32, arguments: &Arguments) {
    // The lowest of all numbers passes the reference kernel's check: seen.
    if !(LOWEST..=0).contains(&number) && number != i32::MIN {
        raise(
            frame,
            Exception::NO_SYSTEM_CALL,
            format_args!("no system call has number {number}"),
        );
        return;
    }
    let result = with_current(|user| call(user, number, arguments));
    frame.trap.eax = answer(result);
}

fn answer(result: Option<Result<u32, BadAddress>>) -> u32 {
    match result {
        Some(Ok(value)) => value,
        Some(Err(BadAddress)) => KERN_INVALID_ADDRESS,
        None => KERN_INVALID_ARGUMENT,
    }
}

/// The words that the user pushed.
struct Arguments {
    esp: u32,
}

impl Arguments {
    /// Before them is where the stub returns to.
    const FIRST: u32 = size_of::<u32>() as u32;

    /// Where the first of them is.
    fn first(&self) -> Result<u32, BadAddress> {
        self.esp.checked_add(Arguments::FIRST).ok_or(BadAddress)
    }

    /// Argument number `index`, from 0 on.
    fn word(&self, index: u32) -> Result<u32, BadAddress> {
        let offset = Arguments::FIRST + index * size_of::<u32>() as u32;
        user_memory::read(self.esp.checked_add(offset).ok_or(BadAddress)?)
    }
}

fn call(user: &UserThread, number: i32, arguments: &Arguments) -> Result<u32, BadAddress> {
    let names = user.task.names();
    Ok(match number {
        number::MACH_REPLY_PORT => names.allocate(Right::Receive).unwrap_or(NULL),
        number::MACH_THREAD_SELF => user.name_special(Special::Own),
        number::MACH_TASK_SELF => user.task.name_special(Special::Own),
        number::MACH_HOST_SELF => Host::Name
            .port()
            .and_then(|host| host.send_right(names).ok())
            .unwrap_or(NULL),
        number::MACH_PRINT => {
            print(arguments.word(0)?)?;
            KERN_SUCCESS
        }
        number::SWTCH => u32::from(sched::yield_now()),
        number::SWTCH_PRI => u32::from(sched::give_way(None, How::Depressed(DEPRESSED_MS))),
        number::THREAD_SWITCH => thread_switch(user, arguments)?,
        _ => return shortcut::call(user, number, arguments).unwrap_or(Ok(KERN_INVALID_ARGUMENT)),
    })
}

/// `thread_switch`: others run, for a time or until it is the caller's turn.
fn thread_switch(user: &UserThread, arguments: &Arguments) -> Result<u32, BadAddress> {
    let time_ms = arguments.word(2)?;
    let how = match arguments.word(1)? as i32 {
        SWITCH_OPTION_NONE => How::Ready,
        SWITCH_OPTION_DEPRESS => How::Depressed(time_ms),
        SWITCH_OPTION_WAIT => How::Waiting(time_ms),
        _ => return Ok(KERN_INVALID_ARGUMENT),
    };
    let preferred = thread_named(user, arguments.word(0)?);
    sched::give_way(preferred.as_ref(), how);
    Ok(KERN_SUCCESS)
}

/// The thread to whose port `name` denotes a send right.
fn thread_named(user: &UserThread, name: u32) -> Option<Shared<Thread>> {
    if name == NULL {
        return None;
    }
    let right = user.task.names().take(name, Disposition::CopySend).ok()?;
    right.object()?.downcast()
}

/// `mach_print`: a string that ends with a zero byte.
fn print(text: u32) -> Result<(), BadAddress> {
    const AT_ONCE: usize = 64;
    let mut next = text;
    loop {
        let mut bytes = [0_u8; AT_ONCE];
        // Up to the end of a page: the next may not be there.
        let left = AT_ONCE - next as usize % AT_ONCE;
        let part = &mut bytes[..left];
        user_memory::copy_in(next, part)?;
        let end = part.iter().position(|&byte| byte == 0);
        console::write_raw(&part[..end.unwrap_or(left)]);
        if end.is_some() {
            return Ok(());
        }
        next = next.checked_add(left as u32).ok_or(BadAddress)?;
        // As long as it is, others have their turns.
        sched::pause_if_turn_is_over();
    }
}
