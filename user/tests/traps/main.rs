//! Tries every trap: what it must do, and what it must refuse, with which code.
//!
//! Prints a line for each case; `expected.txt` beside it has them all, as GNU
//! Mach answers. It prints no name of a port, for kernels may number them as
//! they like.

#![no_std]
#![no_main]

mod children;
mod memory;
mod ports;

use core::ffi::CStr;

use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::port::PortName;
use user_rt::abi::trap as number;
use user_rt::trap::Door;
use user_rt::{Arguments, println, trap};

user_rt::program!(main);

fn main(arguments: Arguments) {
    if let Some(name) = arguments.word(1) {
        choose(name);
    }
    selves();
    switching();
    ports::cases();
    memory::cases();
    foreign();
    children::cases();
    unassigned();
    println!("traps: done");
    let _ = trap::task_terminate(trap::mach_task_self());
    println!("traps: task_terminate of the own task came back");
}

/// All that follows goes through the door of this name.
fn choose(name: &CStr) {
    let door = match name.to_bytes() {
        b"int" => Door::Interrupt,
        b"sysenter" => Door::Sysenter,
        _ => Door::Gate,
    };
    println!("door: {name:?} is {:?}", trap::choose(door));
}

/// Prints what a call answered.
fn tell(what: &str, answer: trap::Result) {
    code(what, answer.err().unwrap_or(KernReturn::SUCCESS));
}

/// Prints a code.
fn code(what: &str, code: KernReturn) {
    match code.name() {
        Some(name) => println!("traps: {what}: {name}"),
        None => println!("traps: {what}: {:#x}", code.0),
    }
}

/// Prints whether something holds.
fn holds(what: &str, does: bool) {
    println!("traps: {what}: {}", if does { "yes" } else { "NO" });
}

fn selves() {
    use trap::{mach_host_self, mach_reply_port, mach_task_self, mach_thread_self};
    for (what, once, again) in [
        ("task", mach_task_self(), mach_task_self()),
        ("thread", mach_thread_self(), mach_thread_self()),
        ("host", mach_host_self(), mach_host_self()),
    ] {
        println!("traps: mach_{what}_self");
        holds(
            "is a name, twice the same",
            once.is_valid() && once == again,
        );
    }
    let (one, other) = (mach_reply_port(), mach_reply_port());
    let new = one.is_valid() && other.is_valid() && one != other;
    holds("mach_reply_port twice is two names", new);
    tell("mach_print of nothing", trap::mach_print(c""));
}

fn switching() {
    const NO_OPTION: u32 = 0;
    const DEPRESS: u32 = 1;
    const WAIT: u32 = 2;
    holds("swtch finds nobody", !trap::swtch());
    holds("swtch_pri finds nobody", !trap::swtch_pri(0));
    let null = PortName::NULL;
    for (what, thread, option, time) in [
        ("thread_switch", null, NO_OPTION, 0),
        ("thread_switch, depress for 10 ms", null, DEPRESS, 10),
        ("thread_switch, wait for 10 ms", null, WAIT, 10),
        (
            "thread_switch to itself",
            trap::mach_thread_self(),
            NO_OPTION,
            0,
        ),
        (
            "thread_switch to no thread",
            trap::mach_task_self(),
            NO_OPTION,
            0,
        ),
    ] {
        tell(what, trap::thread_switch(thread, option, time));
    }
}

/// Every shortcut with a port that is not that of the caller's task.
fn foreign() {
    /// As many words as any of them takes.
    const WORDS: usize = 11;
    let shortcuts = number::TRAPS.iter().filter(|trap| {
        let shortcut = trap.name.starts_with("syscall_");
        // That one is about a thread, and asks for nothing first.
        shortcut && trap.number != number::SYSCALL_THREAD_DEPRESS_ABORT
    });
    let others = [PortName::NULL, PortName::DEAD, trap::mach_host_self()];
    for shortcut in shortcuts {
        let answers = others.map(|port| {
            let mut words = [0; WORDS];
            words[0] = port.0;
            // SAFETY: a shortcut that is not for this task looks at nothing else.
            unsafe { trap::raw(shortcut.number, words) }
        });
        let right = answers.iter().all(|answer| *answer == trap::OTHER_TASK);
        match right {
            true => println!("traps: {} of others: {:#x}", shortcut.name, answers[0].0),
            false => println!("traps: {} of others: {answers:x?}", shortcut.name),
        }
    }
}

/// The numbers between those of the table.
fn unassigned() {
    /// The table's end.
    const LAST: i32 = -129;
    /// Traps of earlier days, to which GNU Mach still has an answer.
    const FORMER: [i32; 8] = [-10, -11, -12, -13, -39, -40, -55, -56];
    let mut refused = 0;
    for number in (LAST..=0).rev() {
        if number::by_number(number).is_some() || FORMER.contains(&number) {
            continue;
        }
        // SAFETY: there is no such trap.
        let answer = unsafe { trap::raw(number, [0; 11]) };
        match answer {
            KernReturn::INVALID_ARGUMENT => refused += 1,
            other => println!("traps: number {number}: {:#x}", other.0),
        }
    }
    println!("traps: {refused} unassigned numbers are KERN_INVALID_ARGUMENT");
}
