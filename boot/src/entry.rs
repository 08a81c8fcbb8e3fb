//! The loader's first jump: from `entry.s` into Rust, with paging on.
//!
//! Owns the first page directory, the boot stack and what the loader told us.
//! Called by the loader alone; calls `kernel_main`, which the kernel defines.
//!
//! **Invariants**: [`boot_main`] runs once, before anything else, so its statics
//! have one user; the kernel reads them through the hand-off from then on.

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ops::Range;

use kernel_core::firmware::PhysicalMemory;

use crate::hand_off::{HandOff, RegionStore};

use crate::command_line::arguments;
use crate::layout::{BOOT_STACK_SIZE, DIRECT_MAP_SIZE, IMAGE_START, KERNEL_BASE};
use crate::loader::{LoaderInfo, MAX_MODULES};
use crate::memory_map::MemoryMap;
use crate::{multiboot, pvh};

/// Multiboot 0.6.96 3.1.1: what the kernel's header starts with.
const MULTIBOOT_HEADER_MAGIC: u32 = 0x1bad_b002;
/// Modules on page boundaries (bit 0), memory information wanted (bit 1).
const MULTIBOOT_FLAGS: u32 = 0b11;
/// Xen's `XEN_ELFNOTE_PHYS32_ENTRY`.
const PHYS32_ENTRY: u32 = 18;
/// CPUID.1:EDX: PSE (3), TSC (4), CX8 (8); Intel SDM 2A, CPUID.
const NEEDED_FEATURES: u32 = 1 << 3 | 1 << 4 | 1 << 8;
/// Present, writable, 4 MiB (Intel SDM 3A 4.3, table 4-4).
const PAGE_FLAGS: u32 = 1 | 1 << 1 | 1 << 7;
const LARGE_PAGE: u32 = 4 << 20;
const CR4_PSE: u32 = 1 << 4;
const EFLAGS_ID: u32 = 1 << 21;
/// How often a serial port that may be stuck is asked for each byte.
const PATIENCE: u32 = 10_000;
const CR0_PG_WP: u32 = 1 << 31 | 1 << 16;
/// The first serial port and QEMU's exit device, as the kernel's
/// `arch::uart` and `arch::exit` have them.
const COM1_DATA: u32 = 0x3f8;
const COM1_LINE_STATUS: u32 = COM1_DATA + 5;
const TRANSMITTER_EMPTY: u32 = 1 << 6;
const DEBUG_EXIT_PORT: u32 = 0xf4;
const DEBUG_EXIT_FAILURE: u32 = 0x11;

global_asm!(
    include_str!("entry.s"),
    MULTIBOOT_MAGIC = const MULTIBOOT_HEADER_MAGIC,
    MULTIBOOT_FLAGS = const MULTIBOOT_FLAGS,
    PHYS32_ENTRY = const PHYS32_ENTRY,
    PVH_MAGIC = const crate::pvh::MAGIC,
    NEEDED_FEATURES = const NEEDED_FEATURES,
    KERNEL_BASE = const KERNEL_BASE,
    PAGE_FLAGS = const PAGE_FLAGS,
    FIRST_KERNEL_ENTRY = const KERNEL_BASE >> 22,
    LARGE_PAGE = const LARGE_PAGE,
    DIRECT_MAP_SIZE = const DIRECT_MAP_SIZE,
    CR4_PSE = const CR4_PSE,
    EFLAGS_ID = const EFLAGS_ID,
    PATIENCE = const PATIENCE,
    CR0_PG_WP = const CR0_PG_WP,
    COM1_DATA = const COM1_DATA,
    COM1_LINE_STATUS = const COM1_LINE_STATUS,
    TRANSMITTER_EMPTY = const TRANSMITTER_EMPTY,
    DEBUG_EXIT_PORT = const DEBUG_EXIT_PORT,
    DEBUG_EXIT_FAILURE = const DEBUG_EXIT_FAILURE,
    BOOT_STACK_SIZE = const BOOT_STACK_SIZE,
    boot_main = sym boot_main,
);

unsafe extern "Rust" {
    /// The kernel's console comes up: all it needs is the command line, and
    /// whatever goes wrong after it can be told.
    fn kernel_first_word(command_line: &'static str);
    /// The kernel's first function.
    fn kernel_main(hand_off: HandOff<'static>) -> !;
    /// Physical address above the kernel's image and what was put behind it.
    fn kernel_image_end() -> u32;
}

/// Low memory that stays the BIOS's: interrupt vectors and data area.
const BIOS_AREA: Range<u64> = 0..4096;

/// What the loader told us and what we made of it: 20 KiB, too much for the
/// boot stack.
struct Told {
    info: LoaderInfo,
    map: MemoryMap,
    regions: RegionStore,
}

struct ToldOnce(UnsafeCell<Told>);

// SAFETY: only `boot_main` reaches in, once, on the only processor that runs.
unsafe impl Sync for ToldOnce {}

static TOLD: ToldOnce = ToldOnce(UnsafeCell::new(Told {
    info: LoaderInfo::EMPTY,
    map: MemoryMap::EMPTY,
    regions: RegionStore::new(),
}));

/// Physical memory through the direct map that `entry.s` made.
struct DirectMap;

impl PhysicalMemory for DirectMap {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        let end = address.checked_add(u64::try_from(length).ok()?)?;
        if end > u64::from(DIRECT_MAP_SIZE) {
            return None;
        }
        let start = usize::try_from(address).ok()? + KERNEL_BASE as usize;
        // SAFETY: the direct map covers it, and nothing writes to memory while
        // the boot layer reads: one processor, no interrupts. What is not RAM
        // reads as something; parsers believe nothing.
        Some(unsafe { core::slice::from_raw_parts(start as *const u8, length) })
    }
}

extern "C" fn boot_main(magic: u32, information: u32, tsc_low: u32, tsc_high: u32) -> ! {
    // SAFETY: called once, by `entry.s`.
    let Told { info, map, regions } = unsafe { &mut *TOLD.0.get() };
    let address = u64::from(information);
    let read = match magic {
        multiboot::LOADER_MAGIC => multiboot::read(&DirectMap, address, info),
        pvh::MAGIC => pvh::read(&DirectMap, address, info),
        _ => panic!("started by no Multiboot or PVH loader (EAX was {magic:#x})"),
    };
    if let Err(refusal) = read {
        panic!("the loader's information is of no use: {refusal:?}");
    }
    let info: &'static LoaderInfo = info;
    // SAFETY: the kernel defines it as declared.
    unsafe { kernel_first_word(arguments(info.command_line.as_str())) };
    // SAFETY: the kernel defines it as declared.
    let image = u64::from(IMAGE_START)..u64::from(unsafe { kernel_image_end() });
    let mut in_use = [const { 0..0 }; 2 + MAX_MODULES];
    in_use[0] = BIOS_AREA;
    in_use[1] = image.clone();
    for (range, module) in in_use[2..].iter_mut().zip(info.modules.iter()) {
        *range = module.range();
    }
    let in_use = &in_use[..2 + info.modules.len()];
    map.normalise(info, in_use)
        .expect("the ranges in use are fewer than it takes");
    let entry_tsc = u64::from(tsc_high) << 32 | u64::from(tsc_low);
    let hand_off = HandOff::new(info, map, regions, image, entry_tsc);
    // SAFETY: the kernel defines it as declared.
    unsafe { kernel_main(hand_off) }
}
