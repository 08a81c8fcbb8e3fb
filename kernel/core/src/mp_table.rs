//! The table of Intel's MultiProcessor Specification 1.4: machines before ACPI.
//!
//! Owns the search for the floating pointer, the configuration table and the
//! default configurations. Only [`crate::topology`] calls it, after ACPI.

#![forbid(unsafe_code)]

use crate::{
    addr::PhysAddr,
    firmware::{Fields, PhysicalMemory, checksum_holds, extended_bios_data_area, scan, signature},
    topology::{IoApic, IsaRoute, MP_TABLE_PINS, Source, Topology},
};

/// The floating pointer's size (MP 1.4, 4.1).
const FLOATING: usize = 16;
/// The configuration table's header (4.2).
const HEADER: usize = 44;
/// Second feature byte: the machine starts in PIC mode (4.1).
const PIC_MODE: u8 = 1 << 7;

/// The machine as an MP table has it, if there is a sound one: in the first
/// KiB of the extended BIOS data area, else in the last KiB of base memory,
/// else in the BIOS (MP 1.4, chapter 4).
pub fn read(memory: &impl PhysicalMemory) -> Option<Topology> {
    const KIB: u64 = 1024;
    const BASE_MEMORY_KIB_AT: u64 = 0x413;
    // qboot leaves the BIOS data area empty and its table at 639 KiB.
    let base_memory_kib = memory
        .bytes(BASE_MEMORY_KIB_AT, 2)
        .and_then(|bytes| bytes.u16_at(0))
        .filter(|kib| (128..=640).contains(kib))
        .unwrap_or(640);
    let areas = [
        extended_bios_data_area(memory).map(|address| (address, 0x400)),
        Some(((u64::from(base_memory_kib) - 1) * KIB, 0x400)),
        Some((0xf_0000, 0x1_0000)),
    ];
    areas.into_iter().flatten().find_map(|(address, length)| {
        let area = memory.bytes(address, length)?;
        scan::<{ signature(*b"_MP_") }, _>(area, |floating| from_floating(memory, floating))
    })
}

fn from_floating(memory: &impl PhysicalMemory, floating: &[u8]) -> Option<Topology> {
    let floating = floating.get(..FLOATING)?;
    // Its length is in units of 16 bytes.
    if floating.u8_at(8)? != 1 || !checksum_holds(floating) {
        return None;
    }
    let mut topology = match floating.u8_at(11)? {
        0 => from_table(memory, u64::from(floating.u32_at(4)?))?,
        configuration => default_configuration(configuration)?,
    };
    topology.pic_mode = floating.u8_at(12)? & PIC_MODE != 0;
    Some(topology)
}

fn from_table(memory: &impl PhysicalMemory, address: u64) -> Option<Topology> {
    let header = memory.bytes(address, HEADER)?;
    let length = usize::from(header.u16_at(4)?);
    if !header.starts_with(b"PCMP") || length < HEADER {
        return None;
    }
    let table = memory.bytes(address, length)?;
    if !checksum_holds(table) {
        return None;
    }
    let mut topology = Topology::unknown();
    topology.source = Source::MpTable;
    topology.local_apic = PhysAddr::new(table.u32_at(36)?);
    let entries = Entries {
        rest: table.get(HEADER..)?,
        left: match table.u16_at(34)? {
            // qboot counts none and fills the table none the less.
            0 => Left::UntilTheEnd,
            count => Left::Entries(count),
        },
    };
    let mut boot_processor = None;
    let mut buses = IsaBuses([0; 4]);
    for item in entries.clone() {
        match item {
            Entry::Processor(fields) => {
                if note_processor(fields, &mut topology)? == BootProcessor::Yes {
                    boot_processor = fields.u8_at(1);
                }
            }
            Entry::Bus(fields) => buses.note(fields)?,
            Entry::IoApic(fields) => note_io_apic(fields, &mut topology)?,
            Entry::IoInterrupt(_) | Entry::LocalInterrupt(_) => {}
            Entry::Nonsense => topology.damaged = true,
        }
    }
    // Routes name buses and I/O APICs: those are all known now.
    for item in entries {
        match item {
            Entry::IoInterrupt(fields) => note_route(fields, &buses, &mut topology)?,
            Entry::LocalInterrupt(fields) => note_local_interrupt(fields, &mut topology)?,
            _ => {}
        }
    }
    if topology.processors.is_empty() {
        return None;
    }
    if let Some(apic_id) = boot_processor {
        topology.boot_processor_is(apic_id);
    }
    Some(topology)
}

/// An entry of the configuration table, its bytes whole (MP 1.4, 4.3).
enum Entry<'t> {
    Processor(&'t [u8]),
    Bus(&'t [u8]),
    IoApic(&'t [u8]),
    IoInterrupt(&'t [u8]),
    LocalInterrupt(&'t [u8]),
    /// Of unknown type, or cut off: nothing behind it can be read.
    Nonsense,
}

#[derive(Clone)]
struct Entries<'t> {
    rest: &'t [u8],
    left: Left,
}

#[derive(Clone)]
enum Left {
    Entries(u16),
    UntilTheEnd,
}

impl<'t> Iterator for Entries<'t> {
    type Item = Entry<'t>;

    fn next(&mut self) -> Option<Entry<'t>> {
        match &mut self.left {
            Left::Entries(count) => *count = count.checked_sub(1)?,
            Left::UntilTheEnd if self.rest.is_empty() => return None,
            Left::UntilTheEnd => {}
        }
        let kind = self.rest.u8_at(0);
        let length = if kind == Some(0) { 20 } else { 8 };
        let Some((entry, rest)) = self.rest.split_at_checked(length) else {
            self.left = Left::Entries(0);
            return Some(Entry::Nonsense);
        };
        self.rest = rest;
        Some(match kind {
            Some(0) => Entry::Processor(entry),
            Some(1) => Entry::Bus(entry),
            Some(2) => Entry::IoApic(entry),
            Some(3) => Entry::IoInterrupt(entry),
            Some(4) => Entry::LocalInterrupt(entry),
            _ => {
                self.left = Left::Entries(0);
                Entry::Nonsense
            }
        })
    }
}

#[derive(PartialEq, Eq)]
enum BootProcessor {
    Yes,
    No,
}

fn note_processor(fields: &[u8], topology: &mut Topology) -> Option<BootProcessor> {
    const ENABLED: u8 = 1;
    const BOOT: u8 = 2;
    let (apic_id, flags) = (fields.u8_at(1)?, fields.u8_at(3)?);
    if flags & ENABLED == 0 || apic_id == 0xff {
        topology.disabled_processors = topology.disabled_processors.saturating_add(1);
        return Some(BootProcessor::No);
    }
    topology.add_processor(apic_id);
    Some(if flags & BOOT != 0 {
        BootProcessor::Yes
    } else {
        BootProcessor::No
    })
}

fn note_io_apic(fields: &[u8], topology: &mut Topology) -> Option<()> {
    const ENABLED: u8 = 1;
    if fields.u8_at(3)? & ENABLED != 0 {
        // At most MAX_IO_APICS of them count, so this can't overflow.
        let before = u32::try_from(topology.io_apics.len()).ok()?;
        topology.add_io_apic(IoApic {
            id: fields.u8_at(1)?,
            address: PhysAddr::new(fields.u32_at(4)?),
            gsi_base: before.checked_mul(MP_TABLE_PINS)?,
        });
    }
    Some(())
}

/// Which of the 256 bus ids are ISA buses. EISA counts as ISA: its lines are
/// edge triggered until somebody programs the level register.
struct IsaBuses([u64; 4]);

impl IsaBuses {
    fn note(&mut self, fields: &[u8]) -> Option<()> {
        let id = fields.u8_at(1)?;
        let kind = fields.get(2..)?;
        if kind.starts_with(b"ISA") || kind.starts_with(b"EISA") {
            *self.0.get_mut(usize::from(id >> 6))? |= 1 << (id & 63);
        }
        Some(())
    }

    fn contains(&self, id: u8) -> bool {
        self.0
            .get(usize::from(id >> 6))
            .is_some_and(|bits| bits >> (id & 63) & 1 != 0)
    }
}

/// Interrupt types (MP 1.4, table 4-11).
const VECTORED: u8 = 0;
const NMI: u8 = 1;
const FROM_8259: u8 = 3;

fn note_route(fields: &[u8], buses: &IsaBuses, topology: &mut Topology) -> Option<()> {
    let (io_apic_id, pin) = (fields.u8_at(6)?, fields.u8_at(7)?);
    let io_apic = topology.io_apics.iter().find(|io| io.id == io_apic_id);
    // An I/O APIC beyond those that count, or none at all.
    let Some(io_apic) = io_apic else {
        return Some(());
    };
    let gsi = io_apic.gsi_base.checked_add(u32::from(pin))?;
    match fields.u8_at(1)? {
        VECTORED if buses.contains(fields.u8_at(4)?) => {
            let irq = usize::from(fields.u8_at(5)?);
            match topology.isa_irqs.get_mut(irq) {
                Some(route) => *route = IsaRoute::from_flags(gsi, fields.u16_at(2)?),
                None => topology.damaged = true,
            }
        }
        FROM_8259 => topology.pic_pin = Some(gsi),
        _ => {}
    }
    Some(())
}

fn note_local_interrupt(fields: &[u8], topology: &mut Topology) -> Option<()> {
    if fields.u8_at(1)? == NMI {
        topology.nmi_input = fields.u8_at(7)? & 1;
    }
    Some(())
}

/// The configurations of chapter 5 that need no table: two processors, one I/O
/// APIC. Those with the Micro Channel (4 and 7) are refused: their lines work
/// otherwise, and such a machine runs well enough on one processor.
fn default_configuration(number: u8) -> Option<Topology> {
    const IO_APIC: PhysAddr = PhysAddr::new(0xfec0_0000);
    if !matches!(number, 1 | 2 | 3 | 5 | 6) {
        return None;
    }
    let mut topology = Topology::unknown();
    topology.source = Source::MpTable;
    topology.add_processor(0);
    topology.add_processor(1);
    topology.add_io_apic(IoApic {
        id: 2,
        address: IO_APIC,
        gsi_base: 0,
    });
    topology.pic_pin = Some(0);
    // The timer is on pin 2, in the place of the cascade. In configuration 2
    // that pin is not connected and the timer comes through the 8259s alone.
    let timer = topology.isa_irqs.first_mut()?;
    timer.gsi = if number == 2 { 0 } else { 2 };
    Some(topology)
}
