//! A signal ends the tool within a second, and its QEMU with it.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use xtask::tiny::Behaviour;

use crate::run::{Run, Watched, wait_for_end_of};

/// A second, and as much again for a loaded machine.
const PROMPTLY: Duration = Duration::from_secs(2);
const SCRIPT: [&str; 4] = ["--timeout", "60s", "--expect", "this never comes"];

#[test]
fn signals_that_can_be_caught_end_it_in_order() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let run = Run::new();
        let watched = Watched::start(run.qemu(Behaviour::FallSilent, &SCRIPT));
        watched.wait_for_line("ExoV6 tiny");
        let emulator = run.emulator();
        let sent = Instant::now();
        watched.signal(signal);
        let ended = watched.end();
        let took = sent.elapsed();
        ended.assert(130, "interrupted by SIG", Duration::from_secs(60));
        assert!(took < PROMPTLY, "it took {took:?}");
        // Reaped before the tool returned: there is not even a zombie.
        assert!(
            rustix::process::test_kill_process(emulator).is_err(),
            "{emulator:?} is still there"
        );
    }
}

#[test]
fn a_signal_during_a_hang_of_qemu_itself_still_ends_both() {
    let run = Run::new();
    let watched = Watched::start(run.qemu(Behaviour::FallSilent, &SCRIPT));
    watched.wait_for_line("ExoV6 tiny");
    // A stopped QEMU answers neither QMP nor SIGTERM.
    rustix::process::kill_process(run.emulator(), Signal::STOP).expect("it runs");
    watched.signal(Signal::INT);
    watched
        .end()
        .assert(130, "interrupted by SIGINT", Duration::from_secs(60));
}

#[test]
fn sigkill_of_the_tool_takes_qemu_along() {
    let run = Run::new();
    let watched = Watched::start(run.qemu(Behaviour::FallSilent, &SCRIPT));
    watched.wait_for_line("ExoV6 tiny");
    let emulator = run.emulator();
    watched.signal(Signal::KILL);
    assert_eq!(watched.end().status.signal(), Some(9));
    wait_for_end_of(emulator);
}
