//! What each step of `cargo xtask ci` does.
//!
//! Owns no logic of its own: a step calls cargo, or the command that a person
//! would call.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::End;
use crate::cli::{Ktest, Profile};
use crate::cmd::build::{self, Request};
use crate::cmd::{
    bench_boot, check_elf as check_elf_cmd, reproduce as reproduce_cmd, tidy as tidy_cmd,
};
use crate::compile::{Compilation, Unit};
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::flags;
use crate::image::ext2::{self, Content};
use crate::image::iso::{self, Iso};
use crate::machine::Cpu;
use crate::programs;
use crate::run;
use crate::setup::oldest as oldest_compiler;
use crate::testing::matrix::Extent;
use crate::testing::rings::{Builds, HOST_PACKAGES, host_cargo};
use crate::testing::select::Wanted;
use crate::testing::suite::{LastLine, Outputs, Records, Suite};
use crate::toolchain;
use crate::tools::{self, Tool};

/// The documentation is for readers of the source, private items included, so
/// links to those are as good as others.
const RUSTDOC_FLAGS: &str = "-Dwarnings -Arustdoc::private_intra_doc_links";

pub(super) fn fmt(cx: &Context) -> Result<End> {
    tools::require(cx, &[Tool::Rustfmt])?;
    let mut command = host_cargo(cx, "fmt");
    command.args(["--all", "--", "--check"]);
    succeed(cx, &mut command, "format with: cargo fmt --all")
}

pub(super) fn tidy(cx: &Context) -> Result<End> {
    tidy_cmd::run(cx, flags::Tidy { json: false })?;
    Ok(End::Passed)
}

pub(super) fn clippy_host(cx: &Context) -> Result<End> {
    tools::require(cx, &[Tool::Clippy])?;
    let mut command = host_cargo(cx, "clippy");
    command.args(
        HOST_PACKAGES
            .iter()
            .flat_map(|package| ["--package", package]),
    );
    command.args(["--all-targets", "--", "-Dwarnings"]);
    succeed(cx, &mut command, "mend what clippy says above")
}

/// The kernel with and without its tests, and the user programs; the crates
/// that they are made of are linted with them, for this target.
pub(super) fn clippy_kernel(cx: &Context) -> Result<End> {
    tools::require(cx, &[Tool::KernelRust, Tool::Clippy])?;
    let kernels = [Ktest::Without, Ktest::With].map(|ktest| (Unit::Kernel, ktest));
    let programs = one_of_each_package().map(|unit| (unit, Ktest::Without));
    for (unit, ktest) in kernels.into_iter().chain(programs) {
        let mut command = target_cargo(cx, "clippy", unit, ktest)?;
        command.args(["--bins", "--", "-Dwarnings"]);
        succeed(cx, &mut command, "mend what clippy says above")?;
    }
    Ok(End::Passed)
}

/// A program of each package; what is said of one of them is said of all.
fn one_of_each_package() -> impl Iterator<Item = Unit> {
    let mut seen = BTreeSet::new();
    let programs = programs::ALL.iter().copied();
    programs
        .filter(move |program| seen.insert(program.package()))
        .map(Unit::Program)
}

pub(super) fn doc_host(cx: &Context) -> Result<End> {
    let mut command = host_cargo(cx, "doc");
    command.args(
        HOST_PACKAGES
            .iter()
            .flat_map(|package| ["--package", package]),
    );
    command
        .args(["--no-deps", "--lib", "--document-private-items"])
        .env("RUSTDOCFLAGS", RUSTDOC_FLAGS);
    succeed(cx, &mut command, "mend what rustdoc says above")
}

pub(super) fn doc_kernel(cx: &Context) -> Result<End> {
    tools::require(cx, &[Tool::KernelRust])?;
    let rustdoc = toolchain::find(cx, None)?.dir.join("bin/rustdoc");
    if !rustdoc.is_file() {
        let why = format!("{} is not there", rustdoc.display());
        return Ok(End::Skipped(why));
    }
    for unit in [Unit::Kernel].into_iter().chain(one_of_each_package()) {
        let mut command = target_cargo(cx, "doc", unit, Ktest::With)?;
        if unit != Unit::Kernel {
            command.args(["--package", "user-rt"]);
        }
        command
            .args(["--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", RUSTDOC_FLAGS)
            // Or cargo takes the one that PATH finds, of another version.
            .env("RUSTDOC", &rustdoc);
        succeed(cx, &mut command, "mend what rustdoc says above")?;
    }
    Ok(End::Passed)
}

fn target_cargo(cx: &Context, subcommand: &str, unit: Unit, ktest: Ktest) -> Result<Command> {
    let toolchain = toolchain::find(cx, None)?;
    let variant = Request {
        profile: Profile::Dev,
        ktest,
        ..Request::default()
    }
    .variant();
    Compilation {
        toolchain: &toolchain,
        unit,
        variant,
    }
    .cargo(cx, subcommand)
}

pub(super) fn check_elf(cx: &Context) -> Result<End> {
    tools::require(cx, &[Tool::KernelRust])?;
    for profile in [Profile::Release, Profile::Dev] {
        for cpu in [Cpu::Pentium, Cpu::Pentium2, Cpu::Pentium3] {
            // A dev build differs from the release in checks, not in what its
            // CPU may do: the oldest one shows that.
            if profile == Profile::Dev && cpu != Cpu::Pentium {
                continue;
            }
            let kernel = build::kernel(
                cx,
                &Request {
                    profile,
                    cpu,
                    ..Request::default()
                },
            )?;
            let path = Some(kernel.elf);
            let flags = flags::CheckElf {
                json: false,
                path,
                cpu: Some(cpu),
                sarif: None,
            };
            check_elf_cmd::run(cx, flags)?;
        }
    }
    Ok(End::Passed)
}

pub(super) fn image(cx: &Context) -> Result<End> {
    let kernel = build::kernel(cx, &Request::default())?.elf;
    tools::require(cx, &[Tool::GrubMkrescue, Tool::Xorriso, Tool::Mtools])?;
    twice(cx, "iso", |path| {
        let iso = Iso {
            kernel: &kernel,
            append: "loglevel=6",
            modules: &[],
            root: None,
        };
        iso::write(cx, &iso, path).map(drop)
    })?;
    tools::require(cx, &[Tool::Mke2fs, Tool::E2fsck, Tool::Debugfs])?;
    twice(cx, "ext2", |path| {
        ext2::write(cx, Content::Kernel(&kernel), path).map(drop)
    })?;
    Ok(End::Passed)
}

/// This host's part of the proof; with containers it takes an engine and longer.
pub(super) fn reproduce(cx: &Context) -> Result<End> {
    let flags = flags::Reproduce {
        host: true,
        json: false,
        platform: None,
        engine: None,
        require_docker: false,
        dev: false,
        toolchain: None,
    };
    reproduce_cmd::run(cx, flags)?;
    Ok(End::Passed)
}

/// Makes a file twice, in two places, and compares.
fn twice(cx: &Context, kind: &str, make: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let folder = cx.project.target().join("ci");
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    let paths = ["one", "two"].map(|name| folder.join(format!("{name}.{kind}")));
    for path in &paths {
        make(path)?;
    }
    if cx.dry_run {
        return Ok(());
    }
    let read = |path: &PathBuf| fs::read(path).doing(format_args!("reading {}", path.display()));
    let [one, two] = &paths;
    match (read(one)?, read(two)?) {
        (first, second) if first == second => Ok(()),
        _ => {
            let what = format!(
                "{} and {} differ",
                cx.project.shown(one),
                cx.project.shown(two)
            );
            Err(Failure::failed(what).mend("something random or dated went in"))
        }
    }
}

pub(super) fn budget(cx: &Context) -> Result<End> {
    tools::require(cx, &[Tool::Qemu, Tool::KernelRust])?;
    bench_boot::gate_counts(cx)?;
    Ok(End::Passed)
}

pub(super) fn test_dev(cx: &Context) -> Result<End> {
    test(cx, Profile::Dev)
}

pub(super) fn test_release(cx: &Context) -> Result<End> {
    test(cx, Profile::Release)
}

fn test(cx: &Context, profile: Profile) -> Result<End> {
    let suite = Suite {
        wanted: Wanted::default(),
        builds: Builds::Only(profile),
        extent: Extent::Default,
        retries: cx.settings.retries.value,
        peer: None,
        records: Records::Kept,
        outputs: Outputs {
            last_line: LastLine::Stderr,
            ..Outputs::default()
        },
    };
    if cx.dry_run {
        suite.dry_run(cx)?;
    } else {
        suite.run(cx)?;
    }
    Ok(End::Passed)
}

/// The kernel, all programs and this tool, by the oldest compiler that is supported.
pub(super) fn oldest(cx: &Context) -> Result<End> {
    let dir = oldest_compiler::dir(cx);
    if let Err(absent) = toolchain::find(cx, Some(&dir)) {
        if !cx.setup_allowed {
            return Ok(End::Skipped(format!(
                "{}; --no-setup forbids fetching it",
                absent.what
            )));
        }
        match oldest_compiler::install(cx) {
            Ok(_) => {}
            Err(failure) if failure.exit == Exit::Missing => {
                return Ok(End::Skipped(failure.what));
            }
            Err(failure) => return Err(failure),
        }
    }
    let toolchain = toolchain::find(cx, Some(&dir))?;
    for profile in [Profile::Release, Profile::Dev] {
        let request = Request {
            profile,
            toolchain: Some(dir.clone()),
            ..Request::default()
        };
        build::kernel(cx, &request)?;
        build::programs(cx, &request, programs::ALL.iter().copied())?;
    }
    let mut command = toolchain.cargo(cx, "build");
    command.args(["--package", "xtask", "--target-dir"]);
    command.arg(cx.project.target().join("oldest"));
    succeed(cx, &mut command, "keep to what that compiler knows")
}

fn succeed(cx: &Context, command: &mut Command, mend: &str) -> Result<End> {
    if cx.dry_run {
        cx.ui.echo(command);
        return Ok(End::Passed);
    }
    if run::to_end(cx, command)?.success() {
        return Ok(End::Passed);
    }
    let subcommand = command.get_args().next().unwrap_or_default();
    let what = format!("`cargo {}` failed", subcommand.to_string_lossy());
    Err(Failure::failed(what).mend(mend))
}
