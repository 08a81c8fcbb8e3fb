//! The report as JUnit XML, one suite a ring and group.
//!
//! Pure. An infrastructure failure is an `<error>`, a test's own failure a
//! `<failure>`: the two words JUnit has for the two things.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::failure::{Doing, Result};
use crate::testing::case::{Report, Status};

/// The document about `reports`.
pub fn render(reports: &[Report]) -> Result<String> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for report in reports {
        let (suite, name) = split(&report.name);
        suites
            .entry(suite)
            .or_insert_with(|| TestSuite::new(suite))
            .add_test_case(case(name, report));
    }
    let mut document = quick_junit::Report::new("exov6");
    document.add_test_suites(suites.into_values());
    document.to_string().doing("writing the JUnit document")
}

/// `ring::group` and the rest.
fn split(name: &str) -> (&str, &str) {
    let ring_end = name.find("::").map_or(0, |at| at + 2);
    match name[ring_end..].find("::") {
        Some(at) => (&name[..ring_end + at], &name[ring_end + at + 2..]),
        None => (name.split("::").next().unwrap_or(name), &name[ring_end..]),
    }
}

fn case(name: &str, report: &Report) -> TestCase {
    let status = match &report.status {
        Status::Passed | Status::Flaky(_) => TestCaseStatus::success(),
        Status::Failed(reason) => not_passed(NonSuccessKind::Failure, &reason.kind, &reason.what),
        Status::Infrastructure(reason) => {
            not_passed(NonSuccessKind::Error, &reason.kind, &reason.what)
        }
        Status::Skipped(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_time(report.took);
    if let Status::Flaky(failures) = report.status {
        case.add_property(("failed-tries", failures.to_string().as_str()));
    }
    if !report.status.is_good() && !report.output.is_empty() {
        case.set_system_out(report.output.join("\n"));
    }
    if let Some(registers) = &report.registers {
        case.set_system_err(registers.as_str());
    }
    case
}

fn not_passed(nature: NonSuccessKind, kind: &str, what: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(nature);
    status.set_type(kind).set_message(what);
    status
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::verdict::{Cause, Fault, Verdict};

    #[test]
    fn names_split_into_suite_and_case() {
        assert_eq!(split("host::xtask::a::b"), ("host::xtask", "a::b"));
        assert_eq!(split("host::x"), ("host", "x"));
        assert_eq!(split("x"), ("x", "x"));
    }

    #[test]
    fn failures_and_errors_are_different_things() {
        let failed = Status::of(&Verdict::Failed(Cause::TripleFault));
        let broken = Status::of(&Verdict::Infrastructure(Fault::Killed(9)));
        let reports = [
            Report::new("system::m::a", failed, Duration::ZERO),
            Report::new("system::m::b", broken, Duration::ZERO),
            Report::new(
                "system::m::c",
                Status::Skipped("<why>".to_owned()),
                Duration::ZERO,
            ),
        ];
        let text = render(&reports).expect("plain text");
        assert!(
            text.contains("<failure message=") && text.contains("type=\"triple-fault\""),
            "{text}"
        );
        assert!(
            text.contains("<error message=") && text.contains("type=\"killed\""),
            "{text}"
        );
        assert!(
            text.contains("failures=\"1\"") && text.contains("errors=\"1\""),
            "{text}"
        );
        assert!(text.contains("&lt;why&gt;"), "{text}");
    }
}
