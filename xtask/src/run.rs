//! Running a tool to its end: echoed, within the deadline, with its output.
//!
//! For tools that end by themselves: compilers, apt, image makers. What needs a
//! conversation or a process group of its own is started elsewhere.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wait_timeout::ChildExt;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::ui::{self, Verbosity};

/// How long a tool may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

/// What a tool left behind.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Echoes and runs a tool whose output goes to our stderr.
pub fn to_end(cx: &Context, command: &mut Command) -> Result<ExitStatus> {
    cx.ui.echo(command);
    // Our stdout belongs to the document that was asked for.
    command.stdin(Stdio::null()).stdout(io::stderr());
    let mut child = spawn(command)?;
    wait(cx, &mut child, command)
}

/// Runs a tool and takes its output; echoed and shown only to the verbose.
pub fn output(cx: &Context, command: &mut Command) -> Result<Output> {
    match output_within(cx, command, Duration::MAX)? {
        Some(output) => Ok(output),
        None => Err(too_late(command)),
    }
}

/// Like [`output`], but gives a tool that takes longer up: `None`.
pub fn output_within(
    cx: &Context,
    command: &mut Command,
    longest: Duration,
) -> Result<Option<Output>> {
    cx.ui.echo_probe(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let left = time_left(cx).unwrap_or(Duration::MAX);
    let status = match end_within(&mut child, left.min(longest), command)? {
        Some(status) => status,
        None if left <= longest => return Err(too_late(command)),
        None => return Ok(None),
    };
    let output = Output {
        status,
        stdout: joined(stdout),
        stderr: joined(stderr),
    };
    if cx.ui.verbosity() >= Verbosity::Everything {
        for line in output.stdout.lines().chain(output.stderr.lines()) {
            cx.ui.detail(format_args!("  {line}"));
        }
    }
    Ok(Some(output))
}

/// Echoes and runs a tool, handing on each line of its output as it comes.
pub fn lines(
    cx: &Context,
    command: &mut Command,
    mut on_line: impl FnMut(&str),
) -> Result<ExitStatus> {
    cx.ui.echo(command);
    let doing = format!("reading the output of `{}`", ui::command_line(command));
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(io::Error::from)
        .doing(&doing)?;
    let second = writer.try_clone().doing(&doing)?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let mut child = spawn(command)?;
    // The command holds the writing ends; as long as it does, reading never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut pipe = std::fs::File::from(reader);
    let mut pending = Vec::new();
    let mut chunk = [0; 4096];
    while readable(cx, pipe.as_fd().try_clone_to_owned().doing(&doing)?)? {
        let count = pipe.read(&mut chunk).doing(&doing)?;
        if count == 0 {
            break;
        }
        // Progress meters go back to the start of their line.
        for &byte in &chunk[..count] {
            if byte == b'\n' || byte == b'\r' {
                on_line(String::from_utf8_lossy(&pending).trim_end());
                pending.clear();
            } else {
                pending.push(byte);
            }
        }
    }
    if !pending.is_empty() {
        on_line(String::from_utf8_lossy(&pending).trim_end());
    }
    wait(cx, &mut child, command)
}

/// Whether this program is an executable file: on PATH, or at its path.
pub fn program(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return is_executable(name).then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // People without root have no sbin on PATH; mke2fs lives there.
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .spawn()
        .doing(format_args!("starting `{}`", ui::command_line(command)))
}

/// What is left of the deadline: zero once it has passed, `None` without one.
fn time_left(cx: &Context) -> Option<Duration> {
    cx.deadline
        .map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Waits for something to read or the end of output; `false` when time is up.
fn readable(cx: &Context, pipe: OwnedFd) -> Result<bool> {
    let timeout = time_left(cx).and_then(|left| Timespec::try_from(left).ok());
    loop {
        let mut waited = [PollFd::new(&pipe, PollFlags::IN)];
        match poll(&mut waited, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                return Ok(other
                    .map_err(io::Error::from)
                    .doing("waiting for a tool's output")?
                    > 0);
            }
        }
    }
}

fn wait(cx: &Context, child: &mut Child, command: &Command) -> Result<ExitStatus> {
    end_within(child, time_left(cx).unwrap_or(Duration::MAX), command)?
        .ok_or_else(|| too_late(command))
}

/// Waits for the end of a child; one that takes longer is killed and reaped.
fn end_within(
    child: &mut Child,
    longest: Duration,
    command: &Command,
) -> Result<Option<ExitStatus>> {
    let doing = || format!("waiting for `{}`", ui::command_line(command));
    if longest == Duration::MAX {
        return child.wait().map(Some).doing(doing());
    }
    if let Some(status) = child.wait_timeout(longest).doing(doing())? {
        return Ok(Some(status));
    }
    // Asked first: apt tidies up, a killed one leaves dpkg in the middle.
    let pid = rustix::process::Pid::from_child(child);
    let asked = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    if asked == Err(rustix::io::Errno::PERM) {
        // It is root's, through sudo: it ends when it wants to.
        return Ok(None);
    }
    if child.wait_timeout(GRACE).doing(doing())?.is_none() {
        // It may have ended just now; either way it is reaped here.
        let _ = child.kill();
        child.wait().doing(doing())?;
    }
    Ok(None)
}

fn too_late(command: &Command) -> Failure {
    let program = command.get_program().to_string_lossy();
    Failure::deadline(format!("the deadline passed while `{program}` was running"))
        .mend("give more time with --timeout")
}

/// A reader of its own for each pipe, or a full one would block the tool.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Option<thread::JoinHandle<Vec<u8>>> {
    pipe.map(|mut pipe| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read until an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
            bytes
        })
    })
}

fn joined(reader: Option<thread::JoinHandle<Vec<u8>>>) -> String {
    let bytes = reader
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_status_come_back() {
        let output = output(
            &Context::of_a_test(None),
            &mut shell("echo out; echo err >&2; exit 7"),
        )
        .expect("sh starts");
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("out\n", "err\n")
        );
        assert_eq!(output.status.code(), Some(7));
    }

    #[test]
    fn more_output_than_a_pipe_holds_is_no_hang() {
        let output = output(
            &Context::of_a_test(None),
            &mut shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"),
        );
        let output = output.expect("sh starts");
        assert_eq!(
            (output.stdout.len(), output.stderr.len()),
            (300_000, 300_000)
        );
    }

    #[test]
    fn lines_come_one_by_one_from_both_streams() {
        let mut seen = Vec::new();
        let mut command = shell("echo one; echo two >&2; printf 'a\\rb\\nlast'");
        let status = lines(&Context::of_a_test(None), &mut command, |line| {
            seen.push(line.to_owned())
        })
        .expect("sh starts");
        assert!(status.success());
        assert_eq!(seen, ["one", "two", "a", "b", "last"]);
    }

    #[test]
    fn the_deadline_ends_a_tool_however_it_is_run() {
        let hang = || shell("exec tail -f /dev/null");
        let soon = Some(Duration::from_millis(100));
        let by_output = output(&Context::of_a_test(soon), &mut hang()).expect_err("it never ends");
        let by_lines =
            lines(&Context::of_a_test(soon), &mut hang(), |_| ()).expect_err("it never ends");
        let by_status = to_end(&Context::of_a_test(soon), &mut hang()).expect_err("it never ends");
        for failure in [by_output, by_lines, by_status] {
            assert_eq!(failure.exit, Exit::Deadline, "{failure}");
        }
    }

    #[test]
    fn a_tool_that_takes_too_long_is_given_up_but_is_no_failure() {
        let mut hang = shell("exec tail -f /dev/null");
        let given_up = output_within(
            &Context::of_a_test(None),
            &mut hang,
            Duration::from_millis(50),
        )
        .expect("sh starts");
        assert!(given_up.is_none());
    }

    #[test]
    fn what_cannot_start_says_which_command() {
        let failure = output(
            &Context::of_a_test(None),
            &mut Command::new("/nowhere/tool"),
        )
        .expect_err("not there");
        assert!(
            failure.what.starts_with("starting `/nowhere/tool` failed"),
            "{failure}"
        );
    }
}
