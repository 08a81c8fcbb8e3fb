//! Page tables of tasks.

use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::frames::Zone;

use crate::ktest::case;
use crate::mm::frames;
use crate::mm::pmap::{Access, Pmap};

/// The first and the last page of user space, and those around a table's end.
const PAGES: [u32; 4] = [0, 0x003f_f000, 0x0040_0000, 0xbfff_f000];

fn frame() -> Frame {
    frames::allocate(Zone::Any).expect("a frame is free")
}

case! {
    fn maps_replaces_and_forgets() {
        let pmap = Pmap::new().expect("there is memory");
        let (one, other) = (frame(), frame());
        for page in PAGES.map(VirtAddr::new) {
            assert_eq!(pmap.lookup(page), None);
            assert_eq!(pmap.enter(page, one, Access::Read), Ok(None));
            assert_eq!(pmap.lookup(page), Some((one, Access::Read)));
            assert_eq!(pmap.enter(page, other, Access::Write), Ok(Some(one)));
            assert_eq!(pmap.lookup(page), Some((other, Access::Write)));
        }
        let mut gone = 0;
        pmap.remove(VirtAddr::new(0), 0x400, |_, frame| {
            assert_eq!(frame, other);
            gone += 1;
        });
        assert_eq!(gone, 2);
        assert_eq!(pmap.lookup(VirtAddr::new(0x0040_0000)), Some((other, Access::Write)));
        pmap.remove(VirtAddr::new(0), 0xc000_0000 / PAGE_SIZE, |_, _| gone += 1);
        assert_eq!(gone, PAGES.len());
        frames::free(one);
        frames::free(other);
    }

    fn restricts_what_it_maps() {
        let pmap = Pmap::new().expect("there is memory");
        let page = VirtAddr::new(PAGES[1]);
        let frame = frame();
        assert_eq!(pmap.enter(page, frame, Access::Write), Ok(None));
        pmap.restrict(VirtAddr::new(0), 0x800);
        assert_eq!(pmap.lookup(page), Some((frame, Access::Read)));
        assert_eq!(pmap.enter(page, frame, Access::Write), Ok(Some(frame)));
        assert_eq!(pmap.lookup(page), Some((frame, Access::Write)));
        let mut gone = None;
        pmap.remove(page, 1, |page, frame| gone = Some((page, frame)));
        assert_eq!(gone, Some((page, frame)));
        frames::free(frame);
    }

    fn shows_no_kernel_memory() {
        let pmap = Pmap::new().expect("there is memory");
        assert_eq!(pmap.lookup(VirtAddr::new(0xc010_0000)), None);
    }
}
