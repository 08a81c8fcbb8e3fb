//! The machine's frames: really memory, really separate, really given back.

use kernel_core::addr::{Frame, PAGE_SIZE};
use kernel_core::frames::Zone;

use crate::ktest::case;
use crate::mm::{self, frames};

/// Many enough to need more than one chunk of the allocator.
const MANY: usize = 300;

fn words(frame: Frame) -> &'static mut [u32; PAGE_SIZE as usize / 4] {
    let address = mm::direct(frame.start()).expect("low frames are in the direct map");
    // SAFETY: the test allocated the frame.
    unsafe { &mut *(address.as_usize() as *mut [u32; PAGE_SIZE as usize / 4]) }
}

case! {
    fn hold_what_is_written_to_them() {
        let mut held = [None; MANY];
        for (number, slot) in held.iter_mut().enumerate() {
            let frame = frames::allocate(Zone::Low).expect("8 MiB have this many");
            words(frame).fill(number as u32);
            *slot = Some(frame);
        }
        for (number, frame) in held.into_iter().flatten().enumerate() {
            assert!(words(frame).iter().all(|&word| word == number as u32), "{frame} changed");
            frames::free(frame);
        }
    }

    fn come_in_runs() {
        for count in [1, 2, 7, 64] {
            let first = frames::allocate_run(count, 4, Zone::Low).expect("8 MiB have this run");
            assert_eq!(first.number() % 4, 0);
            let before = frames::counts().free;
            frames::free_run(first, count);
            assert_eq!(frames::counts().free, before + count);
        }
    }

    fn are_counted() {
        let before = frames::counts();
        let frame = frames::allocate(Zone::Any).expect("one frame is free");
        assert_eq!(frames::counts().free, before.free - 1);
        frames::free(frame);
        assert_eq!(frames::counts(), before);
    }

    fn below_a_limit_stay_below_it() {
        let limit = Frame::new(0x100).expect("1 MiB is below 4 GiB");
        let frame = frames::allocate(Zone::Below(limit)).expect("low memory has a free frame");
        assert!(frame < limit);
        assert!(frame.number() > 0, "the BIOS data area was handed out");
        frames::free(frame);
    }
}
