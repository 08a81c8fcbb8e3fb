//! A person at the guest's console.
//!
//! Owns our terminal while it is not in its usual state: raw, so that every
//! key reaches the guest, and given back however the run ends. Ctrl-A x
//! leaves; without a terminal, lines of standard input go to the guest, one a
//! prompt.
//!
//! **Invariants:** as long as the terminal is held, its old settings are in
//! [`HELD`], so that a panic, a signal or an early exit can give it back.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags};
use rustix::termios::{OptionalActions, OutputModes, Termios};

use crate::failure::{Doing, Result};
use crate::machine::Display;
use crate::ui::Ui;

use super::guardian::Guardian;
use super::outcome::End;
use super::session::{Heard, Session, Typed};

/// The settings of the terminal before it was raw, and what SIGTTOU did then.
static HELD: Mutex<Option<(Termios, libc::sighandler_t)>> = Mutex::new(None);

/// Ctrl-A, which begins a command to us.
const ESCAPE: u8 = 0x01;

/// Holding the terminal, raw or lent to another program, until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the terminal back"]
pub struct Held {
    // Dropped after our own `drop` has given the terminal back.
    _guardian: Option<Guardian>,
}

/// What a person's keys mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// These go to the guest.
    ForGuest(Vec<u8>),
    /// The person wants to leave.
    Leave,
}

/// Finds Ctrl-A x in what is typed. Ctrl-A twice is one for the guest; before
/// any other key it is dropped.
#[derive(Debug, Default)]
pub struct Escapes {
    pending: Pending,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Pending {
    #[default]
    Nothing,
    Escape,
}

impl Escapes {
    /// What the next keys mean.
    pub fn read(&mut self, keys: &[u8]) -> Meaning {
        let mut for_guest = Vec::with_capacity(keys.len());
        for &key in keys {
            match (self.pending, key) {
                (Pending::Nothing, ESCAPE) => self.pending = Pending::Escape,
                (Pending::Nothing, key) => for_guest.push(key),
                (Pending::Escape, b'x' | b'X') => return Meaning::Leave,
                (Pending::Escape, key) => {
                    self.pending = Pending::Nothing;
                    if key == ESCAPE {
                        for_guest.push(key);
                    }
                }
            }
        }
        Meaning::ForGuest(for_guest)
    }
}

/// Where the person sits. Taken before the machine starts, so that what it
/// says first and what is typed first meet a terminal that is ready.
#[derive(Debug)]
pub enum Seat {
    /// At our terminal, which is raw.
    Terminal(Held),
    /// Behind a pipe or a file: standard input is lines.
    Lines,
    /// At QEMU's own screen, which is our terminal if we have one.
    Screen(Option<Held>),
    /// Elsewhere: a background job may not read its terminal.
    Elsewhere,
}

impl Seat {
    /// The seat that standard input and the display make.
    pub fn take(ui: &Ui, display: Display) -> Result<Seat> {
        let stdin = io::stdin();
        if display == Display::Curses {
            ui.say("Alt-2 and `quit` leaves the machine; Alt-1 is its screen");
            // QEMU gives it back itself, unless it is killed.
            return Ok(Seat::Screen(Held::lent().ok()));
        }
        if is_ours(&stdin) {
            let held = Held::raw()?;
            ui.say("Ctrl-A x leaves the machine");
            return Ok(Seat::Terminal(held));
        }
        if rustix::termios::isatty(&stdin) {
            ui.say("this is a background job: the machine gets no input");
            return Ok(Seat::Elsewhere);
        }
        Ok(Seat::Lines)
    }

    /// Lets the person talk to the guest until one of them ends it. How it
    /// ended; [`End::Stopped`] if the person left. The terminal is given back.
    pub fn attend(self, session: &mut Session) -> Result<End> {
        match self {
            Seat::Terminal(held) => {
                let typist = Typist::start(session)?;
                let end = converse(session);
                drop((held, typist));
                Ok(end)
            }
            Seat::Lines => {
                let typist = Typist::start(session)?;
                let end = dictate(session);
                drop(typist);
                Ok(end)
            }
            Seat::Screen(held) => {
                let end = listen(session);
                drop(held);
                Ok(end)
            }
            Seat::Elsewhere => Ok(listen(session)),
        }
    }
}

/// Whether this is a terminal and we are its foreground job: touching it from
/// the background would stop us.
fn is_ours(stdin: &impl AsFd) -> bool {
    rustix::termios::isatty(stdin)
        && rustix::termios::tcgetpgrp(stdin).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn converse(session: &mut Session) -> End {
    let mut escapes = Escapes::default();
    loop {
        match session.wait() {
            Heard::Guest | Heard::Companion => {}
            Heard::Person(Typed::Keys(keys)) => match escapes.read(&keys) {
                Meaning::ForGuest(bytes) => session.type_bytes(bytes),
                Meaning::Leave => return End::Stopped,
            },
            // The terminal is gone; the machine may go on talking to a log.
            Heard::Person(Typed::Nothing) => {}
            Heard::End(end) => return end,
        }
    }
}

/// One line a prompt: a guest that is still starting would lose what comes
/// too early.
fn dictate(session: &mut Session) -> End {
    let mut waiting = Vec::new();
    // The line of the console at which we last answered a prompt.
    let mut answered = None;
    loop {
        match session.wait() {
            Heard::Guest | Heard::Companion => {}
            Heard::Person(Typed::Keys(keys)) => waiting.extend(keys),
            // A last line without a line end is a line.
            Heard::Person(Typed::Nothing) if waiting.last().is_some_and(|last| *last != b'\n') => {
                waiting.push(b'\n')
            }
            Heard::Person(Typed::Nothing) => {}
            Heard::End(end) => return end,
        }
        let here = Some(session.console().lines().len());
        let at_prompt =
            here != answered && session.console().unfinished_line().is_some_and(is_prompt);
        let line_end = waiting.iter().position(|byte| *byte == b'\n');
        if let (true, Some(line_end)) = (at_prompt, line_end) {
            answered = here;
            let line: Vec<u8> = waiting.drain(..=line_end).collect();
            session.send(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
        }
    }
}

fn listen(session: &mut Session) -> End {
    loop {
        if let Heard::End(end) = session.wait() {
            return end;
        }
    }
}

/// Whether somebody who waits at a line that looks like this expects input.
fn is_prompt(line: &str) -> bool {
    ["> ", "$ ", "# "].iter().any(|end| line.ends_with(end))
}

impl Held {
    /// Makes our terminal raw: every key goes through, Ctrl-C included. Its
    /// output still turns a line feed into a new line, for guests and for our
    /// own messages.
    pub fn raw() -> Result<Held> {
        Held::hold(|settings| {
            settings.make_raw();
            settings.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        })
    }

    /// Lends our terminal, as it is, to a program that may not give it back.
    pub fn lent() -> Result<Held> {
        Held::hold(|_| ())
    }

    fn hold(change: impl FnOnce(&mut Termios)) -> Result<Held> {
        let stdin = io::stdin();
        // Without it only SIGKILL could leave the terminal raw.
        let guardian = Guardian::watch().ok();
        let before = rustix::termios::tcgetattr(&stdin).doing("reading the terminal's settings")?;
        // SAFETY: ignoring a signal installs no code of ours.
        let on_ttou = unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
        *holding() = Some((before.clone(), on_ttou));
        let held = Held {
            _guardian: guardian,
        };
        let mut settings = before;
        change(&mut settings);
        rustix::termios::tcsetattr(&stdin, OptionalActions::Now, &settings)
            .doing("setting the terminal")?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, if we hold it. Anybody may call it at any time.
pub fn give_back() {
    let Some((before, on_ttou)) = holding().take() else {
        return;
    };
    // Fails only if the terminal is gone, and then nothing is raw.
    let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, &before);
    // SAFETY: the handler is the one that was installed before `hold`.
    unsafe { libc::signal(libc::SIGTTOU, on_ttou) };
}

fn holding() -> MutexGuard<'static, Option<(Termios, libc::sighandler_t)>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads standard input for a session until this is dropped.
struct Typist {
    // Closing it ends the thread, which else would swallow what is typed
    // after the run.
    wake: Option<OwnedFd>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Typist {
    fn start(session: &Session) -> Result<Typist> {
        let (sleeper, wake) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).doing("making a pipe")?;
        let tell = session.typist();
        let body = move || {
            let stdin = io::stdin();
            let mut buffer = [0; 1024];
            loop {
                let mut sources = [
                    PollFd::new(&stdin, PollFlags::IN),
                    PollFd::new(&sleeper, PollFlags::IN),
                ];
                match rustix::event::poll(&mut sources, None) {
                    Ok(_) => {}
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => break,
                }
                if !sources[1].revents().is_empty() {
                    return;
                }
                match rustix::io::read(&stdin, &mut buffer) {
                    Ok(length @ 1..) => tell(Typed::Keys(buffer[..length].to_vec())),
                    Err(rustix::io::Errno::INTR) => {}
                    _ => break,
                }
            }
            tell(Typed::Nothing);
        };
        let thread = thread::Builder::new()
            .name("typist".into())
            .spawn(body)
            .doing("starting a thread")?;
        Ok(Typist {
            wake: Some(wake),
            thread: Some(thread),
        })
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to report but its own panic, which it printed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_guest(bytes: &[u8]) -> Meaning {
        Meaning::ForGuest(bytes.to_vec())
    }

    #[test]
    fn ctrl_a_x_leaves_also_when_it_comes_in_two_pieces() {
        assert_eq!(Escapes::default().read(b"cpus\r\x01x"), Meaning::Leave);
        let mut escapes = Escapes::default();
        assert_eq!(escapes.read(b"a\x01"), for_guest(b"a"));
        assert_eq!(escapes.read(b"x"), Meaning::Leave);
    }

    #[test]
    fn ctrl_a_twice_is_one_for_the_guest_and_else_nothing_happens() {
        let mut escapes = Escapes::default();
        assert_eq!(escapes.read(b"\x01\x01x"), for_guest(b"\x01x"));
        assert_eq!(escapes.read(b"\x01cq\x03"), for_guest(b"q\x03"));
    }

    #[test]
    fn a_prompt_is_known_by_its_end() {
        assert!(is_prompt("kdb> ") && is_prompt("# "));
        assert!(!is_prompt("kdb> cpus") && !is_prompt("") && !is_prompt("kdb>"));
    }
}
