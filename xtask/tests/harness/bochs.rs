//! The same verdicts from Bochs, which has neither exit port nor QMP.

use std::time::Duration;

use rustix::process::Signal;
use xtask::tiny::Behaviour;

use crate::run::{Run, Watched};

/// GRUB alone takes seconds there.
const ENOUGH: Duration = Duration::from_secs(60);
const BOCHS: [&str; 5] = ["--emulator", "bochs", "--iso", "--cpu", "pentium"];

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BOCHS[..], more].concat()
}

#[test]
fn a_conversation_and_an_end_by_the_marker() {
    let run = Run::new();
    let words = words(&[
        "--timeout",
        "60s",
        "--expect",
        "kdb>",
        "--send",
        "cpus",
        "--expect",
        "heard",
        "--send",
        "Q",
    ]);
    run.to_its_end(run.bochs(Behaviour::Prompt, &words)).assert(
        0,
        "all 2 expected lines came",
        ENOUGH,
    );
}

#[test]
fn success_and_panic_are_told_by_the_marker() {
    for (behaviour, code, says) in [
        (Behaviour::Succeed, 0, "ended with success"),
        (Behaviour::Panic, 1, "panicked: it was asked to"),
        (Behaviour::TripleFault, 1, "triple fault"),
    ] {
        let run = Run::new();
        run.to_its_end(run.bochs(behaviour, &words(&["--timeout", "60s"])))
            .assert(code, says, ENOUGH);
    }
}

#[test]
fn a_hang_shows_the_registers_of_every_processor() {
    let run = Run::new();
    let words = words(&[
        "--smp",
        "2",
        "--timeout",
        "6s",
        "--expect",
        "this never comes",
    ]);
    let ended = run.to_its_end(run.bochs(Behaviour::FallSilent, &words));
    ended.assert(124, "this never comes", Duration::from_secs(6));
    for register in ["CPU0:", "CPU1:", "rip: ", "eflags"] {
        assert!(
            ended.stderr.contains(register),
            "no {register} in:\n{}",
            ended.stderr
        );
    }
}

#[test]
fn a_signal_ends_it_and_nothing_is_left() {
    let run = Run::new();
    let words = words(&["--timeout", "60s", "--expect", "this never comes"]);
    let watched = Watched::start(run.bochs(Behaviour::FallSilent, &words));
    watched.wait_for_line("ExoV6 tiny");
    watched.signal(Signal::INT);
    watched.end().assert(130, "interrupted by SIGINT", ENOUGH);
}
