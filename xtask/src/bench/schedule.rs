//! The order of the boots of a measurement.
//!
//! Pure. Rows are interleaved round by round, each round in its own random
//! order: a machine that slows down while we measure slows every row alike.

use super::stats::Random;

/// One boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Which row it belongs to.
    pub row: usize,
    /// Whether it counts.
    pub purpose: Purpose,
}

/// Whether a boot counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It fills caches.
    WarmUp,
    /// It is a sample.
    Sample,
}

/// `warmup` and then `runs` rounds of all `rows`.
pub fn rounds(rows: usize, warmup: u32, runs: u32, random: &mut Random) -> Vec<Boot> {
    let purposes = (0..warmup)
        .map(|_| Purpose::WarmUp)
        .chain((0..runs).map(|_| Purpose::Sample));
    let mut boots = Vec::new();
    for purpose in purposes {
        let mut round: Vec<usize> = (0..rows).collect();
        random.shuffle(&mut round);
        boots.extend(round.into_iter().map(|row| Boot { row, purpose }));
    }
    boots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_gets_its_runs_and_no_row_runs_ahead() {
        let boots = rounds(4, 2, 15, &mut Random::new(3));
        assert_eq!(boots.len(), 4 * 17);
        for round in boots.chunks(4) {
            let mut rows: Vec<usize> = round.iter().map(|boot| boot.row).collect();
            rows.sort_unstable();
            assert_eq!(rows, [0, 1, 2, 3]);
        }
        assert!(
            boots[..8]
                .iter()
                .all(|boot| boot.purpose == Purpose::WarmUp)
        );
        assert!(
            boots[8..]
                .iter()
                .all(|boot| boot.purpose == Purpose::Sample)
        );
    }
}
