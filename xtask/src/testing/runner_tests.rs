//! Tests of the runner with jobs that do nothing but report.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::cli::Ring;
use crate::testing::verdict::Cause;

/// Fails its first `failures` runs; says nothing at all about cases named mute.
struct Fake {
    labels: Vec<Label>,
    failures: u32,
    runs: AtomicU32,
}

fn fake(names: &[&str], failures: u32) -> Fake {
    let label = |name: &&str| Label {
        name: (*name).to_owned(),
        ring: Ring::Host,
        machine: None,
    };
    Fake {
        labels: names.iter().map(label).collect(),
        failures,
        runs: AtomicU32::new(0),
    }
}

impl Job for Fake {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn run(&self, _cx: &Context, chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        let names = chosen.iter().map(|index| &self.labels[*index].name);
        for name in names.filter(|name| !name.ends_with("mute")) {
            let verdict = match run < self.failures {
                true => Verdict::Failed(Cause::TripleFault),
                false => Verdict::Passed,
            };
            tell(Report::new(name, Status::of(&verdict), Duration::ZERO));
        }
    }
}

fn words(job: &Fake, chosen: &[usize], retries: u32) -> Vec<(String, &'static str)> {
    let cx = crate::testing::test_context();
    let tasks = [Task {
        job,
        chosen: chosen.to_vec(),
    }];
    let ran = run(&cx, &tasks, retries).expect("nothing was interrupted");
    assert!(ran.not_run == 0 && ran.stopped.is_none(), "{ran:?}");
    ran.reports
        .into_iter()
        .map(|report| (report.name, report.status.word()))
        .collect()
}

#[test]
fn only_the_chosen_cases_are_reported_and_in_order() {
    let job = fake(&["host::b", "host::a", "host::c"], 0);
    let words = words(&job, &[0, 1], 0);
    assert_eq!(
        words,
        [
            ("host::b".to_owned(), "passed"),
            ("host::a".to_owned(), "passed")
        ]
    );
}

#[test]
fn a_pass_after_a_retry_is_flaky() {
    assert_eq!(words(&fake(&["host::a"], 2), &[0], 2)[0].1, "flaky");
    assert_eq!(words(&fake(&["host::a"], 2), &[0], 1)[0].1, "failed");
    assert_eq!(words(&fake(&["host::a"], 0), &[0], 3)[0].1, "passed");
}

#[test]
fn silence_about_a_case_is_no_pass() {
    let words = words(&fake(&["host::a", "host::mute"], 0), &[0, 1], 0);
    assert_eq!(words[1].1, "infrastructure");
}

#[test]
fn nothing_starts_after_the_deadline() {
    let mut cx = crate::testing::test_context();
    cx.deadline = Some(std::time::Instant::now());
    let job = fake(&["host::a"], 0);
    let ran = run(
        &cx,
        &[Task {
            job: &job,
            chosen: vec![0],
        }],
        0,
    )
    .expect("no signal");
    assert_eq!((ran.reports.len(), ran.not_run), (0, 1));
    let exit = ran.stopped.expect("the deadline").exit;
    assert_eq!(exit, crate::failure::Exit::Deadline);
}

/// A job that is still at work when the deadline passes, and then says `ok`.
struct Late(Fake);

impl Job for Late {
    fn labels(&self) -> &[Label] {
        self.0.labels()
    }

    fn run(&self, cx: &Context, chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let (_held, never) = mpsc::channel::<()>();
        while let Ok(Some(left)) = cx.remaining() {
            // Only ever ends by its time limit.
            let _ = never.recv_timeout(left);
        }
        self.0.run(cx, chosen, tell);
    }
}

#[test]
fn what_the_deadline_ended_has_not_run() {
    let mut cx = crate::testing::test_context();
    cx.deadline = Some(std::time::Instant::now() + Duration::from_millis(50));
    let job = Late(fake(&["host::a"], 0));
    let tasks = [Task {
        job: &job,
        chosen: vec![0],
    }];
    let ran = run(&cx, &tasks, 1).expect("no signal");
    assert_eq!((ran.reports.len(), ran.not_run), (0, 1), "{ran:?}");
}
