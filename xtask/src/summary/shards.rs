//! The parts of a run of tests, put together again.
//!
//! Owns what makes them whole: every part once, all of the same cases, none
//! ended early. Pure.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::input::{Case, Counts, Tests};
use crate::testing::report::json::Part;

/// All runs together.
#[derive(Debug, Default)]
pub struct Merged {
    /// What each was and how it ended, in order of their names.
    pub runs: Vec<Run>,
    /// Every case of all of them.
    pub cases: Vec<Case>,
    /// What keeps them from being whole.
    pub troubles: Vec<String>,
}

/// A run, without its cases.
#[derive(Debug)]
pub struct Run {
    /// The document it is from.
    pub name: String,
    /// Which part, if it is one.
    pub part: Option<Part>,
    /// How many cases ended how.
    pub counts: Counts,
    /// How long its cases took, added up.
    pub seconds: f64,
}

impl Merged {
    /// How many cases ended how, over all runs.
    pub fn counts(&self) -> Counts {
        self.runs.iter().fold(Counts::default(), |sum, run| Counts {
            passed: sum.passed + run.counts.passed,
            flaky: sum.flaky + run.counts.flaky,
            failed: sum.failed + run.counts.failed,
            infrastructure: sum.infrastructure + run.counts.infrastructure,
            skipped: sum.skipped + run.counts.skipped,
        })
    }
}

/// One part: the document it is from, what it says it is, how many cases it has.
type Found = (String, Part, usize);

/// Puts runs together; each comes with the name of its document.
pub fn merge(runs: Vec<(String, Tests)>) -> Merged {
    let mut merged = Merged::default();
    // By how many parts, of which cases.
    let mut parts: BTreeMap<(u32, String), Vec<Found>> = BTreeMap::new();
    let mut sets: BTreeMap<(u32, String), Vec<String>> = BTreeMap::new();
    for (name, tests) in runs {
        if tests.not_run > 0 {
            let count = tests.not_run;
            let trouble =
                format!("{name}: the run was ended early, {count} of its cases did not run");
            merged.troubles.push(trouble);
        } else if tests.cases.is_empty() {
            merged.troubles.push(format!("{name}: it has no cases"));
        }
        if let Some(part) = &tests.part {
            let key = (part.count, part.names_sha256.clone());
            let entry = (
                name.clone(),
                part.clone(),
                tests.cases.len() + tests.not_run,
            );
            parts.entry(key.clone()).or_default().push(entry);
            let names = tests.cases.iter().map(|case| case.name.clone());
            sets.entry(key).or_default().extend(names);
        }
        merged.runs.push(Run {
            name,
            part: tests.part,
            counts: tests.counts,
            seconds: tests.cases.iter().map(|case| case.seconds).sum(),
        });
        merged.cases.extend(tests.cases);
    }
    let counts: BTreeSet<u32> = parts.keys().map(|(count, _)| *count).collect();
    for count in counts {
        let lists = parts.keys().filter(|(other, _)| *other == count).count();
        if lists > 1 {
            merged.troubles.push(format!(
                "the parts of {count} are of {lists} different lists of cases: they are not parts of one whole"
            ));
        }
    }
    for (key, found) in &parts {
        whole(found, &mut merged.troubles);
        let names = sets.remove(key).unwrap_or_default();
        let unique: BTreeSet<&String> = names.iter().collect();
        if unique.len() < names.len() {
            let twice = names.len() - unique.len();
            merged
                .troubles
                .push(format!("{twice} cases are in more than one part"));
        }
    }
    merged
}

/// Whether these parts, of one list of cases, are all there are.
fn whole(found: &[Found], troubles: &mut Vec<String>) {
    let Some((_, any, _)) = found.first() else {
        return;
    };
    for index in 1..=any.count {
        let named: Vec<&str> = found
            .iter()
            .filter(|(_, part, _)| part.index == index)
            .map(|(name, _, _)| name.as_str())
            .collect();
        match named.as_slice() {
            [_] => {}
            [] => troubles.push(format!(
                "part {index} of {} of the tests is lost: no document has it",
                any.count
            )),
            twice => troubles.push(format!(
                "part {index} of {} of the tests came more than once: {}",
                any.count,
                twice.join(", ")
            )),
        }
    }
    let cases: usize = found.iter().map(|(_, _, cases)| cases).sum();
    // Parts that are lost were named above.
    if found.len() == any.count as usize && cases != any.cases {
        troubles.push(format!(
            "the {} parts have {cases} cases together, and should have {}",
            any.count, any.cases
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Partition;

    fn case(name: &str) -> Case {
        Case {
            name: name.to_owned(),
            status: "passed".to_owned(),
            seconds: 0.25,
            kind: None,
            reason: None,
            output: Vec::new(),
            registers: None,
            rerun: None,
        }
    }

    fn part(index: u32, count: u32, names: &[&str], all: &[&str]) -> (String, Tests) {
        let mut tests = Tests {
            counts: Counts::default(),
            part: Some(Part::of(Partition { index, count }, all.iter().copied())),
            not_run: 0,
            cases: names.iter().map(|name| case(name)).collect(),
        };
        tests.counts = tests.counted();
        (format!("{index}.json"), tests)
    }

    const ALL: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn parts_that_are_whole_are_one_run() {
        let merged = merge(vec![
            part(1, 2, &["a", "c"], &ALL),
            part(2, 2, &["b"], &ALL),
        ]);
        assert_eq!(merged.troubles, [] as [&str; 0]);
        assert_eq!(merged.counts().passed, 3);
        assert!((merged.runs[0].seconds - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_lost_part_is_noticed() {
        let merged = merge(vec![part(1, 3, &["a"], &ALL), part(3, 3, &["c"], &ALL)]);
        assert_eq!(
            merged.troubles,
            ["part 2 of 3 of the tests is lost: no document has it"]
        );
    }

    #[test]
    fn a_part_that_came_twice_is_noticed() {
        let merged = merge(vec![
            part(1, 2, &["a", "c"], &ALL),
            part(1, 2, &["a", "c"], &ALL),
            part(2, 2, &["b"], &ALL),
        ]);
        let text = merged.troubles.join("\n");
        assert!(
            text.contains("came more than once: 1.json, 1.json"),
            "{text}"
        );
        assert!(text.contains("2 cases are in more than one part"), "{text}");
    }

    #[test]
    fn parts_of_different_cases_are_no_whole() {
        let merged = merge(vec![
            part(1, 2, &["a", "c"], &ALL),
            part(2, 2, &["x"], &["a", "x", "c"]),
        ]);
        let text = merged.troubles.join("\n");
        assert!(text.contains("2 different lists of cases"), "{text}");
    }

    #[test]
    fn cases_that_fell_out_are_noticed() {
        let (name, mut tests) = part(2, 2, &[], &ALL);
        let merged = merge(vec![
            part(1, 2, &["a", "c"], &ALL),
            (name.clone(), tests.clone()),
        ]);
        let text = merged.troubles.join("\n");
        assert!(text.contains("2.json: it has no cases"), "{text}");
        assert!(
            text.contains("2 cases together, and should have 3"),
            "{text}"
        );
        tests.not_run = 1;
        let merged = merge(vec![part(1, 2, &["a", "c"], &ALL), (name, tests)]);
        assert_eq!(
            merged.troubles,
            ["2.json: the run was ended early, 1 of its cases did not run"]
        );
    }

    #[test]
    fn whole_runs_need_no_parts() {
        let (name, mut tests) = part(1, 1, &["a"], &["a"]);
        tests.part = None;
        let merged = merge(vec![(name, tests)]);
        assert!(merged.troubles.is_empty());
    }
}
