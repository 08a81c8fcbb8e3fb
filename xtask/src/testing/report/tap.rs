//! The report in the Test Anything Protocol, version 14.
//!
//! Pure; the text goes to stdout for `--tap`.

use std::fmt::Write as _;

use crate::testing::case::{Report, Status};

/// The whole stream.
pub fn render(reports: &[Report]) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", reports.len());
    for (number, report) in (1..).zip(reports) {
        let good = matches!(
            report.status,
            Status::Passed | Status::Flaky(_) | Status::Skipped(_)
        );
        let word = if good { "ok" } else { "not ok" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{word} {number} - {}", escaped(&report.name));
        if let Status::Skipped(why) = &report.status {
            let _ = write!(text, " # SKIP {}", escaped(&why.replace('\n', " ")));
        }
        text.push('\n');
        diagnose(&mut text, report);
    }
    text
}

/// The YAML block below a test point.
fn diagnose(text: &mut String, report: &Report) {
    let kind = match &report.status {
        Status::Flaky(_) => "flaky",
        status => match status.reason() {
            Some(reason) => reason.kind.as_str(),
            None => return,
        },
    };
    let _ = writeln!(text, "  ---");
    let _ = writeln!(text, "  kind: {}", quoted(kind));
    let _ = writeln!(text, "  severity: {}", report.status.word());
    if let Some(reason) = report.status.reason() {
        let _ = writeln!(text, "  message: {}", quoted(&reason.what));
    }
    let _ = writeln!(text, "  duration_ms: {}", report.took.as_millis());
    if let Some(log) = &report.log {
        let _ = writeln!(text, "  log: {}", quoted(&log.display().to_string()));
    }
    let _ = writeln!(text, "  again: {}", quoted(&report.rerun()));
    let _ = writeln!(text, "  ...");
}

/// Backslash and `#` end a description unless they are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

/// A YAML double-quoted scalar; JSON's strings are such.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::verdict::{Cause, Verdict};

    #[test]
    fn the_stream_has_a_plan_and_a_point_a_case() {
        let failed = Status::of(&Verdict::Failed(Cause::Panicked("a \"b\"".to_owned())));
        let reports = [
            Report::new("host::a#b", Status::Passed, Duration::ZERO),
            Report::new("ktest::c", failed, Duration::from_millis(7)),
            Report::new(
                "system::d",
                Status::Skipped("no bochs".to_owned()),
                Duration::ZERO,
            ),
        ];
        let text = render(&reports);
        assert!(
            text.starts_with("TAP version 14\n1..3\nok 1 - host::a\\#b\nnot ok 2 - ktest::c\n")
        );
        assert!(text.contains("  kind: \"panicked\"\n"), "{text}");
        assert!(text.contains("a \\\"b\\\""), "{text}");
        assert!(
            text.ends_with("ok 3 - system::d # SKIP no bochs\n"),
            "{text}"
        );
    }
}
