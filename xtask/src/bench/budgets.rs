//! The budgets of `ci/budgets.toml`: what a change may cost.
//!
//! Owns the file's format and the gate. Two kinds of bound: a limit, which is
//! a promise of the project, and a recorded count, which is what was measured
//! last and may grow by [`TOLERANCE_PERCENT`] unnoticed. Only counts that
//! repeat exactly are gated. Pure but for nothing: it opens no file.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// How much a recorded count may grow, in percent.
pub const TOLERANCE_PERCENT: u64 = 1;

/// The file's content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Promises, by the first part of a count's name.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
    /// What was measured last, by a count's whole name.
    #[serde(default)]
    pub recorded: BTreeMap<String, u64>,
}

/// A count that can be gated: `ready/16M/seabios`, 654321.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What was counted: the kind, then the circumstances.
    pub name: String,
    /// How many.
    pub value: u64,
}

/// A budget that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overrun {
    /// The count.
    pub name: String,
    /// How many there are.
    pub value: u64,
    /// How many there may be.
    pub allowed: u64,
    /// Which bound that is.
    pub bound: Bound,
}

/// The kinds of bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// A promise.
    Limit,
    /// The last measurement and its tolerance.
    Recorded,
}

impl Budgets {
    /// Reads the file's text; `name` is for messages.
    pub fn parse(text: &str, name: &str) -> Result<Budgets> {
        toml::from_str(text).map_err(|error| {
            Failure::failed(format!("{name} cannot be read: {error}"))
                .mend("it has the tables [limits] and [recorded], each `name = count`")
        })
    }

    /// The budgets that `counts` break.
    pub fn overruns(&self, counts: &[Count]) -> Vec<Overrun> {
        let mut overruns = Vec::new();
        for count in counts {
            let kind = count.name.split('/').next().unwrap_or(&count.name);
            let limit = self.limits.get(kind).map(|limit| (*limit, Bound::Limit));
            let recorded = self.recorded.get(&count.name);
            let recorded = recorded.map(|recorded| (tolerated(*recorded), Bound::Recorded));
            for (allowed, bound) in [limit, recorded].into_iter().flatten() {
                if count.value > allowed {
                    let name = count.name.clone();
                    overruns.push(Overrun {
                        name,
                        value: count.value,
                        allowed,
                        bound,
                    });
                }
            }
        }
        overruns
    }

    /// The recorded counts that can be lowered or are not there yet, as lines
    /// of the file.
    pub fn new_lines(&self, counts: &[Count]) -> Vec<String> {
        let news = counts.iter().filter(|count| {
            let recorded = self.recorded.get(&count.name);
            recorded.is_none_or(|recorded| tolerated(count.value) < *recorded)
        });
        news.map(line).collect()
    }

    /// Limits that no count of `counts` met: a budget nothing measures is a
    /// budget nobody keeps.
    pub fn unmeasured(&self, counts: &[Count]) -> Vec<String> {
        let measured = |kind: &str| {
            counts
                .iter()
                .any(|count| count.name.split('/').next() == Some(kind))
        };
        let limits = self.limits.keys().filter(|kind| !measured(kind));
        let recorded = self.recorded.keys();
        let recorded = recorded.filter(|name| !counts.iter().any(|count| count.name == **name));
        limits.chain(recorded).cloned().collect()
    }
}

fn tolerated(recorded: u64) -> u64 {
    // Rounded down: a count below a hundred tolerates nothing.
    recorded.saturating_add(recorded / 100 * TOLERANCE_PERCENT)
}

fn line(count: &Count) -> String {
    format!("\"{}\" = {}", count.name, count.value)
}

impl Overrun {
    /// The line of the file that would allow it.
    pub fn update(&self) -> String {
        match self.bound {
            Bound::Limit => format!(
                "{} = {}",
                self.name.split('/').next().unwrap_or(""),
                self.value
            ),
            Bound::Recorded => format!("\"{}\" = {}", self.name, self.value),
        }
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = self.value - self.allowed;
        let percent = over as f64 * 100.0 / self.allowed.max(1) as f64;
        let bound = match self.bound {
            Bound::Limit => "the limit",
            Bound::Recorded => "the recorded count and its tolerance",
        };
        write!(
            f,
            "{}: {} is {over} ({percent:.1} %) over {bound} of {}",
            self.name, self.value, self.allowed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[limits]\nready = 1_000_000\n[recorded]\n\"ready/16M/seabios\" = 500_000\n";

    fn budgets() -> Budgets {
        Budgets::parse(FILE, "budgets.toml").expect("a good file")
    }

    fn count(name: &str, value: u64) -> Count {
        Count {
            name: name.to_owned(),
            value,
        }
    }

    #[test]
    fn within_both_bounds_passes() {
        let counts = [
            count("ready/16M/seabios", 505_000),
            count("ready/2G/qboot", 1_000_000),
        ];
        assert_eq!(budgets().overruns(&counts), []);
    }

    #[test]
    fn one_percent_over_the_recorded_count_fails() {
        let overruns = budgets().overruns(&[count("ready/16M/seabios", 505_001)]);
        assert_eq!(overruns.len(), 1);
        assert_eq!(overruns[0].bound, Bound::Recorded);
        assert_eq!(overruns[0].update(), "\"ready/16M/seabios\" = 505001");
        let text = overruns[0].to_string();
        assert!(text.contains("1 (0.0 %) over the recorded count"), "{text}");
    }

    #[test]
    fn the_limit_holds_for_every_circumstance() {
        let overruns = budgets().overruns(&[count("ready/2G/qboot", 1_500_000)]);
        let text = overruns[0].to_string();
        assert_eq!(
            text,
            "ready/2G/qboot: 1500000 is 500000 (50.0 %) over the limit of 1000000"
        );
        assert_eq!(overruns[0].update(), "ready = 1500000");
    }

    #[test]
    fn what_nobody_measured_is_named() {
        assert_eq!(
            budgets().unmeasured(&[count("text", 1)]),
            ["ready", "ready/16M/seabios"]
        );
    }

    #[test]
    fn improvements_and_news_become_lines() {
        let counts = [
            count("ready/16M/seabios", 400_000),
            count("ready/2G/qboot", 7),
        ];
        assert_eq!(
            budgets().new_lines(&counts),
            ["\"ready/16M/seabios\" = 400000", "\"ready/2G/qboot\" = 7"]
        );
        assert_eq!(
            budgets().new_lines(&[count("ready/16M/seabios", 499_999)]),
            [""; 0]
        );
    }

    #[test]
    fn a_file_with_a_typing_mistake_is_refused() {
        assert!(Budgets::parse("[limit]\na = 1\n", "b").is_err());
        assert!(Budgets::parse("[limits]\na = -1\n", "b").is_err());
    }
}
