//! `--expect` and `--send`, the exact command line, and the JSON document.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;
use xtask::tiny::Behaviour;

use crate::run::{Ended, Run};

const ENOUGH: Duration = Duration::from_secs(20);

/// A run with time enough for a loaded machine.
fn ended(behaviour: Behaviour, words: &[&str]) -> Ended {
    let run = Run::new();
    let words = [words, &["--timeout", "20s"]].concat();
    run.to_its_end(run.qemu(behaviour, &words))
}

#[test]
fn a_conversation_that_is_held_to_its_end() {
    let words = [
        ["--expect", "kdb>"],
        ["--send", "cpus"],
        ["--expect", "^heard$"],
        ["--expect", "kdb> "],
    ];
    ended(Behaviour::Prompt, words.as_flattened()).assert(0, "all 3 expected lines came", ENOUGH);
}

#[test]
fn what_is_sent_last_is_still_done() {
    let words = ["--expect", "kdb>", "--send", "Q"];
    ended(Behaviour::Prompt, &words).assert(0, "all 1 expected lines came", ENOUGH);
}

#[test]
fn a_line_that_comes_with_the_end_counts() {
    let words = [
        ["--expect", "kdb>"],
        ["--send", "Q"],
        ["--expect", "^exov6: done ok$"],
    ];
    ended(Behaviour::Prompt, words.as_flattened()).assert(0, "all 2 expected lines came", ENOUGH);
}

#[test]
fn a_line_that_never_comes_ends_at_the_deadline() {
    let run = Run::new();
    let words = [
        "--expect",
        "kdb>",
        "--send",
        "cpus",
        "--expect",
        "cpu1",
        "--timeout",
        "2s",
    ];
    let ended = run.to_its_end(run.qemu(Behaviour::Prompt, &words));
    ended.assert(
        124,
        "while waiting for --expect 'cpu1' (step 3 of 3)",
        Duration::from_secs(2),
    );
    assert!(
        ended.stderr.contains("kdb> cpus") && ended.stderr.contains("EIP="),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_machine_that_dies_first_is_a_failure_and_no_deadline() {
    let words = [["--expect", "kdb>"], ["--send", "P"], ["--expect", "cpu1"]];
    ended(Behaviour::Prompt, words.as_flattened()).assert(
        1,
        "panicked: it was asked to while waiting for --expect 'cpu1'",
        ENOUGH,
    );
    let words = ["--expect", "cpu1"];
    ended(Behaviour::TripleFault, &words).assert(1, "triple fault", ENOUGH);
    ended(Behaviour::Succeed, &words).assert(1, "ended with success while waiting", ENOUGH);
}

#[test]
fn lines_of_standard_input_go_one_to_a_prompt() {
    let run = Run::new();
    let input = run.path("input");
    std::fs::write(&input, "one\ntwo\nQ\n").expect("a writable folder");
    let mut command = run.qemu(Behaviour::Prompt, &["--timeout", "20s"]);
    command.stdin(std::fs::File::open(&input).expect("just written"));
    let ended = run.to_its_end(command);
    ended.assert(0, "ended with success", ENOUGH);
    let expected = "kdb> one\nheard\nkdb> two\nheard\nkdb> \nexov6: done ok\n";
    assert_eq!(ended.stdout.replace('\r', ""), expected);
}

#[test]
fn the_log_has_every_byte_of_the_guest() {
    let run = Run::new();
    let log = run.path("serial.log");
    let log_word = log.to_str().expect("a plain path");
    run.to_its_end(run.qemu(Behaviour::Succeed, &["--timeout", "20s", "--log", log_word]))
        .assert(0, "", ENOUGH);
    assert_eq!(
        std::fs::read_to_string(&log).expect("the log"),
        "ExoV6 tiny\r\nexov6: done ok\r\n"
    );
}

#[test]
fn the_document_says_how_it_ended_and_when() {
    let run = Run::new();
    let words = [
        "--json",
        "--expect",
        "kdb>",
        "--send",
        "Q",
        "--expect",
        // What is expected counts as soon as it came, so it names the whole: a
        // prompt ends no line.
        "done ok",
        "--timeout",
        "20s",
    ];
    let ended = run.to_its_end(run.qemu(Behaviour::Prompt, &words));
    ended.assert(0, "", ENOUGH);
    let document: Value =
        serde_json::from_str(&ended.stdout).expect("only the document is on stdout");
    assert_eq!(document["version"], 1);
    assert_eq!(
        (&document["verdict"], &document["exit"]),
        (&"expected".into(), &0.into())
    );
    assert_eq!(document["expects"][1]["text"], "done ok");
    assert!(document["expects"][0]["at_ms"].as_f64() >= document["first_byte_ms"].as_f64());

    let run = Run::new();
    let ended = run.to_its_end(run.qemu(Behaviour::TripleFault, &["--json", "--timeout", "20s"]));
    let document: Value =
        serde_json::from_str(&ended.stdout).expect("only the document is on stdout");
    assert_eq!(
        (&document["verdict"], &document["exit"]),
        (&"triple-fault".into(), &1.into())
    );
    assert_eq!(document["lines"][0]["text"], "ExoV6 tiny");
}

#[test]
fn a_dry_run_prints_the_exact_line_and_runs_nothing() {
    let run = Run::new();
    let kernel = run.path("a kernel.elf");
    let words = [
        "--dry-run",
        "--cpu",
        "pentium",
        "--memory",
        "8M",
        "--append",
        "a b",
        "--module",
        "m,1 x",
    ];
    let ended = run.to_its_end(run.qemu_with(&kernel, &words));
    ended.assert(0, "", ENOUGH);
    let expected = format!(
        "$ qemu-system-i386 -machine pc -accel tcg -cpu pentium -m 8M -smp 1 -nodefaults -vga none -display none \
         -monitor none -no-reboot -chardev stdio,id=com1,signal=off -serial chardev:com1 \
         -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel '{}' -append 'a b' -initrd 'm,,1 x' -name {}",
        kernel.display(),
        run.marker
    );
    assert_eq!(ended.stderr.lines().next(), Some(expected.as_str()));
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_line_of_a_dry_run_boots_when_pasted_into_a_shell() {
    let run = Run::new();
    let kernel = run.kernel(&Behaviour::Succeed.elf());
    let ended = run.to_its_end(run.qemu_with(&kernel, &["--dry-run"]));
    let line = ended
        .stderr
        .lines()
        .next()
        .expect("the line")
        .trim_start_matches("$ ")
        .to_owned();
    let output = std::process::Command::new("timeout")
        .args(["20", "sh", "-c", &line])
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(33), "{output:?}");
}

#[test]
fn a_screenshot_is_a_png() {
    let run = Run::new();
    let file = run.path("screen.png");
    let words = [
        "--timeout",
        "20s",
        "--screenshot",
        file.to_str().expect("a plain path"),
    ];
    run.to_its_end(run.qemu(Behaviour::Succeed, &words))
        .assert(0, "screenshot: ", ENOUGH);
    let bytes = std::fs::read(&file).expect("the screenshot");
    assert!(bytes.starts_with(b"\x89PNG"), "{:?}", &bytes[..8]);
}

#[test]
fn machines_of_every_kind_start() {
    for words in [
        ["--machine", "isapc", "--memory", "8M"],
        ["--machine", "q35", "--firmware", "seabios"],
        ["--firmware", "qboot", "--cpu", "pentium"],
        ["--net", "user", "--hostfwd", "tcp:127.0.0.1:0-:80"],
    ] {
        ended(Behaviour::Succeed, &words).assert(0, "ended with success", ENOUGH);
    }
}

#[test]
fn a_window_without_a_screen_is_explained() {
    // An emulator that only says QEMU's words.
    let run = Run::new();
    let qemu = run.path("qemu");
    let words = "#!/bin/sh\ncase \"$*\" in\n\"-display help\") echo gtk ;;\n\
                 *) echo 'gtk initialization failed' >&2; exit 1 ;;\nesac\n";
    fs::write(&qemu, words).expect("the temporary folder is writable");
    fs::set_permissions(&qemu, Permissions::from_mode(0o755)).expect("it is ours");
    let mut command = run.qemu(Behaviour::Prompt, &["--display", "gtk", "--expect", "kdb"]);
    command.env("EXOV6_QEMU", qemu);
    run.to_its_end(command)
        .assert(1, "set DISPLAY or WAYLAND_DISPLAY", ENOUGH);
}
