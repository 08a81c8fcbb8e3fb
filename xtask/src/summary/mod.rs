//! One summary of what several jobs found.
//!
//! Owns the judgement: a summary is good only if every input could be read,
//! every job, step and case is good, no part of the tests is lost, and kernels
//! that must be equal are. `folder` reads, `input` and `junit` understand,
//! `shards` puts parts together, `numbers` compares, `sections` says it all,
//! `markdown` and `html` write it down. Pure but for `folder`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::choice;
use crate::cli::Invalid;
use crate::failure::Exit;

pub mod folder;
pub mod html;
pub mod input;
mod junit;
pub mod markdown;
pub mod numbers;
pub mod page;
mod sections;
pub mod shards;

use folder::Contents;
use input::{Input, Report};
use numbers::{Comparison, Number};
use page::{Page, Verdict};
use shards::Merged;

choice! {
    /// How a job ended, in the words of GitHub Actions.
    pub enum JobResult {
        /// Well.
        Success = "success",
        /// Not well.
        Failure = "failure",
        /// Somebody or something ended it.
        Cancelled = "cancelled",
        /// It never began.
        Skipped = "skipped",
    }
}

choice! {
    /// The kinds of input that `--require` can ask for.
    pub enum Kind {
        /// Steps of `cargo xtask ci`.
        Steps = "steps",
        /// Cases of `cargo xtask test`.
        Tests = "tests",
        /// Measurements of `cargo xtask bench-boot`.
        Boot = "boot",
        /// Files of `cargo xtask build` or `docker-build`.
        Build = "build",
    }
}

/// A job and how it ended, written `NAME=RESULT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub result: JobResult,
}

impl FromStr for Job {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid(format!("`{text}` is not like build=success"));
        let (name, result) = text.split_once('=').ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(Job {
            name: name.to_owned(),
            result: result.parse()?,
        })
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.result)
    }
}

/// What the other jobs found, put together.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was read, runs of tests excepted.
    pub inputs: Vec<Input>,
    /// The runs of tests.
    pub tests: Merged,
    /// How the jobs ended.
    pub jobs: Vec<Job>,
    /// All numbers.
    pub numbers: Vec<Number>,
    /// How they differ from the baseline's, if there is one.
    pub comparison: Option<Comparison>,
    /// What is wrong with the inputs.
    pub troubles: Vec<String>,
    /// What is worth saying about the baseline.
    pub notes: Vec<String>,
    /// Whether a folder had nothing in it.
    is_empty: bool,
}

impl Findings {
    /// Puts together what was read; `required` kinds must be among it.
    pub fn new(contents: Contents, jobs: Vec<Job>, required: &[Kind]) -> Self {
        let mut troubles = contents.troubles;
        for folder in &contents.empty {
            troubles.push(format!("{folder}: there is no report in it"));
        }
        for kind in required {
            if !contents
                .inputs
                .iter()
                .any(|input| is_of(&input.report, *kind))
            {
                troubles.push(format!("no input is of the kind `{kind}`"));
            }
        }
        let numbers = numbers::of(&contents.inputs);
        let mut runs = Vec::new();
        let mut inputs = Vec::new();
        for input in contents.inputs {
            match input.report {
                Report::Tests(tests) => runs.push((input.name, tests)),
                report => inputs.push(Input {
                    name: input.name,
                    report,
                }),
            }
        }
        let mut tests = shards::merge(runs);
        troubles.append(&mut tests.troubles);
        troubles.extend(unequal_kernels(&inputs));
        Findings {
            is_empty: !contents.empty.is_empty() || inputs.is_empty() && tests.runs.is_empty(),
            inputs,
            tests,
            jobs,
            numbers,
            troubles,
            ..Findings::default()
        }
    }

    /// Compares with what an earlier run measured. What is wrong with that is
    /// noted, and no failure of this run.
    pub fn compare(&mut self, baseline: Contents) {
        let notes = baseline.troubles.into_iter();
        self.notes
            .extend(notes.map(|trouble| format!("Of the baseline, {trouble}.")));
        let before = numbers::of(&baseline.inputs);
        if before.is_empty() {
            self.notes
                .push("There are no numbers of the base branch to compare with.".to_owned());
        } else {
            self.comparison = Some(numbers::compare(&before, &self.numbers));
        }
    }

    /// How all this must end.
    pub fn exit(&self) -> Exit {
        let counts = self.tests.counts();
        match () {
            () if counts.failed + counts.infrastructure > 0 => Exit::TestsFailed,
            () if self.is_empty => Exit::NothingMatched,
            () if self.is_good() => Exit::Done,
            () => Exit::Failed,
        }
    }

    fn is_good(&self) -> bool {
        let counts = self.tests.counts();
        let is_failed = |step: &input::Step| !["passed", "skipped"].contains(&step.status.as_str());
        let steps_are_good = self.inputs.iter().all(|input| match &input.report {
            Report::Steps(steps) => steps.not_run.is_empty() && !steps.steps.iter().any(is_failed),
            _ => true,
        });
        self.troubles.is_empty()
            && counts.failed + counts.infrastructure == 0
            && steps_are_good
            && self.jobs.iter().all(|job| job.result == JobResult::Success)
    }

    fn skipped_steps(&self) -> usize {
        let steps = self.inputs.iter().filter_map(|input| match &input.report {
            Report::Steps(steps) => Some(steps),
            _ => None,
        });
        let steps = steps.flat_map(|steps| &steps.steps);
        steps.filter(|step| step.status == "skipped").count()
    }

    /// What it comes to, in a line.
    pub fn headline(&self) -> String {
        let counts = self.tests.counts();
        let mut parts = Vec::new();
        if !self.tests.runs.is_empty() {
            let failed = counts.failed + counts.infrastructure;
            let mut text = format!("{} passed, {failed} failed", counts.passed);
            if counts.skipped > 0 {
                text.push_str(&format!(", {} skipped", counts.skipped));
            }
            parts.push(text);
        }
        let bad = |job: &&Job| job.result != JobResult::Success;
        let jobs: Vec<&str> = self
            .jobs
            .iter()
            .filter(bad)
            .map(|job| job.name.as_str())
            .collect();
        if !jobs.is_empty() {
            parts.push(format!("not well: {}", jobs.join(", ")));
        }
        match self.skipped_steps() {
            0 => {}
            1 => parts.push("1 step skipped".to_owned()),
            count => parts.push(format!("{count} steps skipped")),
        }
        match self.troubles.len() {
            0 => {}
            1 => parts.push("1 trouble with the inputs".to_owned()),
            count => parts.push(format!("{count} troubles with the inputs")),
        }
        if parts.is_empty() {
            parts.push("no tests".to_owned());
        }
        format!("ExoV6: {}", parts.join("; "))
    }

    /// The page about it.
    pub fn page(&self) -> Page {
        Page {
            good: match self.exit() {
                Exit::Done => Verdict::Good,
                _ => Verdict::Bad,
            },
            headline: self.headline(),
            sections: sections::of(self),
        }
    }
}

fn is_of(report: &Report, kind: Kind) -> bool {
    match kind {
        Kind::Steps => matches!(report, Report::Steps(_)),
        Kind::Tests => matches!(report, Report::Tests(_)),
        Kind::Boot => matches!(report, Report::Boot(_)),
        Kind::Build => matches!(report, Report::Manifest(_)),
    }
}

/// Kernels of the same sources by the same compiler that are not the same.
fn unequal_kernels(inputs: &[Input]) -> Vec<String> {
    let mut digests: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for input in inputs {
        let Report::Manifest(manifest) = &input.report else {
            continue;
        };
        let facts = format!("{:?}", manifest.facts);
        for file in &manifest.files {
            let key = (facts.clone(), file.name.clone());
            digests.entry(key).or_default().insert(&file.sha256);
        }
    }
    let unequal = digests.into_iter().filter(|(_, digests)| digests.len() > 1);
    let say = |((_, name), digests): ((String, String), BTreeSet<&str>)| {
        format!(
            "{name} was built {} times differently from the same sources by the same compiler; cargo xtask reproduce says where",
            digests.len()
        )
    };
    unequal.map(say).collect()
}

#[cfg(test)]
mod tests;
