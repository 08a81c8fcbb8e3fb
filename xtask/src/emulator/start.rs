//! From the description of a machine to a running emulator.
//!
//! Owns the way each emulator is started and wired up. Only
//! [`super::session`] calls it; what it hands out is all a session needs to
//! know about which emulator it is talking to.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::machine::{Display, Emulator};
use crate::process::{self, Child, Group};

use super::bochs::{self, Monitor};
use super::qemu::{self, Wiring};
use super::qmp::{Event, Qmp};
use super::spec::{Debugger, MachineSpec};
use super::transcript::Transcript;

/// A running emulator.
pub struct Started {
    /// The process.
    pub child: Child,
    /// What the guest says.
    pub console: Box<dyn Read + Send>,
    /// What the guest hears.
    pub keyboard: Box<dyn Write + Send>,
    /// What the emulator itself says.
    pub transcript: Arc<Transcript>,
    /// How to ask about the machine.
    pub control: Control,
}

/// How to ask about a machine that no longer answers.
#[derive(Debug)]
pub enum Control {
    /// QEMU's protocol.
    Qmp(Qmp),
    /// The debugger of Bochs.
    Bochs(Monitor),
}

/// The command line that [`start`] would run, without its wiring; for
/// `--dry-run`, and for people who want to run it by hand.
pub fn command(cx: &Context, spec: &MachineSpec) -> Command {
    match spec.emulator {
        Emulator::Qemu => {
            let mut command = Command::new(&cx.settings.qemu.value);
            command.args(qemu::machine(spec));
            command
        }
        Emulator::Bochs => bochs::command(&cx.project.target().join(bochs::FOLDER)),
    }
}

/// What [`start`] adds to the line of [`command`] to talk to the emulator.
/// The numbers of the descriptors differ from run to run.
pub fn added(spec: &MachineSpec) -> Option<String> {
    let console = (spec.display == Display::Curses).then_some(4);
    let words = qemu::wiring(&Wiring {
        control: 3,
        console,
        debugger: None,
    });
    let words: Vec<_> = words.iter().map(crate::ui::quote).collect();
    (spec.emulator == Emulator::Qemu).then(|| words.join(" "))
}

/// Starts the machine. The callbacks run on other threads.
pub fn start(
    cx: &Context,
    spec: &MachineSpec,
    debugger: Option<TcpListener>,
    on_event: impl Fn(Event) + Send + 'static,
    on_end: impl FnOnce(ExitStatus) + Send + 'static,
) -> Result<Started> {
    spec.check()?;
    match spec.emulator {
        Emulator::Qemu => start_qemu(cx, spec, debugger, on_event, on_end),
        Emulator::Bochs => bochs::start(cx, spec, on_end),
    }
}

fn start_qemu(
    cx: &Context,
    spec: &MachineSpec,
    debugger: Option<TcpListener>,
    on_event: impl Fn(Event) + Send + 'static,
    on_end: impl FnOnce(ExitStatus) + Send + 'static,
) -> Result<Started> {
    cx.ui.detail(qemu::accelerator(spec)?);
    if let super::spec::Boot::Kernel(file) = &spec.boot {
        let bytes = std::fs::read(file).map_err(|error| {
            Failure::failed(format!(
                "there is no kernel to boot: {}: {error}",
                file.display()
            ))
            .mend("build one with: cargo xtask build")
        })?;
        qemu::check_kernel(file, &bytes)?;
    }
    if (spec.debugger == Debugger::Inherited) != debugger.is_some() {
        return Err(Failure::failed(
            "the machine and its session do not agree about the debugger",
        ));
    }
    let (control, far_control) = UnixStream::pair().doing("making a socket pair")?;
    let curses = spec.display == Display::Curses;
    let far_console = if curses {
        Some(UnixStream::pair().doing("making a socket pair")?)
    } else {
        None
    };
    let (console, far_console) = far_console.unzip();

    let wiring = Wiring {
        control: far_control.as_raw_fd(),
        console: far_console.as_ref().map(AsRawFd::as_raw_fd),
        debugger: debugger.as_ref().map(AsRawFd::as_raw_fd),
    };
    let mut command = command(cx, spec);
    cx.ui.echo_probe(&command);
    command.args(qemu::wiring(&wiring));
    let mut inherited = vec![OwnedFd::from(far_control)];
    inherited.extend(far_console.map(OwnedFd::from));
    inherited.extend(debugger.map(OwnedFd::from));
    let group = if curses {
        Group::Ours
    } else {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Group::Own
    };
    command.stderr(Stdio::piped());
    let mut child = process::spawn(command, group, inherited, on_end)
        .map_err(|error| cannot_start(cx, &error))?;

    let qmp = Qmp::new(control, on_event).doing("talking to QEMU")?;
    let (console, keyboard): (Box<dyn Read + Send>, Box<dyn Write + Send>) =
        match (console, child.stdout.take(), child.stdin.take()) {
            (Some(socket), ..) => {
                let copy = socket.try_clone().doing("copying the console's socket")?;
                (Box::new(socket), Box::new(copy))
            }
            (None, Some(output), Some(input)) => (Box::new(output), Box::new(input)),
            _ => return Err(Failure::failed("QEMU was started without its pipes")),
        };
    let transcript = Arc::new(Transcript::default());
    if let Some(stderr) = child.stderr.take() {
        transcript.drain(stderr)?;
    }
    Ok(Started {
        child,
        console,
        keyboard,
        transcript,
        control: Control::Qmp(qmp),
    })
}

fn cannot_start(cx: &Context, error: &io::Error) -> Failure {
    let program = cx.settings.qemu.value.display();
    if error.kind() == io::ErrorKind::NotFound {
        return Failure::missing(format!("{program} is not installed"), "cargo xtask setup");
    }
    Failure::failed(format!("starting {program} failed: {error}"))
}
