//! `cargo xtask bench-boot`: measures the boot.
//!
//! Owns the meaning of its flags, where reports go and the gate; the method is
//! in `bench`.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::bench::budgets::{Budgets, Count};
use crate::bench::document::{Document, SCHEMA};
use crate::bench::histogram::Glyphs;
use crate::bench::machines::Configuration;
use crate::bench::stats::Random;
use crate::bench::{baseline, counts, environment, html, report, wall, work};
use crate::cmd::build::{self, Artifact, Request};
use crate::context::Context;
use crate::emulator::start;
use crate::failure::{Doing, Failure, Result};
use crate::flags;
use crate::machine::Cpu;
use crate::tools::{self, Tool};

/// Counted rounds unless `--runs` says otherwise.
const RUNS: u32 = 15;
/// Rounds before them unless `--warmup` says otherwise.
const WARMUP: u32 = 2;
/// More would say nothing more, and take hours.
const MOST_RUNS: u32 = 1_000;

/// Runs the command.
pub fn run(cx: &Context, flags: flags::BenchBoot) -> Result<()> {
    let (runs, warmup) = (flags.runs.unwrap_or(RUNS), flags.warmup.unwrap_or(WARMUP));
    if runs == 0 || runs > MOST_RUNS || warmup > MOST_RUNS {
        let what = format!("{runs} runs after {warmup} to warm up cannot be summarised");
        return Err(Failure::usage(
            what,
            format!("give --runs 1 to {MOST_RUNS}"),
        ));
    }
    tools::require(cx, &[Tool::Qemu, Tool::KernelRust])?;
    let earlier = flags.baseline.as_deref().map(read_baseline).transpose()?;
    let kernel = build::kernel(cx, &Request::default())?;
    // The Pentium is the floor that the figures are promised for.
    let cpu = flags.cpu.unwrap_or(Cpu::Pentium);
    let compiler = kernel.compiler.to_string();
    if cx.dry_run {
        for configuration in Configuration::ALL {
            cx.ui.echo(&start::command(
                cx,
                &configuration.machine(kernel.elf.clone(), cpu),
            ));
        }
        return Ok(());
    }
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |since| since.as_secs());
    let mut document = Document {
        schema: SCHEMA.to_owned(),
        environment: environment::read(cx, cpu)?,
        seed,
        runs,
        warmup,
        rows: Vec::new(),
        over_floor: Vec::new(),
        counts: Vec::new(),
        work: Vec::new(),
    };
    if flags.count {
        document.counts = all_counts(cx, &kernel, cpu)?;
        document.work = work::measure(cx, cpu)?;
    } else {
        let plan = wall::Plan {
            kernel: kernel.elf,
            cpu,
            runs,
            warmup,
        };
        (document.rows, document.over_floor) = wall::measure(cx, &plan, &mut Random::new(seed))?;
    }
    tell(
        cx,
        &document,
        earlier.as_ref(),
        flags.json.as_deref(),
        flags.html.as_deref(),
    )?;
    if flags.count {
        return gate(cx, &compiler, &document.counts);
    }
    cx.ui
        .result(format_args!("measured {} boots of each row", document.runs));
    Ok(())
}

fn read_baseline(path: &Path) -> Result<Document> {
    let text = fs::read_to_string(path).doing(format_args!("reading {}", path.display()))?;
    Document::parse(&text, &path.display().to_string())
}

fn tell(
    cx: &Context,
    document: &Document,
    earlier: Option<&Document>,
    json: Option<&Path>,
    page: Option<&Path>,
) -> Result<()> {
    let (width, glyphs) = terminal();
    let stdout_is_taken = json == Some(Path::new("-"));
    let mut lines = report::lines(document, width, glyphs);
    let changes = earlier.map(|earlier| baseline::changes(earlier, document));
    if let Some(changes) = &changes {
        lines.push(String::new());
        lines.extend(report::changes(changes));
    }
    // The table is what was asked for, unless a document is.
    for line in lines {
        match stdout_is_taken {
            true => cx.ui.say(line),
            false => cx.ui.print(format_args!("{line}\n")),
        }
    }
    if let Some(path) = json {
        match stdout_is_taken {
            true => cx.ui.json(document)?,
            false => {
                let text = serde_json::to_string_pretty(document).doing("writing the document")?;
                write(path, &(text + "\n"))?;
            }
        }
    }
    if let Some(path) = page {
        write(path, &html::page(document, &changes.unwrap_or_default())?)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).doing(format_args!("writing {}", path.display()))
}

/// How wide the terminal is, and whether it shows more than ASCII.
fn terminal() -> (usize, Glyphs) {
    const UNKNOWN_WIDTH: usize = 80;
    let window = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let window = window
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0);
    let said = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let is_utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    let glyphs = if is_utf8 {
        Glyphs::Blocks
    } else {
        Glyphs::Ascii
    };
    (window.or(said).unwrap_or(UNKNOWN_WIDTH), glyphs)
}

/// Takes the counts and holds them against the budgets, without a report.
pub fn gate_counts(cx: &Context) -> Result<()> {
    let kernel = build::kernel(cx, &Request::default())?;
    if cx.dry_run {
        return Ok(());
    }
    let counts = all_counts(cx, &kernel, Cpu::Pentium)?;
    for count in &counts {
        cx.ui
            .say(format_args!("{:>9}  {}", count.value, count.name));
    }
    gate(cx, &kernel.compiler.to_string(), &counts)
}

fn all_counts(cx: &Context, kernel: &Artifact, cpu: Cpu) -> Result<Vec<Count>> {
    let mut counts = counts::measure(cx, &kernel.elf, cpu)?;
    counts.push(Count {
        name: "text".to_owned(),
        value: kernel.sizes.text,
    });
    Ok(counts)
}

/// Holds the counts against `ci/budgets.toml`.
fn gate(cx: &Context, compiler: &str, counts: &[Count]) -> Result<()> {
    let path = cx.project.root().join("ci/budgets.toml");
    let shown = cx.project.shown(&path);
    let text = fs::read_to_string(&path).doing(format_args!("reading {shown}"))?;
    let budgets = Budgets::parse(&text, &shown)?;
    let unmeasured = budgets.unmeasured(compiler, counts);
    if !unmeasured.is_empty() {
        let what = format!(
            "{shown} names counts that nothing takes: {}",
            unmeasured.join(", ")
        );
        return Err(Failure::failed(what).mend("take them out of the file"));
    }
    let news = budgets.new_lines(compiler, counts);
    if !news.is_empty() {
        cx.ui.say(format_args!(
            "{shown} could record, in [recorded.\"{compiler}\"]:"
        ));
        for line in news {
            cx.ui.say(line);
        }
    }
    let overruns = budgets.overruns(compiler, counts);
    if overruns.is_empty() {
        cx.ui.result(format_args!(
            "{} counts within the budgets of {shown}",
            counts.len()
        ));
        return Ok(());
    }
    let what: Vec<String> = overruns.iter().map(ToString::to_string).collect();
    let lines: Vec<String> = overruns.iter().map(|overrun| overrun.update()).collect();
    let mend = format!(
        "if that is worth it, change in {shown} ([recorded.\"{compiler}\"] or [limits]):\n{}",
        lines.join("\n")
    );
    Err(Failure::failed(what.join("\n")).mend(mend))
}
