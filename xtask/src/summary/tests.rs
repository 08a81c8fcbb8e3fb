//! What a summary judges, and what it says about it.

use super::input::{Case, Counts, Steps, Tests};
use super::*;
use crate::cli::Partition;
use crate::product::{Entry, Facts, Manifest};
use crate::sizes::Sizes;
use crate::testing::report::json::Part;

fn case(name: &str, status: &str) -> Case {
    let bad = status == "failed";
    Case {
        name: name.to_owned(),
        status: status.to_owned(),
        seconds: 1.25,
        kind: bad.then(|| "panicked".to_owned()),
        reason: bad.then(|| "the kernel panicked: <boom>".to_owned()),
        output: (1..=60).map(|line| format!("line {line}")).collect(),
        registers: bad.then(|| "EAX=00000001".to_owned()),
        rerun: Some(format!("cargo xtask test {name}")),
    }
}

fn tests(cases: Vec<Case>, part: Option<(u32, u32)>, all: &[&str]) -> Report {
    let part = part.map(|(index, count)| Part::of(Partition { index, count }, all.iter().copied()));
    let mut tests = Tests {
        counts: Counts::default(),
        part,
        not_run: 0,
        cases,
    };
    tests.counts = tests.counted();
    Report::Tests(tests)
}

fn contents(reports: Vec<(&str, Report)>) -> Contents {
    let input = |(name, report): (&str, Report)| Input {
        name: name.to_owned(),
        report,
    };
    Contents {
        inputs: reports.into_iter().map(input).collect(),
        ..Contents::default()
    }
}

fn manifest(kernel: &[u8]) -> Report {
    let facts = Facts {
        exov6: "0.1.0".to_owned(),
        target: "i686-exov6".to_owned(),
        cpu: "pentium".to_owned(),
        profile: "release".to_owned(),
        ktest: "without".to_owned(),
        compiler: "1.85.0".to_owned(),
        source: None,
    };
    Report::Manifest(Manifest::new(facts, vec![Entry::of("kernel.elf", kernel)]))
}

fn sizes(text: u64) -> Report {
    Report::Sizes(Sizes {
        text,
        ..Sizes::default()
    })
}

fn whole() -> Contents {
    contents(vec![
        (
            "a/test.json",
            tests(
                vec![case("host::a", "passed")],
                Some((1, 2)),
                &["host::a", "host::b"],
            ),
        ),
        (
            "b/test.json",
            tests(
                vec![case("host::b", "passed")],
                Some((2, 2)),
                &["host::a", "host::b"],
            ),
        ),
        ("a/sizes.json", sizes(1000)),
        ("a/manifest.json", manifest(b"one")),
        ("b/manifest.json", manifest(b"one")),
    ])
}

fn markdown(findings: &Findings) -> String {
    markdown::render(&findings.page(), markdown::LIMIT)
}

#[test]
fn what_is_whole_and_good_is_good() {
    let jobs = vec!["build=success".parse().expect("a job")];
    let findings = Findings::new(whole(), jobs, &[Kind::Tests, Kind::Build]);
    assert_eq!(findings.exit(), Exit::Done, "{findings:?}");
    assert_eq!(findings.headline(), "ExoV6: 2 passed, 0 failed");
    let text = markdown(&findings);
    for part in [
        "## Jobs",
        "| together |",
        "| kernel: text | 1,000 | bytes |",
        "## Files",
        "All cases: 2",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(text.starts_with("# \u{2705} "));
}

#[test]
fn a_failed_case_is_there_with_its_output() {
    let bad = tests(
        vec![case("ktest::m::c", "failed"), case("host::a", "passed")],
        None,
        &[],
    );
    let findings = Findings::new(contents(vec![("t.json", bad)]), Vec::new(), &[]);
    assert_eq!(findings.exit(), Exit::TestsFailed);
    let text = markdown(&findings);
    assert!(
        text.starts_with("# \u{274c} ExoV6&#58;")
            || text.starts_with("# \u{274c} ExoV6: 1 passed, 1 failed"),
        "{text}"
    );
    for part in [
        "## Failed: 1 of 2 cases",
        "&#60;boom&#62;",
        "line 60",
        "EAX=00000001",
        "Again: cargo xtask test ktest::m::c",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(
        text.contains("... 10 lines before") && !text.contains("line 10\n"),
        "{text}"
    );
    let html = html::render(&findings.page());
    assert!(html.contains("&lt;boom&gt;") && html.contains("line 60"));
}

#[test]
fn whatever_is_missing_or_unreadable_fails_and_is_named() {
    let with = |change: fn(&mut Contents), jobs: &[&str], required: &[Kind]| {
        let mut contents = whole();
        change(&mut contents);
        let jobs = jobs.iter().map(|job| job.parse().expect("a job")).collect();
        let findings = Findings::new(contents, jobs, required);
        (findings.exit(), markdown(&findings))
    };
    let (exit, text) = with(
        |contents| contents.troubles.push("x.json: it is truncated".into()),
        &[],
        &[],
    );
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("x.json: it is truncated"), "{text}");

    let (exit, text) = with(|contents| drop(contents.inputs.remove(0)), &[], &[]);
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("part 1 of 2 of the tests is lost"), "{text}");

    let (exit, text) = with(|_| (), &[], &[Kind::Boot]);
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("no input is of the kind"), "{text}");

    for result in ["failure", "cancelled", "skipped"] {
        let (exit, text) = with(|_| (), &[&format!("build={result}")], &[]);
        assert_eq!(exit, Exit::Failed, "{result}");
        assert!(text.contains("not well: build"), "{text}");
    }

    let (exit, text) = with(|contents| contents.empty.push("results".into()), &[], &[]);
    assert_eq!(exit, Exit::NothingMatched);
    assert!(text.contains("there is no report in it"), "{text}");
    let nothing = Findings::new(Contents::default(), Vec::new(), &[]);
    assert_eq!(nothing.exit(), Exit::NothingMatched);
}

#[test]
fn a_step_that_failed_or_was_not_reached_fails() {
    let steps = |status: &str, not_run: &str| -> Findings {
        let text = format!(
            r#"{{"steps":[{{"name":"fmt","status":"{status}","seconds":1,"reason":"why"}}],"not_run":[{not_run}]}}"#
        );
        let steps: Steps = serde_json::from_str(&text).expect("steps");
        Findings::new(
            contents(vec![("ci.json", Report::Steps(steps))]),
            Vec::new(),
            &[],
        )
    };
    assert_eq!(steps("passed", "").exit(), Exit::Done);
    assert_eq!(steps("skipped", "").exit(), Exit::Done);
    assert_eq!(steps("failed", "").exit(), Exit::Failed);
    assert_eq!(steps("passed", "\"tidy\"").exit(), Exit::Failed);
    assert_eq!(steps("odd", "").exit(), Exit::Failed);
    assert_eq!(steps("skipped", "").headline(), "ExoV6: 1 step skipped");
    let text = markdown(&steps("skipped", ""));
    assert!(
        text.contains("| <code>fmt</code> | skipped | 1.00 s | why |"),
        "{text}"
    );
}

#[test]
fn kernels_that_should_be_equal_and_are_not_fail() {
    let mut contents = whole();
    contents.inputs.push(Input {
        name: "c/manifest.json".into(),
        report: manifest(b"two"),
    });
    let findings = Findings::new(contents, Vec::new(), &[]);
    assert_eq!(findings.exit(), Exit::Failed);
    assert!(findings.troubles[0].starts_with("kernel.elf was built 2 times differently"));
}

#[test]
fn the_base_branch_is_compared_and_never_fails_a_run() {
    let mut findings = Findings::new(whole(), Vec::new(), &[]);
    findings.compare(contents(vec![("sizes.json", sizes(900))]));
    let text = markdown(&findings);
    assert!(
        text.contains("| kernel: text | 900 | 1,000 | &#43;11.1 % | WORSE |")
            || text.contains("| kernel: text | 900 | 1,000 | +11.1 % | WORSE |"),
        "{text}"
    );
    assert_eq!(findings.exit(), Exit::Done);

    let mut findings = Findings::new(whole(), Vec::new(), &[]);
    let mut garbled = Contents::default();
    garbled
        .troubles
        .push("summary.json: it is truncated".into());
    findings.compare(garbled);
    let text = markdown(&findings);
    assert!(
        text.contains("Of the baseline, summary.json: it is truncated."),
        "{text}"
    );
    assert!(text.contains("no numbers of the base branch"), "{text}");
    assert_eq!(findings.exit(), Exit::Done);
}

#[test]
fn jobs_are_read_by_name_and_result() {
    assert_eq!(
        "a-b=success".parse::<Job>().map(|job| job.to_string()),
        Ok("a-b=success".into())
    );
    for text in ["a", "=success", "a=", "a=good"] {
        assert!(text.parse::<Job>().is_err(), "{text}");
    }
}
