//! `cargo xtask bench-ipc`: what messages and the rest cost, on both kernels.
//!
//! Owns the runs: the same program on each kernel, once with a counter of
//! instructions, and several times on the clock, in turn. What it prints is read
//! by `bench::ipc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::environment;
use crate::bench::ipc::{self, Document, ROWS, Row, Run, SCHEMA};
use crate::bench::scaling::{self, PROCESSORS, Scale};
use crate::cmd::build::{self, Request};
use crate::context::Context;
use crate::emulator::session::{Heard, Limits, Session};
use crate::emulator::spec::{Boot, Clock, MachineSpec};
use crate::emulator::{Line, start};
use crate::failure::{Doing, Failure, Result};
use crate::flags;
use crate::image::Module;
use crate::machine::Cpu;
use crate::peer;
use crate::programs::Program;
use crate::tools::{self, Tool};

/// Timed runs unless `--runs` says otherwise.
const RUNS: u32 = 5;
const MOST_RUNS: u32 = 100;
const LIMITS: Limits = Limits {
    boot: Duration::from_secs(60),
    silence: Duration::from_secs(120),
    total: Duration::from_secs(300),
    leave: Duration::from_secs(3),
};

/// A kernel to measure.
struct Subject {
    name: &'static str,
    kernel: PathBuf,
    append: &'static str,
    /// Up to how many processors it uses.
    processors: u32,
}

/// What the program is to do.
#[derive(Clone, Copy)]
enum Work {
    /// One thing after the other.
    Operations,
    /// Exchange messages in pairs.
    Pairs,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::BenchIpc) -> Result<()> {
    let runs = flags.runs.unwrap_or(RUNS);
    if runs == 0 || runs > MOST_RUNS {
        let what = format!("{runs} runs cannot be summarised");
        return Err(Failure::usage(
            what,
            format!("give --runs 1 to {MOST_RUNS}"),
        ));
    }
    tools::require(cx, &[Tool::Qemu, Tool::KernelRust])?;
    // What needs newer instructions to boot is not ours: the reference does.
    let cpu = flags.cpu.unwrap_or(Cpu::Pentium3);
    let request = Request::default();
    let mut subjects = vec![Subject {
        name: "ExoV6",
        kernel: build::kernel(cx, &request)?.elf,
        append: "",
        processors: u32::MAX,
    }];
    let bench = Program::named("bench").map_err(|error| Failure::failed(error.0))?;
    let program = build::programs(cx, &request, [bench])?;
    let program = program.into_iter().next().doing("building the program")?;
    if flags.peer.is_some() {
        subjects.push(Subject {
            name: "GNU Mach",
            kernel: peer::kernel(cx)?,
            append: "console=com0",
            // Built for one: more change nothing (seen).
            processors: 1,
        });
    }
    if cx.dry_run {
        for subject in &subjects {
            let machine = machine(subject, &program, cpu, Work::Operations);
            let counting = MachineSpec {
                clock: Clock::Instructions,
                ..machine
            };
            cx.ui.echo(&start::command(cx, &counting));
        }
        return Ok(());
    }
    let costs = measure(cx, &subjects, &program, cpu, runs)?;
    let document = Document {
        schema: SCHEMA,
        environment: environment::read(cx, cpu)?,
        runs,
        rows: rows(&costs),
        scaling: scale(cx, &subjects, &program, cpu, runs)?,
    };
    tell(cx, &document, flags.json.as_deref(), flags.html.as_deref())?;
    cx.ui.result(format_args!(
        "measured {} operations on {} kernels",
        document.rows.len(),
        subjects.len()
    ));
    Ok(())
}

/// The counted run and the timed ones, a kernel each.
fn measure(
    cx: &Context,
    subjects: &[Subject],
    program: &Path,
    cpu: Cpu,
    runs: u32,
) -> Result<Vec<(Run, Vec<Run>)>> {
    let progress = cx.ui.progress("measuring");
    let mut costs = Vec::new();
    for subject in subjects {
        progress.now(format!("{}: counting", subject.name));
        let counting = MachineSpec {
            clock: Clock::Instructions,
            ..machine(subject, program, cpu, Work::Operations)
        };
        let counted = boot(cx, &counting)?;
        costs.push((counted, Vec::new()));
    }
    // In turn, so that what else the machine does meets all alike.
    for number in 1..=runs {
        for (subject, (_, timed)) in subjects.iter().zip(&mut costs) {
            progress.now(format!("{}: run {number} of {runs}", subject.name));
            timed.push(boot(cx, &machine(subject, program, cpu, Work::Operations))?);
        }
    }
    Ok(costs)
}

/// Pairs on one processor and on more, in turn.
fn scale(
    cx: &Context,
    subjects: &[Subject],
    program: &Path,
    cpu: Cpu,
    runs: u32,
) -> Result<Vec<Scale>> {
    let progress = cx.ui.progress("measuring");
    let mut timed = PROCESSORS.map(|_| [Vec::new(), Vec::new()]);
    for number in 1..=runs {
        for (smp, timed) in PROCESSORS.into_iter().zip(&mut timed) {
            let able = subjects.iter().zip(timed);
            for (subject, timed) in able.filter(|(subject, _)| smp <= subject.processors) {
                let name = subject.name;
                progress.now(format!("{name}: {smp} processors, run {number} of {runs}"));
                let machine = machine(subject, program, cpu, Work::Pairs);
                timed.push(boot(cx, &MachineSpec { smp, ..machine })?);
            }
        }
    }
    let rows = PROCESSORS.into_iter().zip(&timed);
    let rows = rows.flat_map(|(smp, [exov6, gnumach])| scaling::rows(smp, exov6, gnumach));
    Ok(rows.collect())
}

/// One with one processor, on the clock.
fn machine(subject: &Subject, program: &Path, cpu: Cpu, work: Work) -> MachineSpec {
    let module = |arguments: &str| Module {
        file: program.to_owned(),
        arguments: arguments.to_owned(),
    };
    MachineSpec {
        cpu,
        smp: 1,
        append: Some(subject.append.to_owned()).filter(|append| !append.is_empty()),
        modules: match work {
            Work::Operations => vec![
                module("server $(server=task-create) $(task-resume)"),
                module("client ${server} $(task-create) $(task-resume)"),
            ],
            Work::Pairs => vec![module("pairs $(task-create) $(task-resume)")],
        },
        ..MachineSpec::new(Boot::Kernel(subject.kernel.clone()))
    }
}

fn boot(cx: &Context, machine: &MachineSpec) -> Result<Run> {
    let mut session = Session::start(cx, machine, LIMITS)?;
    let is_over = |lines: &[Line]| lines.iter().any(|line| line.text.ends_with(ipc::END));
    while !is_over(session.console().lines()) {
        if let Heard::End(end) = session.wait() {
            let outcome = session.stop();
            let last: Vec<&str> = outcome
                .last_lines(10)
                .iter()
                .map(|line| line.text.as_str())
                .collect();
            let what = format!("the program did not come to its end: {end:?}");
            return Err(Failure::failed(what).mend(last.join("\n")));
        }
    }
    Ok(ipc::read(&session.stop().serial))
}

fn rows(costs: &[(Run, Vec<Run>)]) -> Vec<Row> {
    let cost = |place: usize, name: &str| {
        let (counted, timed) = costs.get(place)?;
        Some(ipc::cost(name, counted, timed))
    };
    let row = |(name, what): &(&'static str, &'static str)| {
        Some(Row {
            name,
            what,
            exov6: cost(0, name)?,
            gnumach: cost(1, name),
        })
    };
    ROWS.iter().filter_map(row).collect()
}

fn tell(cx: &Context, document: &Document, json: Option<&Path>, page: Option<&Path>) -> Result<()> {
    let stdout_is_taken = json == Some(Path::new("-"));
    for line in document.lines() {
        match stdout_is_taken {
            true => cx.ui.say(line),
            false => cx.ui.print(format_args!("{line}\n")),
        }
    }
    match json {
        None => {}
        Some(_) if stdout_is_taken => cx.ui.json(document)?,
        Some(path) => {
            let text = serde_json::to_string_pretty(document).doing("writing the document")?;
            write(path, &(text + "\n"))?;
        }
    }
    match page {
        None => Ok(()),
        Some(path) => write(path, &document.page()),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).doing(format_args!("writing {}", path.display()))
}
