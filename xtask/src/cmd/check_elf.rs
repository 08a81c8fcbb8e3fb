//! `cargo xtask check-elf`: checks a kernel image against loader and CPU.
//!
//! Owns files and words; the rules are in `elf/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cmd::build;
use crate::context::Context;
use crate::elf::{self, Input, Report, sarif};
use crate::failure::{Doing, Failure, Result};
use crate::flags;
use crate::machine::Cpu;

/// Findings of one rule that are printed one by one; `--json` has all.
const SHOWN_PER_RULE: usize = 20;

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    file: &'a Path,
    cpu: Cpu,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::CheckElf) -> Result<()> {
    let path = match flags.path {
        Some(path) => path,
        None => build::kernel(cx, &build::Request::default())?.elf,
    };
    if cx.dry_run {
        cx.ui.result("check-elf: nothing checked (--dry-run)");
        return Ok(());
    }
    let cpu = flags.cpu.unwrap_or(Cpu::Pentium);
    let report = check(cx, &path, cpu)?;
    if let Some(file) = &flags.sarif {
        let document = sarif::document(&report, &cx.project.shown(&path));
        let text = serde_json::to_string_pretty(&document).doing("writing the SARIF document")?;
        fs::write(file, text + "\n").doing(format_args!("writing {}", file.display()))?;
    }
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            file: &path,
            cpu,
            report: &report,
        })?;
    }
    show(cx, &report);
    let count = report.findings.len();
    let closing = format!(
        "check-elf: {}: {} instructions, {count} finding{}",
        cx.project.shown(&path),
        report.instructions,
        if count == 1 { "" } else { "s" }
    );
    if report.findings.is_empty() {
        cx.ui.result(closing);
        Ok(())
    } else {
        Err(Failure::failed(closing))
    }
}

/// Checks one file: its names come from the unstripped kernel beside it.
pub fn check(cx: &Context, path: &Path, cpu: Cpu) -> Result<Report> {
    let bytes = read(path)?;
    // Nobody has to have it: without, the kernel's own table names functions.
    let debug = debug_of(path).and_then(|path| fs::read(path).ok());
    let list = cx.project.gated_list();
    let gates = match fs::read_to_string(&list) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).doing(format_args!("reading {}", list.display())),
    };
    let name = cx.project.shown(&list);
    let report = elf::check(&Input {
        bytes: &bytes,
        debug: debug.as_deref(),
        cpu,
        gates: gates.as_deref().map(|text| (name.as_str(), text)),
    });
    cx.ui.detail(format_args!(
        "{} functions, named by {}",
        report.functions, report.symbols
    ));
    Ok(report)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    if path.is_dir() {
        return Err(Failure::usage(
            format!("{} is a folder", path.display()),
            "name a kernel.elf, or none to check the built kernel",
        ));
    }
    fs::read(path).map_err(|error| {
        Failure::usage(
            format!("reading {} failed: {error}", path.display()),
            "name a kernel.elf, or none to check the built kernel",
        )
    })
}

/// `kernel.debug` beside `kernel.elf`.
fn debug_of(path: &Path) -> Option<PathBuf> {
    let is_elf = path.extension().is_some_and(|extension| extension == "elf");
    is_elf.then(|| path.with_extension("debug"))
}

fn show(cx: &Context, report: &Report) {
    let mut rest = report.findings.as_slice();
    while let Some(first) = rest.first() {
        let same = rest
            .iter()
            .take_while(|finding| finding.rule == first.rule)
            .count();
        let (group, after) = rest.split_at(same);
        for finding in group.iter().take(SHOWN_PER_RULE) {
            cx.ui.say(format_args!("{finding}\n  {}", finding.mend));
        }
        if group.len() > SHOWN_PER_RULE {
            cx.ui.say(format_args!(
                "{}: and {} more; --json has them all",
                first.rule,
                group.len() - SHOWN_PER_RULE
            ));
        }
        rest = after;
    }
}
