//! The table from keys to values against a map.

use std::collections::BTreeMap;

use kernel_core::radix::Radix;
use proptest::prelude::*;

fn key() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..200u32,
        4090..4100u32,
        any::<u32>(),
        Just(u32::MAX),
        Just(63),
        Just(64)
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_map(steps in prop::collection::vec((key(), 0..5u8), 1..300)) {
        let mut radix = Radix::new();
        let mut model = BTreeMap::new();
        for (key, what) in steps {
            match what {
                0 => prop_assert_eq!(radix.remove(key), model.remove(&key)),
                1 => prop_assert_eq!(radix.vacate(key), model.remove(&key).is_some()),
                2 => {
                    let free = (0..).find(|key| !model.contains_key(key));
                    if let Some(key) = radix.insert_lowest_in_place(3) {
                        prop_assert_eq!(Some(key), free);
                        model.insert(key, 3);
                    }
                }
                3 => {
                    prop_assert!(radix.insert(key, key ^ 7).is_ok());
                    model.insert(key, key ^ 7);
                }
                _ => {
                    let free = radix.lowest_free().expect("not full");
                    prop_assert_eq!(Some(free), (0..).find(|key| !model.contains_key(key)));
                    prop_assert!(radix.insert(free, 1).is_ok());
                    model.insert(free, 1);
                }
            }
            prop_assert_eq!(radix.at(key), model.get(&key));
            prop_assert_eq!(radix.len() as usize, model.len());
            let next = radix.first_from(key).map(|(k, v)| (k, *v));
            prop_assert_eq!(next, model.range(key..).next().map(|(k, v)| (*k, *v)));
        }
    }
}

#[test]
fn free_keys_come_lowest_first_beyond_the_near_ones_too() {
    const KEYS: u32 = 3000;
    let mut radix = Radix::new();
    for key in 0..KEYS {
        assert_eq!(radix.lowest_free(), Some(key));
        assert!(radix.insert(key, key).is_ok());
    }
    let freed: Vec<u32> = (0..KEYS).filter(|key| key % 37 == 5).collect();
    for &key in &freed {
        assert_eq!(radix.remove(key), Some(key));
    }
    for &key in &freed {
        assert_eq!(radix.lowest_free(), Some(key));
        assert!(radix.insert(key, key).is_ok());
    }
    for key in (0..KEYS).rev() {
        assert_eq!(radix.remove(key), Some(key));
        assert_eq!(radix.lowest_free(), Some(key));
    }
    assert!(radix.is_empty());
}
