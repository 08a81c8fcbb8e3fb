//! What the machine consists of, whoever says so: ACPI, an MP table, nobody.
//!
//! Owns the one result type that [`crate::acpi`] and [`crate::mp_table`] both
//! produce, and the order in which they are asked. The interrupt controllers
//! and the start of the other processors read it.
//!
//! **Invariants**: after [`Topology::boot_processor_is`] the first processor is
//! the one that runs this; `processors` names no APIC id twice. Both kept by
//! the methods here; otherwise a start-up IPI would reset a running processor.

#![forbid(unsafe_code)]

use crate::{acpi, addr::PhysAddr, firmware::PhysicalMemory, fixed_vec::FixedVec, mp_table};

/// Processors that the kernel runs at most.
pub const MAX_CPUS: usize = 8;

/// I/O APICs that the kernel drives at most.
pub const MAX_IO_APICS: usize = 4;

/// The IRQs of the ISA bus.
pub const ISA_IRQS: usize = 16;

/// Where local APICs are unless a table says otherwise (Intel SDM 3A 11.4.1).
pub const LOCAL_APIC: PhysAddr = PhysAddr::new(0xfee0_0000);

/// Who described the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody: one processor and the two 8259 interrupt controllers.
    None,
    /// The ACPI table MADT.
    Acpi,
    /// The table of Intel's MultiProcessor Specification.
    MpTable,
}

/// A processor that may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Its local APIC's id, the address of IPIs.
    pub apic_id: u8,
}

/// An I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Its APIC id.
    pub id: u8,
    /// Where its two registers are.
    pub address: PhysAddr,
    /// Number of its first pin among all interrupts (GSI). An MP table does not
    /// number pins: there each I/O APIC gets [`MP_TABLE_PINS`] numbers.
    pub gsi_base: u32,
}

/// Numbers set aside for each I/O APIC of an MP table: more than its 240 pins.
pub const MP_TABLE_PINS: u32 = 256;

/// Which level of the line means an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// High, the way of ISA.
    ActiveHigh,
    /// Low, the way of PCI.
    ActiveLow,
}

/// What of the line means an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The change to active, the way of ISA.
    Edge,
    /// Being active, the way of PCI.
    Level,
}

/// Where an ISA IRQ arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsaRoute {
    /// The interrupt's number among all I/O APIC pins.
    pub gsi: u32,
    /// Its line's polarity.
    pub polarity: Polarity,
    /// Its line's trigger.
    pub trigger: Trigger,
}

impl IsaRoute {
    /// Straight through, as an ISA device signals.
    pub const fn identity(irq: u8) -> Self {
        Self {
            gsi: irq as u32,
            polarity: Polarity::ActiveHigh,
            trigger: Trigger::Edge,
        }
    }

    /// From the flags that ACPI 6.5 table 5.26 and MP 1.4 table 4-10 share:
    /// bits 0-1 polarity, bits 2-3 trigger; 0 is the bus's own way.
    pub(crate) const fn from_flags(gsi: u32, flags: u16) -> Self {
        Self {
            gsi,
            polarity: match flags & 0b11 {
                0b11 => Polarity::ActiveLow,
                _ => Polarity::ActiveHigh,
            },
            trigger: match flags >> 2 & 0b11 {
                0b11 => Trigger::Level,
                _ => Trigger::Edge,
            },
        }
    }
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Who says so.
    pub source: Source,
    /// Processors that may be started, the boot processor first.
    pub processors: FixedVec<Processor, MAX_CPUS>,
    /// Usable processors beyond [`MAX_CPUS`], not in `processors`.
    pub surplus_processors: u16,
    /// Processors that the table lists as unusable.
    pub disabled_processors: u16,
    /// Where each processor finds its own local APIC.
    pub local_apic: PhysAddr,
    /// I/O APICs, in the table's order.
    pub io_apics: FixedVec<IoApic, MAX_IO_APICS>,
    /// I/O APICs beyond [`MAX_IO_APICS`], not in `io_apics`.
    pub surplus_io_apics: u16,
    /// Where the ISA IRQs arrive. IRQ 2 is the cascade of the 8259s: its entry
    /// means nothing, and its GSI is the timer's on most machines.
    pub isa_irqs: [IsaRoute; ISA_IRQS],
    /// The pin, as a GSI, to which the 8259s are wired, if any.
    pub pic_pin: Option<u32>,
    /// The local APIC input (0 or 1) on which NMI arrives.
    pub nmi_input: u8,
    /// The machine starts in PIC mode: before using APICs the interrupt mode
    /// register must be switched (MP 1.4, 3.6.2.1).
    pub pic_mode: bool,
    /// The table was cut off or nonsense in part; what was read is here.
    pub damaged: bool,
}

impl Topology {
    /// A machine that nothing is known of: one processor, ISA straight through.
    pub const fn unknown() -> Self {
        let mut isa_irqs = [IsaRoute::identity(0); ISA_IRQS];
        let mut irq = 0u8;
        while (irq as usize) < ISA_IRQS {
            isa_irqs[irq as usize] = IsaRoute::identity(irq);
            irq += 1;
        }
        Self {
            source: Source::None,
            processors: FixedVec::new(Processor { apic_id: 0 }),
            surplus_processors: 0,
            disabled_processors: 0,
            local_apic: LOCAL_APIC,
            io_apics: FixedVec::new(IoApic {
                id: 0,
                address: PhysAddr::new(0),
                gsi_base: 0,
            }),
            surplus_io_apics: 0,
            isa_irqs,
            pic_pin: None,
            nmi_input: 1,
            pic_mode: false,
            damaged: false,
        }
    }

    /// Asks ACPI, then the MP table. `rsdp` is the loader's hint where ACPI's
    /// root pointer lies; without it the BIOS area is searched. If both tell
    /// nothing the result is [`Source::None`] with an empty processor list.
    pub fn discover(memory: &impl PhysicalMemory, rsdp: Option<u64>) -> Self {
        if let Ok(tables) = acpi::Tables::find(memory, rsdp) {
            if let Some(topology) = tables.topology(memory) {
                return topology;
            }
        }
        mp_table::read(memory).unwrap_or_else(Self::unknown)
    }

    /// Puts the processor that runs this, by its APIC id, first in the list,
    /// adding it if the table forgot it (at the cost of the last, when full).
    pub fn boot_processor_is(&mut self, apic_id: u8) {
        let known = self.processors.iter().position(|p| p.apic_id == apic_id);
        let place = match known {
            Some(place) => place,
            None => {
                if self.processors.is_full() {
                    self.processors.remove(MAX_CPUS - 1);
                    self.surplus_processors = self.surplus_processors.saturating_add(1);
                }
                let place = self.processors.len();
                self.add_processor(apic_id);
                place
            }
        };
        if let Some(upto) = self.processors.as_mut_slice().get_mut(..=place) {
            upto.rotate_right(1);
        }
    }

    /// Notes a usable processor; the same one twice is noted once.
    pub(crate) fn add_processor(&mut self, apic_id: u8) {
        if self.processors.iter().any(|p| p.apic_id == apic_id) {
            return;
        }
        if self.processors.push(Processor { apic_id }).is_err() {
            self.surplus_processors = self.surplus_processors.saturating_add(1);
        }
    }

    /// Notes an I/O APIC.
    pub(crate) fn add_io_apic(&mut self, io_apic: IoApic) {
        if self.io_apics.push(io_apic).is_err() {
            self.surplus_io_apics = self.surplus_io_apics.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IsaRoute, MAX_CPUS, Polarity, Processor, Topology, Trigger};

    fn ids(topology: &Topology) -> impl Iterator<Item = u8> {
        topology.processors.iter().map(|p| p.apic_id)
    }

    #[test]
    fn the_boot_processor_comes_first() {
        let mut topology = Topology::unknown();
        for apic_id in [4, 2, 0] {
            topology.add_processor(apic_id);
            topology.add_processor(apic_id);
        }
        topology.boot_processor_is(0);
        assert!(ids(&topology).eq([0, 4, 2]));
        topology.boot_processor_is(9);
        assert!(ids(&topology).eq([9, 0, 4, 2]));
    }

    #[test]
    fn a_forgotten_boot_processor_displaces_the_last() {
        let mut topology = Topology::unknown();
        for apic_id in 1..=9 {
            topology.add_processor(apic_id);
        }
        assert_eq!(topology.surplus_processors, 1);
        topology.boot_processor_is(0);
        assert_eq!(topology.processors.len(), MAX_CPUS);
        assert_eq!(topology.processors.first(), Some(&Processor { apic_id: 0 }));
        assert_eq!(topology.processors.last(), Some(&Processor { apic_id: 7 }));
        assert_eq!(topology.surplus_processors, 2);
    }

    #[test]
    fn flags_of_a_line() {
        assert_eq!(IsaRoute::from_flags(5, 0), IsaRoute::identity(5));
        let level_low = IsaRoute::from_flags(9, 0xf);
        assert_eq!(level_low.polarity, Polarity::ActiveLow);
        assert_eq!(level_low.trigger, Trigger::Level);
        assert_eq!(IsaRoute::from_flags(5, 0b1010), IsaRoute::identity(5));
    }
}
