//! What the kernel is given: a `bootloader_api::BootInfo` and what it lacks.
//!
//! Owns the translation; the only file of this crate that names that crate.
//! `entry` builds one hand-off and passes it to the kernel's first function.

use core::ops::Range;

use bootloader_api::{
    BootInfo,
    info::{
        FrameBuffer, FrameBufferInfo, MemoryRegion, MemoryRegionKind, MemoryRegions, PixelFormat,
    },
};

use crate::{
    command_line::arguments,
    loader::{Framebuffer, LoaderInfo, Module, Pixels, Protocol},
    memory_map::{MAX_SPANS, MemoryMap, SpanKind},
};

/// Storage for the memory regions that a [`BootInfo`] points to.
#[derive(Debug)]
pub struct RegionStore([MemoryRegion; MAX_SPANS]);

impl RegionStore {
    /// Room for the regions of any [`MemoryMap`].
    pub const fn new() -> Self {
        // All zero, unlike `MemoryRegion::empty()`, for a static in .bss. Only
        // places that were filled are ever lent out.
        const FILLER: MemoryRegion = MemoryRegion {
            start: 0,
            end: 0,
            kind: MemoryRegionKind::Usable,
        };
        Self([FILLER; MAX_SPANS])
    }
}

impl Default for RegionStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Everything the kernel learns from its start.
#[derive(Debug)]
pub struct HandOff<'a> {
    /// Memory regions (physical, below 4 GiB, sorted, disjoint; usable ones
    /// whole frames, modules and image `Bootloader`), RSDP, the first module as
    /// ramdisk, the kernel's place. No framebuffer: see [`install_screen`].
    pub boot_info: BootInfo,
    /// The kernel's arguments, without its path.
    pub command_line: &'a str,
    /// Boot modules, in order.
    pub modules: &'a [Module],
    /// How we were started.
    pub protocol: Protocol,
    /// The loader's word itself: its name, its screen, what of it got lost.
    pub loader: &'a LoaderInfo,
    /// Physical addresses of the kernel's image, .bss included.
    pub kernel_image: Range<u64>,
    /// The time stamp counter at the first instruction; 0 without one.
    pub entry_tsc: u64,
}

impl<'a> HandOff<'a> {
    /// Puts together what `info` and `map` say. `store` is the kernel's from
    /// now on, for its regions live as long as it does.
    pub fn new(
        info: &'a LoaderInfo,
        map: &MemoryMap,
        store: &'static mut RegionStore,
        kernel_image: Range<u64>,
        entry_tsc: u64,
    ) -> Self {
        let mut boot_info = BootInfo::new(memory_regions(map, store));
        boot_info.rsdp_addr = info.rsdp.into();
        if let Some(ramdisk) = info.modules.first() {
            boot_info.ramdisk_addr = Some(ramdisk.start).into();
            boot_info.ramdisk_len = ramdisk.end - ramdisk.start;
        }
        boot_info.kernel_addr = kernel_image.start;
        boot_info.kernel_len = kernel_image.end.saturating_sub(kernel_image.start);
        Self {
            boot_info,
            command_line: arguments(info.command_line.as_str()),
            modules: &info.modules,
            protocol: info.protocol,
            loader: info,
            kernel_image,
            entry_tsc,
        }
    }
}

/// The map's spans as regions: what is in use is the boot loader's, what
/// firmware keeps goes by its E820 number.
fn memory_regions(map: &MemoryMap, store: &'static mut RegionStore) -> MemoryRegions {
    let spans = map.spans();
    for (region, span) in store.0.iter_mut().zip(spans) {
        *region = MemoryRegion {
            start: span.start,
            end: span.end,
            kind: match span.kind {
                SpanKind::Usable => MemoryRegionKind::Usable,
                SpanKind::InUse => MemoryRegionKind::Bootloader,
                SpanKind::Firmware(kind) => MemoryRegionKind::UnknownBios(kind.e820()),
            },
        };
    }
    // The store is as long as any map.
    let (filled, _) = store.0.split_at_mut(spans.len().min(MAX_SPANS));
    MemoryRegions::from(filled)
}

/// The layout of a screen with whole bytes a pixel; `None` for text and
/// palettes, which [`FrameBufferInfo`] can't express, and for odd pitches.
pub fn screen_layout(screen: &Framebuffer) -> Option<FrameBufferInfo> {
    let Pixels::Direct { red, green, blue } = screen.pixels else {
        return None;
    };
    let bytes_per_pixel = u32::from(screen.bits_per_pixel.div_ceil(8));
    if bytes_per_pixel == 0 || screen.pitch % bytes_per_pixel != 0 {
        return None;
    }
    let bytewise = [red, green, blue].iter().all(|colour| colour.size == 8);
    let pixel_format = match (red.position, green.position, blue.position) {
        (0, 8, 16) if bytewise => PixelFormat::Rgb,
        (16, 8, 0) if bytewise => PixelFormat::Bgr,
        (red_position, green_position, blue_position) => PixelFormat::Unknown {
            red_position,
            green_position,
            blue_position,
        },
    };
    let size = |number: u32| usize::try_from(number).ok();
    Some(FrameBufferInfo {
        byte_len: size(screen.pitch.checked_mul(screen.height)?)?,
        width: size(screen.width)?,
        height: size(screen.height)?,
        pixel_format,
        bytes_per_pixel: size(bytes_per_pixel)?,
        stride: size(screen.pitch / bytes_per_pixel)?,
    })
}

/// Hands the screen over too, once it is mapped.
///
/// # Safety
/// `address` must be the virtual address at which the whole of the screen's
/// memory (`layout.byte_len` bytes) is mapped writable and to nobody else, for
/// as long as `boot_info` lives: that type lends it out as a slice, safely.
pub unsafe fn install_screen(boot_info: &mut BootInfo, address: u64, layout: FrameBufferInfo) {
    // SAFETY: what is asked here is exactly what this function's caller grants.
    let screen = unsafe { FrameBuffer::new(address, layout) };
    boot_info.framebuffer = Some(screen).into();
}
