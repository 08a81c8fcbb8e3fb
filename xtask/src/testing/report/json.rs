//! The report as one versioned JSON document.
//!
//! Owns the schema `exov6.test/1`: fields are added, never changed, until the
//! number changes. Pure.

use serde::Serialize;

use crate::testing::case::{Report, Status, Tally};

/// The name and version of the schema.
pub const SCHEMA: &str = "exov6.test/1";

/// The document.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    counts: Tally,
    cases: Vec<Case<'a>>,
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

/// The document about `reports`.
pub fn document(reports: &[Report]) -> Document<'_> {
    let cases = reports.iter().map(case).collect();
    Document {
        schema: SCHEMA,
        counts: Tally::of(reports),
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
        let text = serde_json::to_string(&document(&reports)).expect("plain data");
        let value: serde_json::Value = serde_json::from_str(&text).expect("it was just written");
        assert_eq!(value["schema"], SCHEMA);
        assert_eq!(value["counts"]["infrastructure"], 1);
        assert_eq!(value["cases"][0]["seconds"], 1.5);
        assert_eq!(value["cases"][0]["ring"], "host");
        assert_eq!(value["cases"][1]["kind"], "killed");
        assert_eq!(value["cases"][1]["status"], "infrastructure");
    }
}
