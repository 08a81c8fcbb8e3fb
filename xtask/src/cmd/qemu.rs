//! `cargo xtask qemu`: boots the kernel, for a person or for a script.
//!
//! Owns the way from the flags to a machine and from the end of its run to an
//! exit code: 0 when a script's expectations all came, when the guest ended
//! with success or when the person left; 124 on a limit; 130 on a signal; 1
//! otherwise. What a run means is judged by `testing::verdict`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::argv::{self, Invocation};
use crate::cli::{ImageKind, Invalid};
use crate::cmd::build;
use crate::context::Context;
use crate::emulator::report::{Mode, Run};
use crate::emulator::script::{self, Broken, Step};
use crate::emulator::session::Attachments;
use crate::emulator::spec::{Boot, Debugger, Leaving, MachineSpec};
use crate::emulator::terminal::Seat;
use crate::emulator::{Limits, Session, kvm, qemu, start};
use crate::failure::{Doing, Failure, Result};
use crate::flags;
use crate::grammar::Grammar;
use crate::image::Module;
use crate::image::iso::{self, Iso};
use crate::machine::{self, Display, Emulator, Net, Pc, Vga};
use crate::programs::Started;
use crate::settings::Source;
use crate::system;
use crate::tools::{self, Tool};

/// `--program none`: no program at all.
const NO_PROGRAM: &str = "none";

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Qemu) -> Result<()> {
    let steps = typed_steps()?;
    let emulator = flags.emulator.unwrap_or(Emulator::Qemu);
    let mut needed = vec![if emulator == Emulator::Bochs {
        Tool::Bochs
    } else {
        Tool::Qemu
    }];
    if flags.display == Some(Display::Gtk) {
        needed.push(Tool::QemuGtk);
    }
    if flags.iso {
        needed.extend([Tool::GrubMkrescue, Tool::Xorriso, Tool::Mtools]);
    }
    // Refused before anything is built for it.
    machine(cx, &flags, Boot::Kernel(PathBuf::new()))?;
    tools::require(cx, &needed)?;
    let spec = machine(cx, &flags, what_to_boot(cx, &flags)?)?;
    if cx.dry_run {
        cx.ui.echo(&start::command(cx, &spec));
        if let Some(added) = start::added(&spec) {
            cx.ui.say(format_args!(
                "# and, on descriptors of its own, to read the registers: {added}"
            ));
        }
        return Ok(());
    }

    if spec.emulator == Emulator::Qemu {
        cx.ui.say(qemu::accelerator(&spec)?);
    }
    let (limits, mode) = match (steps.is_empty(), spec.debugger) {
        (false, _) => (Limits::default(), Mode::Script),
        (true, Debugger::None) if !io::stdin().is_terminal() => {
            let Limits { boot, leave, .. } = Limits::default();
            (
                Limits {
                    boot,
                    leave,
                    ..Limits::NONE
                },
                Mode::Attended,
            )
        }
        (true, _) => (Limits::NONE, Mode::Attended),
    };
    if let Debugger::Port(port) = spec.debugger {
        cx.ui.say(format_args!(
            "stopped at its first instruction; in gdb: target remote localhost:{port}"
        ));
    }
    let seat = match mode {
        Mode::Script => None,
        Mode::Attended => Some(Seat::take(&cx.ui, spec.display)?),
    };
    let last_byte = Arc::new(AtomicU8::new(b'\n'));
    let attachments = attachments(&flags, Arc::clone(&last_byte))?;
    let mut session = Session::start_with(cx, &spec, limits, attachments)?;
    let (matches, broken) = match seat {
        Some(seat) => {
            seat.attend(&mut session)?;
            (Vec::new(), None)
        }
        None => match script::hold(&mut session, &steps)? {
            Ok(matches) => (matches, None),
            Err(Broken { step, matches, .. }) => (matches, Some(step)),
        },
    };
    let outcome = session.stop();
    let run = Run {
        spec: &spec,
        steps: &steps,
        mode,
        matches,
        broken,
        outcome,
    };
    // The guest's last line may be unfinished; ours begins a new one.
    let shown = spec.display != Display::Curses;
    if shown && last_byte.load(Ordering::Relaxed) != b'\n' {
        let newline = if flags.json {
            io::stderr().write_all(b"\n")
        } else {
            io::stdout().write_all(b"\n")
        };
        // A reader that went away wants no more.
        drop(newline);
    }
    let judged = run.judge();
    if flags.json {
        cx.ui.json(&run.document(&judged))?;
    }
    if let Some(file) = &flags.screenshot {
        if !run.outcome.stderr.contains("the screenshot failed") {
            cx.ui.say(format_args!("screenshot: {}", file.display()));
        }
    }
    match judged {
        Ok(line) => {
            cx.ui.result(line);
            Ok(())
        }
        Err(failure) => Err(match kvm::advice(cx, &spec, &run.outcome)? {
            Some(advice) => failure.mend(advice),
            None => failure,
        }),
    }
}

/// The steps of the script, in the order in which they were typed.
fn typed_steps() -> Result<Vec<Step>> {
    let grammar = Grammar::of_this_tool();
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    match (argv::normalise(&grammar, &words)?, grammar.command("qemu")) {
        (Invocation::Run(words), Some(command)) => script::steps(&grammar, command, &words),
        _ => Ok(Vec::new()),
    }
}

fn what_to_boot(cx: &Context, flags: &flags::Qemu) -> Result<Boot> {
    let kernel = match &flags.kernel {
        Some(file) => file.clone(),
        None => build::kernel(cx, &build::Request::default())?.elf,
    };
    let programs = started(flags)?.into_iter().map(|started| started.program);
    let programs: BTreeSet<_> = programs.collect();
    build::programs(cx, &build::Request::default(), programs)?;
    if has_shell(flags) {
        system::build(cx, &build::Request::default())?;
    }
    if flags.iso {
        return Ok(Boot::Iso(write_iso(cx, flags, &kernel)?));
    }
    Ok(Boot::Kernel(kernel))
}

/// The command line and the modules are in the CD's GRUB menu.
fn write_iso(cx: &Context, flags: &flags::Qemu, kernel: &Path) -> Result<PathBuf> {
    // Not the one `image iso` makes: that one has no command line of ours.
    let output = cx.project.image(ImageKind::Iso).with_file_name("qemu.iso");
    let modules = modules(cx, flags)?;
    let iso = Iso {
        kernel,
        append: flags.append.as_deref().unwrap_or_default(),
        modules: &modules,
        root: None,
    };
    Ok(iso::write(cx, &iso, &output)?.path)
}

fn machine(cx: &Context, flags: &flags::Qemu, boot: Boot) -> Result<MachineSpec> {
    let settings = &cx.settings;
    let pc = flags.machine.unwrap_or(Pc::Pc);
    let nobody_said = flags.smp.is_none() && settings.smp.source == Source::Default;
    let smp = if nobody_said && pc == Pc::Isapc {
        1
    } else {
        settings.smp.or(flags.smp)
    };
    let smp = machine::processors(smp)
        .map_err(|error| Failure::usage(error.0, "for example: --smp 2"))?;
    let display = flags.display.unwrap_or(Display::None);
    let wants_screen = display != Display::None || flags.screenshot.is_some();
    // The check is about the CD only when there is one.
    let boot = match (flags.iso, boot) {
        (true, Boot::Kernel(file)) => Boot::Iso(file),
        (_, boot) => boot,
    };
    let spec = MachineSpec {
        emulator: flags.emulator.unwrap_or(Emulator::Qemu),
        cpu: settings.cpu.or(flags.cpu),
        memory: settings.memory.or(flags.memory),
        smp,
        accel: settings.accel.or(flags.accel),
        firmware: settings.firmware.or(flags.firmware),
        pc,
        append: flags.append.clone().filter(|_| !flags.iso),
        modules: if flags.iso {
            Vec::new()
        } else {
            modules(cx, flags)?
        },
        disk: flags.disk.clone(),
        net: flags.net.unwrap_or(Net::None),
        hostfwd: flags.hostfwd.clone(),
        pcap: flags.pcap.clone(),
        display,
        vga: flags
            .vga
            .unwrap_or(if wants_screen { Vga::Std } else { Vga::None }),
        debugger: flags.gdb.map_or(Debugger::None, Debugger::Port),
        leaving: if flags.screenshot.is_some() {
            Leaving::Marker
        } else {
            Leaving::ExitPort
        },
        extra: flags.extra.iter().map(Into::into).collect(),
        ..MachineSpec::new(boot)
    };
    spec.check()?;
    Ok(spec)
}

/// Whether the shell is what runs: nobody says what else.
fn has_shell(flags: &flags::Qemu) -> bool {
    flags.kernel.is_none() && flags.module.is_empty() && flags.program.is_empty()
}

/// Modules, and behind them programs.
fn modules(cx: &Context, flags: &flags::Qemu) -> Result<Vec<Module>> {
    let modules = flags.module.iter().map(|text| text.parse::<Module>());
    let mut modules: Vec<_> = modules
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(error.0, "for example: --module 'init -v'"))?;
    let variant = build::Request::default().variant();
    if has_shell(flags) {
        modules.extend(system::modules(cx, &build::Request::default()));
    }
    modules.extend(started(flags)?.into_iter().map(|started| Module {
        file: cx.project.program(&variant, started.program),
        arguments: started.arguments,
    }));
    Ok(modules)
}

fn started(flags: &flags::Qemu) -> Result<Vec<Started>> {
    // The kernel alone, where nothing else is wanted.
    let programs = flags.program.iter().filter(|text| *text != NO_PROGRAM);
    let programs = programs.map(|text| text.parse());
    programs
        .collect::<Result<_, Invalid>>()
        .map_err(|error| Failure::usage(error.0, "for example: --program 'hello world'"))
}

fn attachments(flags: &flags::Qemu, last_byte: Arc<AtomicU8>) -> Result<Attachments> {
    let mut copies: Vec<Box<dyn Write + Send>> = vec![Box::new(LastByte(last_byte))];
    if flags.display == Some(Display::Curses) {
        // The terminal is the screen; the console is in --log.
    } else if flags.json {
        // Standard output belongs to the document.
        copies.push(Box::new(io::stderr()));
    } else {
        copies.push(Box::new(io::stdout()));
    }
    if let Some(log) = &flags.log {
        let file = File::create(log).doing(format_args!("making the log {}", log.display()))?;
        copies.push(Box::new(file));
    }
    let screenshot = flags.screenshot.as_deref().map(absolute).transpose()?;
    Ok(Attachments {
        copies,
        debugger: None,
        screenshot,
    })
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).doing(format_args!("finding {}", path.display()))
}

/// Remembers the last byte that was written to it.
struct LastByte(Arc<AtomicU8>);

impl Write for LastByte {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(last) = bytes.last() {
            self.0.store(*last, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
