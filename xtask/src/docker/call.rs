//! One call of an engine's client, listened to while it runs.
//!
//! Owns the wait: lines, signals and the deadline arrive in one queue. When it
//! returns, the client has ended and is reaped, whatever happened.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::interrupt;
use crate::process::{self, Group};
use crate::ui;

/// How long a client may take to end what it began at its engine.
const GRACE: Duration = Duration::from_secs(5);
/// How long its last words may take once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Event {
    Line(String),
    Read,
    Signal(i32),
    Ended(ExitStatus),
}

/// What is known of a call so far.
#[derive(Default)]
struct Heard {
    status: Option<ExitStatus>,
    /// How many of its two streams have ended.
    read: usize,
}

/// Runs a client to its end; each line of its output goes to `on_line` as it
/// comes.
///
/// # Errors
/// When a signal or the deadline ended it; then it was asked to end first, so
/// that its engine hears of it.
pub fn listen(
    cx: &Context,
    mut command: Command,
    mut on_line: impl FnMut(&str),
) -> Result<ExitStatus> {
    let (sender, events) = mpsc::channel();
    let (on_signal, on_end) = (sender.clone(), sender.clone());
    // Sending fails only when nobody waits any more, and then nobody cares.
    let _subscription =
        interrupt::subscribe(move |signal| drop(on_signal.send(Event::Signal(signal))))?;
    let doing = format!("running `{}`", ui::command_line(&command));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let spawned = process::spawn(command, Group::Own, Vec::new(), move |status| {
        drop(on_end.send(Event::Ended(status)));
    });
    let mut child = spawned.doing(&doing)?;
    if let Some(stderr) = child.stderr.take() {
        read_lines(stderr, sender.clone()).doing(&doing)?;
    }
    if let Some(stdout) = child.stdout.take() {
        read_lines(stdout, sender).doing(&doing)?;
    }
    let mut heard = Heard::default();
    loop {
        if let (Some(status), 2..) = (heard.status, heard.read) {
            return Ok(status);
        }
        match next(cx, &events, &heard) {
            Ok(Event::Line(line)) => on_line(&line),
            Ok(Event::Read) => heard.read += 1,
            Ok(Event::Ended(status)) => heard.status = Some(status),
            Ok(Event::Signal(signal)) => {
                child.end(GRACE);
                return Err(interrupt::failure(signal));
            }
            Err(_) if heard.status.is_some() => {
                // Somebody it started holds its pipes; they are not its words.
                heard.read = 2;
            }
            Err(_) => {
                child.end(GRACE);
                let what = format!("the deadline passed while {doing}");
                return Err(Failure::deadline(what).mend("give more time with --timeout"));
            }
        }
    }
}

/// The next event; an error when the time for it is over.
fn next(cx: &Context, events: &Receiver<Event>, heard: &Heard) -> Result<Event, RecvTimeoutError> {
    if heard.status.is_some() {
        return events.recv_timeout(LAST_WORDS);
    }
    match cx.deadline {
        None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(deadline) => events.recv_timeout(deadline.saturating_duration_since(Instant::now())),
    }
}

fn read_lines(pipe: impl Read + Send + 'static, tell: Sender<Event>) -> std::io::Result<()> {
    let body = move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if tell.send(Event::Line(text)).is_err() {
                return;
            }
        }
        drop(tell.send(Event::Read));
    };
    thread::Builder::new().spawn(body).map(drop)
}
