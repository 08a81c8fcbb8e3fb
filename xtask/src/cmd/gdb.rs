//! `cargo xtask gdb`: debugs the kernel from its first instruction.
//!
//! Owns gdb's command line and the life of the two programs: QEMU is stopped
//! at its first instruction, gdb has the terminal, and when either ends or a
//! signal comes, both end. The kernel's own gdb commands are in
//! `kernel/gdb/exov6.py`.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::cmd::build;
use crate::compile;
use crate::context::Context;
use crate::emulator::report;
use crate::emulator::session::{Attachments, Heard};
use crate::emulator::spec::{Boot, Debugger, MachineSpec};
use crate::emulator::terminal::Held;
use crate::emulator::{End, Limits, Session, start};
use crate::failure::{Doing, Failure, Result};
use crate::flags;
use crate::interrupt::{self, LeftToDebugger};
use crate::machine::{self, Port};
use crate::process::Group;
use crate::tools::{self, Tool};

/// The longest a batch may take without `--timeout`.
const BATCH: Duration = Duration::from_secs(300);
/// How long gdb may take to notice that the machine is gone.
const NOTICE: Duration = Duration::from_secs(10);

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Gdb) -> Result<()> {
    if let Some(script) = &flags.batch {
        if !script.is_file() {
            let what = format!("there is no gdb script at {}", script.display());
            return Err(Failure::usage(what, "for example: --batch check.gdb"));
        }
    }
    tools::require(cx, &[Tool::Qemu, Tool::Gdb])?;
    let (elf, symbols) = match &flags.kernel {
        Some(file) => (file.clone(), file.clone()),
        None => {
            let built = build::kernel(cx, &build::Request::default())?;
            (built.elf, built.debug)
        }
    };
    let smp = machine::processors(cx.settings.smp.or(flags.smp));
    let spec = MachineSpec {
        cpu: cx.settings.cpu.or(flags.cpu),
        memory: cx.settings.memory.or(flags.memory),
        smp: smp.map_err(|error| Failure::usage(error.0, "for example: --smp 2"))?,
        append: flags.append.clone(),
        debugger: Debugger::Inherited,
        ..MachineSpec::new(Boot::Kernel(elf))
    };
    let batch = flags.batch.as_deref();
    if cx.dry_run {
        cx.ui.echo(&start::command(
            cx,
            &MachineSpec {
                debugger: Debugger::Port(Port::GDB),
                ..spec
            },
        ));
        cx.ui.echo(&command(cx, &symbols, Port::GDB.0, batch));
        cx.ui
            .say("# and, so that two can run at once, on a free port that both are given");
        return Ok(());
    }

    let listener = TcpListener::bind("127.0.0.1:0").doing("opening a port for gdb")?;
    let port = listener.local_addr().doing("finding gdb's port")?.port();
    let log = cx.project.target().join("exov6").join("gdb-serial.log");
    fs::create_dir_all(log.with_file_name("")).doing("making the folder of the serial log")?;
    let copy = File::create(&log).doing(format_args!("making {}", log.display()))?;
    let attached = Attachments {
        copies: vec![Box::new(copy)],
        debugger: Some(listener),
        screenshot: None,
    };
    let total = if batch.is_some() {
        BATCH
    } else {
        Duration::MAX
    };
    let session = Session::start_with(
        cx,
        &spec,
        Limits {
            total,
            ..Limits::NONE
        },
        attached,
    )?;
    cx.ui.say(format_args!(
        "the serial console goes to {}",
        cx.project.shown(&log)
    ));
    let mut command = command(cx, &symbols, port, batch);
    cx.ui.echo_probe(&command);
    match batch {
        Some(script) => {
            command.stdin(Stdio::null());
            in_batch(cx, session, command, script)
        }
        None => interactive(cx, session, command),
    }
}

/// gdb's command line: architecture first, or the first packet is refused;
/// symbols before the connection; a hardware breakpoint, for a software one
/// would be overwritten when the kernel is loaded.
fn command(cx: &Context, symbols: &Path, port: u16, batch: Option<&Path>) -> Command {
    let mut command = Command::new("gdb");
    command.args(["-q", "-nx"]);
    if batch.is_some() {
        command.arg("-batch");
    }
    let mut run = |line: &str| {
        command.args(["-ex", line]);
    };
    run("set architecture i386");
    run("set confirm off");
    run("set max-value-size unlimited");
    if batch.is_some() {
        run("set pagination off");
    }
    // The kernel's debug data does not say where it was built.
    let root = word(cx.project.root());
    run(&format!(
        "set substitute-path {} {root}",
        compile::ROOT_NAME
    ));
    run(&format!("file {}", word(symbols)));
    run(&format!("source {}", word(&cx.project.gdb_commands())));
    run(&format!("target remote 127.0.0.1:{port}"));
    run("thbreak kernel_main");
    if let Some(script) = batch {
        // A script's error must be gdb's exit code; `source` alone would leave
        // only the last command's.
        run(&format!("exo-batch {}", word(script)));
    }
    command
}

/// A path as gdb's own commands read it.
fn word(path: &Path) -> String {
    path.to_string_lossy()
        .replace('\\', "\\\\")
        .replace(' ', "\\ ")
}

fn start_gdb(session: &mut Session, command: Command, group: Group) -> Result<()> {
    session
        .accompany(command, group)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::missing("gdb is not installed", "cargo xtask setup")
            }
            _ => Failure::failed(format!("starting gdb failed: {error}")),
        })
}

fn interactive(cx: &Context, mut session: Session, command: Command) -> Result<()> {
    cx.ui.say("`continue` runs to kernel_main; exo-cpus, exo-mem, exo-trace, exo-pagetables, exo-locks look into it");
    // Held until both have ended: gdb uses the terminal's settings as it
    // likes, and may be killed.
    let held = Held::lent().ok();
    let left = LeftToDebugger::now();
    start_gdb(&mut session, command, Group::Ours)?;
    // If the machine ends by itself, gdb tells the person; they leave it.
    until_either_ends(&mut session);
    session.companion_status(Duration::MAX);
    drop((held, left));
    let outcome = session.stop();
    match outcome.end {
        End::Interrupted(signal) => Err(interrupt::failure(signal)),
        End::Deadline(_) => Err(Failure::deadline(
            "the deadline passed; gdb and the machine are ended",
        )),
        _ => {
            cx.ui.result("gdb has ended, and the machine with it");
            Ok(())
        }
    }
}

fn until_either_ends(session: &mut Session) {
    while !matches!(session.wait(), Heard::Companion | Heard::End(_)) {}
}

fn in_batch(cx: &Context, mut session: Session, command: Command, script: &Path) -> Result<()> {
    start_gdb(&mut session, command, Group::Own)?;
    until_either_ends(&mut session);
    let status = session.companion_status(NOTICE);
    let outcome = session.stop();
    let name = cx.project.shown(script);
    let last_words = || report::last_words(&outcome);
    match (outcome.end, status) {
        (End::Interrupted(signal), _) => Err(interrupt::failure(signal)),
        (End::Deadline(limit), _) => Err(Failure::deadline(format!(
            "{name} did not end: {limit}{}",
            last_words()
        ))),
        (_, Some(status)) if status.success() => {
            cx.ui.result(format_args!("{name} passed"));
            Ok(())
        }
        (_, status) => {
            let how = status.map_or_else(|| "gdb did not run".to_owned(), describe);
            Err(Failure::failed(format!(
                "{name} failed: {how}{}",
                last_words()
            )))
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("gdb ended with {code}"),
        None => format!("gdb ended by itself, {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_gdbs_own_words() {
        assert_eq!(word(Path::new("/a b\\c")), "/a\\ b\\\\c");
    }
}
