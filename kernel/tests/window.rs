//! Physical memory seen through windows.

use kernel_core::addr::FrameRange;
use kernel_core::firmware::PhysicalMemory;
use kernel_core::frames::Zone;

use crate::ktest::case;
use crate::mm::frames;
use crate::mm::kernel_map::{Mapping, Use};
use crate::mm::window::PhysicalWindow;

case! {
    fn shows_the_multiboot_header() {
        let window = PhysicalWindow::new();
        let header = window.bytes(u64::from(boot::layout::IMAGE_START), 4).expect("it is RAM");
        assert_eq!(header, 0x1bad_b002_u32.to_le_bytes());
    }

    fn reaches_any_frame() {
        let frame = frames::allocate(Zone::Any).expect("one frame is free");
        let range = FrameRange::from_first(frame, 1).expect("it is below 4 GiB");
        let mapping = Mapping::of(range, Use::Memory).expect("there is room");
        // SAFETY: mapped, and the frame is this test's.
        unsafe { (mapping.address(0).as_usize() as *mut u32).write_volatile(0x0bad_cafe) };
        let window = PhysicalWindow::new();
        let seen = window.bytes(u64::from(frame.start().as_u32()), 4).expect("it is RAM");
        assert_eq!(seen, 0x0bad_cafe_u32.to_le_bytes());
        drop(window);
        drop(mapping);
        frames::free(frame);
    }

    fn refuses_what_is_no_memory() {
        let window = PhysicalWindow::new();
        assert!(window.bytes(u64::from(u32::MAX), 2).is_none());
        assert!(window.bytes(0, 0).is_none());
        assert!(window.bytes(0, 64 << 20).is_none());
    }
}
