//! What more processors are worth: pairs of tasks that exchange messages.
//!
//! Owns the rows of `bench pairs`, of which each run is on so many processors, and
//! their table. Pure.

use serde::Serialize;

use super::ipc::{self, Run};

/// Processors that are measured.
pub const PROCESSORS: [u32; 3] = [1, 2, 4];
/// Pairs at once, and the row's name.
const PAIRS: [(u32, &str); 3] = [(1, "pairs-1"), (2, "pairs-2"), (4, "pairs-4")];
/// The table's head.
const HEAD: &[&str] = &[
    "processors",
    "pairs",
    "round trips/s",
    "of one pair's",
    "GNU Mach",
    "",
];

/// So many pairs on so many processors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scale {
    /// Processors of the machine.
    pub processors: u32,
    /// Pairs at once.
    pub pairs: u32,
    /// Round trips a second of all pairs, median of the runs.
    pub exov6: Option<f64>,
    /// The same on the reference, where it was measured: on one processor.
    pub gnumach: Option<f64>,
}

/// The rows on so many `processors`, of runs on each kernel.
pub fn rows(processors: u32, exov6: &[Run], gnumach: &[Run]) -> Vec<Scale> {
    let row = |&(pairs, name): &(u32, &str)| Scale {
        processors,
        pairs,
        exov6: rate(name, exov6),
        gnumach: rate(name, gnumach),
    };
    PAIRS.iter().map(row).collect()
}

fn rate(name: &str, runs: &[Run]) -> Option<f64> {
    let ns = ipc::cost(name, &Run::default(), runs).wall_ns?;
    (ns > 0.0).then(|| 1e9 / ns)
}

/// The table's head and cells.
pub fn table(rows: &[Scale]) -> (&'static [&'static str], Vec<Vec<String>>) {
    let one = |of: &Scale| {
        let is_one = |row: &&Scale| row.processors == of.processors && row.pairs == 1;
        rows.iter().find(is_one).and_then(|row| row.exov6)
    };
    let cells = |row: &Scale| {
        let whole = |rate: Option<f64>| rate.map(|rate| format!("{rate:.0}")).unwrap_or_default();
        let share = row.exov6.zip(one(row)).map(|(all, one)| all / one);
        vec![
            row.processors.to_string(),
            row.pairs.to_string(),
            whole(row.exov6),
            share.map(|share| format!("{share:.2}")).unwrap_or_default(),
            whole(row.gnumach),
            String::new(),
        ]
    };
    (HEAD, rows.iter().map(cells).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ipc::Said;

    fn run(ticks: [f64; 3]) -> Run {
        let rows = PAIRS.iter().zip(ticks);
        let rows = rows.map(|((_, name), ticks)| ((*name).to_owned(), Said::Ticks(ticks)));
        Run {
            rows: rows.collect(),
            tick_ns: Some(0.5),
        }
    }

    #[test]
    fn rates_are_of_all_pairs() {
        let runs = [
            run([20_000.0, 10_000.0, 5_000.0]),
            run([20_000.0, 10_000.0, 4_000.0]),
            run([40_000.0, 20_000.0, 8_000.0]),
        ];
        let rows = rows(2, &runs, &[]);
        let rates: Vec<_> = rows.iter().map(|row| (row.pairs, row.exov6)).collect();
        let expected = [(1, Some(1e5)), (2, Some(2e5)), (4, Some(4e5))];
        assert_eq!(rates, expected);
        assert!(rows.iter().all(|row| row.gnumach.is_none()));
        let (head, cells) = table(&rows);
        assert_eq!(cells[1][..4], ["2", "2", "200000", "2.00"]);
        assert!(cells.iter().all(|row| row.len() == head.len()));
    }

    #[test]
    fn what_was_not_served_has_no_rate() {
        assert_eq!(rows(1, &[Run::default()], &[])[0].exov6, None);
    }
}
