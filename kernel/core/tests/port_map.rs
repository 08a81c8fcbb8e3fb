//! Maps of I/O ports, against a list of what was done.

use kernel_core::port_map::{Permission, PortMap, WORDS};
use proptest::prelude::*;

fn may(map: &PortMap, port: u16) -> bool {
    map.words()[usize::from(port) / 64] >> (port % 64) & 1 == 0
}

#[test]
fn nothing_is_allowed_at_first() {
    let map = PortMap::new().expect("there is memory");
    assert!(map.is_empty());
    assert_eq!(map.words().len(), WORDS);
    assert!(!may(&map, 0) && !may(&map, u16::MAX));
}

#[test]
fn ends_are_in_it() {
    let mut map = PortMap::new().expect("there is memory");
    map.set(0, u16::MAX, Permission::Allowed);
    assert!(may(&map, 0) && may(&map, u16::MAX));
    map.set(1, u16::MAX - 1, Permission::Denied);
    assert!(may(&map, 0) && may(&map, u16::MAX) && !may(&map, 1) && !may(&map, 0xfffe));
    assert!(!map.is_empty());
    map.set(9, 3, Permission::Allowed);
    assert!(!may(&map, 3) && !may(&map, 9), "an empty range");
}

proptest! {
    #[test]
    fn the_last_word_counts(
        done in prop::collection::vec((any::<u16>(), 0_u16..200, any::<bool>()), 0..20),
        looked in prop::collection::vec(any::<u16>(), 50),
    ) {
        let mut map = PortMap::new().expect("there is memory");
        for &(first, more, is_allowed) in &done {
            let permission = if is_allowed { Permission::Allowed } else { Permission::Denied };
            map.set(first, first.saturating_add(more), permission);
        }
        let near = done.iter().flat_map(|&(first, more, _)| {
            let last = first.saturating_add(more);
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
        });
        for port in looked.iter().copied().chain(near) {
            let last = done.iter().rev().find(|&&(first, more, _)| {
                (first..=first.saturating_add(more)).contains(&port)
            });
            prop_assert_eq!(may(&map, port), last.is_some_and(|&(_, _, is)| is), "{}", port);
        }
    }
}
