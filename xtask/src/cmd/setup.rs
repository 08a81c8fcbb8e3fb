//! `cargo xtask setup`: installs what the commands need.
//!
//! Does nothing where everything is there. Afterwards all that a build needs
//! has been fetched, so that `--offline` works from then on.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::{Ktest, Profile};
use crate::compile::{Compilation, Unit};
use crate::context::Context;
use crate::docker::diagnosis::Trouble;
use crate::docker::engine::{self, Client};
use crate::failure::{Exit, Failure, Result};
use crate::flags;
use crate::lint;
use crate::machine::Cpu;
use crate::project::Variant;
use crate::run;
use crate::setup::{self, apt, buildx, daemon, oldest};
use crate::toolchain::{self, Toolchain, Version};
use crate::tools::{self, Need, Tool};
use crate::ui::command_line;

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    version: u32,
    installed: Vec<Tool>,
    oldest: Option<PathBuf>,
    lint: Option<PathBuf>,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Setup) -> Result<()> {
    if !cx.setup_allowed {
        return Err(Failure::usage(
            "`setup` and --no-setup exclude each other",
            "cargo xtask doctor only looks",
        ));
    }
    let wanted = |tool: &&Tool| match tool.facts().need {
        Need::Required => true,
        Need::Optional => flags.all,
        Need::Docker => flags.docker,
    };
    let mut missing = Vec::new();
    for &tool in Tool::ALL.iter().filter(wanted) {
        if tools::look(cx, tool)?.is_missing() {
            missing.push(tool);
        }
    }
    if cx.dry_run {
        let mut also = Vec::new();
        if flags.lint && !lint::install::is_here(cx)? {
            lint::install::ensure(cx)?;
            also.push("lint");
        }
        return dry_run(cx, &missing, &also, flags.docker.then_some(Engine));
    }
    if !missing.is_empty() {
        setup::install(cx, &missing)?;
    }
    if flags.docker {
        daemon::start(cx)?;
    }
    let toolchain = toolchain::find(cx, None)?;
    fetch(cx, &toolchain)?;
    let oldest = if flags.oldest {
        oldest(cx, &toolchain)?
    } else {
        None
    };
    let mut names: Vec<_> = missing.iter().map(|tool| tool.word()).collect();
    let mut lint = None;
    if flags.lint {
        if !lint::install::is_here(cx)? {
            names.push("lint");
        }
        lint = Some(lint::install::ensure(cx)?);
    }
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            installed: missing,
            oldest,
            lint,
        })?;
    }
    if names.is_empty() {
        cx.ui.result("everything is here; nothing to install");
    } else {
        cx.ui.result(format_args!("installed {}", names.join(", ")));
    }
    Ok(())
}

/// Docker's engine is wanted, and that it runs.
struct Engine;

/// `also` was printed already.
fn dry_run(cx: &Context, missing: &[Tool], also: &[&str], engine: Option<Engine>) -> Result<()> {
    let starts = match engine {
        Some(Engine) => engine::ask(cx, Client::Docker)?
            .err()
            .filter(|trouble| daemon::is_ours(trouble) || matches!(trouble, Trouble::NoClient(_))),
        None => None,
    };
    if missing.is_empty() && also.is_empty() && starts.is_none() {
        cx.ui
            .result("everything is here; nothing would be installed");
        return Ok(());
    }
    if !missing.is_empty() {
        for command in apt::commands(cx, missing)? {
            cx.ui.print(format_args!("{}\n", command_line(&command)));
        }
    }
    let packages = apt::packages(cx, missing)?;
    if missing.contains(&Tool::Buildx) && !packages.iter().any(|name| name == buildx::PACKAGE) {
        buildx::dry_run(cx);
    }
    if starts.is_some() {
        daemon::dry_run(cx)?;
    }
    let names: Vec<_> = missing.iter().map(|tool| tool.word()).collect();
    let names = [names.as_slice(), also].concat();
    cx.ui
        .result(format_args!("would install {}", names.join(", ")));
    Ok(())
}

/// Unpacks the oldest compiler, unless the machine's own is as old.
fn oldest(cx: &Context, here: &Toolchain) -> Result<Option<PathBuf>> {
    match oldest::install(cx) {
        Ok(dir) => {
            fetch(cx, &toolchain::find(cx, Some(&dir))?)?;
            Ok(Some(dir))
        }
        Err(failure)
            if failure.exit == Exit::Missing && here.version.minor == Version::OLDEST.minor =>
        {
            cx.ui.say(format_args!(
                "{}; rustc {} of this machine is as old",
                failure.what, here.version
            ));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Lets cargo fetch what this tool, its tests, the kernel and the kernel's
/// `core` are built from.
fn fetch(cx: &Context, toolchain: &Toolchain) -> Result<()> {
    if cx.offline {
        return Ok(());
    }
    let variant = Variant {
        profile: Profile::Release,
        cpu: Cpu::Pentium,
        ktest: Ktest::Without,
    };
    let for_kernel = Compilation {
        toolchain,
        unit: Unit::Kernel,
        variant,
    }
    .fetch(cx)?;
    let mut for_host = toolchain.cargo(cx, "fetch");
    for_host.args(["--target", &host()]);
    for mut command in [for_host, for_kernel] {
        let output = run::output(cx, &mut command)?;
        if !output.status.success() {
            // Building may still work: the crates may be there already.
            cx.ui.warn(format_args!(
                "cargo could not fetch everything; a build will try again:\n{}",
                output.stderr.trim_end()
            ));
        }
    }
    Ok(())
}

/// The platform whose crates this machine needs.
fn host() -> String {
    let arch = match std::env::consts::ARCH {
        "x86" => "i686",
        arch => arch,
    };
    format!("{arch}-unknown-linux-gnu")
}
