//! The budgets of `ci/budgets.toml`: what a change may cost.
//!
//! Owns the file's format and the gate. Two kinds of bound: a limit, which is
//! a promise of the project, and a recorded count, which is what was measured
//! last and may grow by [`TOLERANCE_PERCENT`] unnoticed. Only counts that
//! repeat exactly are gated. Compilers make different code, so each has its
//! own recorded counts; the promises hold for all. Pure: it opens no file.

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
    /// What was measured last, by compiler and then by a count's whole name.
    #[serde(default)]
    pub recorded: BTreeMap<String, BTreeMap<String, u64>>,
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
                .mend("it has the tables [limits] and [recorded.\"1.2.3\"], each `name = count`")
        })
    }

    /// The budgets that the counts of code from `compiler` break.
    pub fn overruns(&self, compiler: &str, counts: &[Count]) -> Vec<Overrun> {
        let mut overruns = Vec::new();
        for count in counts {
            let limit = self.limits.get(count.kind());
            let limit = limit.map(|limit| (*limit, Bound::Limit));
            let recorded = self.recorded(compiler, &count.name);
            let recorded = recorded.map(|recorded| (tolerated(recorded), Bound::Recorded));
            for (allowed, bound) in [limit, recorded].into_iter().flatten() {
                if count.value > allowed {
                    overruns.push(Overrun {
                        name: count.name.clone(),
                        value: count.value,
                        allowed,
                        bound,
                    });
                }
            }
        }
        overruns
    }

    /// The counts with a limit that are not recorded yet, or that have become
    /// clearly less, as lines of the file.
    pub fn new_lines(&self, compiler: &str, counts: &[Count]) -> Vec<String> {
        let news = counts.iter().filter(|count| {
            let recorded = self.recorded(compiler, &count.name);
            let is_new = recorded.is_none_or(|recorded| tolerated(count.value) < recorded);
            is_new && self.limits.contains_key(count.kind())
        });
        news.map(line).collect()
    }

    /// Budgets that no count of `counts` met: what nothing measures, nobody
    /// keeps.
    pub fn unmeasured(&self, compiler: &str, counts: &[Count]) -> Vec<String> {
        let kind_is_measured = |kind: &str| counts.iter().any(|count| count.kind() == kind);
        let limits = self.limits.keys().filter(|kind| !kind_is_measured(kind));
        let recorded = self
            .recorded
            .get(compiler)
            .into_iter()
            .flat_map(BTreeMap::keys);
        let recorded = recorded.filter(|name| !counts.iter().any(|count| count.name == **name));
        limits.chain(recorded).cloned().collect()
    }

    fn recorded(&self, compiler: &str, name: &str) -> Option<u64> {
        self.recorded.get(compiler)?.get(name).copied()
    }
}

impl Count {
    /// The first part of its name.
    fn kind(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
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

    const FILE: &str = "[limits]\nready = 1_000_000\n\
        [recorded.\"1.96.0\"]\n\"ready/16M/seabios\" = 500_000\n";
    const NEW: &str = "1.96.0";
    const OLD: &str = "1.85.0";

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
        assert_eq!(budgets().overruns(NEW, &counts), []);
    }

    #[test]
    fn one_percent_over_the_recorded_count_fails_for_its_compiler() {
        let counts = [count("ready/16M/seabios", 505_001)];
        let overruns = budgets().overruns(NEW, &counts);
        assert_eq!(overruns.len(), 1);
        assert_eq!(overruns[0].bound, Bound::Recorded);
        assert_eq!(overruns[0].update(), "\"ready/16M/seabios\" = 505001");
        let text = overruns[0].to_string();
        assert!(text.contains("1 (0.0 %) over the recorded count"), "{text}");
        assert_eq!(budgets().overruns(OLD, &counts), []);
    }

    #[test]
    fn the_limit_holds_for_every_circumstance_and_compiler() {
        let overruns = budgets().overruns(OLD, &[count("ready/2G/qboot", 1_500_000)]);
        let text = overruns[0].to_string();
        let wanted = "ready/2G/qboot: 1500000 is 500000 (50.0 %) over the limit of 1000000";
        assert_eq!(text, wanted);
        assert_eq!(overruns[0].update(), "ready = 1500000");
    }

    #[test]
    fn what_nobody_measured_is_named() {
        let counts = [count("text", 1)];
        assert_eq!(
            budgets().unmeasured(NEW, &counts),
            ["ready", "ready/16M/seabios"]
        );
        assert_eq!(budgets().unmeasured(OLD, &counts), ["ready"]);
    }

    #[test]
    fn improvements_and_news_become_lines_if_they_have_a_limit() {
        let counts = [
            count("ready/16M/seabios", 400_000),
            count("ready/2G/qboot", 7),
            count("firmware/2G/qboot", 7),
        ];
        let lines = ["\"ready/16M/seabios\" = 400000", "\"ready/2G/qboot\" = 7"];
        assert_eq!(budgets().new_lines(NEW, &counts), lines);
        let same = [count("ready/16M/seabios", 499_999)];
        assert_eq!(budgets().new_lines(NEW, &same), [""; 0]);
        assert_eq!(budgets().new_lines(OLD, &same).len(), 1);
    }

    #[test]
    fn a_file_with_a_typing_mistake_is_refused() {
        assert!(Budgets::parse("[limit]\na = 1\n", "b").is_err());
        assert!(Budgets::parse("[limits]\na = -1\n", "b").is_err());
    }

    #[test]
    fn the_file_of_this_tree_is_read() {
        let text = include_str!("../../../ci/budgets.toml");
        let budgets = Budgets::parse(text, "ci/budgets.toml").expect("a good file");
        assert!(budgets.limits.contains_key("ready") && budgets.limits.contains_key("text"));
    }
}
