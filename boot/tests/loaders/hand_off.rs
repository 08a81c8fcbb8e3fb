//! The hand-off built from recorded machines.

use boot::{
    hand_off::{HandOff, RegionStore, install_screen, screen_layout},
    loader::{Framebuffer, LoaderInfo, Pixels, Protocol},
    memory_map::MemoryMap,
    multiboot, pvh,
};
use bootloader_api::info::{MemoryRegion, MemoryRegionKind, PixelFormat};

use crate::recorded;

const IMAGE: std::ops::Range<u64> = 0x10_0000..0x10_1000;

fn hand_off(info: &LoaderInfo) -> HandOff<'_> {
    let mut map = Box::new(MemoryMap::EMPTY);
    let mut in_use: Vec<_> = info.modules.iter().map(|module| module.range()).collect();
    in_use.push(IMAGE);
    map.normalise(info, &in_use).expect("few modules");
    let store = Box::leak(Box::new(RegionStore::new()));
    HandOff::new(info, &map, store, IMAGE, 77)
}

#[test]
fn from_multiboot() {
    let mut info = Box::new(LoaderInfo::EMPTY);
    multiboot::read(&recorded!("multiboot-qemu"), 0x9500, &mut info).expect("readable");
    let hand_off = hand_off(&info);
    assert_eq!(hand_off.command_line, "ktest loglevel=3");
    assert_eq!(hand_off.protocol, Protocol::Multiboot);
    assert_eq!(hand_off.entry_tsc, 77);
    assert_eq!(hand_off.modules.len(), 2);
    let boot_info = &hand_off.boot_info;
    assert_eq!(boot_info.ramdisk_addr.into_option(), Some(0x10_2000));
    assert_eq!(boot_info.ramdisk_len, 5000);
    assert_eq!(
        (boot_info.kernel_addr, boot_info.kernel_len),
        (0x10_0000, 0x1000)
    );
    let regions: &[MemoryRegion] = &boot_info.memory_regions;
    assert_eq!(regions.len(), 9);
    assert_eq!(
        regions[3],
        MemoryRegion {
            start: 0x10_0000,
            end: 0x10_1000,
            kind: MemoryRegionKind::Bootloader,
        }
    );
    assert_eq!(regions[4].kind, MemoryRegionKind::Usable);
    assert_eq!(regions[8].kind, MemoryRegionKind::UnknownBios(2));
}

#[test]
fn from_pvh() {
    let mut info = Box::new(LoaderInfo::EMPTY);
    pvh::read(&recorded!("pvh-qemu"), 0x21e0, &mut info).expect("sound");
    let hand_off = hand_off(&info);
    assert_eq!(hand_off.protocol, Protocol::Pvh);
    assert_eq!(hand_off.boot_info.rsdp_addr.into_option(), Some(0xf_59d0));
}

#[test]
fn screens_of_whole_bytes_are_handed_over_when_mapped() {
    let mut info = Box::new(LoaderInfo::EMPTY);
    multiboot::read(&recorded!("multiboot-grub"), 0x1_0000, &mut info).expect("readable");
    let screen = info.framebuffer().expect("GRUB set one up");
    let layout = screen_layout(&screen).expect("32 bits a pixel");
    assert_eq!(
        (layout.width, layout.height, layout.stride),
        (800, 600, 800)
    );
    assert_eq!((layout.byte_len, layout.bytes_per_pixel), (3200 * 600, 4));
    assert_eq!(layout.pixel_format, PixelFormat::Bgr);

    let mut hand_off = hand_off(&info);
    assert!(hand_off.boot_info.framebuffer.as_ref().is_none());
    let memory = Box::leak(vec![0u8; layout.byte_len].into_boxed_slice());
    let address = memory.as_mut_ptr() as u64;
    // SAFETY: the memory is that long, leaked, and forgotten by this test.
    unsafe { install_screen(&mut hand_off.boot_info, address, layout) };
    let mut installed = hand_off
        .boot_info
        .framebuffer
        .into_option()
        .expect("just put in");
    installed.buffer_mut()[3200 * 600 - 1] = 9;

    let text = Framebuffer {
        pixels: Pixels::Text,
        ..screen
    };
    assert!(screen_layout(&text).is_none());
    let odd_pitch = Framebuffer {
        pitch: 3201,
        ..screen
    };
    assert!(screen_layout(&odd_pitch).is_none());
}
