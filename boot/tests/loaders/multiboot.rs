//! Multiboot information blocks, recorded, made up and hostile.

use boot::{
    command_line::arguments,
    loader::{
        ColourField, Framebuffer, LoaderInfo, Losses, MAX_MODULES, MAX_REGIONS, Pixels, Protocol,
        Refusal, Region, RegionKind,
    },
    multiboot,
};
use proptest::prelude::*;

use crate::{
    assert_bounded, assert_sound,
    block::{Block, map_entry, read},
    recorded,
    recording::Recording,
};

fn region(start: u64, length: u64, kind: RegionKind) -> Region {
    Region {
        start,
        length,
        kind,
    }
}

#[test]
fn qemu() {
    let info = read(&recorded!("multiboot-qemu"), 0x9500);
    assert_eq!(info.protocol, Protocol::Multiboot);
    assert_eq!(info.command_line.as_str(), "mb.elf ktest loglevel=3");
    assert_eq!(arguments(info.command_line.as_str()), "ktest loglevel=3");
    assert_eq!(info.loader_name.as_str(), "qemu");
    assert_eq!(info.lower_upper_kib, Some((639, 0x3fb80)));
    let modules: Vec<_> = info
        .modules
        .iter()
        .map(|module| {
            (
                module.start,
                module.end - module.start,
                module.string.as_str(),
            )
        })
        .collect();
    assert_eq!(
        modules,
        [(0x10_2000, 5000, "m1 one two=2"), (0x10_4000, 300, "m2")]
    );
    assert_eq!(info.losses, Losses::default());
    assert_eq!(info.framebuffer(), None);
    assert_eq!(info.rsdp, None);
    assert_eq!(
        info.regions.as_slice(),
        [
            region(0, 0x9_fc00, RegionKind::Usable),
            region(0x9_fc00, 0x400, RegionKind::Reserved),
            region(0xf_0000, 0x1_0000, RegionKind::Reserved),
            region(0x10_0000, 0xfee_0000, RegionKind::Usable),
            region(0xffe_0000, 0x2_0000, RegionKind::Reserved),
            region(0xfffc_0000, 0x4_0000, RegionKind::Reserved),
        ]
    );
}

#[test]
fn qemu_with_qboot_with_8_mb_and_with_3_gb() {
    let info = read(&recorded!("multiboot-qemu-qboot"), 0x9500);
    assert_eq!(info.command_line.as_str(), "mb.elf ktest");
    assert_eq!(info.losses, Losses::default());
    let info = read(&recorded!("multiboot-qemu-8m"), 0x9500);
    assert_eq!(arguments(info.command_line.as_str()), "");
    assert_eq!(info.lower_upper_kib, Some((639, 0x1b80)));
    assert!(info.modules.is_empty());
    let info = read(&recorded!("multiboot-qemu-3g"), 0x9500);
    let usable = |region: &&Region| region.kind == RegionKind::Usable;
    let total: u64 = info.regions.iter().filter(usable).map(|r| r.length).sum();
    assert!(total > 3068 << 20 && total <= 3072 << 20, "{total}");
    assert!(info.regions.iter().any(|region| region.start == 1 << 32));
}

#[test]
fn grub_with_a_screen() {
    let info = read(&recorded!("multiboot-grub"), 0x1_0000);
    assert_eq!(info.command_line.as_str(), "ktest loglevel=3");
    assert_eq!(info.loader_name.as_str(), "GRUB 2.06-13+deb12u2");
    let strings: Vec<_> = info.modules.iter().map(|m| m.string.as_str()).collect();
    assert_eq!(strings, ["m1 one two=2", ""]);
    assert_eq!(info.losses, Losses::default());
    assert_eq!(info.regions.len(), 6);
    let colour = |position| ColourField { position, size: 8 };
    assert_eq!(
        info.framebuffer(),
        Some(Framebuffer {
            address: 0xfd00_0000,
            pitch: 3200,
            width: 800,
            height: 600,
            bits_per_pixel: 32,
            pixels: Pixels::Direct {
                red: colour(16),
                green: colour(8),
                blue: colour(0),
            },
        })
    );
}

/// What is read of these map bytes when the block says they are `length` long.
fn read_map(map: &[u8], length: u32) -> Box<LoaderInfo> {
    let mut memory = Recording::blank();
    memory.put(0x6000, map);
    let info = Block::new(1 << 6)
        .with(44, length)
        .with(48, 0x6000)
        .read(&mut memory);
    assert_bounded(&memory);
    info
}

const RAM: Region = Region {
    start: 0x10_0000,
    length: 0x70_0000,
    kind: RegionKind::Usable,
};

#[test]
fn without_flags_nothing_is_believed() {
    let mut memory = Recording::blank();
    let info = Block::new(0).bytes(4, &[0x41; 114]).read(&mut memory);
    assert!(info.regions.is_empty() && info.modules.is_empty());
    assert_eq!(info.command_line.as_str(), "");
    assert_eq!((info.lower_upper_kib, info.framebuffer()), (None, None));
    assert_eq!(info.losses, Losses::default());
}

#[test]
fn what_was_there_before_is_forgotten() {
    let mut info = read(&recorded!("multiboot-grub"), 0x1_0000);
    let mut memory = Recording::blank();
    memory.put(0x5000, &[0; 118]);
    multiboot::read(&memory, 0x5000, &mut info).expect("readable");
    assert!(info.regions.is_empty() && info.modules.is_empty());
    assert_eq!(info.command_line.as_str(), "");
    assert_eq!(info.loader_name.as_str(), "");
    assert_eq!(info.framebuffer(), None);
}

#[test]
fn an_unreadable_block_is_refused() {
    let mut info = Box::new(LoaderInfo::EMPTY);
    for address in [0x4000_0000, u64::MAX - 4, (1 << 20) - 87] {
        assert_eq!(
            multiboot::read(&Recording::blank(), address, &mut info),
            Err(Refusal::Unreadable { address })
        );
    }
    // The older, shorter block at the very end of memory will do.
    assert_eq!(
        multiboot::read(&Recording::blank(), (1 << 20) - 88, &mut info),
        Ok(())
    );
}

#[test]
fn map_entries_may_be_longer_than_we_know() {
    let mut map = map_entry(24, RAM);
    map.extend([9; 4]);
    map.extend(map_entry(20, region(0, 0x1000, RegionKind::Other(77))));
    let info = read_map(&map, 52);
    assert_eq!(
        info.regions.as_slice(),
        [RAM, region(0, 0x1000, RegionKind::Other(77))]
    );
    assert!(!info.losses.map_damaged);
}

#[test]
fn map_entries_of_hostile_size_end_the_map() {
    for size in [0, 1, 19, 21, 0x7fff_ffff, u32::MAX - 3, u32::MAX] {
        let mut map = map_entry(20, RAM);
        map.extend(map_entry(size, RAM));
        let info = read_map(&map, 48);
        assert_eq!(info.regions.as_slice(), [RAM], "size {size:#x}");
        assert!(info.losses.map_damaged, "size {size:#x}");
    }
    // A map that ends inside an entry, and one that goes on where no memory is.
    assert!(read_map(&map_entry(20, RAM), 23).losses.map_damaged);
    assert!(read_map(&map_entry(20, RAM), u32::MAX).losses.map_damaged);
    assert!(!read_map(&[], 0).losses.map_damaged);
}

#[test]
fn what_a_full_map_keeps_never_offers_more_than_all_of_it() {
    let usable = |index: u64| region(index << 20, (index + 1) << 12, RegionKind::Usable);
    let mut map: Vec<u8> = (0..MAX_REGIONS as u64)
        .flat_map(|index| map_entry(20, usable(index)))
        .collect();
    let reserved = region(0, 1 << 30, RegionKind::Reserved);
    map.extend(map_entry(20, reserved));
    map.extend(map_entry(20, region(1 << 31, 1 << 12, RegionKind::Usable)));
    map.extend(map_entry(20, region(1 << 30, 1 << 30, RegionKind::Usable)));
    let info = read_map(&map, u32::try_from(map.len()).expect("short"));
    assert_eq!(info.regions.len(), MAX_REGIONS);
    assert_eq!(info.losses.regions, 3);
    assert!(info.regions.contains(&reserved));
    // The smallest usable ones went for it, and for the one large.
    assert!(!info.regions.contains(&usable(0)));
    assert!(!info.regions.contains(&usable(1)));
    assert!(info.regions.contains(&usable(2)));
    assert!(info.regions.iter().any(|region| region.length == 1 << 30));
    assert!(!info.regions.iter().any(|region| region.start == 1 << 31));
}

/// What is read of these modules' starts, ends and strings.
fn read_modules(modules: &[(u32, u32, u32)], count: u32) -> Box<LoaderInfo> {
    let mut memory = Recording::blank();
    let list: Vec<u8> = modules
        .iter()
        .flat_map(|&(start, end, string)| [start, end, string, 0])
        .flat_map(u32::to_le_bytes)
        .collect();
    memory.put(0x6000, &list);
    memory.put(0xf_fffc, b"abcd");
    let info = Block::new(1 << 3)
        .with(20, count)
        .with(24, 0x6000)
        .read(&mut memory);
    assert_bounded(&memory);
    assert_sound(&info);
    info
}

#[test]
fn modules_that_make_no_sense_are_counted() {
    let info = read_modules(
        &[
            (0x2000, 0x1000, 0),           // ends before it starts
            (0x1000, 0x1000, 0),           // empty, which a file may be
            (0x1000, u32::MAX, 0xf_fffd),  // string at the end of memory
            (0x1000, 0x2000, 0x8000_0000), // string nowhere
        ],
        4,
    );
    assert_eq!(info.losses.modules, 1);
    assert_eq!(info.modules.len(), 3);
    assert_eq!(info.modules[1].string.as_str(), "bcd");
    assert!(info.modules[1].string.is_truncated());
    assert_eq!(info.modules[2].string.as_str(), "");
    assert!(info.modules[2].string.is_truncated());
}

#[test]
fn modules_beyond_capacity_are_counted() {
    let many = vec![(0x1000, 0x2000, 0); MAX_MODULES + 4];
    let info = read_modules(&many, MAX_MODULES as u32 + 4);
    assert_eq!(info.modules.len(), MAX_MODULES);
    assert_eq!(info.losses.modules, 4);
    let info = read_modules(&many, u32::MAX);
    assert_eq!(info.losses.modules, u32::MAX - MAX_MODULES as u32);
}

#[test]
fn a_module_list_that_leaves_memory_ends_there() {
    let mut memory = Recording::blank();
    let info = Block::new(1 << 3)
        .with(20, 5)
        .with(24, (1 << 20) - 40)
        .read(&mut memory);
    assert_eq!((info.modules.len(), info.losses.modules), (2, 3));
}

/// A block with this framebuffer: pitch, width, height, depth and type.
fn screen(numbers: [u32; 3], depth: u8, kind: u8) -> Block {
    Block::new(1 << 12)
        .with(88, 0xb_8000)
        .with(96, numbers[0])
        .with(100, numbers[1])
        .with(104, numbers[2])
        .bytes(108, &[depth, kind])
        .bytes(112, &[0, 5, 5, 6, 11, 5])
}

#[test]
fn screens_of_each_type() {
    let mut memory = Recording::blank();
    let info = screen([160, 80, 25], 16, 2).read(&mut memory);
    assert_eq!(
        info.framebuffer().map(|screen| screen.pixels),
        Some(Pixels::Text)
    );
    let info = screen([320, 320, 200], 8, 0).read(&mut memory);
    assert_eq!(
        info.framebuffer().map(|screen| screen.pixels),
        Some(Pixels::Indexed {
            palette: 0x0605_0500,
            colours: 0x050b,
        })
    );
    let info = screen([1280, 640, 480], 16, 1).read(&mut memory);
    assert!(matches!(
        info.framebuffer().map(|screen| screen.pixels),
        Some(Pixels::Direct {
            green: ColourField {
                position: 5,
                size: 6
            },
            ..
        })
    ));
    assert!(!info.losses.framebuffer);
}

#[test]
fn screens_that_make_no_sense_are_left_out() {
    let mut memory = Recording::blank();
    for block in [
        screen([160, 80, 25], 16, 3),                      // unknown type
        screen([159, 80, 25], 16, 2),                      // lines overlap
        screen([160, 80, 0], 16, 2),                       // no lines
        screen([160, 0, 25], 16, 2),                       // no columns
        screen([160, 80, 25], 0, 2),                       // no bits
        screen([u32::MAX, 80, u32::MAX], 16, 2),           // beyond 4 GiB
        screen([160, 80, 25], 16, 2).with(92, u32::MAX),   // wraps
        screen([1280, 640, 480], 16, 1).bytes(112, &[64]), // colour beyond any pixel
        screen([1280, 640, 480], 16, 1).bytes(113, &[0]),  // colour of no bits
    ] {
        let info = block.read(&mut memory);
        assert_eq!(info.framebuffer(), None);
        assert!(info.losses.framebuffer);
    }
}

proptest! {
    /// Any block, any memory around it.
    #[test]
    fn any_block(
        block in prop::collection::vec(any::<u8>(), 118),
        flags in any::<u32>(),
        around in prop::collection::vec(any::<u8>(), 0..2000),
        low in any::<bool>(),
    ) {
        let mut memory = Recording::blank();
        memory.put(0x5100, &around);
        let mut block = Block::new(0).bytes(0, &block).with(0, flags);
        if low {
            // Pointers that lead into what is there.
            for pointer in [16, 24, 48, 64] {
                block.0[pointer + 2..pointer + 4].fill(0);
                block.0[pointer + 1] = 0x51 | block.0[pointer + 1] & 7;
            }
        }
        let info = block.read(&mut memory);
        assert_sound(&info);
        assert_bounded(&memory);
    }

    /// Real blocks with bytes overwritten.
    #[test]
    fn damaged_blocks(
        which in 0..4usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (mut memory, at) = match which {
            0 => (recorded!("multiboot-qemu"), 0x9500),
            1 => (recorded!("multiboot-qemu-qboot"), 0x9500),
            2 => (recorded!("multiboot-qemu-3g"), 0x9500),
            _ => (recorded!("multiboot-grub"), 0x1_0000),
        };
        memory.damage(&damage);
        let info = read(&memory, at);
        assert_sound(&info);
        assert_bounded(&memory);
    }
}
