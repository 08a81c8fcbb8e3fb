//! What a loader told us, whichever protocol it speaks.
//!
//! Owns [`LoaderInfo`], which [`crate::multiboot`] and [`crate::pvh`] fill and
//! [`crate::memory_map`] and [`crate::hand_off`] read, and what happens when
//! there is more than it holds. About 40 KiB: it belongs in a static.

#![forbid(unsafe_code)]

use core::ops::Range;

use kernel_core::fixed_vec::FixedVec;

use crate::text::Text;

/// Boot modules that are kept at most.
pub const MAX_MODULES: usize = 64;
/// Entries of the loader's memory map that are kept at most; BIOSes know 128.
pub const MAX_REGIONS: usize = 128;
/// Bytes of command line that are kept.
pub const COMMAND_LINE: usize = 1024;
/// Bytes of each module's string that are kept.
pub const MODULE_STRING: usize = 512;
/// Bytes of the loader's name that are kept.
pub const LOADER_NAME: usize = 64;

/// How we were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Multiboot specification 0.6.96: QEMU `-kernel`, GRUB.
    Multiboot,
    /// Xen's PVH start info: QEMU `-kernel` for images with its ELF note.
    Pvh,
}

/// What memory is, in the numbers of the BIOS call E820 (ACPI 6.5, 15.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// RAM (type 1).
    Usable,
    /// Not to be touched (type 2).
    Reserved,
    /// RAM with ACPI tables, free once those are read (type 3).
    AcpiReclaimable,
    /// RAM that firmware keeps (type 4).
    AcpiNvs,
    /// Broken RAM (type 5).
    Bad,
    /// Anything else, by number: not to be touched.
    Other(u32),
}

impl RegionKind {
    /// The kind behind an E820 type number.
    pub const fn from_e820(number: u32) -> Self {
        match number {
            1 => Self::Usable,
            2 => Self::Reserved,
            3 => Self::AcpiReclaimable,
            4 => Self::AcpiNvs,
            5 => Self::Bad,
            other => Self::Other(other),
        }
    }

    /// The E820 type number of this kind.
    pub const fn e820(self) -> u32 {
        match self {
            Self::Usable => 1,
            Self::Reserved => 2,
            Self::AcpiReclaimable => 3,
            Self::AcpiNvs => 4,
            Self::Bad => 5,
            Self::Other(other) => other,
        }
    }
}

/// An entry of the loader's memory map, as unreliable as it came: entries may
/// overlap and `start + length` may wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Physical address of the first byte.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// What it is.
    pub kind: RegionKind,
}

/// A file that the loader put into memory.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Physical address of the first byte.
    pub start: u64,
    /// Physical address after the last byte: `start <= end <= 4 GiB`.
    pub end: u64,
    /// The module's command line, file name first.
    pub string: Text<MODULE_STRING>,
}

impl Module {
    /// Physical addresses it occupies.
    pub const fn range(&self) -> Range<u64> {
        self.start..self.end
    }
}

/// Place and width of one colour in a pixel, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColourField {
    /// Its lowest bit.
    pub position: u8,
    /// How many bits.
    pub size: u8,
}

/// How the screen's memory is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// Each pixel is an index into a palette of three bytes a colour.
    Indexed {
        /// Physical address of the palette.
        palette: u64,
        /// Colours in it.
        colours: u16,
    },
    /// Each pixel holds its colour.
    Direct {
        /// Red bits.
        red: ColourField,
        /// Green bits.
        green: ColourField,
        /// Blue bits.
        blue: ColourField,
    },
    /// Characters and attributes, as in EGA text mode; sizes are characters.
    Text,
}

/// The screen as the loader set it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framebuffer {
    /// Physical address.
    pub address: u64,
    /// Bytes from one line to the next.
    pub pitch: u32,
    /// Pixels (or characters) a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bits of a pixel (16 in text mode).
    pub bits_per_pixel: u8,
    /// What they mean.
    pub pixels: Pixels,
}

impl Framebuffer {
    /// Whether a line fits in its pitch and the whole below 4 GiB.
    pub(crate) fn is_plausible(&self) -> bool {
        let line_bits = u64::from(self.width) * u64::from(self.bits_per_pixel);
        let size = u64::from(self.pitch) * u64::from(self.height);
        let end = self.address.checked_add(size);
        size != 0
            && line_bits != 0
            && line_bits.div_ceil(8) <= u64::from(self.pitch)
            && end.is_some_and(|end| end <= 1 << 32)
    }
}

/// What of the loader's word got lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Memory map entries that did not fit.
    pub regions: u32,
    /// The memory map ends in nonsense; what came before it was kept.
    pub map_damaged: bool,
    /// Modules that did not fit, or whose description makes no sense.
    pub modules: u32,
    /// The screen's description makes no sense.
    pub framebuffer: bool,
}

/// All that a loader told us.
#[derive(Clone, Debug)]
pub struct LoaderInfo {
    /// Who told us.
    pub protocol: Protocol,
    /// Its memory map, in its order.
    pub regions: FixedVec<Region, MAX_REGIONS>,
    /// KiB of RAM from 0 on, and from 1 MiB on, where there may be no map.
    pub lower_upper_kib: Option<(u32, u32)>,
    /// The boot modules, in the order of the loader's command line.
    pub modules: FixedVec<Module, MAX_MODULES>,
    /// The command line as it came, maybe with a path in front: see
    /// [`crate::command_line::arguments`].
    pub command_line: Text<COMMAND_LINE>,
    /// The loader's name for itself.
    pub loader_name: Text<LOADER_NAME>,
    /// The screen, if any. Not an `Option`, whose `None` would not be zero here
    /// and carry this whole structure from .bss to .data.
    screen: FixedVec<Framebuffer, 1>,
    /// Physical addresses of the VBE controller's and mode's descriptions.
    pub vbe: Option<(u32, u32)>,
    /// Physical address of ACPI's root pointer.
    pub rsdp: Option<u64>,
    /// What got lost.
    pub losses: Losses,
}

/// Why a loader's information can't be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The information block lies where there is no readable memory.
    Unreadable {
        /// The block's physical address.
        address: u64,
    },
    /// The block does not begin with its protocol's magic number.
    WrongMagic {
        /// What it begins with.
        found: u32,
    },
}

impl LoaderInfo {
    /// Nothing told yet. All-zero, so that a static of it lies in .bss.
    pub const EMPTY: Self = Self {
        protocol: Protocol::Multiboot,
        regions: FixedVec::new(Region {
            start: 0,
            length: 0,
            kind: RegionKind::Usable,
        }),
        lower_upper_kib: None,
        modules: FixedVec::new(Module {
            start: 0,
            end: 0,
            string: Text::EMPTY,
        }),
        command_line: Text::EMPTY,
        loader_name: Text::EMPTY,
        screen: FixedVec::new(Framebuffer {
            address: 0,
            pitch: 0,
            width: 0,
            height: 0,
            bits_per_pixel: 0,
            pixels: Pixels::Indexed {
                palette: 0,
                colours: 0,
            },
        }),
        vbe: None,
        rsdp: None,
        losses: Losses {
            regions: 0,
            map_damaged: false,
            modules: 0,
            framebuffer: false,
        },
    };

    /// The screen as the loader set it up.
    pub fn framebuffer(&self) -> Option<Framebuffer> {
        self.screen.first().copied()
    }

    /// Notes the screen, if its description makes sense.
    pub(crate) fn set_framebuffer(&mut self, screen: Option<Framebuffer>) {
        self.screen.clear();
        let kept = screen.is_some_and(|screen| self.screen.push(screen).is_ok());
        self.losses.framebuffer = !kept;
    }

    /// Forgets everything, without writing all 40 KiB: what begins to speak
    /// is `protocol`.
    pub(crate) fn clear(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.regions.clear();
        self.lower_upper_kib = None;
        self.modules.clear();
        self.command_line.clear();
        self.loader_name.clear();
        self.screen.clear();
        self.vbe = None;
        self.rsdp = None;
        self.losses = Losses::default();
    }

    /// Notes an entry of the memory map. When there is no more room, entries
    /// that forbid memory push out the smallest usable one, so that what is
    /// kept never offers what the loader reserved; small usable entries go
    /// before large ones. Each loss is counted.
    pub(crate) fn add_region(&mut self, region: Region) {
        if region.length == 0 {
            return;
        }
        let Err(region) = self.regions.push(region) else {
            return;
        };
        self.losses.regions = self.losses.regions.saturating_add(1);
        let usable = |region: &Region| region.kind == RegionKind::Usable;
        let smallest = self
            .regions
            .as_mut_slice()
            .iter_mut()
            .filter(|kept| usable(kept))
            .min_by_key(|kept| kept.length);
        if let Some(smallest) = smallest {
            if !usable(&region) || region.length > smallest.length {
                *smallest = region;
            }
        }
    }

    /// Notes a module at `start..end`, unless that is no range below 4 GiB, or
    /// there is no more room. The place of its string is handed back to fill.
    pub(crate) fn add_module(&mut self, start: u64, end: u64) -> Option<&mut Text<MODULE_STRING>> {
        let sound = start <= end && end <= 1 << 32;
        if !sound || self.modules.is_full() {
            self.lose_modules(1);
            return None;
        }
        let module = self.modules.extend_in_place()?;
        module.start = start;
        module.end = end;
        module.string.clear();
        Some(&mut module.string)
    }

    /// Notes that `count` modules could not be kept.
    pub(crate) fn lose_modules(&mut self, count: u32) {
        self.losses.modules = self.losses.modules.saturating_add(count);
    }
}
