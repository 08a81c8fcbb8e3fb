//! `cargo xtask qemu`: boots the kernel, for a person or for a script.
//!
//! Owns the way from the flags to a machine and from the end of its run to an
//! exit code: 0 when a script's expectations all came, when the guest ended
//! with success or when the person left; 124 on a limit; 130 on a signal; 1
//! otherwise. What a run means is judged by `testing::verdict`.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::argv::{self, Invocation};
use crate::cmd::build;
use crate::context::Context;
use crate::emulator::script::{self, Broken, Step};
use crate::emulator::session::Attachments;
use crate::emulator::spec::{Boot, Debugger, Leaving, MachineSpec, Module};
use crate::emulator::{End, Limit, Limits, Line, Match, Outcome, Session, start, terminal};
use crate::failure::{Doing, Exit, Failure, Result};
use crate::flags;
use crate::grammar::Grammar;
use crate::interrupt;
use crate::machine::{self, Display, Emulator, Net, Pc, Vga};
use crate::settings::Source;
use crate::testing::verdict::{self, Leaves, Verdict};
use crate::tools::{self, Tool};

/// How much of the console a failure shows.
const LAST_LINES: usize = 50;
/// The kernel's word that it is up.
const READY_PREFIX: &str = "exov6: ready in ";

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Qemu) -> Result<()> {
    let steps = typed_steps()?;
    let emulator = flags.emulator.unwrap_or(Emulator::Qemu);
    let mut needed = vec![if emulator == Emulator::Bochs {
        Tool::Bochs
    } else {
        Tool::Qemu
    }];
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
    let mut session = Session::start_with(cx, &spec, limits, attachments(&flags)?)?;
    let (matches, broken) = match mode {
        Mode::Script => match script::hold(&mut session, &steps)? {
            Ok(matches) => (matches, None),
            Err(Broken { step, matches, .. }) => (matches, Some(step)),
        },
        Mode::Attended => {
            terminal::attend(&cx.ui, &mut session)?;
            (Vec::new(), None)
        }
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
    if run.outcome.serial.last().is_some() && io::stdout().is_terminal() && !flags.json {
        cx.ui.print("\n");
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
    let line = judged?;
    cx.ui.result(line);
    Ok(())
}

/// Whether a script or a person talks to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Script,
    Attended,
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
    if flags.iso {
        return Err(Failure::failed("`image` is not built yet"));
    }
    Ok(Boot::Kernel(kernel))
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
        append: flags.append.clone(),
        modules: flags.module.iter().map(|text| module(text)).collect(),
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

/// `FILE args`: the file ends at the first blank, as it does for QEMU.
fn module(text: &str) -> Module {
    let (file, arguments) = text.split_once(' ').unwrap_or((text, ""));
    Module {
        file: file.into(),
        arguments: arguments.to_owned(),
    }
}

fn attachments(flags: &flags::Qemu) -> Result<Attachments> {
    let mut copies: Vec<Box<dyn Write + Send>> = Vec::new();
    if flags.json {
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

/// All that is known about a run once it is over.
struct Run<'a> {
    spec: &'a MachineSpec,
    steps: &'a [Step],
    mode: Mode,
    matches: Vec<Match>,
    /// The step that did not come, if one did not.
    broken: Option<usize>,
    outcome: Outcome,
}

impl Run<'_> {
    /// The closing line, or why it failed.
    fn judge(&self) -> Result<String> {
        let seconds = self.outcome.elapsed.as_secs_f64();
        if let End::Interrupted(signal) = self.outcome.end {
            return Err(interrupt::failure(signal));
        }
        let waiting = match (self.mode, self.broken) {
            (Mode::Script, None) => {
                let count = self.matches.len();
                return Ok(format!(
                    "all {count} expected lines came, in {seconds:.2} s"
                ));
            }
            (Mode::Script, Some(step)) => {
                let step_text = self
                    .steps
                    .get(step)
                    .map(Step::to_string)
                    .unwrap_or_default();
                format!(
                    " while waiting for {step_text} (step {} of {})",
                    step + 1,
                    self.steps.len()
                )
            }
            (Mode::Attended, _) if self.outcome.end == End::Stopped => {
                return Ok(format!("left the machine after {seconds:.1} s"));
            }
            (Mode::Attended, _) => String::new(),
        };
        let verdict = self.verdict();
        if self.mode == Mode::Attended && verdict == Verdict::Passed {
            return Ok(format!(
                "the machine ended with success after {seconds:.1} s"
            ));
        }
        let exit = match self.outcome.end {
            End::Deadline(Limit::Boot | Limit::Silence | Limit::Total) => Exit::Deadline,
            // It hangs in its end; as a script's deadline that is no less.
            End::Deadline(Limit::Leave) if self.mode == Mode::Script => Exit::Deadline,
            _ => Exit::Failed,
        };
        let how = match verdict {
            Verdict::Passed => "the machine ended with success".to_owned(),
            other => other.to_string(),
        };
        let what = format!("{how}{waiting}, after {seconds:.1} s{}", self.last_words());
        Err(Failure {
            exit,
            what,
            mend: None,
        })
    }

    fn verdict(&self) -> Verdict {
        let by_marker =
            self.spec.leaving == Leaving::Marker || self.spec.emulator == Emulator::Bochs;
        verdict::judge(
            &self.outcome,
            if by_marker {
                Leaves::ByMarker
            } else {
                Leaves::ByExitPort
            },
        )
    }

    /// The end of the console, the registers, and QEMU's own complaints.
    fn last_words(&self) -> String {
        let lines = self.outcome.last_lines(LAST_LINES);
        let mut text = match lines.len() {
            0 => "\nthe console stayed empty".to_owned(),
            1 => "\nthe only line on the console:".to_owned(),
            count => format!("\nthe last {count} lines on the console:"),
        };
        for line in lines {
            text.push_str(&format!(
                "\n  {:>9.3} s  {}",
                line.at.as_secs_f64(),
                line.text
            ));
        }
        if let Some(registers) = &self.outcome.registers {
            text.push_str("\nthe registers:");
            registers
                .lines()
                .for_each(|line| text.push_str(&format!("\n  {line}")));
        }
        let complaints = self.outcome.stderr.trim();
        if !complaints.is_empty() {
            text.push_str("\nthe emulator said:");
            complaints
                .lines()
                .for_each(|line| text.push_str(&format!("\n  {line}")));
        }
        text
    }

    fn document(&self, judged: &Result<String>) -> Document<'_> {
        let ms = |at: Duration| at.as_secs_f64() * 1e3;
        let ready = self
            .outcome
            .serial
            .iter()
            .find(|line| line.text.starts_with(READY_PREFIX));
        let expects = self.steps.iter().filter_map(|step| match step {
            Step::Expect(pattern) => Some(pattern.as_str()),
            Step::Send(_) => None,
        });
        let expects = expects.enumerate().map(|(index, pattern)| {
            let found = self.matches.get(index);
            Expected {
                pattern,
                at_ms: found.map(|found| ms(found.at)),
                text: found.map(|found| found.text.clone()),
            }
        });
        let verdict = match (self.mode, judged) {
            (Mode::Script, Ok(_)) => "expected",
            (Mode::Attended, Ok(_)) if self.outcome.end == End::Stopped => "left",
            _ => self.verdict().kind(),
        };
        Document {
            version: 1,
            command: "qemu",
            verdict,
            exit: judged
                .as_ref()
                .err()
                .map_or(Exit::Done, |failure| failure.exit)
                .code(),
            accelerator: self.spec.accel.word(),
            elapsed_ms: ms(self.outcome.elapsed),
            first_byte_ms: self.outcome.first_byte.map(ms),
            ready_ms: ready.map(|line| ms(line.at)),
            expects: expects.collect(),
            lines: self
                .outcome
                .serial
                .iter()
                .map(|line| Said::new(line, ms(line.at)))
                .collect(),
            registers: self.outcome.registers.as_deref(),
            emulator_said: &self.outcome.stderr,
        }
    }
}

/// What `--json` prints. Only grows; `version` changes when it must shrink.
#[derive(Debug, Serialize)]
struct Document<'a> {
    version: u32,
    command: &'static str,
    verdict: &'static str,
    exit: u8,
    accelerator: &'static str,
    elapsed_ms: f64,
    first_byte_ms: Option<f64>,
    ready_ms: Option<f64>,
    expects: Vec<Expected<'a>>,
    lines: Vec<Said<'a>>,
    registers: Option<&'a str>,
    emulator_said: &'a str,
}

#[derive(Debug, Serialize)]
struct Expected<'a> {
    pattern: &'a str,
    at_ms: Option<f64>,
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct Said<'a> {
    at_ms: f64,
    text: &'a str,
}

impl<'a> Said<'a> {
    fn new(line: &'a Line, at_ms: f64) -> Self {
        Said {
            at_ms,
            text: &line.text,
        }
    }
}
