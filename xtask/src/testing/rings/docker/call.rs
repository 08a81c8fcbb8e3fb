//! One run of the tool by a case, from its words to what it said.
//!
//! Owns how it is watched: what is done to it when it says something, and for how
//! long it may go on.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::lab::{Lab, Outcome, Stop};
use crate::docker::container::OWNER_LABEL;
use crate::failure::Doing;
use crate::interrupt;
use crate::process::{self, Group};
use crate::ui;

/// How long one run of the tool may take: the first one may have to build an
/// image from packages that have to be fetched.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How long it may take to end what it began.
const GRACE: Duration = Duration::from_secs(15);
/// The user that no machine gives any rights to.
const NOBODY: u32 = 65_534;

/// What happens to a running tool: given its case and its process.
type Deed = fn(&Lab<'_>, u32) -> Outcome;

/// What is done to it.
enum What {
    Signal(Signal),
    Deed(Deed),
}

/// When what happens to it.
struct Moment {
    pattern: String,
    deed: What,
}

/// One run of the tool, before it begins.
pub(super) struct Call<'a> {
    lab: &'a Lab<'a>,
    command: Command,
    at: Option<Moment>,
    /// What a run says that cannot be made here.
    excuse: Option<&'static str>,
}

/// What became of a run.
pub(super) struct Said<'a> {
    lab: &'a Lab<'a>,
    line: String,
    pid: u32,
    status: ExitStatus,
    text: String,
    document: String,
}

/// Which of its two streams a line came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

enum Event {
    Line(Stream, String),
    /// A stream ended.
    Closed,
    Ended(ExitStatus),
    Signal,
}

impl<'a> Call<'a> {
    pub(super) fn new(lab: &'a Lab<'a>, command: Command) -> Self {
        Call {
            lab,
            command,
            at: None,
            excuse: None,
        }
    }

    pub(super) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub(super) fn arg(mut self, word: impl Into<OsString>) -> Self {
        self.command.arg(word.into());
        self
    }

    /// As a user without any rights; only root can be somebody else.
    pub(super) fn by_nobody(mut self) -> std::result::Result<Self, Stop> {
        if !rustix::process::geteuid().is_root() {
            return Err(Stop::Skipped(
                "only root can become another user".to_owned(),
            ));
        }
        self.command
            .uid(NOBODY)
            .gid(NOBODY)
            .env("HOME", "/nonexistent");
        Ok(self)
    }

    /// Sends `signal` as soon as a line contains `pattern`.
    pub(super) fn signalled(mut self, pattern: &str, signal: Signal) -> Self {
        self.at = Some(Moment {
            pattern: pattern.to_owned(),
            deed: What::Signal(signal),
        });
        self
    }

    /// Does something else as soon as a line contains `pattern`.
    pub(super) fn on(mut self, pattern: &str, deed: Deed) -> Self {
        self.at = Some(Moment {
            pattern: pattern.to_owned(),
            deed: What::Deed(deed),
        });
        self
    }

    /// A run that says this cannot be made here.
    pub(super) fn unless(mut self, excuse: &'static str) -> Self {
        self.excuse = Some(excuse);
        self
    }

    pub(super) fn run(mut self) -> std::result::Result<Said<'a>, Stop> {
        let line = ui::command_line(&self.command);
        self.lab.note(format!("$ {line}"));
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (send, events) = mpsc::channel();
        let (on_end, on_signal) = (send.clone(), send.clone());
        let _subscription = interrupt::subscribe(move |_| drop(on_signal.send(Event::Signal)))?;
        let spawned = process::spawn(self.command, Group::Own, Vec::new(), move |status| {
            drop(on_end.send(Event::Ended(status)));
        });
        let mut child = spawned.doing("starting this tool")?;
        let pid = child.id();
        let readers = [
            child
                .stdout
                .take()
                .map(|pipe| read(Stream::Stdout, pipe, send.clone())),
            child
                .stderr
                .take()
                .map(|pipe| read(Stream::Stderr, pipe, send.clone())),
        ];
        drop(send);
        let mut text = String::new();
        let mut document = String::new();
        let mut status = None;
        let mut at = self.at;
        let deadline = Instant::now() + PATIENCE;
        let mut closed = 0;
        // Its end and the ends of both its streams.
        while closed < 2 || status.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            match events.recv_timeout(left) {
                Ok(Event::Line(stream, line)) => {
                    self.lab.note(line.clone());
                    if at.as_ref().is_some_and(|at| line.contains(&at.pattern)) {
                        match at.take().map(|at| at.deed) {
                            Some(What::Signal(signal)) => child.signal(signal),
                            Some(What::Deed(deed)) => deed(self.lab, pid)?,
                            None => {}
                        }
                    }
                    for text in [
                        Some(&mut text),
                        (stream == Stream::Stdout).then_some(&mut document),
                    ]
                    .into_iter()
                    .flatten()
                    {
                        text.push_str(&line);
                        text.push('\n');
                    }
                }
                Ok(Event::Ended(ended)) => status = Some(ended),
                Ok(Event::Closed) => closed += 1,
                Ok(Event::Signal) => {
                    child.end(GRACE);
                    return Err(Stop::Interrupted);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.end(GRACE);
                    return Err(Stop::Failed(format!("`{line}` did not end in time")));
                }
            }
        }
        drop(readers);
        if let Some(excuse) = self.excuse.filter(|excuse| text.contains(excuse)) {
            return Err(Stop::Skipped(format!("`{line}` said `{excuse}`")));
        }
        if let Some(at) = at {
            return Err(Stop::Failed(format!(
                "`{line}` never said `{}`",
                at.pattern
            )));
        }
        Ok(Said {
            lab: self.lab,
            line,
            pid,
            status: status.unwrap_or_else(|| child.wait()),
            text,
            document,
        })
    }
}

fn read(
    stream: Stream,
    pipe: impl Read + Send + 'static,
    tell: Sender<Event>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe)
            .lines()
            .map_while(std::result::Result::ok)
        {
            // Nobody listens once the case has given up.
            if tell.send(Event::Line(stream, line)).is_err() {
                return;
            }
        }
        drop(tell.send(Event::Closed));
    })
}

impl Said<'_> {
    /// It ended with this code, and said all of this.
    pub(super) fn expect(&self, code: i32, words: &[&str]) -> Outcome {
        if self.status.code() != Some(code) {
            return Err(Stop::Failed(format!(
                "`{}` ended with {}, not with {code}",
                self.line, self.status
            )));
        }
        match words.iter().find(|word| !self.text.contains(*word)) {
            Some(word) => Err(Stop::Failed(format!("`{}` never said `{word}`", self.line))),
            None => Ok(()),
        }
    }

    /// It left no container of its own. One that the engine is removing by
    /// itself is none.
    pub(super) fn leaves_nothing(&self) -> Outcome {
        let filter = format!("label={OWNER_LABEL}={}", self.pid);
        let format = "{{.State}} {{.Names}}";
        let words = ["ps", "--all", "--filter", &filter, "--format", format];
        let left = self.lab.docker(&words)?;
        match left.lines().find(|line| !line.starts_with("removing ")) {
            None => Ok(()),
            Some(left) => Err(Stop::Failed(format!(
                "`{}` left a container: {left}",
                self.line
            ))),
        }
    }

    /// What it wrote to standard output alone.
    pub(super) fn document(&self) -> &str {
        &self.document
    }
}
