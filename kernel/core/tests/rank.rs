//! Lock ranks against a plain list.

use kernel_core::rank::{HeldLocks, MAX_HELD, OrderError, Rank, RankedLock};
use proptest::prelude::*;

fn lock(rank: u8) -> RankedLock {
    const NAMES: [&str; 3] = ["frames", "heap", "serial"];
    RankedLock {
        rank: Rank(rank),
        name: NAMES[usize::from(rank) % NAMES.len()],
    }
}

#[test]
fn messages_name_both_locks() {
    let mut held = HeldLocks::new();
    held.acquire(lock(5)).expect("nothing is held");
    let error = held.acquire(lock(4)).expect_err("4 is below 5");
    assert_eq!(
        error.to_string(),
        "lock `heap` (rank 4) taken while holding `serial` (rank 5)"
    );
    assert_eq!(held.release(lock(4)), Err(OrderError::NotHeld(lock(4))));
}

proptest! {
    #[test]
    fn agrees_with_a_list(steps in prop::collection::vec((any::<bool>(), 0..40u8), 0..200)) {
        let mut held = HeldLocks::new();
        let mut model: Vec<u8> = Vec::new();
        for (take, rank) in steps {
            if take {
                let expected = match model.iter().max() {
                    Some(&top) if top >= rank => Err(OrderError::OutOfOrder { held: lock(top), wanted: lock(rank) }),
                    Some(&top) if model.len() == MAX_HELD => Err(OrderError::TooMany { held: lock(top), wanted: lock(rank) }),
                    _ => Ok(()),
                };
                prop_assert_eq!(held.acquire(lock(rank)), expected);
                if expected.is_ok() {
                    model.push(rank);
                }
            } else {
                let place = model.iter().position(|&known| known == rank);
                prop_assert_eq!(held.release(lock(rank)).is_ok(), place.is_some());
                if let Some(place) = place {
                    model.remove(place);
                }
            }
            prop_assert!(held.iter().map(|l| l.rank.0).eq(model.iter().copied()));
        }
    }

    #[test]
    fn sixteen_fit_and_the_next_is_refused(extra in 16..=255u8) {
        let mut held = HeldLocks::new();
        for rank in 0..16 {
            prop_assert_eq!(held.acquire(lock(rank)), Ok(()));
        }
        prop_assert_eq!(held.acquire(lock(extra)), Err(OrderError::TooMany { held: lock(15), wanted: lock(extra) }));
    }
}
