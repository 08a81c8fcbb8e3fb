//! The two boots that prove an image: the smallest machine, and one with two
//! processors.
//!
//! Owns what must be seen in them and how long that may take. The kernel is the
//! very file that `docker-build` leaves; it boots in the container's own QEMU,
//! is talked to, and must leave by itself. The judgement is pure.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::build;
use super::choices::{Cache, Stage, Steps};
use super::engine::{Client, Engine, Platform};
use super::plan::{Request, Wanted};
use super::running::{self, Io};
use super::session::{self, Kvm, Session};
use crate::cli::Timeout;
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::machine::Cpu;

/// How long a boot may take if nobody says otherwise.
const USUAL: Timeout = Timeout(Duration::from_secs(120));
/// How long the tool may take to be compiled in the container, beyond that.
const COMPILING: Duration = Duration::from_secs(900);
/// What is typed, one line a prompt.
const TYPED: &str = "cpus\nmem\npoweroff\n";

/// A boot to try.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Trial {
    /// The command it belongs to.
    pub name: &'static str,
    /// The CPU model.
    pub cpu: Cpu,
    /// The memory.
    pub memory: &'static str,
    /// How many processors.
    pub smp: u32,
}

/// `docker-smoke`.
pub const SMOKE: Trial = Trial {
    name: "smoke",
    cpu: Cpu::Pentium,
    memory: "128M",
    smp: 1,
};

/// `docker-integration`.
pub const INTEGRATION: Trial = Trial {
    name: "integration",
    cpu: Cpu::Pentium3,
    memory: "256M",
    smp: 2,
};

/// Something that must have been seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// The line that shows it, or breaks it.
    pub line: Option<String>,
    /// Whether it is so.
    pub passed: bool,
}

/// What `cargo xtask qemu --json` says, as far as it is judged.
#[derive(Debug, Deserialize)]
pub struct Run {
    verdict: String,
    ready_ms: Option<f64>,
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    text: String,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    command: String,
    platform: Platform,
    #[serde(flatten)]
    trial: Trial,
    timeout: Timeout,
    kernel: &'a str,
    passed: bool,
    ready_ms: Option<f64>,
    checks: &'a [Check],
}

/// How it is asked for.
#[derive(Debug)]
pub struct Asked {
    /// Which container engine.
    pub engine: Option<Client>,
    /// Which platform's container.
    pub platform: Option<Platform>,
    /// Whether a document is wanted.
    pub json: Wanted,
}

/// How long a boot may take: QEMU_TIMEOUT, in seconds or with units.
fn limit(value: Option<&str>) -> Result<Timeout> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else {
        return Ok(USUAL);
    };
    let in_seconds = format!("{value}s");
    let plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let text = if plain { &in_seconds } else { value };
    text.parse().map_err(|_| {
        Failure::usage(
            format!("QEMU_TIMEOUT is `{value}`, which is no time"),
            "give seconds, or a time like 90s, 2m: QEMU_TIMEOUT=90s",
        )
    })
}

/// Builds the kernel in its image, boots it in the container, judges the boot.
pub fn run(cx: &Context, trial: Trial, asked: &Asked) -> Result<()> {
    let timeout = limit(std::env::var("QEMU_TIMEOUT").ok().as_deref())?;
    let engine = Engine::find(cx, asked.engine)?;
    let platform = asked.platform.unwrap_or(Platform::Linux386);
    let (folder, sha256) = kernel(cx, &engine, platform)?;
    let session = Session {
        purpose: trial.name,
        platform,
        kvm: Kvm::Withheld,
        kernel: Some(folder),
        words: words(trial, timeout),
    };
    let deadline = Instant::now() + timeout.0 + COMPILING;
    let io = Io::Captured(TYPED.to_owned());
    let Some(ended) = session.run(cx, &engine, io, Some(deadline))? else {
        return Ok(());
    };
    if running::code(ended.status) == i32::from(Exit::Deadline.code()) {
        let what = format!("the machine did not come to its end within {timeout}");
        return Err(
            Failure::deadline(what).mend("what it said is above; QEMU_TIMEOUT gives it more time")
        );
    }
    let run: Run = match serde_json::from_str(&ended.stdout) {
        Ok(run) => run,
        // It did not come to a boot, and has said why.
        Err(_) if !ended.status.success() => return session::pass_on(&ended),
        Err(error) => return Err(error).doing("reading what the run in the container reported"),
    };
    let checks = judge(trial, &run);
    let passed = checks.iter().all(|check| check.passed);
    if asked.json == Wanted::Yes {
        cx.ui.json(&Document {
            version: 1,
            command: format!("docker-{}", trial.name),
            platform,
            trial,
            timeout,
            kernel: &sha256,
            passed,
            ready_ms: run.ready_ms,
            checks: &checks,
        })?;
    }
    for check in &checks {
        let word = if check.passed { "ok     " } else { "FAILED " };
        let line = check.line.as_deref().unwrap_or("not seen");
        cx.ui.say(format_args!("{word} {}: {line}", check.what));
    }
    let Trial {
        name,
        cpu,
        memory,
        smp,
    } = trial;
    let what = format!("docker-{name}: {cpu}, {memory}, {smp} cpu in a {platform} container");
    if !passed {
        let failed = checks.iter().filter(|check| !check.passed).count();
        return Err(Failure {
            exit: Exit::TestsFailed,
            what: format!("{what}: {failed} of {} checks failed", checks.len()),
            mend: Some("what the machine said is above".to_owned()),
        });
    }
    cx.ui
        .result(format_args!("{what}: all {} checks passed", checks.len()));
    Ok(())
}

/// The kernel that `docker-build` leaves: its folder and its digest.
fn kernel(cx: &Context, engine: &Engine, platform: Platform) -> Result<(PathBuf, String)> {
    let request = Request {
        stage: Stage::Export,
        builder: None,
        cache: Cache::None,
        no_cache: Wanted::No,
        pull: Wanted::No,
        sbom: Wanted::No,
        push: None,
    };
    let facts = build::facts(cx, engine, &request)?;
    let folder = build::files(cx, platform);
    let target = build::target(cx, engine, platform, None, folder.clone())?;
    let built = build::build(cx, engine, &request, &facts, target, Steps::Auto)?;
    let Some((folder, manifest)) = built.files else {
        return Ok((folder, String::new()));
    };
    let kernel = manifest
        .files
        .into_iter()
        .find(|file| file.name == crate::product::KERNEL)
        .doing("looking for the kernel in its manifest")?;
    cx.ui
        .say(format_args!("kernel  {} ({})", kernel.sha256, built.layers));
    Ok((folder, kernel.sha256))
}

fn words(trial: Trial, timeout: Timeout) -> Vec<OsString> {
    let words = [
        "--timeout".to_owned(),
        timeout.to_string(),
        "qemu".to_owned(),
        "--json".to_owned(),
        "--kernel".to_owned(),
        "/kernel/kernel.elf".to_owned(),
        "--cpu".to_owned(),
        trial.cpu.to_string(),
        "--memory".to_owned(),
        trial.memory.to_owned(),
        "--smp".to_owned(),
        trial.smp.to_string(),
    ];
    words.map(OsString::from).to_vec()
}

/// Everything that must be so, and whether it is.
pub fn judge(trial: Trial, run: &Run) -> Vec<Check> {
    let line = |shows: &dyn Fn(&str) -> bool| {
        let found = run.lines.iter().find(|line| shows(&line.text));
        found.map(|line| line.text.clone())
    };
    let required = |what: &str, shows: &dyn Fn(&str) -> bool| {
        let line = line(shows);
        Check {
            what: what.to_owned(),
            passed: line.is_some(),
            line,
        }
    };
    let panic = line(&|text| text.starts_with("exov6: panic:"));
    let last_processor = format!("cpu{} apic", trial.smp.saturating_sub(1));
    vec![
        required("the banner", &|text| {
            text.starts_with("ExoV6 ") && text.contains(" i386")
        }),
        required("ready", &|text| text.starts_with("exov6: ready in ")),
        required("the prompt answers `cpus`", &|text| {
            text.starts_with(&last_processor)
        }),
        required("the prompt answers `mem`", &|text| {
            text.contains("KiB of memory")
        }),
        required("the end", &|text| text == "exov6: done ok"),
        Check {
            what: "no panic".to_owned(),
            passed: panic.is_none(),
            line: Some(panic.unwrap_or_else(|| "none".to_owned())),
        },
        Check {
            what: "QEMU's exit".to_owned(),
            passed: run.verdict == "passed",
            line: Some(run.verdict.clone()),
        },
    ]
}

#[cfg(test)]
#[path = "smoke_tests.rs"]
mod tests;
