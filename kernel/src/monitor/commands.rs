//! What can be typed at `kdb>`.
//!
//! One table: name, arguments, what it does. Help and completion come from it.

use core::fmt::{self, Write};

use kernel_core::addr::{PAGE_SIZE, VirtAddr};

use crate::arch::exit::{self, Verdict};
use crate::arch::registers::Registers;
use crate::arch::{percpu, pit, processor};
use crate::console::{self, println};
use crate::mm::{self, heap, kernel_map};
use crate::panic::backtrace;
use crate::{irq, machine, symbols, time, trace};

struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&str) -> Result<(), Mistake>,
}

/// What was wrong with a command's arguments.
struct Mistake(&'static str);

const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        arguments: "",
        about: "this list",
        run: help,
    },
    Command {
        name: "cpus",
        arguments: "",
        about: "the processors",
        run: cpus,
    },
    Command {
        name: "mem",
        arguments: "",
        about: "memory: frames, heap, mappings",
        run: mem,
    },
    Command {
        name: "cpuid",
        arguments: "",
        about: "what the processor says of itself",
        run: cpuid,
    },
    Command {
        name: "bt",
        arguments: "[EBP]",
        about: "calls that led here, or from a frame",
        run: bt,
    },
    Command {
        name: "peek",
        arguments: "ADDRESS [WORDS]",
        about: "words of mapped memory, in hex",
        run: peek,
    },
    Command {
        name: "trace",
        arguments: "[COUNT]",
        about: "the last events",
        run: show_trace,
    },
    Command {
        name: "irqs",
        arguments: "",
        about: "interrupts taken, by vector",
        run: irqs,
    },
    Command {
        name: "reboot",
        arguments: "",
        about: "reset the machine",
        run: reboot,
    },
    Command {
        name: "poweroff",
        arguments: "",
        about: "switch the machine off",
        run: poweroff,
    },
    Command {
        name: "panic",
        arguments: "[MESSAGE]",
        about: "panic, to see how that looks",
        run: do_panic,
    },
];

/// Runs the command in `line`; an empty line does nothing.
pub(super) fn obey(line: &str) {
    let line = line.trim();
    let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
    if name.is_empty() {
        return;
    }
    trace::record(trace::Kind::Command, line.len() as u32, 0);
    match COMMANDS.iter().find(|command| command.name == name) {
        None => println!("no command `{name}`; `help` lists them"),
        Some(command) => {
            if let Err(Mistake(what)) = (command.run)(arguments.trim()) {
                println!("{what}; usage: {} {}", command.name, command.arguments);
            }
        }
    }
}

/// What the start of a command could become.
pub(super) enum Completion {
    /// Nothing.
    None,
    /// This command alone.
    One(&'static str),
    /// Several, which [`print_beginning_with`] lists.
    Many,
}

/// Looks for the commands that begin with `start`.
pub(super) fn completion_of(start: &str) -> Completion {
    let mut candidates = beginning_with(start);
    match (candidates.next(), candidates.next()) {
        (None, _) => Completion::None,
        (Some(name), None) => Completion::One(name),
        (Some(_), Some(_)) => Completion::Many,
    }
}

/// Prints the commands that begin with `start`, on a line of their own.
pub(super) fn print_beginning_with(start: &str) {
    println!();
    for name in beginning_with(start) {
        console::print!("{name} ");
    }
    println!();
}

fn beginning_with(start: &str) -> impl Iterator<Item = &'static str> {
    COMMANDS
        .iter()
        .map(|command| command.name)
        .filter(move |name| name.starts_with(start))
}

fn help(_: &str) -> Result<(), Mistake> {
    for command in COMMANDS {
        println!(
            "{:<9} {:<16} {}",
            command.name, command.arguments, command.about
        );
    }
    Ok(())
}

fn cpus(_: &str) -> Result<(), Mistake> {
    for cpu in percpu::all() {
        println!(
            "cpu{} apic {} interrupts {} local ticks {}{}",
            cpu.id(),
            cpu.apic_id(),
            cpu.interrupts(),
            time::local_ticks(cpu.id()),
            if cpu.id() == 0 { " (boot)" } else { "" },
        );
    }
    match time::tsc_hz() {
        Some(hz) => println!(
            "{} kHz time stamps, {} ticks of {} ms",
            hz / 1000,
            time::ticks(),
            1000 / pit::TICKS_PER_SECOND
        ),
        None => println!("clocks not measured yet, {} ticks", time::ticks()),
    }
    Ok(())
}

fn mem(_: &str) -> Result<(), Mistake> {
    let frames = mm::counts();
    let (mapped, region) = kernel_map::region_usage();
    println!(
        "{} KiB of memory, {} KiB free",
        kib(frames.total),
        kib(frames.free)
    );
    println!("{} KiB free in the direct map", kib(frames.low_free));
    println!("{} KiB of heap in use", heap::used_bytes() / 1024);
    println!("{mapped} of {region} pages for mappings in use");
    Ok(())
}

fn kib(frames: u32) -> u32 {
    frames * (PAGE_SIZE / 1024)
}

fn cpuid(_: &str) -> Result<(), Mistake> {
    machine::print_processor();
    for base in [0, 0x8000_0000] {
        let last = processor::cpuid(base).eax;
        // A processor without extended leaves answers with the last basic one.
        if last < base || last > base + 0x20 {
            continue;
        }
        for function in base..=last {
            let leaf = processor::cpuid(function);
            println!(
                "{function:08x}: eax {:08x} ebx {:08x} ecx {:08x} edx {:08x}",
                leaf.eax, leaf.ebx, leaf.ecx, leaf.edx
            );
        }
    }
    Ok(())
}

fn bt(arguments: &str) -> Result<(), Mistake> {
    let here = Registers::here();
    let (eip, ebp) = match arguments {
        "" => (here.eip, here.ebp),
        frame => (here.eip, number(frame).ok_or(Mistake("EBP is a number"))?),
    };
    // Printing to the console cannot fail.
    let _ = backtrace::write(&mut Console, eip, ebp);
    Ok(())
}

fn peek(arguments: &str) -> Result<(), Mistake> {
    const ROW: u32 = 4;
    let mut words = arguments.split_whitespace();
    let start = words
        .next()
        .and_then(number)
        .ok_or(Mistake("ADDRESS is a number"))?;
    let count = match words.next() {
        None => ROW,
        Some(text) => number(text).ok_or(Mistake("WORDS is a number"))?,
    };
    if start % 4 != 0 {
        return Err(Mistake("ADDRESS is a multiple of 4"));
    }
    for index in 0..count.min(1024) {
        let Some(address) = VirtAddr::new(start).checked_add(index * 4) else {
            break;
        };
        if index % ROW == 0 {
            console::print!("{}{address}:", if index == 0 { "" } else { "\n" });
        }
        if kernel_map::translate(address).is_none() {
            println!(" not mapped");
            return Ok(());
        }
        // SAFETY: aligned and mapped; reading device registers may disturb a
        // device, which whoever types the address has asked for.
        let word = unsafe { (address.as_usize() as *const u32).read_volatile() };
        console::print!(" {word:08x}");
    }
    println!("");
    Ok(())
}

fn show_trace(arguments: &str) -> Result<(), Mistake> {
    let count = match arguments {
        "" => 16,
        text => number(text).ok_or(Mistake("COUNT is a number"))?,
    };
    let _ = trace::write_last(&mut Console, count as usize);
    Ok(())
}

fn irqs(_: &str) -> Result<(), Mistake> {
    for (vector, purpose, count) in irq::counts() {
        println!("{vector:#04x} {purpose:<14} {count}");
    }
    println!("apic errors {:#x}", irq::apic_errors());
    Ok(())
}

fn reboot(_: &str) -> Result<(), Mistake> {
    println!("exov6: reboot");
    exit::reset()
}

fn poweroff(_: &str) -> Result<(), Mistake> {
    // After a panic whoever waits for this machine must not think it went well.
    machine::power_off(if percpu::is_alone() {
        Verdict::Failure
    } else {
        Verdict::Success
    })
}

fn do_panic(arguments: &str) -> Result<(), Mistake> {
    match arguments {
        "" => panic!("asked for at kdb>"),
        message => panic!("{message}"),
    }
}

/// A number in decimal, or in hex after `0x`; or a function's name.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok().or_else(|| symbols::address_of(text)),
    }
}

/// The console as a writer.
struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        console::write(format_args!("{text}"));
        Ok(())
    }
}
