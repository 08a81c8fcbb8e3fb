//! The information block of Multiboot 1 (specification 0.6.96, section 3.3).
//!
//! Owns that block's layout. `entry` calls it with what the loader left in EBX
//! when EAX holds [`LOADER_MAGIC`]. Every address and length in the block is
//! the loader's word only: nothing is read but through [`PhysicalMemory`], and
//! work is bounded whatever the block says.

#![forbid(unsafe_code)]

use kernel_core::firmware::{Fields, PhysicalMemory};

use crate::loader::{
    ColourField, Framebuffer, LoaderInfo, Pixels, Protocol, Refusal, Region, RegionKind,
};

/// What a Multiboot loader leaves in EAX (3.2).
pub const LOADER_MAGIC: u32 = 0x2bad_b002;

/// Entries read of a memory map or a module list; the rest counts as lost.
pub const MAX_ENTRIES_READ: u32 = 1024;

/// Bits of the flags, each vouching for its fields.
mod flag {
    pub(super) const MEMORY: u32 = 1;
    pub(super) const COMMAND_LINE: u32 = 1 << 2;
    pub(super) const MODULES: u32 = 1 << 3;
    pub(super) const MEMORY_MAP: u32 = 1 << 6;
    pub(super) const LOADER_NAME: u32 = 1 << 9;
    pub(super) const VBE: u32 = 1 << 11;
    pub(super) const FRAMEBUFFER: u32 = 1 << 12;
}

/// The block up to the VBE fields, and with the framebuffer's.
const BLOCK: usize = 88;
const BLOCK_WITH_FRAMEBUFFER: usize = 118;

/// Reads the block at physical `address` into `info`, whatever that held.
///
/// # Errors
/// Only if the block itself can't be read. What it points to and can't be read,
/// or makes no sense, is left out and noted in [`LoaderInfo::losses`].
pub fn read(
    memory: &impl PhysicalMemory,
    address: u64,
    info: &mut LoaderInfo,
) -> Result<(), Refusal> {
    info.clear(Protocol::Multiboot);
    let block = memory
        .bytes(address, BLOCK_WITH_FRAMEBUFFER)
        .or_else(|| memory.bytes(address, BLOCK));
    block
        .and_then(|block| read_block(memory, block, info))
        .ok_or(Refusal::Unreadable { address })
}

/// The fields that the flags vouch for; `None` only if the block is too short.
fn read_block(memory: &impl PhysicalMemory, block: &[u8], info: &mut LoaderInfo) -> Option<()> {
    let flags = block.u32_at(0)?;
    let told = |bit: u32| flags & bit != 0;
    if told(flag::MEMORY) {
        info.lower_upper_kib = Some((block.u32_at(4)?, block.u32_at(8)?));
    }
    if told(flag::COMMAND_LINE) {
        let address = u64::from(block.u32_at(16)?);
        info.command_line.copy_from(memory, address);
    }
    if told(flag::MODULES) {
        let (count, address) = (block.u32_at(20)?, block.u32_at(24)?);
        read_modules(memory, u64::from(address), count, info);
    }
    if told(flag::MEMORY_MAP) {
        let (length, address) = (block.u32_at(44)?, block.u32_at(48)?);
        read_memory_map(memory, u64::from(address), u64::from(length), info);
    }
    if told(flag::LOADER_NAME) {
        let address = u64::from(block.u32_at(64)?);
        info.loader_name.copy_from(memory, address);
    }
    if told(flag::VBE) {
        info.vbe = Some((block.u32_at(72)?, block.u32_at(76)?));
    }
    if told(flag::FRAMEBUFFER) {
        info.set_framebuffer(read_framebuffer(block));
    }
    Some(())
}

/// The list of modules: start, end, string, reserved.
fn read_modules(memory: &impl PhysicalMemory, list: u64, count: u32, info: &mut LoaderInfo) {
    const ENTRY: usize = 16;
    for index in 0..count.min(MAX_ENTRIES_READ) {
        let entry = memory.bytes(list + u64::from(index) * ENTRY as u64, ENTRY);
        let fields =
            entry.and_then(|entry| Some((entry.u32_at(0)?, entry.u32_at(4)?, entry.u32_at(8)?)));
        let Some((start, end, string)) = fields else {
            info.lose_modules(count - index);
            return;
        };
        if let Some(text) = info.add_module(u64::from(start), u64::from(end)) {
            if string != 0 {
                text.copy_from(memory, u64::from(string));
            }
        }
    }
    info.lose_modules(count.saturating_sub(MAX_ENTRIES_READ));
}

/// The memory map: entries of a size that stands in front of each, not counting
/// itself. Ends at the first that is too small to be one, or sticks out.
fn read_memory_map(memory: &impl PhysicalMemory, map: u64, length: u64, info: &mut LoaderInfo) {
    const SIZE_FIELD: u64 = 4;
    const SMALLEST: u64 = 20;
    let end = map + length;
    let mut at = map;
    for _ in 0..MAX_ENTRIES_READ {
        if at == end {
            return;
        }
        let entry = memory
            .bytes(at, (SIZE_FIELD + SMALLEST) as usize)
            .and_then(|entry| {
                let region = Region {
                    start: entry.u64_at(4)?,
                    length: entry.u64_at(12)?,
                    kind: RegionKind::from_e820(entry.u32_at(20)?),
                };
                Some((u64::from(entry.u32_at(0)?), region))
            });
        // Both are below 4 GiB: these sums can't wrap.
        let sound = entry.filter(|&(size, _)| size >= SMALLEST && at + SIZE_FIELD + size <= end);
        let Some((size, region)) = sound else {
            break;
        };
        info.add_region(region);
        at += SIZE_FIELD + size;
    }
    info.losses.map_damaged = at != end;
}

/// The framebuffer, if its numbers agree with each other.
fn read_framebuffer(block: &[u8]) -> Option<Framebuffer> {
    /// The specification's drawing has the colours at 110; its C header aligns
    /// them, and so does GRUB.
    const COLOURS: usize = 112;
    const INDEXED: u8 = 0;
    const DIRECT: u8 = 1;
    const TEXT: u8 = 2;
    let colour = |at: usize| {
        let (position, size) = (block.u8_at(at)?, block.u8_at(at + 1)?);
        (position < 64 && (1..=16).contains(&size)).then_some(ColourField { position, size })
    };
    let framebuffer = Framebuffer {
        address: block.u64_at(88)?,
        pitch: block.u32_at(96)?,
        width: block.u32_at(100)?,
        height: block.u32_at(104)?,
        bits_per_pixel: block.u8_at(108)?,
        pixels: match block.u8_at(109)? {
            INDEXED => Pixels::Indexed {
                palette: u64::from(block.u32_at(COLOURS)?),
                colours: block.u16_at(COLOURS + 4)?,
            },
            DIRECT => Pixels::Direct {
                red: colour(COLOURS)?,
                green: colour(COLOURS + 2)?,
                blue: colour(COLOURS + 4)?,
            },
            TEXT => Pixels::Text,
            _ => return None,
        },
    };
    framebuffer.is_plausible().then_some(framebuffer)
}
