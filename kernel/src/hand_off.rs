//! Takes what `boot` found out: the one file here that names `bootloader_api`.
//!
//! Everything after it sees the kernel's own types.

use boot::loader::{LoaderInfo, Module, Protocol};
use bootloader_api::BootInfo;
use bootloader_api::info::MemoryRegionKind;
use kernel_core::addr::FrameRange;

/// What the kernel starts with.
pub(crate) struct HandOff {
    boot_info: BootInfo,
    /// Boot modules, in order.
    pub(crate) modules: &'static [Module],
    /// Where ACPI's root pointer is, if the loader knew.
    pub(crate) rsdp: Option<u64>,
    /// Time stamp of the first instruction.
    pub(crate) entry_tsc: u64,
    /// How the loader spoke to us.
    pub(crate) protocol: Protocol,
    /// The loader's own word.
    pub(crate) loader: &'static LoaderInfo,
    /// Bytes of kernel image.
    pub(crate) image_bytes: u64,
}

impl HandOff {
    /// Takes over from the boot layer.
    pub(crate) fn take(boot: boot::hand_off::HandOff<'static>) -> HandOff {
        let mut info = boot.boot_info;
        HandOff {
            modules: boot.modules,
            rsdp: info.rsdp_addr.take(),
            entry_tsc: boot.entry_tsc,
            protocol: boot.protocol,
            loader: boot.loader,
            image_bytes: info.kernel_len,
            boot_info: info,
        }
    }

    /// Free RAM, in whole frames.
    pub(crate) fn usable(&self) -> impl Iterator<Item = FrameRange> + Clone {
        let regions = self.boot_info.memory_regions.iter();
        let usable = regions.filter(|region| region.kind == MemoryRegionKind::Usable);
        usable.map(|region| FrameRange::inside(region.start, region.end - region.start))
    }
}
