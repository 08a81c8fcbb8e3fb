//! The start info of Xen's PVH protocol, which QEMU speaks too.
//!
//! Owns that structure's layout (Xen's public header `arch-x86/hvm/start_info.h`
//! describes it, versions 0 and 1). `entry` calls it with what the loader left
//! in EBX at the 32-bit entry point of the ELF note.

#![forbid(unsafe_code)]

use kernel_core::firmware::{Fields, PhysicalMemory};

use crate::{
    loader::{LoaderInfo, Protocol, Refusal, Region, RegionKind},
    multiboot::MAX_ENTRIES_READ,
};

/// The first field of the start info.
pub const MAGIC: u32 = 0x336e_c578;

/// Start info as of version 0, and with the memory map of version 1.
const VERSION_0: usize = 40;
const VERSION_1: usize = 56;

/// Reads the start info at physical `address` into `info`, whatever that held.
///
/// # Errors
/// If the start info can't be read or is none. What it points to and can't be
/// read, or makes no sense, is left out and noted in [`LoaderInfo::losses`].
pub fn read(
    memory: &impl PhysicalMemory,
    address: u64,
    info: &mut LoaderInfo,
) -> Result<(), Refusal> {
    info.clear(Protocol::Pvh);
    let unreadable = Refusal::Unreadable { address };
    let start = memory.bytes(address, VERSION_0).ok_or(unreadable)?;
    let found = start.u32_at(0).ok_or(unreadable)?;
    if found != MAGIC {
        return Err(Refusal::WrongMagic { found });
    }
    read_version_0(memory, start, info).ok_or(unreadable)?;
    if start.u32_at(4) >= Some(1) {
        let map = memory
            .bytes(address, VERSION_1)
            .and_then(|start| Some((start.u64_at(40)?, start.u32_at(48)?)));
        match map {
            Some((map, count)) => read_memory_map(memory, map, count, info),
            None => info.losses.map_damaged = true,
        }
    }
    Ok(())
}

fn read_version_0(memory: &impl PhysicalMemory, start: &[u8], info: &mut LoaderInfo) -> Option<()> {
    let (count, list) = (start.u32_at(12)?, start.u64_at(16)?);
    read_modules(memory, list, count, info);
    let command_line = start.u64_at(24)?;
    if command_line != 0 {
        info.command_line.copy_from(memory, command_line);
    }
    let rsdp = start.u64_at(32)?;
    info.rsdp = (rsdp != 0).then_some(rsdp);
    Some(())
}

/// Where entry `index` of a list is, unless that is beyond all addresses.
fn entry_address(list: u64, index: u32, size: usize) -> Option<u64> {
    list.checked_add(u64::from(index).checked_mul(size as u64)?)
}

/// The list of modules: address, size, string, reserved.
fn read_modules(memory: &impl PhysicalMemory, list: u64, count: u32, info: &mut LoaderInfo) {
    const ENTRY: usize = 32;
    for index in 0..count.min(MAX_ENTRIES_READ) {
        let fields = entry_address(list, index, ENTRY)
            .and_then(|address| memory.bytes(address, ENTRY))
            .and_then(|entry| Some((entry.u64_at(0)?, entry.u64_at(8)?, entry.u64_at(16)?)));
        let Some((start, size, string)) = fields else {
            info.lose_modules(count - index);
            return;
        };
        let end = start.saturating_add(size);
        if let Some(text) = info.add_module(start, end) {
            if string != 0 {
                text.copy_from(memory, string);
            }
        }
    }
    info.lose_modules(count.saturating_sub(MAX_ENTRIES_READ));
}

/// The memory map: address, size, E820 type, reserved.
fn read_memory_map(memory: &impl PhysicalMemory, map: u64, count: u32, info: &mut LoaderInfo) {
    const ENTRY: usize = 24;
    info.losses.map_damaged = count > MAX_ENTRIES_READ;
    for index in 0..count.min(MAX_ENTRIES_READ) {
        let region = entry_address(map, index, ENTRY)
            .and_then(|address| memory.bytes(address, ENTRY))
            .and_then(|entry| {
                Some(Region {
                    start: entry.u64_at(0)?,
                    length: entry.u64_at(8)?,
                    kind: RegionKind::from_e820(entry.u32_at(16)?),
                })
            });
        let Some(region) = region else {
            info.losses.map_damaged = true;
            return;
        };
        info.add_region(region);
    }
}
