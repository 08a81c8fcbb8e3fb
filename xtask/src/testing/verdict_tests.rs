//! Tests of the verdict: a table of ends, and random ends that must not pass.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::emulator::Line;
use crate::emulator::spec::Leaving;

fn outcome(end: End, lines: &[&str]) -> Outcome {
    let line = |text: &&str| Line {
        at: Duration::from_millis(1),
        text: (*text).to_owned(),
    };
    Outcome {
        end,
        serial: lines.iter().map(line).collect(),
        stderr: String::new(),
        registers: None,
        first_byte: None,
        elapsed: Duration::from_secs(1),
    }
}

fn judged(end: End, lines: &[&str]) -> Verdict {
    judge(&outcome(end, lines), Leaving::ExitPort)
}

#[test]
fn passes_on_marker_and_exit_only() {
    assert_eq!(
        judged(End::Exited(33), &["hello", MARKER_OK]),
        Verdict::Passed
    );
    assert_eq!(
        judged(End::Exited(33), &["hello", MARKER_OK, ""]),
        Verdict::Passed
    );
}

#[test]
fn every_other_end_has_its_own_name() {
    let table: [(End, &[&str], &str); 21] = [
        (End::Exited(0), &[], "no-output"),
        (End::Exited(33), &[], "exit-without-marker"),
        (End::Exited(33), &["exov6: done o"], "contradiction"),
        (
            End::Exited(33),
            &["x exov6: done ok"],
            "exit-without-marker",
        ),
        (End::Exited(33), &["exov6: done okay"], "contradiction"),
        (End::Exited(33), &[MARKER_FAILED], "contradiction"),
        (End::Exited(35), &[MARKER_OK], "contradiction"),
        (End::Exited(35), &[MARKER_FAILED], "tests-failed"),
        (
            End::Exited(35),
            &["exov6: panic: a: b", MARKER_PANIC],
            "panicked",
        ),
        (End::Exited(33), &["exov6: panic: a", MARKER_OK], "panicked"),
        (End::Exited(35), &[MARKER_PANIC], "panicked"),
        (End::Exited(33), &[MARKER_OK, "more"], "wrong-order"),
        (End::Exited(33), &[MARKER_OK, MARKER_OK], "wrong-order"),
        (End::Exited(0), &["hello", MARKER_OK], "marker-without-exit"),
        (End::Exited(0), &["hello"], "odd-status"),
        (End::Deadline(Limit::Boot), &[], "hung"),
        (
            End::Deadline(Limit::Total),
            &[MARKER_OK],
            "marker-without-exit",
        ),
        (
            End::Deadline(Limit::Leave),
            &[MARKER_OK],
            "marker-without-exit",
        ),
        (End::Reset, &["hello", MARKER_OK], "triple-fault"),
        (End::Signalled(9), &["hello", MARKER_OK], "killed"),
        (End::Stopped, &["hello", MARKER_OK], "stopped"),
    ];
    for (end, lines, kind) in table {
        assert_eq!(judged(end, lines).kind(), kind, "{end:?} {lines:?}");
    }
}

#[test]
fn what_is_not_the_guests_fault_is_infrastructure() {
    let mut refused = outcome(End::Exited(1), &[]);
    refused.stderr = "qemu-system-i386: could not open".to_owned();
    assert_eq!(judge(&refused, Leaving::ExitPort).kind(), "emulator-error");

    let mut killed = outcome(End::Exited(0), &["hello", MARKER_OK]);
    killed.stderr = "qemu-system-i386: terminating on signal 15 from pid 7 (kill)".to_owned();
    let verdict = judge(&killed, Leaving::ExitPort);
    assert_eq!(verdict, Verdict::Infrastructure(Fault::Killed(15)));
}

#[test]
fn without_an_exit_port_the_marker_decides() {
    let judged = |end, lines| judge(&outcome(end, lines), Leaving::Marker).kind();
    assert_eq!(judged(End::Marked, &[MARKER_OK]), "passed");
    assert_eq!(judged(End::Marked, &[MARKER_FAILED]), "tests-failed");
    assert_eq!(judged(End::Marked, &[MARKER_OK, "more"]), "wrong-order");
    assert_eq!(judged(End::Deadline(Limit::Total), &["hello"]), "hung");
    assert_eq!(judged(End::Marked, &["hello"]), "missing");
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Exited(33)),
        3 => any::<i32>().prop_map(End::Exited),
        1 => (0..40).prop_map(End::Exited),
        1 => any::<i32>().prop_map(End::Signalled),
        1 => Just(End::Deadline(Limit::Boot)),
        1 => Just(End::Deadline(Limit::Silence)),
        1 => Just(End::Deadline(Limit::Total)),
        1 => Just(End::Deadline(Limit::Leave)),
        1 => Just(End::Reset),
        1 => Just(End::Marked),
        1 => Just(End::Stopped),
        1 => any::<i32>().prop_map(End::Interrupted),
    ]
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(MARKER_OK.to_owned()),
        1 => Just(MARKER_FAILED.to_owned()),
        1 => Just(MARKER_PANIC.to_owned()),
        1 => Just(String::new()),
        1 => "exov6: panic: [a-z]{0,4}",
        1 => "[a-z ]{0,2}exov6: done ok[a-z ]{0,2}",
        1 => "exov6: done [a-z]{0,3}",
        1 => ".{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn nothing_passes_without_marker_and_exit(
        end in any_end(),
        lines in prop::collection::vec(any_line(), 0..5),
        stderr in prop_oneof![3 => Just(""), 1 => Just("qemu: terminating on signal 2")],
    ) {
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut run = outcome(end, &texts);
        run.stderr = stderr.to_owned();
        let said = texts.iter().filter(|text| !text.trim().is_empty());
        let last_is_marker = said.clone().next_back() == Some(&MARKER_OK);
        let markers = said.clone().filter(|text| text.starts_with(END_MARKER)).count();
        let panics = said.clone().any(|text| text.starts_with(PANIC_PREFIX));
        let may_pass = end == End::Exited(33) && last_is_marker && markers == 1 && !panics;
        let passed = judge(&run, Leaving::ExitPort) == Verdict::Passed;
        prop_assert_eq!(passed, may_pass, "{:?} {:?}", end, texts);
    }

    #[test]
    fn a_machine_without_exit_port_never_passes_without_the_marker(
        end in any_end(),
        lines in prop::collection::vec(any_line(), 0..5),
    ) {
        let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
        if judge(&outcome(end, &texts), Leaving::Marker) == Verdict::Passed {
            prop_assert!(texts.contains(&MARKER_OK));
            prop_assert!(matches!(end, End::Marked | End::Exited(_)));
        }
    }
}
