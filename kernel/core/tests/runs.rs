//! The run bitmap against a set of numbers.

use std::collections::BTreeSet;

use kernel_core::runs::RunBitmap;
use proptest::prelude::*;

const WORDS: usize = 4;
type Runs = RunBitmap<WORDS>;

#[derive(Clone, Debug)]
enum Step {
    Take(usize),
    PutBack(usize, usize),
    PutBackTaken(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..40usize).prop_map(Step::Take),
        (0..140usize, 0..40usize).prop_map(|(first, count)| Step::PutBack(first, count)),
        (0..16usize).prop_map(Step::PutBackTaken),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_set(steps in prop::collection::vec(step(), 1..200)) {
        let mut runs = Runs::new();
        let mut model = BTreeSet::new();
        let mut handed_out: Vec<(usize, usize)> = Vec::new();
        for step in steps {
            match step {
                Step::Take(count) => match runs.take(count) {
                    Some(first) => {
                        for number in first..first + count {
                            prop_assert!(number < Runs::LEN);
                            prop_assert!(model.insert(number), "{number} handed out twice");
                        }
                        handed_out.push((first, count));
                    }
                    None => {
                        let fits = (0..Runs::LEN).any(|first| {
                            (first..first + count).all(|n| n < Runs::LEN && !model.contains(&n))
                        });
                        prop_assert!(count == 0 || !fits, "a run of {count} was free");
                    }
                },
                Step::PutBack(first, count) => {
                    // Of no length, but beyond the end, is no run either.
                    let inside = first + count <= Runs::LEN;
                    let valid = inside && (first..first + count).all(|n| model.contains(&n));
                    prop_assert_eq!(runs.put_back(first, count).is_ok(), valid);
                    if valid && count > 0 {
                        model.retain(|n| !(first..first + count).contains(n));
                        handed_out.clear();
                    }
                }
                Step::PutBackTaken(which) => {
                    if which < handed_out.len() {
                        let (first, count) = handed_out.swap_remove(which);
                        prop_assert!(runs.put_back(first, count).is_ok());
                        model.retain(|n| !(first..first + count).contains(n));
                    }
                }
            }
            prop_assert_eq!(runs.taken(), model.len());
        }
    }
}

#[test]
fn freed_addresses_are_not_reused_at_once() {
    let mut runs = Runs::new();
    let first = runs.take(1).expect("all are free");
    runs.put_back(first, 1).expect("it was taken");
    assert_ne!(runs.take(1), Some(first));
}
