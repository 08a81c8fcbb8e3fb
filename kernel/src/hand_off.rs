//! Takes what `boot` found out: the one file here that names `bootloader_api`.
//!
//! Everything after it sees the kernel's own types.

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};
use boot::loader::{LoaderInfo, Module};
use kernel_core::addr::FrameRange;

/// What the kernel starts with.
pub(crate) struct HandOff {
    regions: &'static [MemoryRegion],
    /// The arguments, without the kernel's path.
    pub(crate) command_line: &'static str,
    /// Boot modules, in order.
    pub(crate) modules: &'static [Module],
    /// Where ACPI's root pointer is, if the loader knew.
    pub(crate) rsdp: Option<u64>,
    /// Time stamp of the first instruction.
    pub(crate) entry_tsc: u64,
    /// The loader's own word.
    pub(crate) loader: &'static LoaderInfo,
    /// Bytes of kernel image.
    pub(crate) image_bytes: u64,
}

impl HandOff {
    /// Takes over from the boot layer.
    pub(crate) fn take(boot: boot::hand_off::HandOff<'static>) -> HandOff {
        let info = boot.boot_info;
        let regions: &'static mut [MemoryRegion] = {
            // `MemoryRegions` only lends out slices as short as itself.
            let regions = info.memory_regions;
            // SAFETY: `boot` made it from a static store that it gave up.
            unsafe { core::slice::from_raw_parts_mut(regions.as_ptr().cast_mut(), regions.len()) }
        };
        HandOff {
            regions,
            command_line: boot.command_line,
            modules: boot.modules,
            rsdp: info.rsdp_addr.into_option(),
            entry_tsc: boot.entry_tsc,
            loader: boot.loader,
            image_bytes: info.kernel_len,
        }
    }

    /// Free RAM, in whole frames.
    pub(crate) fn usable(&self) -> impl Iterator<Item = FrameRange> + Clone {
        let usable = self.regions.iter().filter(|region| region.kind == MemoryRegionKind::Usable);
        usable.map(|region| FrameRange::inside(region.start, region.end - region.start))
    }
}
