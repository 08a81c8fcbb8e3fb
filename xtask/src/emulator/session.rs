//! One run of a machine, from its start to its [`Outcome`].
//!
//! Owns the event loop: console bytes, QEMU's events, signals and limits all
//! arrive in one queue, so nothing is polled and nothing is missed.
//!
//! **Invariants:** the emulator is ended and reaped before [`Session::finish`],
//! [`Session::stop`] or the drop return, whatever happened. `end` is set once
//! and says what happened first; everything the guest said before that is in
//! the console by then.

mod ending;

use std::io::{self, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use regex::Regex;

use crate::context::Context;
use crate::failure::Result;
use crate::interrupt::{self, Subscription};
use crate::machine::Emulator;
use crate::process::{self, Child, Group};

use super::console::{Console, Match};
pub use super::limits::Limits;
use super::outcome::{End, Outcome};
use super::qmp;
use super::spec::{Leaving, MachineSpec};
use super::start::{self, Control, Started};
use super::streams::{self, Said};
use super::transcript::Transcript;

/// Where a session is told to listen and to write, beside the machine.
#[derive(Default)]
pub struct Attachments {
    /// Everything the guest says goes here too, as it is and at once.
    pub copies: Vec<Box<dyn Write + Send>>,
    /// A listening socket where gdb will call.
    pub debugger: Option<TcpListener>,
    /// Where to write what the screen shows at the end.
    pub screenshot: Option<PathBuf>,
}

/// What a session waits for.
#[derive(Debug)]
enum Event {
    Console(Said),
    Machine(qmp::Event),
    Ended(Instant, ExitStatus),
    Signal(i32),
    Typed(Typed),
    Companion,
}

/// What a person typed, for [`super::terminal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// These bytes.
    Keys(Vec<u8>),
    /// Nothing more will come.
    Nothing,
}

/// Why [`Session::wait`] returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The guest said something.
    Guest,
    /// The person typed something.
    Person(Typed),
    /// The program that runs beside the machine has ended.
    Companion,
    /// The run is over.
    End(End),
}

/// A running machine.
pub struct Session {
    child: Child,
    companion: Option<Child>,
    control: Control,
    transcript: Arc<Transcript>,
    console: Console,
    events: Receiver<Event>,
    sender: Sender<Event>,
    keyboard: Sender<Vec<u8>>,
    limits: Limits,
    leaving: Leaving,
    screenshot: Option<PathBuf>,
    screenshot_error: Option<String>,
    started: Instant,
    deadline: Option<Instant>,
    console_open: Open,
    asked_to_quit: Asked,
    end: Option<End>,
    elapsed: Duration,
    registers: Option<String>,
    // Last, so that a signal during the drop of the others is still ours.
    _subscription: Subscription,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Yes,
    No,
}

/// Whether QEMU's end was our wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Yes,
    No,
}

impl Session {
    /// Starts the machine.
    pub fn start(cx: &Context, spec: &MachineSpec, limits: Limits) -> Result<Session> {
        Session::start_with(cx, spec, limits, Attachments::default())
    }

    /// Starts the machine with something attached.
    pub fn start_with(
        cx: &Context,
        spec: &MachineSpec,
        limits: Limits,
        attached: Attachments,
    ) -> Result<Session> {
        let (sender, events) = mpsc::channel();
        // Sending fails only when the session is gone, and then nobody cares.
        let tell = |sender: &Sender<Event>| {
            let sender = sender.clone();
            move |event| drop(sender.send(event))
        };
        let (on_signal, on_machine, on_end) = (tell(&sender), tell(&sender), tell(&sender));
        let subscription = interrupt::subscribe(move |signal| on_signal(Event::Signal(signal)))?;
        cx.remaining()?;
        let started = Instant::now();
        let Started {
            child,
            console,
            keyboard,
            transcript,
            control,
        } = start::start(
            cx,
            spec,
            attached.debugger,
            move |event| on_machine(Event::Machine(event)),
            move |status| on_end(Event::Ended(Instant::now(), status)),
        )?;
        let on_console = tell(&sender);
        streams::listen(console, attached.copies, move |said| {
            on_console(Event::Console(said))
        })?;
        let deadlines = [started.checked_add(limits.total), cx.deadline];
        let leaving = if spec.emulator == Emulator::Bochs {
            Leaving::Marker
        } else {
            spec.leaving
        };
        Ok(Session {
            child,
            companion: None,
            control,
            transcript,
            console: Console::default(),
            events,
            sender,
            keyboard: streams::type_into(keyboard)?,
            limits,
            leaving,
            screenshot: attached.screenshot,
            screenshot_error: None,
            started,
            deadline: deadlines.into_iter().flatten().min(),
            console_open: Open::Yes,
            asked_to_quit: Asked::No,
            end: None,
            elapsed: Duration::ZERO,
            registers: None,
            _subscription: subscription,
        })
    }

    /// The emulator's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the guest said so far.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Waits for the next match of `pattern` after the last one.
    ///
    /// # Errors
    /// How the run ended, if it did before that.
    pub fn wait_for(&mut self, pattern: &Regex) -> Result<Match, End> {
        loop {
            if let Some(found) = self.console.find(pattern) {
                return Ok(found);
            }
            if let Heard::End(end) = self.wait() {
                // What came with the end counts: the last line is often the
                // one that was waited for.
                return self.console.find(pattern).ok_or(end);
            }
        }
    }

    /// Types `line` and a carriage return, as a terminal does.
    pub fn send(&mut self, line: &str) {
        self.type_bytes(format!("{line}\r").into_bytes());
    }

    /// Types these bytes.
    pub fn type_bytes(&mut self, bytes: Vec<u8>) {
        // Fails when the emulator is gone, and its end tells that better.
        let _ = self.keyboard.send(bytes);
    }

    /// A way for another thread to hand in what a person types.
    pub fn typist(&self) -> impl Fn(Typed) + Send + 'static {
        let sender = self.sender.clone();
        move |typed| drop(sender.send(Event::Typed(typed)))
    }

    /// Starts a debugger beside the machine. It ends before the machine when
    /// that has to be ended, but not when it ends by itself.
    pub fn accompany(&mut self, command: Command, group: Group) -> io::Result<()> {
        let sender = self.sender.clone();
        let tell = move |_| drop(sender.send(Event::Companion));
        self.companion = Some(process::spawn(command, group, Vec::new(), tell)?);
        Ok(())
    }

    /// The debugger's exit status; it is ended if it takes longer than
    /// `patience`.
    pub fn companion_status(&mut self, patience: Duration) -> Option<ExitStatus> {
        let companion = self.companion.as_mut()?;
        let in_time = Instant::now()
            .checked_add(patience)
            .map(|end| companion.wait_until(end));
        match in_time {
            None => Some(companion.wait()),
            Some(Some(status)) => Some(status),
            Some(None) => Some(companion.end(process::GRACE)),
        }
    }

    /// Waits for the end of the run, within the limits.
    pub fn finish(mut self) -> Outcome {
        while !matches!(self.wait(), Heard::End(_)) {}
        self.into_outcome()
    }

    /// Ends the run now, if it has not ended already.
    pub fn stop(mut self) -> Outcome {
        // An end that is already in the queue came first.
        while self.end.is_none() {
            match self.events.try_recv() {
                Ok(event) => drop(self.take_in(event)),
                Err(_) => self.conclude(End::Stopped),
            }
        }
        self.into_outcome()
    }

    /// Why there is no screenshot although one was asked for.
    pub fn screenshot_error(&self) -> Option<&str> {
        self.screenshot_error.as_deref()
    }

    /// Waits until something happens, or until a limit expires.
    pub fn wait(&mut self) -> Heard {
        loop {
            if let Some(end) = self.end {
                return Heard::End(end);
            }
            let (limit, expiry) = self.limits.next(self.started, self.deadline, &self.console);
            let event = match expiry {
                // The session itself holds a sender, so the queue is open.
                None => self
                    .events
                    .recv()
                    .map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self
                    .events
                    .recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match event {
                Ok(event) => {
                    if let Some(heard) = self.take_in(event) {
                        return heard;
                    }
                }
                Err(_) => self.conclude(End::Deadline(limit)),
            }
        }
    }

    fn take_in(&mut self, event: Event) -> Option<Heard> {
        match event {
            Event::Console(Said::Bytes(at, bytes)) => {
                self.console
                    .push(at.saturating_duration_since(self.started), &bytes);
                if self.leaving == Leaving::Marker && self.console.end_marker().is_some() {
                    self.conclude(End::Marked);
                }
                return Some(Heard::Guest);
            }
            Event::Console(Said::Nothing) => self.console_open = Open::No,
            // A debugger shows it by itself, and the person may want to look.
            Event::Machine(qmp::Event::Reset) if self.companion.is_some() => {}
            Event::Machine(qmp::Event::Reset) => self.conclude(End::Reset),
            Event::Machine(qmp::Event::Off) => {
                // Its end follows, with the guest's exit code.
                if let Control::Qmp(qmp) = &mut self.control {
                    qmp.quit();
                    self.asked_to_quit = Asked::Yes;
                }
            }
            Event::Machine(qmp::Event::Left) => {
                if self.asked_to_quit == Asked::No {
                    self.conclude(End::Stopped);
                }
            }
            Event::Ended(at, status) => {
                let end = self.end_by_itself(status);
                self.settle(end, at);
            }
            Event::Signal(signal) => self.conclude(End::Interrupted(signal)),
            Event::Typed(typed) => return Some(Heard::Person(typed)),
            Event::Companion => return Some(Heard::Companion),
        }
        self.end.map(Heard::End)
    }
}
