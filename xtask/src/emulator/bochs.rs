//! Bochs: slower than QEMU and stricter about what a CPU has.
//!
//! Owns its configuration file and its debugger. Bochs has no exit port, so
//! the end marker on the console ends a run; its console is a pseudo-terminal,
//! and so is its own input and output, for it refuses to run without one.
//!
//! **Invariants:** the folder of a run belongs to one process and is removed
//! when the run ends, with the lock files Bochs leaves in it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::machine::Cpu;
use crate::process::{self, Child, Group};

use super::spec::{Boot, MachineSpec};
use super::start::{Control, Started};
use super::transcript::Transcript;

/// Below the target folder: where the files of running machines are.
pub const FOLDER: &str = "run";
/// How long the debugger may take to print the registers.
const ANSWER: Duration = Duration::from_secs(5);
/// The begin of the debugger's prompt; a number follows.
const PROMPT: &str = "<bochs:";
static NEXT_RUN: AtomicU32 = AtomicU32::new(0);

/// Bochs' own terminal: its debugger, and what it has to complain about.
#[derive(Debug)]
pub struct Monitor {
    tty: File,
    transcript: Arc<Transcript>,
    folder: PathBuf,
    processors: u32,
}

/// The command line, with its files in `folder`.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new("bochs");
    command
        .arg("-q")
        .arg("-f")
        .arg(folder.join("bochsrc"))
        .arg("-rc")
        .arg(folder.join("commands"));
    // The display is text; without this it would look for an X server.
    command.env("TERM", "vt100").env_remove("DISPLAY");
    command
}

/// The configuration file.
pub fn configuration(spec: &MachineSpec, iso: &Path, console: &Path, log: &Path) -> Result<String> {
    for path in [iso, console, log] {
        if path.to_string_lossy().contains(['"', '\n']) {
            let what = format!(
                "Bochs cannot open {}: its path has a quote or a line end",
                path.display()
            );
            return Err(Failure::usage(what, "use another path"));
        }
    }
    let model = match spec.cpu {
        Cpu::Pentium => "pentium",
        Cpu::Pentium2 => "p2_klamath",
        Cpu::Pentium3 | Cpu::Qemu32 => "p3_katmai",
    };
    let lines = [
        "display_library: term".to_owned(),
        "romimage: file=\"/usr/share/bochs/BIOS-bochs-latest\"".to_owned(),
        "vgaromimage: file=\"/usr/share/bochs/VGABIOS-lgpl-latest\"".to_owned(),
        // A reset would boot for ever; as a panic it ends the run.
        format!(
            "cpu: model={model}, count={}, ips=50000000, reset_on_triple_fault=0",
            spec.smp
        ),
        format!("memory: guest={mib}, host={mib}", mib = spec.memory.mib()),
        format!(
            "ata0-master: type=cdrom, path=\"{}\", status=inserted",
            iso.display()
        ),
        "boot: cdrom".to_owned(),
        format!("com1: enabled=1, mode=term, dev=\"{}\"", console.display()),
        // Time passes by instructions, so that a run does not depend on load.
        "clock: sync=none, time0=1".to_owned(),
        // Nobody listens, and the mixer of Debian's 32-bit build overflows a
        // buffer of its own.
        "sound: driver=dummy".to_owned(),
        "panic: action=fatal".to_owned(),
        "error: action=report".to_owned(),
        "info: action=ignore".to_owned(),
        "debug: action=ignore".to_owned(),
        format!("log: \"{}\"", log.display()),
    ];
    Ok(lines.join("\n") + "\n")
}

/// Starts it.
pub fn start(
    cx: &Context,
    spec: &MachineSpec,
    on_end: impl FnOnce(ExitStatus) + Send + 'static,
) -> Result<Started> {
    let Boot::Iso(iso) = &spec.boot else {
        return Err(Failure::usage("Bochs starts from a CD only", "add --iso"));
    };
    let run = NEXT_RUN.fetch_add(1, Ordering::Relaxed);
    let folder = cx
        .project
        .target()
        .join(FOLDER)
        .join(format!("{}-{run}", process::own_name()));
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    let iso =
        fs::canonicalize(iso).doing(format_args!("finding the CD image {}", iso.display()))?;

    let (console, guest_console) = terminal().doing("making a pseudo-terminal")?;
    let (monitor, far_monitor) = terminal().doing("making a pseudo-terminal")?;
    let name =
        rustix::termios::ttyname(&guest_console, Vec::new()).doing("naming the pseudo-terminal")?;
    let name = PathBuf::from(name.to_string_lossy().into_owned());
    let text = configuration(spec, &iso, &name, &folder.join("log"))?;
    fs::write(folder.join("bochsrc"), text).doing("writing Bochs' configuration")?;
    // Debian's Bochs has a debugger inside: it waits for this before it starts.
    fs::write(folder.join("commands"), "c\n").doing("writing Bochs' commands")?;

    let mut command = command(&folder);
    command.args(&spec.extra);
    cx.ui.echo_probe(&command);
    let copy = || far_monitor.try_clone().doing("copying a descriptor");
    command
        .stdin(Stdio::from(copy()?))
        .stdout(Stdio::from(copy()?))
        .stderr(Stdio::from(copy()?));
    let on_end = move |status| {
        // Held until now: a pseudo-terminal nobody has open looks closed, and
        // before Bochs opens this one it would be.
        drop(guest_console);
        on_end(status);
    };
    let child =
        process::spawn(command, Group::Own, Vec::new(), on_end).map_err(|error| {
            match error.kind() {
                io::ErrorKind::NotFound => {
                    Failure::missing("bochs is not installed", "cargo xtask setup")
                }
                _ => Failure::failed(format!("starting bochs failed: {error}")),
            }
        })?;
    drop(far_monitor);

    let transcript = Arc::new(Transcript::default());
    transcript.drain(File::from(
        monitor.try_clone().doing("copying a descriptor")?,
    ))?;
    let keyboard = File::from(console.try_clone().doing("copying a descriptor")?);
    let monitor = Monitor {
        tty: File::from(monitor),
        transcript: Arc::clone(&transcript),
        folder,
        processors: spec.smp,
    };
    Ok(Started {
        child,
        console: Box::new(File::from(console)),
        keyboard: Box::new(keyboard),
        transcript,
        control: Control::Bochs(monitor),
    })
}

/// A pseudo-terminal that passes every byte as it is: our end, and the other.
fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let near = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&near)?;
    rustix::pty::unlockpt(&near)?;
    let name = rustix::pty::ptsname(&near, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let far = rustix::fs::open(&name, flags, Mode::empty())?;
    let mut settings = rustix::termios::tcgetattr(&far)?;
    settings.make_raw();
    rustix::termios::tcsetattr(&far, OptionalActions::Now, &settings)?;
    Ok((near, far))
}

impl Monitor {
    /// The registers of all processors, through Bochs' debugger. The machine
    /// does not run on.
    pub fn registers(&mut self, child: &Child) -> Option<String> {
        let deadline = Instant::now() + ANSWER;
        let mut from = self.transcript.length();
        // What Ctrl-C at its terminal would do: it leaves the guest for its
        // prompt.
        child.signal(Signal::INT);
        let mut registers = String::new();
        self.transcript.wait_for(PROMPT, from, deadline)?;
        for processor in 0..self.processors {
            from = self.transcript.length();
            writeln!(self.tty, "set $cpu = {processor}").ok()?;
            self.transcript.wait_for(PROMPT, from, deadline)?;
            from = self.transcript.length();
            writeln!(self.tty, "r").ok()?;
            registers.push_str(&readable(
                &self.transcript.wait_for(PROMPT, from, deadline)?,
            ));
        }
        Some(registers)
    }

    /// Whether the run ended because the guest would have reset.
    pub fn saw_triple_fault(&self) -> bool {
        self.log().contains("exception with no resolution")
    }

    /// What Bochs said that is more than information: before it has read its
    /// configuration to its terminal, then to its log.
    pub fn complaints(&self) -> String {
        let said = self.transcript.text() + &self.log();
        // Eleven digits of time, then the kind.
        let serious = |line: &&str| matches!(line.as_bytes().get(11..13), Some(b"e[" | b"p["));
        said.lines()
            .filter(serious)
            .map(|line| format!("{line}\n"))
            .collect()
    }

    fn log(&self) -> String {
        // Not there if Bochs did not get as far.
        fs::read(self.folder.join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // What stays is below target/ and harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The debugger's answer without what it does to a terminal, and without the
/// registers an i386 does not have.
fn readable(answer: &str) -> String {
    let keep = |line: &&str| {
        let starts = ["CPU", "ra", "rb", "rc", "rd", "rs", "ri", "eflags"];
        starts.iter().any(|start| line.starts_with(start))
    };
    let lines = answer
        .lines()
        .map(|line| line.trim_start_matches("\x1b[?2004l").trim_end());
    lines
        .filter(keep)
        .map(|line| format!("{}\n", line.replace("00000000_", "")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Memory;

    fn spec() -> MachineSpec {
        MachineSpec {
            cpu: Cpu::Pentium,
            memory: Memory::from_mib(64),
            ..MachineSpec::new(Boot::Iso("x.iso".into()))
        }
    }

    #[test]
    fn the_configuration_describes_the_machine() {
        let text = configuration(
            &spec(),
            Path::new("/a b/x.iso"),
            Path::new("/dev/pts/9"),
            Path::new("/l"),
        );
        let text = text.expect("plain paths");
        for line in [
            "cpu: model=pentium, count=2, ips=50000000, reset_on_triple_fault=0",
            "memory: guest=64, host=64",
            "ata0-master: type=cdrom, path=\"/a b/x.iso\", status=inserted",
            "com1: enabled=1, mode=term, dev=\"/dev/pts/9\"",
        ] {
            assert!(
                text.lines().any(|written| written == line),
                "{line} is not in:\n{text}"
            );
        }
    }

    #[test]
    fn a_path_that_would_end_its_own_quotes_is_refused() {
        let failure = configuration(&spec(), Path::new("a\"b"), Path::new("c"), Path::new("l"))
            .expect_err("a quote");
        assert_eq!(failure.exit, crate::failure::Exit::Usage);
    }

    #[test]
    fn registers_are_readable() {
        let answer = "r\r\n\x1b[?2004lCPU0:\r\nrax: 00000000_2badb060\r\nr8 : 00000000_00000000\r\neflags 0x46: zf\r\n\x1b[?2004h";
        assert_eq!(readable(answer), "CPU0:\nrax: 2badb060\neflags 0x46: zf\n");
    }
}
