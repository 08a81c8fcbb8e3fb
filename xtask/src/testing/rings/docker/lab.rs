//! What a case of the docker ring works with: the tool, an engine, a folder.
//!
//! Owns how the tool is run and watched. A case asks for what must be seen;
//! everything it ran is recorded, for the report of one that fails.
//!
//! **Invariants:** whatever a case started is gone when its lab is: processes by
//! their guard, containers and images by their owner's label or name.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::context::Context;
use crate::docker::container::OWNER_LABEL;
use crate::docker::engine::Engine;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::interrupt;
use crate::process::{self, Group};
use crate::run;
use crate::testing::case::file_stem;
use crate::ui;

/// How long one run of the tool may take: the first one may have to build an
/// image from packages that have to be fetched.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How long it may take to end what it began.
const GRACE: Duration = Duration::from_secs(15);
/// The user that no machine gives any rights to.
const NOBODY: u32 = 65_534;

/// Why a case did not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// It found a mistake.
    Failed(String),
    /// It cannot be run here.
    Skipped(String),
    /// Somebody wants all this to end.
    Interrupted,
}

/// What a case returns.
pub(super) type Outcome = std::result::Result<(), Stop>;

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure.exit {
            Exit::Interrupted => Stop::Interrupted,
            _ => Stop::Failed(failure.to_string()),
        }
    }
}

/// The place of one case.
pub(super) struct Lab<'a> {
    pub(super) cx: &'a Context,
    pub(super) engine: &'a Engine,
    /// A folder of its own, short enough for the path of a socket.
    pub(super) folder: PathBuf,
    record: Mutex<Vec<String>>,
}

impl<'a> Lab<'a> {
    pub(super) fn new(cx: &'a Context, engine: &'a Engine, name: &str) -> Result<Self> {
        let stem = file_stem(name.rsplit("::").next().unwrap_or(name));
        let folder = std::env::temp_dir().join(format!("exov6-{}-{stem}", std::process::id()));
        fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
        Ok(Lab {
            cx,
            engine,
            folder,
            record: Mutex::new(Vec::new()),
        })
    }

    /// This tool, ready to run with these words.
    pub(super) fn xtask(&self, words: &[&str]) -> Call<'_> {
        // What runs the tests is what is tested.
        let program = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
        let mut command = Command::new(program);
        command.args(words).current_dir(self.cx.project.root());
        Call {
            lab: self,
            command,
            at: None,
            excuse: None,
        }
    }

    /// Everything that was run, and what it said.
    pub(super) fn record(&self) -> Vec<String> {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn note(&self, line: impl Into<String>) {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line.into());
    }

    /// One question to the engine of all cases.
    pub(super) fn docker(&self, words: &[&str]) -> std::result::Result<String, Stop> {
        let mut command = self.engine.command();
        command.args(words);
        self.ask(&mut command)
    }

    pub(super) fn ask(&self, command: &mut Command) -> std::result::Result<String, Stop> {
        self.note(format!("$ {}", ui::command_line(command)));
        let output = run::output(self.cx, command)?;
        self.note(output.stderr.trim_end());
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Stop::Failed(format!(
            "`{}` failed: {}",
            ui::command_line(command),
            output.stderr.trim_end()
        )))
    }

    /// A tiny image for this architecture under this name, in that engine: one
    /// file, nothing that runs.
    pub(super) fn tiny_image(
        &self,
        engine: &mut Command,
        name: &str,
        architecture: &str,
        label: (&str, &str),
    ) -> Outcome {
        let folder = self.folder.join("tiny");
        fs::create_dir_all(&folder).doing("making a folder")?;
        let dockerfile = format!(
            "FROM scratch\nCOPY file /file\nLABEL {}={}\n",
            label.0, label.1
        );
        for (name, text) in [("Dockerfile", dockerfile.as_str()), ("file", "nothing\n")] {
            fs::write(folder.join(name), text).doing("writing a file")?;
        }
        engine.args(["buildx", "build", "--quiet", "--load"]);
        engine.arg(format!("--platform=linux/{architecture}"));
        engine.arg("--tag").arg(name).arg(&folder);
        self.ask(engine).map(drop)
    }
}

/// A folder of base images in which nothing was left but its lock.
pub(super) fn only_the_lock(folder: &Path) -> Outcome {
    let doing = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).doing(doing())? {
        let found = entry.doing(doing())?.file_name();
        if found != ".exov6-lock" {
            let what = format!("it left {}", folder.join(found).display());
            return Err(Stop::Failed(what));
        }
    }
    Ok(())
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        // A mount that is still there keeps it, and its guard tells of that.
        drop(fs::remove_dir_all(&self.folder));
    }
}

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
