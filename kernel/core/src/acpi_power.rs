//! ACPI's fixed hardware: turning the machine off, its timer, its interrupt.
//!
//! Owns the layout of the FADT (ACPI 6.5, 5.2.9) and the search for `_S5` in
//! the DSDT. The kernel asks for [`FixedHardware`] at start, which costs one
//! checksum of the FADT, and for [`SoftOff`] when somebody turns it off: only
//! that reads the whole DSDT.

#![forbid(unsafe_code)]

use crate::{
    acpi::{Tables, table_at},
    firmware::{Fields, PhysicalMemory},
};

/// What FADT says about fixed hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedHardware {
    /// The IRQ of ACPI events, an ISA number.
    pub sci_irq: u16,
    /// Port of the 3,579,545 Hz timer.
    pub timer_port: Option<u16>,
    /// The timer counts in 32 bits, not 24.
    pub timer_is_32_bit: bool,
    /// Port of the first power control register.
    pub pm1a_control: Option<u16>,
    /// Port of the second, on machines that split it.
    pub pm1b_control: Option<u16>,
    /// Port and values that hand the hardware over between firmware and us.
    pub smi_command: Option<u16>,
    /// Written to `smi_command` before power control works; 0: not needed.
    pub enable: u8,
    /// Port and value that reset the machine.
    pub reset: Option<(u16, u8)>,
    dsdt: u64,
}

/// What to write to turn the machine off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftOff {
    /// Port and value for the first power control register.
    pub pm1a: (u16, u16),
    /// The same for the second, if there is one.
    pub pm1b: Option<(u16, u16)>,
}

/// Power control register: "go to sleep now" (ACPI 6.5, 4.8.3.2.1).
const SLEEP_ENABLE: u16 = 1 << 13;
/// Power control register: place of the sleep type's three bits.
const SLEEP_TYPE_SHIFT: u16 = 10;

/// FADT flags.
const TIMER_IS_32_BIT: u32 = 1 << 8;
const RESET_SUPPORTED: u32 = 1 << 10;

impl FixedHardware {
    /// Reads FADT, if there is a sound one.
    pub fn read(memory: &impl PhysicalMemory, tables: &Tables) -> Option<Self> {
        let fadt = tables.table(memory, *b"FACP")?;
        let flags = fadt.u32_at(112)?;
        Some(Self {
            sci_irq: fadt.u16_at(46)?,
            timer_port: port_at(fadt, 76),
            timer_is_32_bit: flags & TIMER_IS_32_BIT != 0,
            pm1a_control: port_at(fadt, 64),
            pm1b_control: port_at(fadt, 68),
            smi_command: port_at(fadt, 48),
            enable: fadt.u8_at(52)?,
            reset: reset_register(fadt, flags),
            // The 64-bit pointer came later and is 0 where the old one serves.
            dsdt: match fadt.u64_at(140) {
                None | Some(0) => u64::from(fadt.u32_at(40)?),
                Some(address) => address,
            },
        })
    }

    /// How to turn the machine off, if its DSDT says so in the plain form that
    /// needs no interpreter.
    pub fn soft_off(&self, memory: &impl PhysicalMemory) -> Option<SoftOff> {
        let dsdt = table_at(memory, self.dsdt, *b"DSDT")?;
        let (type_a, type_b) = sleep_types(dsdt)?;
        let value = |sleep_type: u8| u16::from(sleep_type) << SLEEP_TYPE_SHIFT | SLEEP_ENABLE;
        Some(SoftOff {
            pm1a: (self.pm1a_control?, value(type_a)),
            pm1b: self.pm1b_control.map(|port| (port, value(type_b))),
        })
    }
}

/// The port in the 32-bit field at `offset`: 0 means none.
fn port_at(fadt: &[u8], offset: usize) -> Option<u16> {
    let port = u16::try_from(fadt.u32_at(offset)?).ok()?;
    (port != 0).then_some(port)
}

/// The reset register, a generic address structure at 116, if it is a byte in
/// port space; QEMU's q35 has it, at port 0xCF9.
fn reset_register(fadt: &[u8], flags: u32) -> Option<(u16, u8)> {
    const PORT_SPACE: u8 = 1;
    if flags & RESET_SUPPORTED == 0 || fadt.u8_at(116)? != PORT_SPACE {
        return None;
    }
    let port = u16::try_from(fadt.u64_at(120)?).ok()?;
    Some((port, fadt.u8_at(128)?))
}

/// The two numbers in `Name (_S5, Package () {a, b, …})`: NameOp, optionally
/// the root prefix, the name, PackageOp, package length, element count, and
/// integers (ACPI 6.5, chapter 20.2). Each is a sleep type of three bits.
fn sleep_types(dsdt: &[u8]) -> Option<(u8, u8)> {
    const NAME_OP: u8 = 0x08;
    const ROOT: u8 = b'\\';
    const PACKAGE_OP: u8 = 0x12;
    for at in 2..dsdt.len() {
        let Some(rest) = dsdt.get(at..) else { break };
        if !rest.starts_with(b"_S5_") {
            continue;
        }
        let before = (dsdt.u8_at(at - 2)?, dsdt.u8_at(at - 1)?);
        if before.1 != NAME_OP && before != (NAME_OP, ROOT) {
            continue;
        }
        if rest.u8_at(4)? != PACKAGE_OP {
            continue;
        }
        // The length takes one byte and as many more as its top bits say.
        let more = usize::from(rest.u8_at(5)? >> 6);
        let elements = rest.get(6 + more + 1..)?;
        let (type_a, used) = small_integer(elements)?;
        let (type_b, _) = small_integer(elements.get(used..)?)?;
        return Some((type_a, type_b));
    }
    None
}

/// An AML integer below 8 and how many bytes it took.
fn small_integer(aml: &[u8]) -> Option<(u8, usize)> {
    const BYTE_PREFIX: u8 = 0x0a;
    let (value, used) = match aml.u8_at(0)? {
        BYTE_PREFIX => (aml.u8_at(1)?, 2),
        zero_or_one @ 0..=1 => (zero_or_one, 1),
        _ => return None,
    };
    (value < 8).then_some((value, used))
}

#[cfg(test)]
mod tests {
    use super::sleep_types;

    #[test]
    fn sleep_types_in_plain_forms() {
        // Name (_S5, Package (4) {Zero, Zero, Zero, Zero}), as QEMU has it.
        assert_eq!(sleep_types(b"..\x08_S5_\x12\x06\x04\0\0\0\0"), Some((0, 0)));
        // Name (\_S5, Package (2) {7, One}), with a two-byte length.
        assert_eq!(
            sleep_types(b"\x08\\_S5_\x12\x47\x00\x02\x0a\x07\x01"),
            Some((7, 1))
        );
    }

    #[test]
    fn other_mentions_of_the_name_are_passed_over() {
        // A reference, then the real one.
        assert_eq!(
            sleep_types(b"..p_S5_..\x08_S5_\x12\x05\x02\x01\x0a\x05"),
            Some((1, 5))
        );
        assert_eq!(sleep_types(b"..\x08_S5_"), None);
        assert_eq!(sleep_types(b"..\x08_S5_\x12\x05\x02\x0a\x08\0"), None);
        assert_eq!(sleep_types(b"..\x08_S5_\x12\xff\x02"), None);
        assert_eq!(sleep_types(b""), None);
    }
}
