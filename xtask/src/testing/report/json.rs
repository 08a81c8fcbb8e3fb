//! The report as one versioned JSON document.
//!
//! Owns the schema `exov6.test/1`: fields are added, never changed, until the
//! number changes. Pure.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cli::Partition;
use crate::testing::case::{Report, Status, Tally};

/// The name and version of the schema.
pub const SCHEMA: &str = "exov6.test/1";

/// The document.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    counts: Tally,
    /// Which part of the cases was asked for, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a Part>,
    /// Cases that were chosen and never ran: the run was ended early.
    not_run: usize,
    cases: Vec<Case<'a>>,
}

/// What a share of the cases must say about itself, so that whoever puts the
/// shares together sees that one is lost or belongs to other cases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Which one, from one.
    pub index: u32,
    /// Of how many.
    pub count: u32,
    /// How many cases all parts have together.
    pub cases: usize,
    /// SHA-256 of the names of all these, one a line, in order.
    pub names_sha256: String,
}

impl Part {
    /// The part `partition` of the cases of these names.
    pub fn of<'a>(partition: Partition, names: impl Iterator<Item = &'a str>) -> Part {
        let mut digest = Sha256::new();
        let mut cases = 0;
        for name in names {
            digest.update(name);
            digest.update("\n");
            cases += 1;
        }
        Part {
            index: partition.index,
            count: partition.count,
            cases,
            names_sha256: format!("{:x}", digest.finalize()),
        }
    }
}

/// All that is said about a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run<'a> {
    /// The cases that ran.
    pub reports: &'a [Report],
    /// How many did not get to it.
    pub not_run: usize,
    /// Which share of the cases it was.
    pub part: Option<&'a Part>,
}

#[derive(Debug, Serialize)]
struct Case<'a> {
    name: &'a str,
    ring: &'a str,
    status: &'a str,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_tries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registers: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    output: &'a [String],
    rerun: String,
}

/// The document about `run`.
pub fn document<'a>(run: &Run<'a>) -> Document<'a> {
    let cases = run.reports.iter().map(case).collect();
    Document {
        schema: SCHEMA,
        counts: Tally::of(run.reports),
        part: run.part,
        not_run: run.not_run,
        cases,
    }
}

fn case(report: &Report) -> Case<'_> {
    let reason = report.status.reason();
    let said = match &report.status {
        Status::Skipped(why) => Some(why.as_str()),
        _ => reason.map(|reason| reason.what.as_str()),
    };
    let failed_tries = match report.status {
        Status::Flaky(failures) => Some(failures),
        _ => None,
    };
    // What passed has its log; the document holds what somebody will look for.
    let output = if report.status.is_good() {
        &[]
    } else {
        report.output.as_slice()
    };
    Case {
        name: &report.name,
        ring: report.name.split("::").next().unwrap_or(""),
        status: report.status.word(),
        seconds: report.took.as_secs_f64(),
        kind: reason.map(|reason| reason.kind.as_str()),
        reason: said,
        failed_tries,
        log: report.log.as_ref().map(|log| log.display().to_string()),
        registers: report.registers.as_deref(),
        output,
        rerun: report.rerun(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::verdict::{Fault, Verdict};

    #[test]
    fn the_document_says_its_version_and_keeps_infrastructure_apart() {
        let broken = Status::of(&Verdict::Infrastructure(Fault::Killed(9)));
        let reports = [
            Report::new("host::a::b", Status::Passed, Duration::from_millis(1500)),
            Report::new("system::c", broken, Duration::ZERO),
        ];
        let run = Run {
            reports: &reports,
            ..Run::default()
        };
        let text = serde_json::to_string(&document(&run)).expect("plain data");
        let value: serde_json::Value = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(value["schema"], SCHEMA);
        assert_eq!(value["counts"]["infrastructure"], 1);
        assert_eq!(value["cases"][0]["seconds"], 1.5);
        assert_eq!(value["cases"][0]["ring"], "host");
        assert_eq!(value["cases"][1]["kind"], "killed");
        assert_eq!(value["cases"][1]["status"], "infrastructure");
        assert!(value.get("part").is_none() && value["not_run"] == 0);
    }

    #[test]
    fn parts_of_the_same_cases_agree_and_of_others_do_not() {
        let part =
            |index, names: &[&str]| Part::of(Partition { index, count: 2 }, names.iter().copied());
        let (one, two) = (part(1, &["a", "b"]), part(2, &["a", "b"]));
        assert_eq!((one.index, two.index, one.cases), (1, 2, 2));
        assert_eq!(one.names_sha256, two.names_sha256);
        assert_ne!(one.names_sha256, part(1, &["a", "c"]).names_sha256);
        assert_ne!(one.names_sha256, part(1, &["ab", ""]).names_sha256);
    }
}
