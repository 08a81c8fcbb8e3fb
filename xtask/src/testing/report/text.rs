//! The report for people: a line a case, and the failures again at the end.
//!
//! Pure; called by the runner for each case as it ends and by the command for
//! the end of the run.

use std::fmt::Write as _;
use std::time::Duration;

use crate::testing::case::{Report, Status, Tally};

/// How many lines of a failed case's output are repeated.
pub const LAST_LINES: usize = 50;

/// The line of one case.
pub fn line(report: &Report) -> String {
    let mut line = format!(
        "{} {:>8}  {}",
        column(&report.status),
        time(report.took),
        report.name
    );
    // Writing to a String cannot fail.
    let _ = match &report.status {
        Status::Passed => Ok(()),
        Status::Flaky(failures) => write!(line, " (after {failures} failed)"),
        Status::Failed(reason) | Status::Infrastructure(reason) => {
            write!(line, ": {}", first_line(&reason.what))
        }
        Status::Skipped(why) => write!(line, ": {why}"),
    };
    line
}

fn column(status: &Status) -> &'static str {
    match status {
        Status::Passed => "ok    ",
        Status::Flaky(_) => "flaky ",
        Status::Failed(_) => "FAILED",
        Status::Infrastructure(_) => "BROKEN",
        Status::Skipped(_) => "skip  ",
    }
}

/// What is repeated at the end about a case that did not pass.
pub fn failure(report: &Report) -> Option<String> {
    let reason = report.status.reason()?;
    let mut text = format!("---- {} [{}]\n", report.name, reason.kind);
    for line in reason.what.lines() {
        let _ = writeln!(text, "  {line}");
    }
    let from = report.output.len().saturating_sub(LAST_LINES);
    if from > 0 {
        let _ = writeln!(
            text,
            "  the last {LAST_LINES} of {} lines:",
            report.output.len()
        );
    }
    for line in &report.output[from..] {
        let _ = writeln!(text, "  | {line}");
    }
    if let Some(registers) = &report.registers {
        let _ = writeln!(text, "  registers:");
        for line in registers.lines() {
            let _ = writeln!(text, "  | {line}");
        }
    }
    if let Some(log) = &report.log {
        let _ = writeln!(text, "  log:   {}", log.display());
    }
    let _ = write!(text, "  again: {}", report.rerun());
    Some(text)
}

/// What is worth saying about the run between the failures and the last line.
pub fn notes(tally: &Tally) -> Vec<String> {
    let mut notes = Vec::new();
    if tally.infrastructure > 0 {
        notes.push(format!(
            "{} of the failed could not be judged: infrastructure, not the kernel",
            tally.infrastructure
        ));
    }
    if tally.flaky > 0 {
        notes.push(format!(
            "{} of the passed are flaky: they passed after a retry",
            tally.flaky
        ));
    }
    notes
}

/// A time in three or four digits.
pub fn time(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..100_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        _ => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::verdict::{Cause, Verdict};

    fn failed(output: usize) -> Report {
        let verdict = Verdict::Failed(Cause::Panicked("boom".to_owned()));
        let mut report = Report::new(
            "ktest::m::c",
            Status::of(&verdict),
            Duration::from_millis(1234),
        );
        report.output = (1..=output)
            .map(|number| format!("line {number}"))
            .collect();
        report.registers = Some("EIP=c0000000".to_owned());
        report
    }

    #[test]
    fn a_line_names_case_time_and_reason() {
        assert_eq!(
            line(&failed(0)),
            "FAILED   1.23 s  ktest::m::c: the kernel panicked: boom"
        );
        let skipped = Status::Skipped("no /dev/kvm".to_owned());
        let report = Report::new("system::a::b", skipped, Duration::ZERO);
        assert_eq!(line(&report), "skip       0 ms  system::a::b: no /dev/kvm");
    }

    #[test]
    fn a_failure_repeats_the_last_lines_registers_and_command() {
        let text = failure(&failed(60)).expect("it failed");
        assert!(!text.contains("| line 10\n"), "{text}");
        assert!(
            text.contains("| line 11\n") && text.contains("| line 60\n"),
            "{text}"
        );
        assert!(text.contains("| EIP=c0000000\n"), "{text}");
        assert!(
            text.ends_with("again: cargo xtask test ktest::m::c"),
            "{text}"
        );
        let passed = Report::new("a", Status::Passed, Duration::ZERO);
        assert_eq!(failure(&passed), None);
    }

    #[test]
    fn infrastructure_and_flaky_cases_are_counted_apart() {
        let tally = Tally {
            infrastructure: 2,
            flaky: 1,
            ..Tally::default()
        };
        assert_eq!(notes(&tally).len(), 2);
        assert!(notes(&Tally::default()).is_empty());
    }
}
