//! `cargo xtask reproduce`: proves that the same sources give the same bytes.
//!
//! Owns the words, the document and the verdict; the proof is in `reproduce/`.

use serde::Serialize;

use crate::cli::Profile;
use crate::context::Context;
use crate::docker::choices::Platforms;
use crate::docker::engine::Platform;
use crate::failure::{Failure, Result};
use crate::flags;
use crate::reproduce::{self, Absent, Cause, Findings, Request};

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    command: &'static str,
    same: bool,
    #[serde(flatten)]
    findings: &'a Findings,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Reproduce) -> Result<()> {
    let all = || Platforms(Platform::ALL.to_vec());
    let Platforms(platforms) = match (flags.host, flags.platform) {
        (true, Some(_)) => {
            return Err(Failure::usage(
                "--host and --platform exclude each other",
                "give one of them",
            ));
        }
        (true, None) => Platforms(Vec::new()),
        (false, platform) => platform.unwrap_or_else(all),
    };
    if flags.dev && !flags.host {
        return Err(Failure::usage(
            "containers build the optimised kernel only",
            "give --host along with --dev",
        ));
    }
    let request = Request {
        profile: if flags.dev {
            Profile::Dev
        } else {
            Profile::Release
        },
        platforms,
        client: flags.engine,
        absent: if flags.require_docker {
            Absent::Fails
        } else {
            Absent::Told
        },
        toolchain: flags.toolchain,
    };
    let findings = reproduce::prove(cx, &request)?;
    if cx.dry_run {
        return Ok(());
    }
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            command: "reproduce",
            same: findings.pairs.is_empty(),
            findings: &findings,
        })?;
    }
    tell(cx, &findings)?;
    let absent = |one: &reproduce::NotCompared| one.cause == Cause::Absent;
    if request.absent == Absent::Fails && findings.not_compared.iter().any(absent) {
        return Err(Failure::failed(
            "--require-docker was given, and not everything was compared",
        ));
    }
    Ok(())
}

/// Says what came out, as far as it can be said in lines.
fn tell(cx: &Context, findings: &Findings) -> Result<()> {
    for made in &findings.builds {
        cx.ui
            .say(format_args!("{} (rustc {})", made.name, made.compiler));
        for file in &made.files {
            cx.ui.say(format_args!("  {}  {}", file.sha256, file.name));
        }
    }
    for absent in &findings.not_compared {
        cx.ui.warn(format_args!(
            "not compared: {}: {}",
            absent.what, absent.why
        ));
    }
    let mut places = 0;
    for pair in &findings.pairs {
        cx.ui
            .result(format_args!("{} and {} differ:", pair.one, pair.other));
        for difference in &pair.differences {
            places += 1;
            for line in difference.lines() {
                cx.ui.result(format_args!("  {line}"));
            }
        }
    }
    if places > 0 {
        return Err(Failure::failed(format!(
            "the same sources gave different bytes, in {places} places of {} builds",
            findings.pairs.len()
        ))
        .mend("docs/reproducible.md says what has to be hidden from a build and how"));
    }
    let rest = match findings.not_compared.len() {
        0 => String::new(),
        count => format!("; {count} not compared"),
    };
    cx.ui.result(format_args!(
        "reproduce: {} builds, the same bytes{rest}",
        findings.builds.len()
    ));
    Ok(())
}
