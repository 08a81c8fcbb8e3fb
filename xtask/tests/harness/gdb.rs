//! gdb in batch and at a terminal: its verdict, its keys, and what it leaves.

use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::inotify;
use rustix::process::{Pid, Signal};
use xtask::tiny::Behaviour;

use crate::run::{Ended, Run, Watched, wait_for_end_of};
use crate::terminal::AtTerminal;

const ENOUGH: Duration = Duration::from_secs(30);

fn batch(run: &Run, script: &str, timeout: &str) -> std::process::Command {
    let file = run.path("script.gdb");
    std::fs::write(&file, script).expect("a writable folder");
    run.gdb(
        Behaviour::FallSilent,
        &[
            "--timeout",
            timeout,
            "--batch",
            file.to_str().expect("a plain path"),
        ],
    )
}

fn verdict(script: &str) -> (Run, Ended) {
    let run = Run::new();
    let ended = run.to_its_end(batch(&run, script, "30s"));
    (run, ended)
}

#[test]
fn a_script_that_ends_passes() {
    // The entry of a tiny kernel: its code begins with `mov dx, 0x3fb`.
    let (_run, ended) = verdict("hbreak *0x100060\ncontinue\nx/i $pc\nprint/x $cs\n");
    ended.assert(0, "script.gdb passed", ENOUGH);
    assert!(
        ended.stdout.contains("mov    $0x3fb,%dx") && ended.stdout.contains("= 0x8"),
        "{}",
        ended.stdout
    );
}

#[test]
fn an_error_in_the_middle_of_a_script_fails_it() {
    let (_run, ended) = verdict("print no_such_symbol\nprint 1\n");
    ended.assert(1, "script.gdb failed: gdb ended with 1", ENOUGH);
    assert!(
        ended.stderr.contains("script.gdb:1: Error"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_script_may_fail_itself() {
    verdict("quit 3\n").1.assert(1, "gdb ended with 3", ENOUGH);
}

#[test]
fn a_script_that_waits_for_ever_ends_at_the_deadline() {
    let run = Run::new();
    let ended = run.to_its_end(batch(&run, "continue\n", "3s"));
    ended.assert(124, "script.gdb did not end", Duration::from_secs(4));
    assert!(
        ended.stderr.contains("EIP="),
        "no registers in:\n{}",
        ended.stderr
    );
}

#[test]
fn a_script_that_is_not_there_is_the_persons_mistake() {
    let run = Run::new();
    let command = run.gdb(Behaviour::Hang, &["--batch", "/nowhere.gdb"]);
    run.to_its_end(command)
        .assert(2, "no gdb script at /nowhere.gdb", ENOUGH);
}

#[test]
fn signals_end_gdb_and_the_machine() {
    for (signal, code) in [
        (Signal::INT, Some(130)),
        (Signal::TERM, Some(130)),
        (Signal::KILL, None),
    ] {
        let run = Run::new();
        let watched = Watched::start(batch(&run, "echo it runs\\n\ncontinue\n", "60s"));
        watched.wait_for_line("it runs");
        let emulator = run.emulator();
        let debugger = children_of(watched.id(), "gdb");
        watched.signal(signal);
        assert_eq!(watched.end().status.code(), code, "{signal:?}");
        wait_for_end_of(emulator);
        debugger.into_iter().for_each(wait_for_end_of);
    }
}

/// The children of a process whose program is called so.
fn children_of(parent: u32, name: &str) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task"))
        .expect("it runs")
        .flatten();
    let children =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let numbers: Vec<i32> = children
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    let named = |number: &i32| {
        std::fs::read_to_string(format!("/proc/{number}/comm"))
            .is_ok_and(|comm| comm.trim() == name)
    };
    let found: Vec<_> = numbers
        .into_iter()
        .filter(named)
        .filter_map(Pid::from_raw)
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found
}

/// Waits until a file that is there contains `wanted`.
fn wait_for_text(file: &Path, wanted: &str) {
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).expect("inotify");
    inotify::add_watch(&watch, file, inotify::WatchFlags::MODIFY).expect("the file is there");
    while !std::fs::read_to_string(file)
        .expect("the file")
        .contains(wanted)
    {
        let mut sources = [PollFd::new(&watch, PollFlags::IN)];
        let limit = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        let ready = rustix::event::poll(&mut sources, Some(&limit)).expect("polling");
        assert_eq!(ready, 1, "`{wanted}` never came");
        rustix::io::read(&watch, &mut [0; 4096]).expect("an event");
    }
}

#[test]
fn at_a_terminal_ctrl_c_stops_the_guest_and_quit_leaves() {
    let run = Run::new();
    let command = run.gdb(Behaviour::FallSilent, &["--timeout", "60s"]);
    let log = run.path("exov6/gdb-serial.log");
    let mut tool = AtTerminal::with(run, command);
    tool.wait_for("(gdb) ");
    tool.press(b"continue\r");
    // A Ctrl-C while gdb still prints "Continuing." would hit its Python.
    wait_for_text(&log, "ExoV6 tiny");
    tool.press(b"\x03");
    tool.wait_for("received signal SIGINT");
    tool.wait_for("(gdb) ");
    tool.press(b"quit\r");
    tool.wait_for("gdb has ended");
    tool.end(0);
}

#[test]
fn sigterm_gives_the_terminal_back_from_gdb() {
    let run = Run::new();
    let command = run.gdb(Behaviour::FallSilent, &["--timeout", "60s"]);
    let mut tool = AtTerminal::with(run, command);
    tool.wait_for("(gdb) ");
    tool.signal(Signal::TERM);
    tool.end(130);
}
