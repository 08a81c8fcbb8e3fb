//! The words that describe an emulated machine, one type each.
//!
//! Owns what may be said about a machine: which processors, how much memory,
//! which devices. How a machine is started is the emulators' business.

use std::fmt;
use std::str::FromStr;

use crate::choice;
use crate::cli::Invalid;
pub use crate::emulator::spec::MachineSpec;

choice! {
    /// A CPU model: what the machine has, or what code may assume.
    pub enum Cpu {
        /// The floor: CX8, PSE, TSC and APIC, but no CMOV, PGE or SYSENTER.
        Pentium = "pentium",
        /// Adds CMOV, PGE, SYSENTER and FXSR.
        Pentium2 = "pentium2",
        /// Adds SSE.
        Pentium3 = "pentium3",
        /// QEMU's generic 32-bit CPU.
        Qemu32 = "qemu32",
    }
}

choice! {
    /// Who executes the guest's instructions.
    pub enum Accel {
        /// QEMU's translator: everywhere, and deterministic with icount.
        Tcg = "tcg",
        /// The host's processor; asked for, never guessed.
        Kvm = "kvm",
    }
}

choice! {
    /// The firmware that runs before the kernel.
    pub enum Firmware {
        /// A whole BIOS, the default.
        Seabios = "seabios",
        /// A minimal one that boots a kernel 25 ms sooner.
        Qboot = "qboot",
    }
}

choice! {
    /// The kind of PC.
    pub enum Pc {
        /// i440FX with PCI, the default.
        Pc = "pc",
        /// ISA only.
        Isapc = "isapc",
        /// ICH9 with PCI Express.
        Q35 = "q35",
    }
}

choice! {
    /// The machine's network.
    pub enum Net {
        /// No card.
        None = "none",
        /// A card behind QEMU's user-mode NAT.
        User = "user",
    }
}

choice! {
    /// The machine's display adapter.
    pub enum Vga {
        /// No adapter at all.
        None = "none",
        /// A VGA with text mode.
        Std = "std",
    }
}

choice! {
    /// Where the screen is shown.
    pub enum Display {
        /// Nowhere.
        None = "none",
        /// A window.
        Gtk = "gtk",
        /// This terminal.
        Curses = "curses",
    }
}

choice! {
    /// The program that is the machine.
    pub enum Emulator {
        /// qemu-system-i386.
        Qemu = "qemu",
        /// Bochs, slower and stricter.
        Bochs = "bochs",
    }
}

/// How much memory a machine has, in MiB, written `256M` or `3G`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory {
    mib: u32,
}

impl Memory {
    /// The least the kernel supports.
    pub const LEAST: Memory = Memory { mib: 8 };
    /// The most a 32-bit PC without PAE can usefully have.
    pub const MOST: Memory = Memory { mib: 3 * 1024 };

    /// This many MiB, also outside the supported range, for tests.
    pub const fn from_mib(mib: u32) -> Self {
        Memory { mib }
    }

    /// The most that an emulator with pointers of this many bits can give.
    pub const fn most_of_emulator(bits: u32) -> Self {
        match bits {
            32 => Memory { mib: 2047 },
            _ => Memory::MOST,
        }
    }

    /// Whether this machine's emulators can give so much: they are built for
    /// the same processor as this tool, in a 32-bit container as well.
    pub fn fits_here(self) -> bool {
        self <= Memory::most_of_emulator(usize::BITS)
    }

    /// The size in MiB.
    pub const fn mib(self) -> u32 {
        self.mib
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u64 {
        self.mib as u64 * 1024 * 1024
    }
}

impl FromStr for Memory {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid(format!(
                "`{text}` is not a size from {} to {}, like 256M",
                Memory::LEAST,
                Memory::MOST
            ))
        };
        let (digits, scale) = match text.as_bytes().last() {
            Some(b'M' | b'm') => (&text[..text.len() - 1], 1),
            Some(b'G' | b'g') => (&text[..text.len() - 1], 1024),
            _ => return Err(wrong()),
        };
        // `parse` alone would take a sign.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u32 = digits.parse().map_err(|_| wrong())?;
        let mib = number.checked_mul(scale).ok_or_else(wrong)?;
        if !(Memory::LEAST.mib..=Memory::MOST.mib).contains(&mib) {
            return Err(wrong());
        }
        Ok(Memory { mib })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mib >= 1024 && self.mib % 1024 == 0 {
            write!(f, "{}G", self.mib / 1024)
        } else {
            write!(f, "{}M", self.mib)
        }
    }
}

impl serde::Serialize for Memory {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// The most processors a machine may have.
pub const MOST_PROCESSORS: u32 = 8;

/// Checks a number of processors that somebody typed.
pub fn processors(count: u32) -> Result<u32, Invalid> {
    if (1..=MOST_PROCESSORS).contains(&count) {
        Ok(count)
    } else {
        Err(Invalid(format!(
            "`{count}` is not a number of processors from 1 to {MOST_PROCESSORS}"
        )))
    }
}

/// A TCP port of this machine, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(pub u16);

impl Port {
    /// Where gdb stubs listen unless told otherwise.
    pub const GDB: Port = Port(1234);
}

impl FromStr for Port {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(port) if port != 0 => Ok(Port(port)),
            _ => Err(Invalid(format!("`{text}` is not a port from 1 to 65535"))),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_reads_and_prints() {
        for (text, mib, shown) in [
            ("8M", 8, "8M"),
            ("256m", 256, "256M"),
            ("3G", 3072, "3G"),
            ("1024M", 1024, "1G"),
        ] {
            let memory: Memory = text.parse().expect(text);
            assert_eq!(memory.mib(), mib);
            assert_eq!(memory.to_string(), shown);
        }
        assert_eq!(Memory::MOST.bytes(), 3 << 30);
    }

    #[test]
    fn memory_outside_the_supported_range_is_refused() {
        for text in [
            "",
            "M",
            "256",
            "7M",
            "4G",
            "3073M",
            "+9M",
            "-9M",
            "99999999999G",
            "9999999G",
            "ÄM",
        ] {
            let error = text.parse::<Memory>().expect_err(text);
            assert!(error.0.contains("8M to 3G"), "{error}");
        }
    }

    #[test]
    fn ports_and_processors_have_bounds() {
        assert_eq!("1234".parse(), Ok(Port::GDB));
        for text in ["0", "65536", "-1", "gdb"] {
            assert!(text.parse::<Port>().is_err(), "{text}");
        }
        assert_eq!(processors(8), Ok(8));
        assert!(processors(0).is_err() && processors(9).is_err());
    }

    #[test]
    fn a_32_bit_emulator_ends_below_2g() {
        let two: Memory = "2G".parse().expect("a size");
        assert!(two > Memory::most_of_emulator(32));
        assert!(Memory::MOST <= Memory::most_of_emulator(64));
        assert!("1G".parse::<Memory>().expect("a size").fits_here());
    }
}
