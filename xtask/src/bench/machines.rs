//! The machines that are measured, and one boot of one of them.
//!
//! Owns the configurations and what a boot must do to be a sample: a boot that
//! ends otherwise ends the measurement, for its time would mean nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use crate::context::Context;
use crate::emulator::outcome::EXIT_SUCCESS;
use crate::emulator::session::{Limits, Session};
use crate::emulator::spec::{Boot, Clock, MachineSpec};
use crate::emulator::{End, Outcome};
use crate::failure::{Doing, Failure, Result};
use crate::machine::{Cpu, Firmware, Memory, Vga};
use crate::testing::system_log::ready_instructions;

/// The line that ends a boot.
const READY: &str = r"(?m)^exov6: ready in [0-9]+ instructions$";

/// A machine that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configuration {
    /// Nothing but what the kernel needs, and the least firmware.
    Qboot,
    /// The same with QEMU's usual firmware.
    Seabios,
    /// With the devices that QEMU adds when nobody says otherwise; their own
    /// firmware runs too.
    Crowded,
}

impl Configuration {
    /// All of them, the fastest first.
    pub const ALL: [Configuration; 3] = [
        Configuration::Qboot,
        Configuration::Seabios,
        Configuration::Crowded,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Configuration::Qboot => "pc, qboot",
            Configuration::Seabios => "pc, seabios",
            Configuration::Crowded => "pc + usual devices, seabios",
        }
    }

    /// The machine that boots `kernel`.
    pub fn machine(self, kernel: PathBuf, cpu: Cpu) -> MachineSpec {
        let bare = MachineSpec {
            cpu,
            smp: 1,
            ..MachineSpec::new(Boot::Kernel(kernel))
        };
        match self {
            Configuration::Qboot => MachineSpec {
                firmware: Firmware::Qboot,
                ..bare
            },
            Configuration::Seabios => bare,
            Configuration::Crowded => {
                let words = ["-netdev", "user,id=usual", "-device", "e1000,netdev=usual"];
                let words = words.into_iter().chain(["-device", "ide-cd,bus=ide.1"]);
                let extra = words.map(OsString::from).collect();
                MachineSpec {
                    vga: Vga::Std,
                    extra,
                    ..bare
                }
            }
        }
    }
}

/// When things happened in one boot, in milliseconds from the emulator's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// The first byte on the console.
    pub first_byte: f64,
    /// The end of the ready line.
    pub ready: f64,
}

/// Boots ExoV6 up to its ready line.
pub fn boot(cx: &Context, machine: &MachineSpec) -> Result<Times> {
    let pattern = Regex::new(READY).doing("compiling the pattern of the ready line")?;
    let mut session = Session::start(cx, machine, limits())?;
    let ready = session.wait_for(&pattern).map(|found| found.at);
    let outcome = session.stop();
    match (ready, outcome.first_byte) {
        (Ok(ready), Some(first)) => Ok(Times {
            first_byte: ms(first),
            ready: ms(ready),
        }),
        _ => Err(no_sample("the kernel did not come up", &outcome)),
    }
}

/// Boots the floor kernel up to its one byte.
pub fn boot_floor(cx: &Context, machine: &MachineSpec) -> Result<f64> {
    let outcome = Session::start(cx, machine, limits())?.finish();
    match (outcome.end, outcome.first_byte) {
        (End::Exited(EXIT_SUCCESS), Some(first)) => Ok(ms(first)),
        _ => Err(no_sample("the floor kernel did not come up", &outcome)),
    }
}

/// The count of the ready line on a machine that counts instructions.
pub fn ready_count(cx: &Context, machine: MachineSpec) -> Result<u64> {
    let pattern = Regex::new(READY).doing("compiling the pattern of the ready line")?;
    let mut session = Session::start(cx, &counting(machine), limits())?;
    let found = session.wait_for(&pattern);
    let outcome = session.stop();
    let count = found.ok().and_then(|found| ready_instructions(&found.text));
    count.ok_or_else(|| no_sample("the kernel did not come up", &outcome))
}

/// What a tiny kernel printed on a machine that counts instructions.
pub fn hex_count(cx: &Context, machine: MachineSpec) -> Result<u64> {
    let outcome = Session::start(cx, &counting(machine), limits())?.finish();
    let line = outcome.serial.first().map(|line| line.text.trim());
    let count = line.and_then(|line| u64::from_str_radix(line, 16).ok());
    match (outcome.end, count) {
        (End::Exited(EXIT_SUCCESS), Some(count)) => Ok(count),
        _ => Err(no_sample("the counting kernel did not come up", &outcome)),
    }
}

/// The same machine with this much memory.
pub fn with_memory(machine: MachineSpec, mib: u32) -> MachineSpec {
    MachineSpec {
        memory: Memory::from_mib(mib),
        ..machine
    }
}

fn counting(machine: MachineSpec) -> MachineSpec {
    MachineSpec {
        clock: Clock::Instructions,
        ..machine
    }
}

/// A tiny kernel's file, below `target/`.
pub fn write_tiny(cx: &Context, name: &str, elf: &[u8]) -> Result<PathBuf> {
    let folder = cx.project.target().join("bench");
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    let path: PathBuf = folder.join(Path::new(name).with_extension("elf"));
    fs::write(&path, elf).doing(format_args!("writing {}", path.display()))?;
    Ok(path)
}

fn limits() -> Limits {
    Limits {
        silence: Duration::from_secs(60),
        ..Limits::default()
    }
}

pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The failure of a boot that is no sample, with the end of its console.
pub(super) fn no_sample(what: &str, outcome: &Outcome) -> Failure {
    const LAST: usize = 10;
    let mut text = format!("{what}: {:?}", outcome.end);
    for line in outcome.last_lines(LAST) {
        text.push_str(&format!("\n| {}", line.text));
    }
    if !outcome.stderr.is_empty() {
        text.push_str(&format!("\n(emulator) {}", outcome.stderr.trim()));
    }
    Failure::failed(text).mend("`cargo xtask test --ring system` shows whether it boots at all")
}
