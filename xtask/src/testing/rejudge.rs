//! Judges a saved log again: `--from-log`.
//!
//! Pure: a log's text in, reports out, by the same functions that judged the
//! run itself. A plain serial log has no end, so it can show failures but
//! never pass as a whole.

use std::time::Duration;

use super::case::{Report, Status};
use super::ktest_log;
use super::matrix::{self, Extent};
use super::misdeeds;
use super::saved::{self, Saved};
use super::system_log;
use super::verdict::{Cause, Verdict, judge};
use crate::emulator::Line;

/// The reports about the log `text`.
pub fn reports(text: &str) -> Vec<Report> {
    let saved = saved::read(text);
    let is_ktest = saved
        .outcome
        .serial
        .iter()
        .any(|line| line.text.starts_with("ktest: plan "));
    if is_ktest {
        ktest(&saved)
    } else {
        vec![single(&saved)]
    }
}

fn ktest(saved: &Saved) -> Vec<Report> {
    let boot = ktest_log::read(&saved.outcome, saved.leaves, saved.skipped);
    let group = saved
        .name
        .rsplit_once("::")
        .map_or(saved.name.as_str(), |(group, _)| group);
    let cases = boot.ran.into_iter().map(|ran| {
        let name = format!("{group}::{}", ran.name);
        let verdict = known(ran.verdict, saved);
        report(
            &name,
            &verdict,
            ran.took,
            &saved.outcome.serial[ran.lines],
            saved,
        )
    });
    let mut reports: Vec<Report> = cases.collect();
    let whole = known(boot.whole, saved);
    reports.push(report(
        &saved.name,
        &whole,
        saved.outcome.elapsed,
        &saved.outcome.serial,
        saved,
    ));
    reports
}

fn single(saved: &Saved) -> Report {
    let outcome = &saved.outcome;
    let parts: Vec<&str> = saved.name.split("::").collect();
    let misdeed = match parts.as_slice() {
        ["kernels", _, name] => misdeeds::ALL.iter().find(|misdeed| misdeed.name == *name),
        _ => None,
    };
    let row = match parts.as_slice() {
        ["system", "boot" | "boot@dev", name] => matrix::system(Extent::Nightly)
            .into_iter()
            .find(|row| row.to_string() == *name),
        _ => None,
    };
    let verdict = match (misdeed, judge(outcome, saved.leaves)) {
        (Some(misdeed), _) => misdeed.check(outcome),
        // The command line is not in the log; the banner shows one in any case.
        (None, Verdict::Passed) => row.map_or(Verdict::Passed, |row| {
            system_log::check(&row, "", &outcome.serial)
        }),
        (None, verdict) => known(verdict, saved),
    };
    report(
        &saved.name,
        &verdict,
        outcome.elapsed,
        &outcome.serial,
        saved,
    )
}

/// What a log without an end can say about a run that did not end.
fn known(verdict: Verdict, saved: &Saved) -> Verdict {
    match verdict {
        Verdict::Failed(Cause::Stopped) if !saved.end_known => Verdict::Failed(Cause::EndUnknown),
        verdict => verdict,
    }
}

fn report(name: &str, verdict: &Verdict, took: Duration, lines: &[Line], saved: &Saved) -> Report {
    let mut report = Report::new(name, Status::of(verdict), took);
    report.output = lines.iter().map(|line| line.text.clone()).collect();
    if !report.status.is_good() {
        report.registers = saved.outcome.registers.clone();
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(String, String)> {
        let kind = |report: &Report| match report.status.reason() {
            Some(reason) => reason.kind.clone(),
            None => report.status.word().to_owned(),
        };
        reports(text)
            .iter()
            .map(|report| (report.name.clone(), kind(report)))
            .collect()
    }

    const KTEST: &str = "# exov6 test log 1\n# case: ktest::pentium-smp1-dev::boot1\n# end: exited 33\n\
        # console\n0.1 ktest: plan 1\n0.2 ktest: run a\n0.3 ktest: ok a\n0.4 exov6: done ok\n";

    #[test]
    fn a_saved_run_is_judged_as_it_was() {
        let names = [
            "ktest::pentium-smp1-dev::a",
            "ktest::pentium-smp1-dev::boot1",
        ];
        assert_eq!(
            kinds(KTEST),
            names.map(|name| (name.to_owned(), "passed".to_owned()))
        );
        let failed = kinds(&KTEST.replace("exited 33", "exited 0"));
        assert_eq!(failed[1].1, "marker-without-exit");
    }

    #[test]
    fn a_plain_log_shows_its_cases_but_never_passes() {
        let plain = "ktest: plan 1\nktest: run a\nktest: ok a\nexov6: done ok\n";
        let kinds_of = kinds(plain);
        assert_eq!(kinds_of[0].1, "passed");
        assert_eq!(kinds_of[1].1, "end-unknown");
        assert_eq!(kinds("hello\nexov6: done ok\n")[0].1, "end-unknown");
        assert_eq!(kinds("exov6: panic: boom\n")[0].1, "panicked");
        assert_eq!(kinds("")[0].1, "end-unknown");
    }

    #[test]
    fn a_misdeeds_log_is_held_against_its_table() {
        let log =
            "# exov6 test log 1\n# case: kernels::dev::triple-fault\n# end: reset\n# console\n";
        assert_eq!(kinds(log)[0].1, "passed");
        assert_eq!(
            kinds(&log.replace("triple-fault", "hang"))[0].1,
            "unexpected"
        );
    }
}
