//! Kernel mappings: protection of the image, aliases, and the TLBs of all CPUs.

use core::sync::atomic::{AtomicU32, Ordering};

use boot::layout;
use kernel_core::addr::{FrameRange, PhysAddr, VirtAddr};
use kernel_core::frames::Zone;

use crate::arch::paging::Flags;
use crate::arch::percpu;
use crate::ipi::call;
use crate::ktest::case;
use crate::mm::frames;
use crate::mm::kernel_map::{Mapping, Use, map_registers, translate};

unsafe extern "C" {
    static text_start: u8;
    static text_end: u8;
    static rodata_end: u8;
    static data_end: u8;
    // The link script's own constants.
    static KERNEL_BASE: u8;
    static IMAGE_START: u8;
}

static SEEN: [AtomicU32; percpu::MAX_CPUS] = [const { AtomicU32::new(0) }; percpu::MAX_CPUS];

/// Reads the word at `address` on the processor that runs this.
fn look(address: u32, _: u32) {
    // SAFETY: the test keeps it mapped while it asks.
    let word = unsafe { (address as usize as *const u32).read_volatile() };
    SEEN[percpu::current().id() as usize].store(word, Ordering::Relaxed);
}

fn everyone_sees(address: VirtAddr, expected: u32) {
    look(address.as_u32(), 0);
    call::on_others(look, address.as_u32(), 0);
    for cpu in percpu::all() {
        let seen = SEEN[cpu.id() as usize].load(Ordering::Relaxed);
        assert_eq!(seen, expected, "cpu{} at {address}", cpu.id());
    }
}

fn is_writable(address: usize) -> bool {
    let (_, flags) = translate(VirtAddr::new(address as u32)).expect("the image is mapped");
    flags.contains(Flags::WRITABLE)
}

static WRITABLE: AtomicU32 = AtomicU32::new(0);

case! {
    fn protects_text_and_rodata() {
        assert!(!is_writable((&raw const text_start).addr()));
        assert!(!is_writable((&raw const text_end).addr() - 1));
        assert!(!is_writable((&raw const rodata_end).addr() - 1));
        assert!(is_writable((&raw const WRITABLE).addr()));
    }

    fn protects_the_names_behind_the_image() {
        let names = (&raw const data_end).addr();
        assert!(!is_writable(names), "{names:#x} is writable");
    }

    fn is_linked_where_the_layout_says() {
        assert_eq!((&raw const KERNEL_BASE).addr(), layout::KERNEL_BASE as usize);
        assert_eq!((&raw const IMAGE_START).addr(), layout::IMAGE_START as usize);
    }

    /// Firmware that calls RAM a device's registers would have the kernel write
    /// to its own text.
    fn takes_no_memory_for_registers() {
        let text = PhysAddr::new(layout::IMAGE_START);
        assert!(map_registers(text, 0x400).is_none());
        let device = PhysAddr::new(0xfee0_0000);
        assert!(map_registers(PhysAddr::new(device.as_u32() + 1), 0x20).is_none(), "odd");
        assert!(map_registers(PhysAddr::new(device.as_u32() + 0xff0), 0x20).is_none(), "two pages");
    }

    fn has_nothing_in_user_space() {
        for address in [0, 0x10_0000, 0xbfff_f000] {
            assert!(translate(VirtAddr::new(address)).is_none(), "{address:#x} is mapped");
        }
    }

    fn maps_one_frame_twice() {
        let frame = frames::allocate(Zone::Any).expect("one frame is free");
        let range = FrameRange::from_first(frame, 1).expect("it is below 4 GiB");
        let one = Mapping::of(range, Use::Memory).expect("there is room");
        let two = Mapping::of(range, Use::ReadOnly).expect("there is room");
        // SAFETY: both are mapped, and the frame is this test's.
        unsafe {
            (one.address(0).as_usize() as *mut u32).write_volatile(0xfeed_beef);
            assert_eq!((two.address(0).as_usize() as *const u32).read_volatile(), 0xfeed_beef);
        }
        drop((one, two));
        frames::free(frame);
    }

    /// Every processor has the old translation in its TLB when the page is
    /// mapped to another frame; afterwards none may use it.
    fn change_on_every_processor() {
        let old = frames::allocate(Zone::Any).expect("one frame is free");
        let new = frames::allocate(Zone::Any).expect("another frame is free");
        let mapping = Mapping::reserve(2).expect("there is room");
        mapping.put(1, new, Use::Memory).expect("there is room");
        let (page, other) = (mapping.address(0), mapping.address(1));
        mapping.put(0, old, Use::Memory).expect("there is room");
        // SAFETY: both pages are mapped to frames of this test.
        unsafe {
            (page.as_usize() as *mut u32).write_volatile(1);
            (other.as_usize() as *mut u32).write_volatile(2);
        }
        everyone_sees(page, 1);
        mapping.replace(0, new, Use::Memory).expect("the table is there");
        everyone_sees(page, 2);
        drop(mapping);
        frames::free(old);
        frames::free(new);
    }

    fn runs_out_of_addresses_with_an_error() {
        assert!(Mapping::reserve(1 << 20).is_err());
    }
}
