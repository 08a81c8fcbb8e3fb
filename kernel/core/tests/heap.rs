//! Size classes against a plain search, usage against a sum.

use kernel_core::heap::{
    CLASSES, Class, LARGEST, NotInUse, Plan, RUN_TRAILER, Usage, class_of, plan,
};
use proptest::prelude::*;

#[test]
fn every_small_request_gets_the_tightest_class() {
    for size in 0..=LARGEST + 1 {
        for align in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096] {
            let expected =
                Class::all().find(|class| class.size() >= size && class.align() >= align);
            assert_eq!(class_of(size, align), expected, "{size} bytes at {align}");
        }
    }
}

#[test]
fn blocks_of_a_run_are_aligned_and_waste_little() {
    assert_eq!(Class::all().count(), CLASSES);
    for class in Class::all() {
        for block in 0..class.blocks_per_run() {
            assert_eq!(block * class.size() % class.align(), 0);
        }
        let used = class.blocks_per_run() * class.size();
        assert!(
            used <= 4096 - RUN_TRAILER && used > 4096 * 85 / 100,
            "{class:?} uses {used}"
        );
    }
}

#[test]
fn the_edges_of_the_address_space_are_refused() {
    assert_eq!(class_of(1, 0), None);
    assert_eq!(plan(1, 3), None);
    assert_eq!(plan(usize::MAX, 1), None);
    // Only a 64-bit host can ask for so much.
    if let Some(beyond) = 1usize.checked_shl(32) {
        assert_eq!(plan(beyond, 1), None);
    }
    assert_eq!(
        plan(LARGEST + 1, 1),
        Some(Plan::Pages {
            count: 1,
            align_pages: 1
        })
    );
    assert_eq!(
        plan(0, 8192),
        Some(Plan::Pages {
            count: 1,
            align_pages: 2
        })
    );
    assert_eq!(
        plan(4097, 4096),
        Some(Plan::Pages {
            count: 2,
            align_pages: 1
        })
    );
}

proptest! {
    #[test]
    fn any_plan_is_big_enough(size in prop_oneof![0..9000usize, any::<usize>()], align in prop_oneof![(0..33.min(usize::BITS)).prop_map(|n| 1 << n), any::<usize>()]) {
        match plan(size, align) {
            Some(Plan::Block(class)) => prop_assert!(class.size() >= size && class.align() % align == 0),
            Some(Plan::Pages { count, align_pages }) => {
                prop_assert!(count as usize * 4096 >= size && (count as usize - 1) * 4096 <= size);
                prop_assert_eq!(align_pages as usize * 4096 % align, 0);
            }
            None => {
                let most = (1u64 << 32) - 4096;
                prop_assert!(!align.is_power_of_two() || size as u64 > most || align as u64 > most);
            }
        }
    }

    #[test]
    fn usage_is_what_is_out(sizes in prop::collection::vec(0..9000usize, 0..100)) {
        let plans: Vec<Plan> = sizes.iter().map(|size| plan(*size, 1).expect("small")).collect();
        let mut usage = Usage::new();
        let mut bytes = 0;
        for plan in &plans {
            usage.allocated(*plan);
            bytes += match plan {
                Plan::Block(class) => class.size(),
                Plan::Pages { count, .. } => *count as usize * 4096,
            };
            prop_assert_eq!(usage.bytes(), bytes);
        }
        for plan in &plans {
            prop_assert_eq!(usage.freed(*plan), Ok(()));
        }
        prop_assert_eq!(usage, Usage::new());
        if let Some(plan) = plans.first() {
            prop_assert_eq!(usage.freed(*plan), Err(NotInUse(*plan)));
        }
    }
}
