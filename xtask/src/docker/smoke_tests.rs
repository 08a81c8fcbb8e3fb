//! Boots as they should be and as they must not be.

use super::*;

fn boot(lines: &[&str], verdict: &str) -> Run {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| serde_json::json!({ "at_ms": 1.0, "text": line }))
        .collect();
    let document = serde_json::json!({ "verdict": verdict, "ready_ms": 9.5, "lines": lines });
    serde_json::from_value(document).expect("as qemu writes it")
}

const GOOD: [&str; 7] = [
    "ExoV6 0.1.0 i386 Mach microkernel",
    "exov6: ready in 22227478 instructions",
    "kdb> cpus",
    "cpu0 apic 0 interrupts 2 local ticks 0 (boot)",
    "cpu1 apic 1 interrupts 1 local ticks 0",
    "130184 KiB of memory, 130180 KiB free",
    "exov6: done ok",
];

fn failed(trial: Trial, run: &Run) -> Vec<String> {
    let checks = judge(trial, run).into_iter();
    checks
        .filter(|check| !check.passed)
        .map(|check| check.what)
        .collect()
}

#[test]
fn a_good_boot_passes_both() {
    let run = boot(&GOOD, "passed");
    assert!(failed(SMOKE, &run).is_empty());
    assert!(failed(INTEGRATION, &run).is_empty());
}

#[test]
fn an_empty_console_fails_everything_that_is_required() {
    let failed = failed(SMOKE, &boot(&[], "no-output"));
    assert_eq!(failed.len(), 6, "{failed:?}");
    assert!(!failed.contains(&"no panic".to_owned()));
}

#[test]
fn each_missing_line_is_missed() {
    for leave_out in [0, 1, 4, 5, 6] {
        let mut lines = GOOD.to_vec();
        let left_out = lines.remove(leave_out);
        let failed = failed(INTEGRATION, &boot(&lines, "passed"));
        assert_eq!(failed.len(), 1, "without `{left_out}`: {failed:?}");
    }
}

#[test]
fn a_panic_fails_whatever_comes_after_it() {
    let mut lines = GOOD.to_vec();
    lines.insert(3, "exov6: panic: for the record");
    assert_eq!(failed(SMOKE, &boot(&lines, "passed")), ["no panic"]);
}

#[test]
fn all_lines_with_the_wrong_exit_fail() {
    let run = boot(&GOOD, "marker-without-exit");
    assert_eq!(failed(SMOKE, &run), ["QEMU's exit"]);
}

#[test]
fn the_time_is_in_seconds_or_with_units() {
    let seconds = |value| limit(value).expect("a time").0.as_secs();
    assert_eq!(seconds(None), 120);
    assert_eq!(seconds(Some("")), 120);
    assert_eq!(seconds(Some("90")), 90);
    assert_eq!(seconds(Some("90s")), 90);
    assert_eq!(seconds(Some("2m")), 120);
    for bad in ["soon", "-1", "0", "1.5", "90 s", "99999999999999999999"] {
        let failure = limit(Some(bad)).expect_err(bad);
        assert_eq!(failure.exit, Exit::Usage, "{bad}");
        assert!(failure.what.contains(bad), "{failure}");
    }
}

#[test]
fn the_machines_are_the_documented_ones() {
    let line = |trial| {
        let words = words(trial, USUAL);
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    };
    assert_eq!(
        line(SMOKE),
        "--timeout 2m qemu --json --kernel /kernel/kernel.elf --cpu pentium --memory 128M --smp 1"
    );
    assert!(line(INTEGRATION).ends_with("--cpu pentium3 --memory 256M --smp 2"));
}
