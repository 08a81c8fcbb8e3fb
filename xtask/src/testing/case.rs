//! A test case: its name, its ring, and what is reported about it.
//!
//! Owns the names (`ring::group::name`, stable from run to run, for people
//! and CI systems keep lists of them) and the statuses of the report. The
//! rings make cases and reports; `select`, the reporters and the command read
//! them. Pure.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::verdict::Verdict;
use crate::cli::Ring;
use crate::machine::Cpu;

/// What identifies a case before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// `ring::group::name`.
    pub name: String,
    /// The ring it belongs to.
    pub ring: Ring,
    /// The machine it needs, if it needs one.
    pub machine: Option<(Cpu, u32)>,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It passed at the first try.
    Passed,
    /// It passed, but only after this many failed tries.
    Flaky(u32),
    /// It failed: the kind, for programs, and the reason, for people.
    Failed(Reason),
    /// Nothing can be said about it: something else than the case broke.
    Infrastructure(Reason),
    /// It did not run, and why.
    Skipped(String),
}

/// Why a case did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// A stable word: `panicked`, `hung`, `no-output`...
    pub kind: String,
    /// A sentence.
    pub what: String,
}

/// All that is reported about a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `ring::group::name`.
    pub name: String,
    /// What became of it.
    pub status: Status,
    /// How long it took.
    pub took: Duration,
    /// What it said: the console or the output.
    pub output: Vec<String>,
    /// The processors' registers at the end, if they could be had.
    pub registers: Option<String>,
    /// Where all that is saved.
    pub log: Option<PathBuf>,
}

impl Status {
    /// The status a verdict amounts to.
    pub fn of(verdict: &Verdict) -> Status {
        let reason = || Reason {
            kind: verdict.kind().to_owned(),
            what: verdict.to_string(),
        };
        match verdict {
            Verdict::Passed => Status::Passed,
            Verdict::Failed(_) => Status::Failed(reason()),
            Verdict::Infrastructure(_) => Status::Infrastructure(reason()),
        }
    }

    /// Whether the case counts as passed.
    pub fn is_good(&self) -> bool {
        matches!(self, Status::Passed | Status::Flaky(_))
    }

    /// Whether another try could make it pass.
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(self, Status::Failed(_) | Status::Infrastructure(_))
    }

    /// Why it did not pass, if it did not.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Status::Failed(reason) | Status::Infrastructure(reason) => Some(reason),
            Status::Passed | Status::Flaky(_) | Status::Skipped(_) => None,
        }
    }

    /// The word of the report.
    pub fn word(&self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Flaky(_) => "flaky",
            Status::Failed(_) => "failed",
            Status::Infrastructure(_) => "infrastructure",
            Status::Skipped(_) => "skipped",
        }
    }
}

impl Report {
    /// A report without output.
    pub fn new(name: impl Into<String>, status: Status, took: Duration) -> Report {
        let name = name.into();
        Report {
            name,
            status,
            took,
            output: Vec::new(),
            registers: None,
            log: None,
        }
    }

    /// The command that runs just this case.
    pub fn rerun(&self) -> String {
        format!("cargo xtask test {}", crate::ui::quote(&self.name))
    }

    /// The case's name as the stem of a file name.
    pub fn file_stem(&self) -> String {
        file_stem(&self.name)
    }
}

/// A case's name as the stem of a file name: nothing a shell or a file system
/// minds, and different for different names of the same alphabet.
pub fn file_stem(name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c,
        _ => '_',
    };
    name.replace("::", ".").chars().map(plain).collect()
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Passed, flaky ones included.
    pub passed: usize,
    /// Passed only after a retry.
    pub flaky: usize,
    /// Failed, without those below.
    pub failed: usize,
    /// Could not be judged.
    pub infrastructure: usize,
    /// Did not run.
    pub skipped: usize,
}

impl Tally {
    /// Counts `reports`.
    pub fn of(reports: &[Report]) -> Tally {
        let mut tally = Tally::default();
        for report in reports {
            match report.status {
                Status::Passed => tally.passed += 1,
                Status::Flaky(_) => {
                    tally.passed += 1;
                    tally.flaky += 1;
                }
                Status::Failed(_) => tally.failed += 1,
                Status::Infrastructure(_) => tally.infrastructure += 1,
                Status::Skipped(_) => tally.skipped += 1,
            }
        }
        tally
    }

    /// The run's last line. What could not be judged did not pass, so it
    /// counts as failed here; the summary above tells the two apart.
    pub fn line(&self) -> String {
        let failed = self.failed + self.infrastructure;
        let mut line = format!("{} passed, {failed} failed", self.passed);
        if self.skipped > 0 {
            line.push_str(&format!(", {} skipped", self.skipped));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::verdict::{Cause, Fault};

    fn report(status: Status) -> Report {
        Report::new("host::a::b", status, Duration::ZERO)
    }

    #[test]
    fn the_last_line_counts_everything_once() {
        let failed = Status::of(&Verdict::Failed(Cause::ZeroTests));
        let broken = Status::of(&Verdict::Infrastructure(Fault::Interrupted));
        let statuses = [Status::Passed, Status::Flaky(1), failed, broken];
        let mut reports: Vec<Report> = statuses.into_iter().map(report).collect();
        assert_eq!(Tally::of(&reports).line(), "2 passed, 2 failed");
        reports.push(report(Status::Skipped("why".to_owned())));
        let tally = Tally::of(&reports);
        assert_eq!(tally.line(), "2 passed, 2 failed, 1 skipped");
        assert_eq!((tally.failed, tally.infrastructure, tally.flaky), (1, 1, 1));
    }

    #[test]
    fn names_become_file_names() {
        assert_eq!(
            file_stem("host::kernel-core/addr::a<b>"),
            "host.kernel-core_addr.a_b_"
        );
        assert!(!file_stem("../../x y").contains(['/', ' ']));
    }
}
