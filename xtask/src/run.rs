//! Running a tool to its end: echoed, within the deadline, with its output.
//!
//! For tools that end by themselves: compilers, apt, image makers. What needs a
//! conversation or a process group of its own is started elsewhere.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use wait_timeout::ChildExt;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::ui::{self, Verbosity};

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
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    let mut child = spawn(command)?;
    wait(cx, &mut child, command)
}

/// Runs a tool and takes its output; echoed and shown only to the verbose.
pub fn output(cx: &Context, command: &mut Command) -> Result<Output> {
    cx.ui.echo_probe(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(command)?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(cx, &mut child, command)?;
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
    Ok(output)
}

/// Whether this program is an executable file: on PATH, or at its path.
pub fn program(name: &std::path::Path) -> Option<std::path::PathBuf> {
    if name.components().count() > 1 {
        return is_executable(name).then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // People without root have no sbin on PATH; mke2fs lives there.
    let system = ["/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .spawn()
        .doing(format_args!("starting `{}`", ui::command_line(command)))
}

fn wait(cx: &Context, child: &mut Child, command: &Command) -> Result<ExitStatus> {
    let doing = || format!("waiting for `{}`", ui::command_line(command));
    let ended = match cx.remaining() {
        Ok(None) => Some(child.wait().doing(doing())?),
        Ok(Some(left)) => child.wait_timeout(left).doing(doing())?,
        Err(_) => child.wait_timeout(Duration::ZERO).doing(doing())?,
    };
    match ended {
        Some(status) => Ok(status),
        None => {
            // It may have ended just now; either way it is reaped here.
            let _ = child.kill();
            child.wait().doing(doing())?;
            let program = command.get_program().to_string_lossy();
            Err(
                Failure::deadline(format!("the deadline passed while `{program}` was running"))
                    .mend("give more time with --timeout"),
            )
        }
    }
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
