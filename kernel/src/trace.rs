//! What happened last, on each processor: a few words an event, always on.
//!
//! Anyone may [`record`]; the monitor's `trace` and a panic's report print the
//! end. Recording is a handful of atomic stores on the processor's own ring.

use core::fmt::{self, Write};

use kernel_core::trace::{self, Ring};

use crate::arch::{percpu, tsc};

/// Events kept for each processor.
const EVENTS: usize = 64;

/// What can happen; the details are what the description says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    /// A step of the boot: number of the step.
    Boot = 1,
    /// An interrupt: vector.
    Interrupt = 2,
    /// A processor came up: its APIC number.
    ProcessorUp = 3,
    /// TLB entries dropped everywhere: address, pages.
    Shootdown = 4,
    /// A monitor command was entered: its length.
    Command = 5,
    /// A test case begins: its number.
    Test = 6,
}

/// Kinds by number, with what their details are called.
const KINDS: [(Kind, &str, [&str; 2]); 6] = [
    (Kind::Boot, "boot", ["step", ""]),
    (Kind::Interrupt, "interrupt", ["vector", ""]),
    (Kind::ProcessorUp, "processor up", ["apic", ""]),
    (Kind::Shootdown, "tlb shootdown", ["address", "pages"]),
    (Kind::Command, "command", ["length", ""]),
    (Kind::Test, "test", ["number", ""]),
];

static RINGS: [Ring<EVENTS>; percpu::MAX_CPUS] = [const { Ring::new() }; percpu::MAX_CPUS];

/// Notes an event on the processor that calls.
pub(crate) fn record(kind: Kind, a: u32, b: u32) {
    let cpu = percpu::id_or_boot();
    if let Some(ring) = RINGS.get(cpu as usize) {
        let event = trace::Event {
            tsc: tsc::now(),
            cpu: cpu as u8,
            kind: kind as u16,
            a,
            b,
        };
        ring.record(event);
    }
}

/// Writes the last `count` events of all processors, oldest first.
pub(crate) fn write_last(out: &mut impl Write, count: usize) -> fmt::Result {
    let rings: [&Ring<EVENTS>; percpu::MAX_CPUS] = core::array::from_fn(|cpu| &RINGS[cpu]);
    let total = trace::in_order(&rings).count();
    if total == 0 {
        return writeln!(out, "no events");
    }
    writeln!(out, "last events (time stamp, cpu, event):")?;
    for event in trace::in_order(&rings).skip(total.saturating_sub(count)) {
        write_event(out, &event)?;
    }
    Ok(())
}

fn write_event(out: &mut impl Write, event: &trace::Event) -> fmt::Result {
    write!(out, "  {:>14} cpu{} ", event.tsc, event.cpu)?;
    let known = KINDS.iter().find(|(kind, ..)| *kind as u16 == event.kind);
    let Some((_, name, [a, b])) = known else {
        return writeln!(out, "kind {} {:#x} {:#x}", event.kind, event.a, event.b);
    };
    write!(out, "{name}")?;
    for (detail, value) in [(a, event.a), (b, event.b)] {
        if !detail.is_empty() {
            write!(out, " {detail} {value:#x}")?;
        }
    }
    writeln!(out)
}
