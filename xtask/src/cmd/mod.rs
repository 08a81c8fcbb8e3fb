//! The commands, one file each, and the way from a command line to one of them.
//!
//! Owns the dispatch and the making of the [`Context`]. A command is a function
//! `run(cx, flags)`; it prints through `cx.ui` and returns, it never exits.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use crate::argv::{self, Invocation};
use crate::cli::Color;
use crate::context::Context;
use crate::failure::{Exit, Result};
use crate::flags::{Xtask, XtaskCmd};
use crate::grammar::Grammar;
use crate::help;
use crate::project::Project;
use crate::settings::{GlobalFlags, Settings};
use crate::ui::{Ui, Verbosity};

pub mod bench_boot;
pub mod bench_ipc;
pub mod build;
pub mod check_elf;
pub mod ci;
pub mod ci_summary;
pub mod completions;
pub mod config;
pub mod docker_base;
pub mod docker_build;
pub mod docker_integration;
pub mod docker_run;
pub mod docker_smoke;
pub mod doctor;
pub mod gdb;
pub mod image;
pub mod qemu;
pub mod reproduce;
pub mod setup;
pub mod test;
pub mod tidy;

/// The whole program: the words after `cargo xtask` to an exit code.
pub fn main(words: Vec<OsString>) -> ExitCode {
    // Until the flags are read, errors are coloured as the terminal likes it.
    let early = || Ui::new(Verbosity::Normal, Color::Auto);
    let grammar = Grammar::of_this_tool();
    let normal = match argv::normalise(&grammar, &words) {
        Ok(Invocation::Run(normal)) => normal,
        Ok(Invocation::Help(command)) => {
            let text = match command.and_then(|name| grammar.command(&name)) {
                Some(command) => help::of_command(command),
                None => help::of_tool(&grammar),
            };
            early().print(text);
            return ExitCode::from(Exit::Done.code());
        }
        Err(failure) => {
            early().failure(&failure);
            return ExitCode::from(failure.exit.code());
        }
    };
    let parsed = Xtask::from_vec(normal).map_err(|error| argv::refused(&grammar, &words, &error));
    let made = parsed.and_then(|flags| {
        let (cx, warnings) = context(&flags)?;
        Ok((cx, warnings, flags.subcommand))
    });
    let (cx, warnings, command) = match made {
        Ok(made) => made,
        Err(failure) => {
            early().failure(&failure);
            return ExitCode::from(failure.exit.code());
        }
    };
    for warning in warnings {
        cx.ui.warn(warning);
    }
    match dispatch(&cx, command) {
        Ok(()) => ExitCode::from(Exit::Done.code()),
        Err(failure) => {
            if !failure.is_told() {
                cx.ui.failure(&failure);
            }
            ExitCode::from(failure.exit.code())
        }
    }
}

fn context(flags: &Xtask) -> Result<(Context, Vec<String>)> {
    let started = Instant::now();
    let project = Project::find()?;
    let globals = GlobalFlags {
        color: flags.color,
        timeout: flags.timeout,
        offline: flags.offline.then_some(true),
    };
    let (settings, warnings) = Settings::load(&project.settings_file(), globals)?;
    let verbosity = match (flags.quiet, flags.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Verbose,
        (false, _) => Verbosity::Everything,
    };
    let cx = Context {
        ui: Ui::new(verbosity, settings.color.value),
        deadline: settings.timeout.value.map(|timeout| started + timeout.0),
        dry_run: flags.dry_run,
        offline: settings.offline.value,
        setup_allowed: !flags.no_setup,
        project,
        settings,
    };
    Ok((cx, warnings))
}

fn dispatch(cx: &Context, command: XtaskCmd) -> Result<()> {
    match command {
        XtaskCmd::Setup(flags) => setup::run(cx, flags),
        XtaskCmd::Doctor(flags) => doctor::run(cx, flags),
        XtaskCmd::Build(flags) => build::run(cx, flags),
        XtaskCmd::CheckElf(flags) => check_elf::run(cx, flags),
        XtaskCmd::Image(flags) => image::run(cx, flags),
        XtaskCmd::Qemu(flags) => qemu::run(cx, flags),
        XtaskCmd::Test(flags) => test::run(cx, flags),
        XtaskCmd::Gdb(flags) => gdb::run(cx, flags),
        XtaskCmd::BenchBoot(flags) => bench_boot::run(cx, flags),
        XtaskCmd::BenchIpc(flags) => bench_ipc::run(cx, flags),
        XtaskCmd::Reproduce(flags) => reproduce::run(cx, flags),
        XtaskCmd::Tidy(flags) => tidy::run(cx, flags),
        XtaskCmd::Ci(flags) => ci::run(cx, flags),
        XtaskCmd::CiSummary(flags) => ci_summary::run(cx, flags),
        XtaskCmd::DockerBase(flags) => docker_base::run(cx, flags),
        XtaskCmd::DockerBuild(flags) => docker_build::run(cx, flags),
        XtaskCmd::DockerRun(flags) => docker_run::run(cx, flags),
        XtaskCmd::DockerSmoke(flags) => docker_smoke::run(cx, flags),
        XtaskCmd::DockerIntegration(flags) => docker_integration::run(cx, flags),
        XtaskCmd::Config(flags) => config::run(cx, flags),
        XtaskCmd::Completions(flags) => completions::run(cx, flags),
    }
}
