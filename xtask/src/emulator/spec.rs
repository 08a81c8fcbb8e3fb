//! Everything that makes one machine differ from another, as plain data.
//!
//! Owns the rules of what goes together: a combination that an emulator would
//! refuse late, or silently ignore, is refused here with the flag that mends
//! it. Commands fill a [`MachineSpec`]; only the emulators read it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::{Failure, Result};
use crate::image::Module;
use crate::machine::{Accel, Cpu, Display, Emulator, Firmware, Memory, Net, Pc, Port, Vga};

/// What the machine starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// This file, loaded by the emulator itself.
    Kernel(PathBuf),
    /// Whatever this CD image boots.
    Iso(PathBuf),
}

/// Whether a debugger steers the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debugger {
    /// It runs by itself.
    None,
    /// It is stopped at its first instruction, and waits on this TCP port.
    Port(Port),
    /// The same, on a listening socket that the session is given.
    Inherited,
}

/// What the time-stamp counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Host time, as on a real machine.
    Time,
    /// Guest instructions, the same in every run.
    Instructions,
}

/// How the guest ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// By a write to the exit port, which becomes QEMU's exit code.
    ExitPort,
    /// By its end marker on the console: there is no exit port. The machine
    /// is still there then, and can be asked for its screen.
    Marker,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineSpec {
    /// The program that is the machine.
    pub emulator: Emulator,
    /// The CPU model.
    pub cpu: Cpu,
    /// The memory.
    pub memory: Memory,
    /// The number of processors.
    pub smp: u32,
    /// Who executes the guest's instructions.
    pub accel: Accel,
    /// The firmware.
    pub firmware: Firmware,
    /// The kind of PC.
    pub pc: Pc,
    /// What it starts.
    pub boot: Boot,
    /// The kernel's command line.
    pub append: Option<String>,
    /// The boot modules, in order.
    pub modules: Vec<Module>,
    /// A raw image for the first drive.
    pub disk: Option<PathBuf>,
    /// The network.
    pub net: Net,
    /// Ports forwarded to the guest, as QEMU writes them: `tcp::8080-:80`.
    pub hostfwd: Vec<String>,
    /// Where the guest's packets are captured.
    pub pcap: Option<PathBuf>,
    /// Where the screen is shown.
    pub display: Display,
    /// The display adapter.
    pub vga: Vga,
    /// Whether a debugger steers it.
    pub debugger: Debugger,
    /// What its time-stamp counter counts.
    pub clock: Clock,
    /// How the guest ends the run.
    pub leaving: Leaving,
    /// Arguments for the emulator itself, after all others.
    pub extra: Vec<OsString>,
}

impl MachineSpec {
    /// The machine of the README, with nothing attached: a Pentium III with
    /// 256 MiB and two processors under QEMU, without a screen.
    pub fn new(boot: Boot) -> Self {
        MachineSpec {
            emulator: Emulator::Qemu,
            cpu: Cpu::Pentium3,
            memory: Memory::from_mib(256),
            smp: 2,
            accel: Accel::Tcg,
            firmware: Firmware::Seabios,
            pc: Pc::Pc,
            boot,
            append: None,
            modules: Vec::new(),
            disk: None,
            net: Net::None,
            hostfwd: Vec::new(),
            pcap: None,
            display: Display::None,
            vga: Vga::None,
            debugger: Debugger::None,
            clock: Clock::Time,
            leaving: Leaving::ExitPort,
            extra: Vec::new(),
        }
    }

    /// Refuses what cannot go together.
    pub fn check(&self) -> Result<()> {
        for (wrong, what, mend) in self.contradictions() {
            if wrong {
                return Err(Failure::usage(what, mend));
            }
        }
        if let Some(module) = self
            .modules
            .iter()
            .find(|module| module.file.to_string_lossy().contains(' '))
        {
            let what = format!(
                "{} has a blank in its path, where a module's arguments begin",
                module.file.display()
            );
            return Err(Failure::usage(what, "use a path without blanks"));
        }
        Ok(())
    }

    fn contradictions(&self) -> Vec<(bool, &'static str, &'static str)> {
        let bochs = self.emulator == Emulator::Bochs;
        let iso = matches!(self.boot, Boot::Iso(_));
        let isapc = self.pc == Pc::Isapc;
        let counting = self.clock == Clock::Instructions;
        vec![
            (
                isapc && self.smp > 1,
                "an isapc machine has one processor",
                "add --smp 1",
            ),
            (
                self.firmware == Firmware::Qboot && isapc,
                "qboot needs a machine with PCI",
                "leave out --firmware qboot or --machine isapc",
            ),
            (
                self.firmware == Firmware::Qboot && iso,
                "qboot cannot start a CD",
                "leave out --firmware qboot or --iso",
            ),
            (
                iso && (self.append.is_some() || !self.modules.is_empty()),
                "the command line and the modules of a CD are in its GRUB menu",
                "write them there when the CD is made",
            ),
            (
                counting && self.smp > 1,
                "instructions can be counted on one processor only",
                "add --smp 1",
            ),
            (
                counting && self.accel == Accel::Kvm,
                "KVM cannot count instructions",
                "use --accel tcg",
            ),
            (
                self.net == Net::None && !self.hostfwd.is_empty(),
                "--hostfwd needs a network",
                "add --net user",
            ),
            (
                self.net == Net::None && self.pcap.is_some(),
                "--pcap needs a network",
                "add --net user",
            ),
            (
                self.vga == Vga::None && self.display != Display::None,
                "a display needs an adapter",
                "add --vga std",
            ),
            (
                self.vga == Vga::None && self.leaving == Leaving::Marker && !bochs,
                "a screenshot needs a display adapter",
                "add --vga std",
            ),
            (bochs && !iso, "Bochs starts from a CD only", "add --iso"),
            (
                bochs && self.accel == Accel::Kvm,
                "Bochs does not use KVM",
                "leave out --accel",
            ),
            (
                bochs && self.firmware == Firmware::Qboot,
                "Bochs has its own firmware",
                "leave out --firmware",
            ),
            (
                bochs && self.pc != Pc::Pc,
                "Bochs is a `pc`",
                "leave out --machine",
            ),
            (
                bochs && self.net != Net::None,
                "the network needs QEMU",
                "leave out --net or --emulator bochs",
            ),
            (
                bochs && self.disk.is_some(),
                "--disk needs QEMU",
                "leave out --disk or --emulator bochs",
            ),
            (
                bochs && self.display != Display::None,
                "--display needs QEMU",
                "leave out --display or --emulator bochs",
            ),
            (
                bochs && self.debugger != Debugger::None,
                "--gdb needs QEMU: this Bochs has no stub",
                "leave out --gdb or --emulator bochs",
            ),
            (
                bochs && counting,
                "counting instructions needs QEMU",
                "leave out --emulator bochs",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> MachineSpec {
        MachineSpec::new(Boot::Kernel("kernel.elf".into()))
    }

    #[test]
    fn the_machine_of_the_readme_is_whole() {
        assert_eq!(kernel().check(), Ok(()));
    }

    #[test]
    fn what_cannot_go_together_is_refused_with_the_flag_that_mends_it() {
        let cases: [(MachineSpec, &str); 8] = [
            (
                MachineSpec {
                    pc: Pc::Isapc,
                    ..kernel()
                },
                "--smp 1",
            ),
            (
                MachineSpec {
                    pc: Pc::Isapc,
                    smp: 1,
                    firmware: Firmware::Qboot,
                    ..kernel()
                },
                "--firmware",
            ),
            (
                MachineSpec {
                    clock: Clock::Instructions,
                    ..kernel()
                },
                "--smp 1",
            ),
            (
                MachineSpec {
                    hostfwd: vec!["tcp::8080-:80".into()],
                    ..kernel()
                },
                "--net user",
            ),
            (
                MachineSpec {
                    display: Display::Gtk,
                    ..kernel()
                },
                "--vga std",
            ),
            (
                MachineSpec {
                    leaving: Leaving::Marker,
                    ..kernel()
                },
                "--vga std",
            ),
            (
                MachineSpec {
                    emulator: Emulator::Bochs,
                    ..kernel()
                },
                "--iso",
            ),
            (
                MachineSpec {
                    modules: vec![Module {
                        file: "a b".into(),
                        arguments: String::new(),
                    }],
                    ..kernel()
                },
                "without blanks",
            ),
        ];
        for (spec, mend) in cases {
            let failure = spec.check().expect_err(mend);
            assert_eq!(failure.exit, crate::failure::Exit::Usage);
            assert!(failure.to_string().contains(mend), "{failure}");
        }
    }
}
