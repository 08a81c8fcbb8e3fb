//! Addresses, pages and ranges against 64-bit arithmetic, which cannot wrap.

use kernel_core::addr::{Frame, FrameRange, PAGE_SIZE, PAGES, Page, PhysAddr, VirtAddr};
use proptest::prelude::*;

const GIB_4: u64 = 1 << 32;
const PAGE: u64 = PAGE_SIZE as u64;

#[test]
fn the_top_of_memory_does_not_wrap() {
    assert_eq!(
        PhysAddr::new(0xffff_f000).round_up().map(|a| a.as_u32()),
        Some(0xffff_f000)
    );
    assert_eq!(PhysAddr::new(0xffff_f001).round_up(), None);
    assert_eq!(PhysAddr::new(u32::MAX).checked_add(1), None);
    assert_eq!(PhysAddr::from_u64(GIB_4), None);
    assert_eq!(Frame::LAST.checked_add(1), None);
    assert_eq!(Frame::LAST.start().as_u32(), 0xffff_f000);
    assert_eq!(Frame::new(PAGES), None);
    let all = FrameRange::inside(0, u64::MAX);
    assert_eq!((all.start(), all.end()), (0, PAGES));
    assert!(all.contains(Frame::LAST));
}

#[test]
fn addresses_print_as_eight_digits() {
    assert_eq!(PhysAddr::new(0x1000).to_string(), "0x00001000");
    assert_eq!(format!("{:?}", VirtAddr::new(0xc010_0000)), "0xc0100000");
    let range = FrameRange::new(0x100, 0x200).expect("ordered");
    assert_eq!(range.to_string(), "0x00100000-0x001fffff");
    assert_eq!(FrameRange::EMPTY.to_string(), "none");
}

#[test]
fn a_page_knows_its_place_in_the_tables() {
    let page = VirtAddr::new(0xc040_3abc).page();
    assert_eq!((page.directory_index(), page.table_index()), (769, 3));
    assert_eq!(Page::LAST.directory_index(), 1023);
}

proptest! {
    #[test]
    fn rounding_agrees_with_wide_arithmetic(raw: u32) {
        let wide = u64::from(raw);
        let up = wide.div_ceil(PAGE) * PAGE;
        let address = PhysAddr::new(raw);
        prop_assert_eq!(u64::from(address.round_down().as_u32()), wide / PAGE * PAGE);
        prop_assert_eq!(address.round_up().map(|a| u64::from(a.as_u32())), (up < GIB_4).then_some(up));
        prop_assert_eq!(address.frame().start(), address.round_down());
        prop_assert_eq!(address.round_down().checked_add(address.offset_in_page()), Some(address));
    }

    #[test]
    fn ranges_hold_exactly_their_frames(
        base in prop_oneof![0..2 * GIB_4, any::<u64>(), GIB_4 - 3 * PAGE..GIB_4 + PAGE],
        length in prop_oneof![Just(0), 0..4 * PAGE, 0..GIB_4, any::<u64>()],
    ) {
        let end = u128::from(base) + u128::from(length);
        let inside = FrameRange::inside(base, length);
        let covering = FrameRange::covering(base, length);
        for number in [0, 1, base / PAGE, base / PAGE + 1, (end / u128::from(PAGE)) as u64, u64::from(PAGES - 1)] {
            let Some(frame) = u32::try_from(number).ok().and_then(Frame::new) else { continue };
            let (first, past) = (u128::from(number * PAGE), u128::from((number + 1) * PAGE));
            prop_assert_eq!(inside.contains(frame), first >= u128::from(base) && past <= end);
            prop_assert_eq!(covering.contains(frame), first < end && past > u128::from(base) && length > 0);
        }
    }

    #[test]
    fn cutting_out_and_intersecting_partition(a in 0..40u32, b in 0..40u32, c in 0..40u32, d in 0..40u32) {
        let whole = FrameRange::new(a.min(b), a.max(b)).expect("ordered");
        let hole = FrameRange::new(c.min(d), c.max(d)).expect("ordered");
        let [low, high] = whole.without(hole);
        let both = whole.intersection(hole);
        for number in 0..40 {
            let frame = Frame::new(number).expect("small");
            prop_assert_eq!(both.contains(frame), whole.contains(frame) && hole.contains(frame));
            prop_assert_eq!(low.contains(frame) || high.contains(frame), whole.contains(frame) && !hole.contains(frame));
        }
        prop_assert_eq!(low.len() + high.len() + both.len(), whole.len());
    }
}
