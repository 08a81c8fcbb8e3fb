//! Tables of emulated system calls: hand-made ones, and random ones against a map.

use std::collections::BTreeMap;

use kernel_core::emulation::{Emulation, MOST, Refused};
use proptest::prelude::*;

#[test]
fn grows_to_both_sides_and_forgets_nothing() {
    let table = Emulation::new();
    assert_eq!((table.first(), table.entries()), (0, &[][..]));
    let table = table.with(5, &[1, 2, 3]).expect("small");
    assert_eq!((table.first(), table.entries()), (5, &[1, 2, 3][..]));
    let table = table.with(6, &[11, 0, 13]).expect("small");
    assert_eq!(table.entries(), [1, 11, 0, 13]);
    let table = table.with(2, &[7]).expect("small");
    assert_eq!((table.first(), table.entries().len()), (2, 7));
    assert_eq!(table.entries(), [7, 0, 0, 1, 11, 0, 13]);
    assert_eq!(table.entry(7), None, "the kernel's own");
    assert_eq!(table.entry(8), Some(13));
    let same = table.with(i32::MAX, &[]).expect("nothing new");
    assert_eq!(same.entries(), table.entries());
    let none = Emulation::new().with(9, &[]).expect("nothing");
    assert_eq!((none.first(), none.entries()), (0, &[][..]));
}

#[test]
fn has_a_bound_whatever_the_numbers() {
    let table = Emulation::new().with(-26, &[1]).expect("small");
    for number in [i32::MIN, i32::MAX, -26 + MOST as i32, -26 - MOST as i32] {
        assert_eq!(table.with(number, &[2]).err(), Some(Refused::TooMany));
        assert_eq!(table.entry(number), None);
    }
    let last = -26 + MOST as i32 - 1;
    assert_eq!(table.with(last, &[2]).expect("fits").entry(last), Some(2));
    let many = [1; MOST + 1];
    assert_eq!(table.with(0, &many).err(), Some(Refused::TooMany));
    let ends = Emulation::new().with(i32::MAX, &[1]).expect("one");
    assert_eq!(ends.entry(i32::MAX), Some(1));
}

proptest! {
    #[test]
    fn is_like_a_map(changes in prop::collection::vec(
        (-90_i32..90, prop::collection::vec(0_u32..4, 0..9)), 0..12,
    )) {
        let (mut table, mut map) = (Emulation::new(), BTreeMap::new());
        for (first, entries) in changes {
            table = table.with(first, &entries).expect("within the bound");
            for (number, entry) in (first..).zip(&entries) {
                map.insert(number, *entry);
            }
            let first = map.keys().next().copied().unwrap_or(0);
            let last = map.keys().last().copied().unwrap_or(-1);
            prop_assert_eq!(table.first(), first);
            prop_assert_eq!(table.entries().len() as i32, last - first + 1);
            for number in -100..100 {
                let entry = map.get(&number).copied().filter(|entry| *entry != 0);
                prop_assert_eq!(table.entry(number), entry);
            }
        }
    }
}
