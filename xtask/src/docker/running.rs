//! A container while it runs: connected to us, and gone when we are.
//!
//! Owns its life. It ends in the order in which it can: by itself, on a signal
//! or the deadline through the engine, by the guard, by the keeper if we are
//! killed, and by the next run if everything was.
//!
//! **Invariants:** no container is started before its keeper watches; when
//! [`run`] returns there is none left.

use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::call;
use super::container::{self, Connected, Container};
use super::diagnosis;
use super::engine::Engine;
use crate::context::Context;
use crate::emulator::terminal::Held;
use crate::failure::{Doing, Failure, Result};
use crate::interrupt;
use crate::process::{Child, Group, spawn};
use crate::run;

/// How long what runs inside may take to end after SIGTERM, in seconds.
const INSIDE_GRACE: u32 = 10;
/// How long the engine may take to end a container, beyond that.
const ENGINE_GRACE: Duration = Duration::from_secs(10);

/// What standard input and output of the container are.
#[derive(Debug)]
pub enum Io {
    /// Ours.
    Ours,
    /// This text goes in, what comes out is kept.
    Captured(String),
}

/// How a container ended by itself.
#[derive(Debug)]
pub struct Ended {
    /// The exit status of what ran in it.
    pub status: ExitStatus,
    /// Its standard output, if that was captured.
    pub stdout: String,
}

enum Event {
    Ended(ExitStatus),
    Signal(i32),
    Stdout(String),
}

/// Makes a container, runs it to its end, and leaves none behind.
///
/// # Errors
/// When it cannot be made; when a signal or `deadline` ended it.
pub fn run(
    cx: &Context,
    engine: &Engine,
    container: &Container,
    io: Io,
    deadline: Option<Instant>,
) -> Result<Ended> {
    let (sender, events) = mpsc::channel();
    let on_signal = sender.clone();
    // From here on a signal waits for us instead of ending us.
    let _subscription =
        interrupt::subscribe(move |signal| drop(on_signal.send(Event::Signal(signal))))?;
    let guard = Guard {
        engine,
        name: &container.name,
    };
    let keeper = Keeper::watch(engine, &container.name).doing("starting the container's keeper")?;
    create(cx, engine, container)?;
    // The engine's client makes the terminal raw and may be killed.
    let held = match container.connected {
        Connected::Terminal => Held::lent().ok(),
        Connected::Pipes => None,
    };
    let child = start(engine, container, io, sender)?;
    let ended = wait(cx, engine, container, child, &events, deadline);
    drop(held);
    drop(guard);
    drop(keeper);
    ended
}

fn create(cx: &Context, engine: &Engine, container: &Container) -> Result<()> {
    let mut command = engine.command();
    command.args(container.create(engine.client));
    cx.ui.echo_probe(&command);
    let mut said = String::new();
    let status = call::listen(cx, command, |line| {
        said.push_str(line);
        said.push('\n');
    })?;
    if status.success() {
        return Ok(());
    }
    Err(refused(&said))
}

/// Why an engine did not do what it was told, from its own words.
pub fn refused(said: &str) -> Failure {
    match diagnosis::diagnose(said) {
        Some(trouble) => trouble.failure(),
        None => Failure::failed(format!("the engine refused:\n{}", said.trim_end())),
    }
}

fn start(engine: &Engine, container: &Container, io: Io, sender: Sender<Event>) -> Result<Child> {
    let mut command = engine.command();
    command.args(container.start());
    let mut input = None;
    if let Io::Captured(text) = io {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        input = Some(text);
    }
    // What may read our terminal must be in its foreground.
    let group = match rustix::termios::isatty(io::stdin()) && input.is_none() {
        true => Group::Ours,
        false => Group::Own,
    };
    let on_end = sender.clone();
    let child = spawn(command, group, Vec::new(), move |status| {
        drop(on_end.send(Event::Ended(status)));
    });
    let mut child = child.doing("starting the container")?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        // Fails only if it ended first, which is told elsewhere. The pipe is
        // closed with it.
        let body = move || drop(pipe.write_all(text.as_bytes()));
        thread::Builder::new()
            .spawn(body)
            .doing("starting a thread")?;
    }
    if let Some(mut pipe) = child.stdout.take() {
        let body = move || {
            let mut bytes = Vec::new();
            // What was read until an error is still worth having.
            let _ = io::Read::read_to_end(&mut pipe, &mut bytes);
            drop(sender.send(Event::Stdout(String::from_utf8_lossy(&bytes).into_owned())));
        };
        thread::Builder::new()
            .spawn(body)
            .doing("starting a thread")?;
    } else {
        // Nothing is captured, so nothing has to be waited for.
        drop(sender.send(Event::Stdout(String::new())));
    }
    Ok(child)
}

fn wait(
    cx: &Context,
    engine: &Engine,
    container: &Container,
    mut child: Child,
    events: &Receiver<Event>,
    deadline: Option<Instant>,
) -> Result<Ended> {
    let deadline = [deadline, cx.deadline].into_iter().flatten().min();
    let (mut status, mut stdout) = (None, None);
    loop {
        if let (Some(status), Some(stdout)) = (status, stdout.as_mut()) {
            let stdout = std::mem::take(stdout);
            return Ok(Ended { status, stdout });
        }
        let event = match deadline {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => {
                events.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            }
        };
        let failure = match event {
            Ok(Event::Ended(ended)) => {
                status = Some(ended);
                continue;
            }
            Ok(Event::Stdout(text)) => {
                stdout = Some(text);
                continue;
            }
            Ok(Event::Signal(signal)) => interrupt::failure(signal),
            Err(_) => Failure::deadline(
                "the deadline passed; the container and all that ran in it are ended",
            )
            .mend("give more time with --timeout"),
        };
        stop(engine, container);
        child.end(Duration::from_secs(1));
        return Err(failure);
    }
}

/// Ends what runs in the container, in an orderly way while that lasts.
fn stop(engine: &Engine, container: &Container) {
    let mut command = engine.command();
    command.args(container::stop(&container.name, INSIDE_GRACE));
    quietly(&mut command);
    let longest = Duration::from_secs(u64::from(INSIDE_GRACE)) + ENGINE_GRACE;
    if let Ok(child) = spawn(command, Group::Own, Vec::new(), |_| ()) {
        // The guard removes it by force in any case.
        child.wait_until(Instant::now() + longest);
    }
}

/// Removes the container when dropped.
struct Guard<'a> {
    engine: &'a Engine,
    name: &'a str,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let mut command = self.engine.command();
        command.args(container::remove(&[self.name]));
        quietly(&mut command);
        if let Ok(child) = spawn(command, Group::Own, Vec::new(), |_| ()) {
            // "No such container" is what is hoped for.
            child.wait_until(Instant::now() + ENGINE_GRACE);
        }
    }
}

/// One shell that waits on a pipe from us, as the terminal's guardian does. A
/// word tells it that all is well; the pipe's end without one tells it that we
/// died, and then it removes the container.
struct Keeper {
    shell: process::Child,
}

/// A container that is being made while we die is there a moment later.
const KEEPER: &str = "trap '' INT HUP TERM QUIT\n\
                      read word || { \"$@\" || { sleep 2; exec \"$@\"; }; }";

impl Keeper {
    fn watch(engine: &Engine, name: &str) -> io::Result<Keeper> {
        let remove = engine.command();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]);
        command.arg(remove.get_program()).args(remove.get_args());
        command.args(container::remove(&[name]));
        for (name, value) in remove.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        quietly(&mut command);
        command.stdin(Stdio::piped());
        // Not in our group, or what kills the group kills it as well.
        command.process_group(0);
        Ok(Keeper {
            shell: command.spawn()?,
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.shell.stdin.take() {
            // Fails only if somebody ended the shell, and then it does nothing.
            let _ = pipe.write_all(b"well\n");
        }
        let _ = self.shell.wait();
    }
}

fn quietly(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
}

/// Removes containers whose owner on this machine has died.
pub fn remove_orphans(cx: &Context, engine: &Engine, boot: &str) -> Result<()> {
    let mut list = engine.command();
    let format = format!(
        "{{{{.Names}}}} {{{{.Label \"{}\"}}}} {{{{.Label \"{}\"}}}}",
        container::OWNER_LABEL,
        container::BOOT_LABEL
    );
    list.args(["ps", "--all", "--filter"])
        .arg(format!("label={}", container::OWNER_LABEL))
        .args(["--format", &format]);
    let listed = run::output(cx, &mut list)?;
    if !listed.status.success() {
        return Err(refused(&listed.stderr));
    }
    let orphans = container::orphans(&listed.stdout, boot, is_alive);
    if orphans.is_empty() {
        return Ok(());
    }
    cx.ui.say(format_args!(
        "removing what an earlier run left: {}",
        orphans.join(", ")
    ));
    // Another run may be removing them as well.
    run::output(cx, engine.command().args(container::remove(&orphans))).map(drop)
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // EPERM is somebody else's process, which is one.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// What tells this boot of this machine from every other.
pub fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Process numbers mean nothing in another namespace of them.
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let space: String = space
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}-{space}", text.trim())
}

/// The code with which a container's program ended; a signal as a shell says it.
pub fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1)
}
