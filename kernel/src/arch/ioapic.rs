//! The I/O APIC: which vector on which processor a device's interrupt becomes.
//!
//! Intel 82093AA data sheet. Owned by the interrupt layer, which holds each one
//! under its lock: the registers are reached through an index.

use super::mmio::Registers;

const INDEX: u16 = 0x00;
const WINDOW: u16 = 0x10;
const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;
/// What reads where no device answers.
const ABSENT: u32 = u32::MAX;
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// How a device signals an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal {
    /// Level triggered rather than edge triggered.
    pub(crate) level: bool,
    /// Active low rather than active high.
    pub(crate) low: bool,
}

/// One I/O APIC.
#[derive(Debug)]
pub(crate) struct IoApic {
    registers: Registers,
    gsi_base: u32,
    inputs: u32,
}

impl IoApic {
    /// Takes over the one at `registers`, whose first input is global system
    /// interrupt `gsi_base`, and masks all of its inputs. `None` if nothing
    /// answers there: some firmware describes one that the machine lacks.
    pub(crate) fn probe(registers: Registers, gsi_base: u32) -> Option<IoApic> {
        let mut apic = IoApic {
            registers,
            gsi_base,
            inputs: 0,
        };
        let version = apic.read(VERSION);
        if version == ABSENT || version == 0 {
            return None;
        }
        apic.inputs = (version >> 16 & 0xff) + 1;
        for input in 0..apic.inputs {
            apic.write(REDIRECTION + 2 * input, MASKED);
        }
        Some(apic)
    }

    /// Whether global system interrupt `gsi` arrives here.
    pub(crate) fn serves(&self, gsi: u32) -> bool {
        gsi.checked_sub(self.gsi_base)
            .is_some_and(|input| input < self.inputs)
    }

    /// Sends `gsi` as `vector` to one processor. `gsi` is one that it
    /// [`serves`](Self::serves).
    pub(crate) fn route(&mut self, gsi: u32, vector: u32, apic_id: u32, signal: Signal) {
        let entry = REDIRECTION + 2 * (gsi - self.gsi_base);
        let mut low = vector;
        if signal.level {
            low |= LEVEL;
        }
        if signal.low {
            low |= ACTIVE_LOW;
        }
        self.write(entry + 1, apic_id << 24);
        self.write(entry, low);
    }

    /// Sends `gsi`, one that it serves, to nobody.
    pub(crate) fn mask(&mut self, gsi: u32) {
        self.write(REDIRECTION + 2 * (gsi - self.gsi_base), MASKED);
    }

    fn read(&mut self, index: u32) -> u32 {
        self.registers.write(INDEX, index);
        self.registers.read(WINDOW)
    }

    fn write(&mut self, index: u32, value: u32) {
        self.registers.write(INDEX, index);
        self.registers.write(WINDOW, value);
    }
}
