//! Containers end with us, however we end, and tell how they ended.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{docker, succeed, xtask};

/// The containers of a process of ours.
fn containers_of(pid: u32) -> Vec<String> {
    let filter = format!("label=org.exov6.xtask={pid}");
    let words = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"];
    let output = succeed(&mut docker(&words));
    let text = String::from_utf8(output.stdout).expect("names");
    text.lines().map(str::to_owned).collect()
}

/// A machine at its prompt, in a container.
fn machine() -> Child {
    let mut command = xtask(&["docker-run", "--", "qemu", "--expect", "never comes"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tool starts");
    let output = child.stdout.take().expect("asked for");
    let mut lines = BufReader::new(output);
    let mut line = String::new();
    while !line.starts_with("exov6: ready") {
        line.clear();
        let count = lines.read_line(&mut line).expect("a pipe reads");
        assert!(count > 0, "it ended before it was ready");
    }
    // Somebody has to go on reading.
    std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
    child
}

fn end_by(signal: Signal) -> Option<i32> {
    let mut child = machine();
    let pid = child.id();
    assert_eq!(containers_of(pid).len(), 1);
    kill_process(Pid::from_child(&child), signal).expect("it runs");
    let status = child.wait().expect("it ends");
    // After SIGKILL it is the keeper who removes it, a moment later.
    let begun = Instant::now();
    while !containers_of(pid).is_empty() {
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(20), "it is still there");
    }
    status.code()
}

#[test]
#[ignore = "needs a container engine"]
fn a_signal_ends_the_container_and_is_told() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        assert_eq!(end_by(signal), Some(130), "{signal:?}");
    }
}

#[test]
#[ignore = "needs a container engine"]
fn the_container_does_not_outlive_a_killed_tool() {
    assert_eq!(end_by(Signal::KILL), None);
}

#[test]
#[ignore = "needs a container engine"]
fn what_an_earlier_run_left_is_removed() {
    let boot = xtask::docker::running::boot_id();
    // No process has this number: the highest there can be is one less.
    let words = ["create", "--label", "org.exov6.xtask=4194304", "--label"];
    let mut create = docker(&words);
    create.args([&format!("org.exov6.boot={boot}"), "exov6-i386:test"]);
    succeed(&mut xtask(&["docker-run", "--", "config", "show"]));
    succeed(&mut create);
    assert_eq!(containers_of(4_194_304).len(), 1);
    succeed(&mut xtask(&["docker-run", "--", "config", "show"]));
    assert!(containers_of(4_194_304).is_empty());
}

#[test]
#[ignore = "needs a container engine"]
fn exit_code_and_output_come_through() {
    for (words, code) in [
        (&["config", "show"][..], 0),
        (&["build", "--release", "--dev"], 2),
        (&["qemu", "--expect", "never comes", "--timeout", "2s"], 124),
    ] {
        let mut command = xtask(&["docker-run", "--"]);
        let output = command.args(words).output().expect("the tool starts");
        assert_eq!(output.status.code(), Some(code), "{words:?}");
    }
    let output = succeed(&mut xtask(&[
        "docker-run",
        "--",
        "config",
        "show",
        "--json",
    ]));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("only JSON");
    assert!(document.is_object(), "{document}");
}
