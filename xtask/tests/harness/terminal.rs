//! An interactive run on a real terminal: keys go through, and it is given back.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Termios};
use wait_timeout::ChildExt;
use xtask::tiny::Behaviour;

use crate::run::{HOPELESS, Run, wait_for_end_of};

/// The tool on a terminal of its own, in the foreground.
pub(crate) struct AtTerminal {
    run: Run,
    child: Child,
    keys: File,
    terminal: OwnedFd,
    before: Termios,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl AtTerminal {
    fn start(words: &[&str]) -> AtTerminal {
        let run = Run::new();
        let command = run.qemu(Behaviour::Prompt, words);
        AtTerminal::with(run, command)
    }

    pub(crate) fn with(run: Run, mut command: Command) -> AtTerminal {
        let near =
            rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let near = near.expect("a pseudo-terminal");
        rustix::pty::grantpt(&near).expect("ours");
        rustix::pty::unlockpt(&near).expect("ours");
        let name = rustix::pty::ptsname(&near, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(&name, flags, Mode::empty()).expect("the far end");
        let before = rustix::termios::tcgetattr(&terminal).expect("a terminal");

        on_terminal(&mut command, &terminal);
        let child = command.spawn().expect("the tool was built with this test");
        drop(command);

        let keys = File::from(near);
        let mut output = keys.try_clone().expect("a copy");
        let (tell, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                let _ = tell.send(buffer[..length].to_vec());
            }
        });
        AtTerminal {
            run,
            child,
            keys,
            terminal,
            before,
            screen,
            seen: String::new(),
        }
    }

    pub(crate) fn wait_for(&mut self, wanted: &str) {
        let deadline = Instant::now() + HOPELESS;
        while !self.seen.contains(wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self.screen.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("`{wanted}` is not in:\n{}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let end = self.seen.find(wanted).map_or(0, |at| at + wanted.len());
        self.seen.drain(..end);
    }

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("the terminal is there");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    fn settings(&self) -> Termios {
        rustix::termios::tcgetattr(&self.terminal).expect("a terminal")
    }

    fn assert_raw(&self) {
        let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert!(
            !self.settings().local_modes.intersects(cooked),
            "it is not raw"
        );
    }

    pub(crate) fn end(mut self, code: i32) {
        let status = self.child.wait_timeout(HOPELESS).expect("a child of ours");
        let Some(status) = status else {
            let _ = self.child.kill();
            panic!("it did not end; on its screen:\n{}", self.seen);
        };
        assert_eq!(status.code(), Some(code), "{status}\n{}", self.seen);
        self.assert_given_back();
    }

    fn assert_given_back(&self) {
        // Termios has no equality of its own.
        assert_eq!(
            format!("{:?}", self.settings()),
            format!("{:?}", self.before),
            "the terminal is not as it was"
        );
    }
}

/// Makes `terminal` the command's controlling terminal and its three streams.
fn on_terminal(command: &mut Command, terminal: &OwnedFd) {
    let copy = || Stdio::from(terminal.try_clone().expect("a copy"));
    command.stdin(copy()).stdout(copy()).stderr(copy());
    let controlling = terminal.try_clone().expect("a copy");
    let prepare = move || {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(&controlling)?;
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes two system calls.
    unsafe { command.pre_exec(prepare) };
}

fn at_prompt() -> AtTerminal {
    let mut tool = AtTerminal::start(&[]);
    tool.wait_for("Ctrl-A x leaves the machine");
    tool.wait_for("kdb> ");
    tool.assert_raw();
    tool
}

#[test]
fn keys_reach_the_guest_and_ctrl_a_x_leaves() {
    let mut tool = at_prompt();
    // Ctrl-C is for the guest, too: it is echoed and nothing ends.
    tool.press(b"a\x03b\r");
    tool.wait_for("a\x03b");
    tool.wait_for("heard");
    tool.wait_for("kdb> ");
    tool.press(b"\x01x");
    tool.wait_for("left the machine");
    tool.end(0);
}

#[test]
fn a_guest_that_ends_with_success_ends_it_with_success() {
    let mut tool = at_prompt();
    tool.press(b"Q");
    tool.wait_for("ended with success");
    tool.end(0);
}

#[test]
fn a_guest_that_panics_gives_the_terminal_back() {
    let mut tool = at_prompt();
    tool.press(b"P");
    tool.wait_for("panicked: it was asked to");
    tool.end(1);
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let tool = at_prompt();
        tool.signal(signal);
        tool.end(130);
    }
}

#[test]
fn a_deadline_gives_the_terminal_back() {
    let mut tool = AtTerminal::start(&["--timeout", "3s"]);
    tool.wait_for("the run reached its time limit");
    tool.end(124);
}

#[test]
fn qemu_killed_from_outside_gives_the_terminal_back() {
    let tool = at_prompt();
    rustix::process::kill_process(tool.run.emulator(), Signal::KILL).expect("it runs");
    tool.end(1);
}

#[test]
fn even_sigkill_gives_the_terminal_back() {
    let mut tool = at_prompt();
    let emulator = tool.run.emulator();
    tool.child.kill().expect("it runs");
    tool.child.wait().expect("a child of ours");
    wait_for_end_of(emulator);
    // The guardian prints this last.
    tool.wait_for("terminal restored");
    tool.assert_given_back();
}

#[test]
fn a_script_never_touches_the_terminal() {
    let words = [
        "--expect",
        "kdb>",
        "--send",
        "x",
        "--expect",
        "this never comes",
        "--timeout",
        "60s",
    ];
    let mut tool = AtTerminal::start(&words);
    tool.wait_for("heard");
    tool.assert_given_back();
    // So Ctrl-C at the terminal is a SIGINT, as people expect.
    let pressed = Instant::now();
    tool.press(b"\x03");
    tool.wait_for("interrupted by SIGINT");
    tool.end(130);
    assert!(pressed.elapsed() < Duration::from_secs(2));
}

#[test]
fn on_a_curses_screen_the_guest_may_end_or_the_person_may_quit() {
    let screen = |behaviour| {
        let run = Run::new();
        let mut command = run.qemu(behaviour, &["--display", "curses", "--timeout", "60s"]);
        command.env("TERM", "vt100");
        AtTerminal::with(run, command)
    };
    let mut tool = screen(Behaviour::Succeed);
    tool.wait_for("ended with success");
    tool.end(0);
    let mut tool = screen(Behaviour::FallSilent);
    // The firmware's words on the screen: QEMU reads keys by now.
    tool.wait_for("SeaBIOS");
    tool.press(b"\x1b2");
    tool.wait_for("(qemu)");
    tool.press(b"quit\r");
    tool.wait_for("left the machine");
    tool.end(0);
}
