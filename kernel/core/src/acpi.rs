//! ACPI's static tables: finding them, and processors and interrupts in MADT.
//!
//! Owns the search for the root pointer, the checks that make a table worth
//! reading, and the layout of RSDP, RSDT/XSDT and MADT (ACPI 6.5, chapter 5).
//! [`crate::topology`] calls it at start; [`crate::acpi_power`] reads the tables
//! that turn the machine off. Nothing here runs AML.

#![forbid(unsafe_code)]

use crate::{
    addr::PhysAddr,
    firmware::{Fields, PhysicalMemory, checksum_holds, extended_bios_data_area, scan, signature},
    topology::{IoApic, IsaRoute, Source, Topology},
};

/// The root pointer as ACPI 1.0 knows it, under one checksum.
const RSDP_V1: usize = 20;
/// The root pointer since ACPI 2.0.
const RSDP_V2: usize = 36;
/// What every other table begins with.
const HEADER: usize = 36;
/// Tables longer than this aren't believed. The largest real ones, DSDTs of
/// laptops, come to some 300 KiB.
const LONGEST_TABLE: usize = 1 << 20;
/// Sound root pointers that are followed. There is one; were a segment full of
/// them, each with a long table of wrong sum, the search would take minutes.
const MOST_ROOT_POINTERS: u32 = 8;
/// Tables that a root table is believed to name.
const MOST_TABLES: usize = 128;

/// Why there are no ACPI tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcpiFault {
    /// No root pointer with a right checksum where one may be.
    NoRootPointer,
    /// A root pointer, but neither XSDT nor RSDT behind it is sound.
    NoRootTable,
}

/// The root table: what names all others. Its checksum held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    address: u64,
    length: usize,
    entry_size: usize,
}

impl Tables {
    /// Finds the root table: by the loader's `hint` where the root pointer is,
    /// else by searching the last 64 KiB below 1 MiB (where SeaBIOS puts it),
    /// the extended BIOS data area, and the 64 KiB from 0xE0000 on.
    ///
    /// # Errors
    /// Says which of the two steps found nothing sound.
    pub fn find(memory: &impl PhysicalMemory, hint: Option<u64>) -> Result<Self, AcpiFault> {
        let hinted = hint.and_then(|address| {
            let rsdp = memory
                .bytes(address, RSDP_V2)
                .or_else(|| memory.bytes(address, RSDP_V1))?;
            Self::from_root_pointer(memory, rsdp)
        });
        if let Some(Ok(tables)) = hinted {
            return Ok(tables);
        }
        let areas = [
            Some((0xf_0000, 0x1_0000)),
            extended_bios_data_area(memory).map(|address| (address, 0x400)),
            Some((0xe_0000, 0x1_0000)),
        ];
        let mut fault = AcpiFault::NoRootPointer;
        let mut followed = 0;
        for (address, length) in areas.into_iter().flatten() {
            let Some(area) = memory.bytes(address, length) else {
                continue;
            };
            let found = scan::<{ signature(*b"RSD ") }, _>(area, |rsdp| {
                if followed >= MOST_ROOT_POINTERS {
                    return None;
                }
                match Self::from_root_pointer(memory, rsdp)? {
                    Ok(tables) => Some(tables),
                    Err(why) => {
                        fault = why;
                        followed += 1;
                        None
                    }
                }
            });
            if let Some(tables) = found {
                return Ok(tables);
            }
        }
        Err(fault)
    }

    /// The root table behind a root pointer; `None` if that is no root pointer.
    fn from_root_pointer(
        memory: &impl PhysicalMemory,
        rsdp: &[u8],
    ) -> Option<Result<Self, AcpiFault>> {
        let first = rsdp.get(..RSDP_V1)?;
        if !first.starts_with(b"RSD PTR ") || !checksum_holds(first) {
            return None;
        }
        let whole = rsdp.get(..RSDP_V2).filter(|whole| {
            let length = whole.u32_at(20);
            first.u8_at(15) >= Some(2) && length == Some(36) && checksum_holds(whole)
        });
        let extended = whole
            .and_then(|whole| whole.u64_at(24))
            .and_then(|address| Self::from_root_table(memory, address, *b"XSDT", 8));
        let root = extended
            .or_else(|| Self::from_root_table(memory, u64::from(first.u32_at(16)?), *b"RSDT", 4));
        Some(root.ok_or(AcpiFault::NoRootTable))
    }

    fn from_root_table(
        memory: &impl PhysicalMemory,
        address: u64,
        signature: [u8; 4],
        entry_size: usize,
    ) -> Option<Self> {
        let table = table_at(memory, address, signature)?;
        Some(Self {
            address,
            length: table.len(),
            entry_size,
        })
    }

    /// The first sound table of this signature, header included.
    pub fn table<'m>(
        &self,
        memory: &'m impl PhysicalMemory,
        signature: [u8; 4],
    ) -> Option<&'m [u8]> {
        let entries = memory.bytes(self.address, self.length)?.get(HEADER..)?;
        entries
            .chunks_exact(self.entry_size)
            .take(MOST_TABLES)
            .find_map(|entry| {
                let address = match entry.u64_at(0) {
                    Some(address) => address,
                    None => u64::from(entry.u32_at(0)?),
                };
                table_at(memory, address, signature)
            })
    }

    /// Processors and interrupt routing, if there is a sound MADT that names a
    /// processor.
    pub fn topology(&self, memory: &impl PhysicalMemory) -> Option<Topology> {
        let topology = read_madt(self.table(memory, *b"APIC")?)?;
        (!topology.processors.is_empty()).then_some(topology)
    }
}

/// The table at `address` if it has this signature, a plausible length and a
/// right checksum. The signature is compared before more is read: a root table
/// names a dozen tables of which one is wanted.
pub(crate) fn table_at(
    memory: &impl PhysicalMemory,
    address: u64,
    signature: [u8; 4],
) -> Option<&[u8]> {
    let header = memory.bytes(address, HEADER)?;
    if !header.starts_with(&signature) {
        return None;
    }
    let length = usize::try_from(header.u32_at(4)?).ok()?;
    if !(HEADER..=LONGEST_TABLE).contains(&length) {
        return None;
    }
    memory
        .bytes(address, length)
        .filter(|table| checksum_holds(table))
}

/// Entry types of MADT (ACPI 6.5, 5.2.12).
mod entry {
    pub(super) const LOCAL_APIC: u8 = 0;
    pub(super) const IO_APIC: u8 = 1;
    pub(super) const SOURCE_OVERRIDE: u8 = 2;
    pub(super) const LOCAL_APIC_NMI: u8 = 4;
    pub(super) const LOCAL_APIC_ADDRESS: u8 = 5;
    pub(super) const LOCAL_X2APIC: u8 = 9;
}

/// A processor's flags: bit 0, enabled. "Online capable" (bit 1) ones appear
/// when somebody plugs them in, which nobody does here.
const PROCESSOR_ENABLED: u32 = 1;

/// What MADT says; `None` if it is too short to say anything.
fn read_madt(madt: &[u8]) -> Option<Topology> {
    let mut topology = Topology::unknown();
    topology.source = Source::Acpi;
    topology.local_apic = PhysAddr::new(madt.u32_at(36)?);
    // The flags at 40 say only that there are 8259s as well.
    let mut rest = madt.get(44..)?;
    while !rest.is_empty() {
        let length = usize::from(rest.u8_at(1).unwrap_or(0));
        // An entry shorter than its own header would never end the loop.
        let Some(entry) = rest.get(..length).filter(|entry| entry.len() >= 2) else {
            topology.damaged = true;
            break;
        };
        if read_madt_entry(entry, &mut topology).is_none() {
            topology.damaged = true;
        }
        rest = rest.get(length..)?;
    }
    Some(topology)
}

/// Notes what one entry says; `None` if it is too short for its type. Unknown
/// types are passed over, as the specification asks.
fn read_madt_entry(entry: &[u8], topology: &mut Topology) -> Option<()> {
    match entry.u8_at(0)? {
        entry::LOCAL_APIC => {
            let apic_id = u32::from(entry.u8_at(3)?);
            note_processor(topology, apic_id, entry.u32_at(4)?);
        }
        entry::LOCAL_X2APIC => note_processor(topology, entry.u32_at(4)?, entry.u32_at(8)?),
        entry::IO_APIC => topology.add_io_apic(IoApic {
            id: entry.u8_at(2)?,
            address: PhysAddr::new(entry.u32_at(4)?),
            gsi_base: entry.u32_at(8)?,
        }),
        entry::SOURCE_OVERRIDE => {
            let (bus, irq) = (entry.u8_at(2)?, entry.u8_at(3)?);
            let route = IsaRoute::from_flags(entry.u32_at(4)?, entry.u16_at(8)?);
            // Bus 0 is ISA; there are no others.
            if bus == 0 {
                *topology.isa_irqs.get_mut(usize::from(irq))? = route;
            }
        }
        // Whichever processor it names: boards wire them all the same way.
        entry::LOCAL_APIC_NMI => topology.nmi_input = entry.u8_at(5)? & 1,
        entry::LOCAL_APIC_ADDRESS => {
            topology.local_apic = PhysAddr::from_u64(entry.u64_at(4)?)?;
        }
        _ => {}
    }
    Some(())
}

fn note_processor(topology: &mut Topology, apic_id: u32, flags: u32) {
    match u8::try_from(apic_id) {
        // 255 addresses all processors; whoever bears it can't be named.
        Ok(apic_id) if apic_id != 0xff && flags & PROCESSOR_ENABLED != 0 => {
            topology.add_processor(apic_id);
        }
        _ => topology.disabled_processors = topology.disabled_processors.saturating_add(1),
    }
}
