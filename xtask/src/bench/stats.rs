//! Robust statistics of a few samples: minimum, median, p90, an interval.
//!
//! Pure. The interval is a percentile bootstrap (Efron 1979): the samples are
//! drawn again with replacement, the median of each draw taken, and the
//! middle 95 % of those medians reported. It assumes nothing about the shape
//! of the distribution, which for boot times is skewed.

use serde::{Deserialize, Serialize};

/// How many draws the bootstrap makes.
const DRAWS: usize = 2_000;

/// A small generator of pseudo-random numbers (xorshift64*), seeded, so that
/// a run can be repeated in the same order.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Random {
        // The state must not be zero; the mixing spreads seeds that are alike.
        Random {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let word = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        // Scaled rather than taken modulo; the bias is below 2^-20 here.
        ((u128::from(word) * bound as u128) >> 32) as usize
    }

    /// Puts `items` into random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// What is reported about one series of samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The least.
    pub minimum: f64,
    /// The middle.
    pub median: f64,
    /// Nine tenths are at or below.
    pub p90: f64,
    /// Low end of the median's 95 % bootstrap interval.
    pub low: f64,
    /// Its high end.
    pub high: f64,
}

impl Summary {
    /// The summary of `samples`; none of nothing.
    pub fn of(samples: &[f64], random: &mut Random) -> Option<Summary> {
        let sorted = sorted(samples);
        let (low, high) = interval(&sorted, random)?;
        Some(Summary {
            minimum: *sorted.first()?,
            median: quantile(&sorted, 0.5)?,
            p90: quantile(&sorted, 0.9)?,
            low,
            high,
        })
    }
}

/// The difference of two medians and its 95 % bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Median of the first less median of the second.
    pub median: f64,
    /// Low end of the interval.
    pub low: f64,
    /// Its high end.
    pub high: f64,
}

impl Difference {
    /// How far `samples` are above `floor`.
    pub fn of(samples: &[f64], floor: &[f64], random: &mut Random) -> Option<Difference> {
        let (samples, floor) = (sorted(samples), sorted(floor));
        let median = quantile(&samples, 0.5)? - quantile(&floor, 0.5)?;
        let mut medians: Vec<f64> = Vec::with_capacity(DRAWS);
        for _ in 0..DRAWS {
            medians.push(drawn_median(&samples, random)? - drawn_median(&floor, random)?);
        }
        medians.sort_by(f64::total_cmp);
        let (low, high) = (quantile(&medians, 0.025)?, quantile(&medians, 0.975)?);
        Some(Difference { median, low, high })
    }
}

fn interval(sorted: &[f64], random: &mut Random) -> Option<(f64, f64)> {
    let mut medians = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        medians.push(drawn_median(sorted, random)?);
    }
    medians.sort_by(f64::total_cmp);
    Some((quantile(&medians, 0.025)?, quantile(&medians, 0.975)?))
}

fn drawn_median(samples: &[f64], random: &mut Random) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let mut draw: Vec<f64> = samples
        .iter()
        .map(|_| samples[random.below(samples.len())])
        .collect();
    draw.sort_by(f64::total_cmp);
    quantile(&draw, 0.5)
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Linear interpolation between the two nearest samples.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let fraction = place - below as f64;
    Some(sorted[below] + (sorted[above.min(last)] - sorted[below]) * fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_summary_of_known_samples() {
        let samples: Vec<f64> = (1..=11).map(f64::from).collect();
        let summary = Summary::of(&samples, &mut Random::new(1)).expect("there are samples");
        assert_eq!(
            (summary.minimum, summary.median, summary.p90),
            (1.0, 6.0, 10.0)
        );
        assert!(summary.low >= 2.0 && summary.low < 6.0, "{summary:?}");
        assert!(summary.high <= 10.0 && summary.high > 6.0, "{summary:?}");
    }

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(Summary::of(&[], &mut Random::new(1)), None);
        assert_eq!(Difference::of(&[], &[1.0], &mut Random::new(1)), None);
    }

    #[test]
    fn a_difference_is_of_medians() {
        let difference = Difference::of(&[10.0; 5], &[4.0; 5], &mut Random::new(1));
        assert_eq!(
            difference,
            Some(Difference {
                median: 6.0,
                low: 6.0,
                high: 6.0
            })
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_order() {
        let order = |seed| {
            let mut items: Vec<u32> = (0..50).collect();
            Random::new(seed).shuffle(&mut items);
            items
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }

    proptest! {
        #[test]
        fn a_summary_stays_within_its_samples(
            samples in prop::collection::vec(0.0f64..1e6, 1..40),
            seed: u64,
        ) {
            let summary = Summary::of(&samples, &mut Random::new(seed)).expect("not empty");
            let most = samples.iter().copied().fold(0.0, f64::max);
            prop_assert!(summary.minimum <= summary.low && summary.low <= summary.median + 1e-9);
            prop_assert!(summary.median <= summary.high + 1e-9 && summary.high <= most + 1e-9);
            prop_assert!(summary.median <= summary.p90 + 1e-9 && summary.p90 <= most + 1e-9);
        }

        #[test]
        fn shuffling_keeps_every_item(count in 0usize..100, seed: u64) {
            let mut items: Vec<usize> = (0..count).collect();
            Random::new(seed).shuffle(&mut items);
            items.sort_unstable();
            prop_assert_eq!(items, (0..count).collect::<Vec<_>>());
        }

        #[test]
        fn random_numbers_stay_below_their_bound(bound in 1usize..1000, seed: u64) {
            let mut random = Random::new(seed);
            prop_assert!((0..100).all(|_| random.below(bound) < bound));
        }
    }
}
