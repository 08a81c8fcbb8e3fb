//! Each kind of failure gets its own verdict and a non-zero exit code.

use std::time::Duration;

use rustix::process::Signal;
use xtask::tiny::{self, Behaviour};

use crate::run::{Run, Watched};

/// For kernels that end by themselves; only a loaded machine needs it all.
const ENOUGH: Duration = Duration::from_secs(20);
/// For kernels that never do.
const SHORT: Duration = Duration::from_secs(3);

fn ends_by_itself(behaviour: Behaviour, code: i32, says: &str) {
    let run = Run::new();
    run.to_its_end(run.qemu(behaviour, &["--timeout", "20s"]))
        .assert(code, says, ENOUGH);
}

fn must_be_ended(behaviour: Behaviour, says: &str) {
    let run = Run::new();
    let ended = run.to_its_end(run.qemu(behaviour, &["--timeout", "3s"]));
    ended.assert(124, says, SHORT);
    assert!(
        ended.stderr.contains("EIP="),
        "no registers in:\n{}",
        ended.stderr
    );
}

fn is_refused(bytes: &[u8], says: &str) {
    let run = Run::new();
    let kernel = run.kernel(bytes);
    run.to_its_end(run.qemu_with(&kernel, &["--timeout", "20s"]))
        .assert(1, says, ENOUGH);
}

#[test]
fn the_agreed_success_is_one() {
    ends_by_itself(Behaviour::Succeed, 0, "ended with success");
}

#[test]
fn a_guest_that_turns_paging_on() {
    ends_by_itself(Behaviour::Paging, 0, "ended with success");
}

#[test]
fn no_kernel() {
    let run = Run::new();
    let ended = run.to_its_end(run.qemu_with(&run.path("nowhere.elf"), &[]));
    ended.assert(1, "there is no kernel to boot", ENOUGH);
}

#[test]
fn an_empty_file() {
    is_refused(b"", "is empty");
}

#[test]
fn a_text_file() {
    is_refused(b"#!/bin/sh\n", "is not a kernel");
}

#[test]
fn a_64_bit_elf() {
    is_refused(&tiny::elf64(), "is a 64-bit ELF");
}

#[test]
fn an_elf_without_a_multiboot_header_is_the_emulators_refusal() {
    let mut bytes = Behaviour::Succeed.elf();
    bytes[84] ^= 1;
    // QEMU takes it for a Linux image then, and says so in its own words.
    is_refused(&bytes, "the emulator could not run");
}

#[test]
fn tests_that_failed() {
    ends_by_itself(Behaviour::Fail, 1, "reports failed tests");
}

#[test]
fn a_panic() {
    ends_by_itself(Behaviour::Panic, 1, "panicked: it was asked to");
}

#[test]
fn a_panic_before_the_console() {
    ends_by_itself(Behaviour::PanicBeforeConsole, 1, "exited 35");
}

#[test]
fn an_exit_without_the_marker() {
    ends_by_itself(
        Behaviour::ExitWithoutMarker,
        1,
        "exited 33 but the end marker is not on the console",
    );
}

#[test]
fn a_triple_fault_and_its_registers() {
    let run = Run::new();
    let ended = run.to_its_end(run.qemu(Behaviour::TripleFault, &["--timeout", "20s"]));
    ended.assert(1, "triple fault", ENOUGH);
    assert!(
        ended.stderr.contains("ESP=0007fff8"),
        "not the registers of the fault:\n{}",
        ended.stderr
    );
}

#[test]
fn a_hang_without_a_word() {
    must_be_ended(Behaviour::Hang, "hung");
}

#[test]
fn a_hang_after_a_line() {
    must_be_ended(Behaviour::FallSilent, "ExoV6 tiny");
}

#[test]
fn a_guest_that_never_stops_talking() {
    must_be_ended(Behaviour::Chatter, "the last 50 lines");
}

#[test]
fn the_marker_without_an_exit() {
    let run = Run::new();
    let ended = run.to_its_end(run.qemu(Behaviour::MarkerWithoutExit, &["--timeout", "20s"]));
    // Three seconds after the marker, not at the deadline.
    ended.assert(
        1,
        "the machine did not leave",
        SHORT + Duration::from_secs(2),
    );
}

#[test]
fn qemu_killed_from_outside() {
    for (signal, says) in [
        (Signal::KILL, "signal 9 from outside"),
        (Signal::TERM, "signal 15 from outside"),
    ] {
        let run = Run::new();
        let watched = Watched::start(run.qemu(Behaviour::FallSilent, &["--timeout", "20s"]));
        watched.wait_for_line("ExoV6 tiny");
        rustix::process::kill_process(run.emulator(), signal).expect("it runs");
        watched.end().assert(1, says, ENOUGH);
    }
}

#[test]
fn a_qemu_that_refuses_its_arguments() {
    let run = Run::new();
    let kernel = run.kernel(&Behaviour::Succeed.elf());
    let mut command = run.qemu_with(&kernel, &["--timeout", "20s"]);
    command.args(["-device", "no-such-device"]);
    run.to_its_end(command).assert(
        1,
        "the emulator could not run: qemu-system-i386: -device no-such-device",
        ENOUGH,
    );
}

#[test]
fn a_qemu_that_is_not_there() {
    let run = Run::new();
    let mut command = run.qemu(Behaviour::Succeed, &[]);
    command.env("EXOV6_QEMU", "/nowhere/qemu-system-i386");
    run.to_its_end(command)
        .assert(3, "/nowhere/qemu-system-i386", ENOUGH);
}

#[test]
fn kvm_that_cannot_be_had_is_not_replaced() {
    if std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok()
    {
        // With KVM here, that it is really used is what can be checked.
        let run = Run::new();
        let ended = run.to_its_end(run.qemu(
            Behaviour::Succeed,
            &["--timeout", "60s", "--accel", "kvm", "--dry-run"],
        ));
        ended.assert(0, "-accel kvm", Duration::from_secs(60));
        return;
    }
    let run = Run::new();
    run.to_its_end(run.qemu(Behaviour::Succeed, &["--accel", "kvm"]))
        .assert(1, "KVM was asked for", ENOUGH);
}
