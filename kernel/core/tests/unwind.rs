//! The stack walk over good stacks and over any memory at all.

use std::cell::Cell;

use kernel_core::addr::VirtAddr;
use kernel_core::unwind::{End, MAX_FRAMES, Walk};
use proptest::prelude::*;

const START: u32 = 0xc080_0000;

/// Walks a stack given as words from `START` on.
fn walk(words: &[u32], frame: u32) -> (Vec<u32>, Option<End>, u32) {
    let end = START + 4 * words.len() as u32;
    let reads = Cell::new(0);
    let read = |address: VirtAddr| {
        reads.set(reads.get() + 1);
        assert!(
            (START..end).contains(&address.as_u32()),
            "read outside the stack"
        );
        words.get((address.as_u32() - START) as usize / 4).copied()
    };
    let mut walk = Walk::new(
        VirtAddr::new(frame),
        VirtAddr::new(START),
        VirtAddr::new(end),
        read,
    );
    let found = walk.by_ref().map(VirtAddr::as_u32).collect();
    (found, walk.end(), reads.get())
}

#[test]
fn each_end_has_its_reason() {
    let link = |word: u32| [0, 0, START + word * 4, 0x100, 0, 0, 0, 0x200, 0, 0];
    let at = VirtAddr::new;
    let from = START + 8;
    assert_eq!(walk(&link(6), from).0, [0x100, 0x200]);
    assert_eq!(walk(&link(6), from).1, Some(End::Outermost));
    assert_eq!(walk(&link(2), from).1, Some(End::NotUpwards(at(START + 8))));
    assert_eq!(walk(&link(1), from).1, Some(End::NotUpwards(at(START + 4))));
    assert_eq!(
        walk(&link(9), from).1,
        Some(End::OutsideStack(at(START + 36)))
    );
    assert_eq!(
        walk(&link(8), from).1,
        Some(End::Outermost),
        "a null return address"
    );
    assert_eq!(
        walk(&link(6), START + 9).1,
        Some(End::Misaligned(at(START + 9)))
    );
    assert_eq!(
        walk(&link(6), START - 4).1,
        Some(End::OutsideStack(at(START - 4)))
    );
    assert_eq!(
        walk(&link(6), u32::MAX - 3).1,
        Some(End::OutsideStack(at(u32::MAX - 3)))
    );
    assert_eq!(walk(&link(6), 0), (Vec::new(), Some(End::Outermost), 0));
    assert_eq!(
        End::Misaligned(at(9)).to_string(),
        "frame pointer 0x00000009 is misaligned"
    );
}

#[test]
fn memory_that_cannot_be_read_ends_the_walk() {
    let mut walk = Walk::new(
        VirtAddr::new(16),
        VirtAddr::new(0),
        VirtAddr::new(64),
        |_| None,
    );
    assert_eq!((walk.next(), walk.next()), (None, None));
    assert_eq!(walk.end(), Some(End::Unreadable(VirtAddr::new(16))));
}

#[test]
fn a_deep_stack_is_cut_at_the_limit() {
    let words: Vec<u32> = (0..100)
        .flat_map(|n| [START + (n + 1) * 8, 0x1000 + n])
        .collect();
    let (found, end, _) = walk(&words, START);
    assert_eq!((found.len() as u32, end), (MAX_FRAMES, Some(End::TooDeep)));
    assert_eq!(found.last(), Some(&(0x1000 + MAX_FRAMES - 1)));
}

proptest! {
    #[test]
    fn a_good_stack_is_walked_whole(gaps in prop::collection::vec((0..6usize, 1..u32::MAX), 0..30)) {
        let mut words = Vec::new();
        let mut link = None;
        for &(gap, address) in &gaps {
            words.resize(words.len() + gap, 0xdead_beef);
            let here = START + 4 * words.len() as u32;
            if let Some(link) = link.replace(words.len()) {
                words[link] = here;
            }
            words.extend([0, address]);
        }
        let first = gaps.first().map_or(0, |(gap, _)| START + 4 * *gap as u32);
        let (found, end, _) = walk(&words, first);
        prop_assert!(found.iter().eq(gaps.iter().map(|(_, address)| address)));
        prop_assert_eq!(end, Some(End::Outermost));
    }

    #[test]
    fn any_memory_ends_the_walk(
        words in prop::collection::vec(prop_oneof![any::<u32>(), (0..100u32).prop_map(|n| START + 4 * n)], 0..100),
        frame in prop_oneof![any::<u32>(), (0..100u32).prop_map(|n| START + 4 * n)],
    ) {
        let (found, end, reads) = walk(&words, frame);
        prop_assert!(found.len() as u32 <= MAX_FRAMES && end.is_some());
        prop_assert!(reads <= 2 * (MAX_FRAMES + 1));
    }
}
