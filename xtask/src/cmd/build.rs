//! `cargo xtask build`: builds kernel.elf and the user programs.
//!
//! Owns the way from a [`Request`] to an [`Artifact`]; every command that needs
//! a kernel calls [`kernel`], and [`programs()`] for what runs on it.

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use crate::cli::{Ktest, Profile};
use crate::compile::{Compilation, TARGET, Unit, write_whole};
use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::finalise::finalise;
use crate::flags;
use crate::lock::Lock;
use crate::machine::Cpu;
use crate::product::{self, Facts, Manifest, Product, Source, Unfinished};
use crate::programs::{self, Program};
use crate::project::Variant;
use crate::run;
pub use crate::sizes::Sizes;
use crate::sizes::{self, History};
use crate::toolchain::{self, Toolchain, Version};
use crate::tools;

/// Which kernel is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Optimised or checked.
    pub profile: Profile,
    /// The CPU the code may assume.
    pub cpu: Cpu,
    /// With or without the in-kernel tests.
    pub ktest: Ktest,
    /// A compiler to use instead of the one found: the folder above its `bin/`.
    pub toolchain: Option<PathBuf>,
}

impl Default for Request {
    /// The kernel people boot: optimised, for every CPU, without tests.
    fn default() -> Self {
        Request {
            profile: Profile::Release,
            cpu: Cpu::Pentium,
            ktest: Ktest::Without,
            toolchain: None,
        }
    }
}

impl Request {
    /// Its folder and file names.
    pub fn variant(&self) -> Variant {
        Variant {
            profile: self.profile,
            cpu: self.cpu,
            ktest: self.ktest,
        }
    }

    /// The compiler for it.
    fn compiler(&self, cx: &Context) -> Result<Toolchain> {
        if self.cpu == Cpu::Qemu32 {
            return Err(Failure::usage(
                "no code is made for `qemu32`",
                "pentium, pentium2 and pentium3 code runs on it",
            ));
        }
        match &self.toolchain {
            Some(dir) => toolchain::find(cx, Some(dir)),
            None => tools::kernel_toolchain(cx),
        }
    }
}

/// A built kernel.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// What boots: stripped, with its symbol table inside.
    pub elf: PathBuf,
    /// The same kernel as the linker left it, for gdb.
    pub debug: PathBuf,
    /// How big it is. All zero in a dry run.
    pub sizes: Sizes,
    /// How big the last different kernel of this variant was.
    pub sizes_before: Option<Sizes>,
    /// The compiler that built it.
    pub compiler: Version,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    kernel: &'a Path,
    debug: &'a Path,
    programs: &'a [PathBuf],
    profile: Profile,
    cpu: Cpu,
    ktest: Ktest,
    compiler: Version,
    sizes: Sizes,
    sizes_before: Option<Sizes>,
    output: Option<&'a Path>,
    manifest: Option<&'a Manifest>,
}

/// Builds a kernel: compiles, links, adds the symbol table.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) without a compiler,
/// [`Exit::BuildFailed`](crate::failure::Exit::BuildFailed) if it refuses.
pub fn kernel(cx: &Context, request: &Request) -> Result<Artifact> {
    let toolchain = request.compiler(cx)?;
    let variant = request.variant();
    let compilation = Compilation {
        toolchain: &toolchain,
        unit: Unit::Kernel,
        variant,
    };
    let mut command = compilation.link(cx)?;
    let mut artifact = Artifact {
        elf: cx.project.kernel_elf(&variant),
        debug: cx.project.kernel_debug(&variant),
        sizes: Sizes::default(),
        sizes_before: None,
        compiler: toolchain.version,
    };
    if cx.dry_run {
        cx.ui.echo(&command);
        return Ok(artifact);
    }
    // cargo leaves every variant of a profile under one name: until it is
    // copied, nobody else may build.
    let _lock = Lock::take(cx, &compilation.target_dir(cx))?;
    cx.ui.detail(format_args!(
        "compiler: rustc {} in {}",
        toolchain.version,
        toolchain.dir.display()
    ));
    let status = run::to_end(cx, &mut command)?;
    if !status.success() {
        let kernel = format!("the kernel ({})", variant.name());
        return Err(refused(&toolchain, &kernel));
    }
    let history = finish(cx, &compilation.linked(cx), &artifact, &variant)?;
    artifact.sizes = history.now;
    artifact.sizes_before = history.before;
    Ok(artifact)
}

/// Builds programs like the kernel of this request: where they are.
///
/// # Errors
/// As [`kernel`].
pub fn programs(
    cx: &Context,
    request: &Request,
    programs: impl IntoIterator<Item = Program>,
) -> Result<Vec<PathBuf>> {
    let toolchain = request.compiler(cx)?;
    let variant = request.variant();
    let mut built = Vec::new();
    for program in programs {
        let compilation = Compilation {
            toolchain: &toolchain,
            unit: Unit::Program(program),
            variant,
        };
        let mut command = compilation.link(cx)?;
        let file = cx.project.program(&variant, program);
        if cx.dry_run {
            cx.ui.echo(&command);
        } else {
            // Until it is copied, nobody else may build one of this name.
            let _lock = Lock::take(cx, &compilation.target_dir(cx))?;
            if !run::to_end(cx, &mut command)?.success() {
                let name = format!("the program {} ({})", program.name, variant.name());
                return Err(refused(&toolchain, &name));
            }
            replace(&file, &read(&compilation.linked(cx))?)?;
        }
        built.push(file);
    }
    Ok(built)
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Build) -> Result<()> {
    let request = Request {
        profile: match (flags.release, flags.dev) {
            (true, true) => {
                return Err(Failure::usage(
                    "--release and --dev exclude each other",
                    "give one of them",
                ));
            }
            (_, true) => Profile::Dev,
            (_, false) => Profile::Release,
        },
        cpu: flags.target_cpu.unwrap_or(Cpu::Pentium),
        ktest: if flags.ktest {
            Ktest::With
        } else {
            Ktest::Without
        },
        toolchain: flags.toolchain,
    };
    let output = flags.output.as_deref().filter(|_| !cx.dry_run);
    if let Some(dir) = output {
        // Tried now, so that a folder nobody can write to costs no build.
        drop(Unfinished::begin(dir)?);
    }
    let stated = flags.commit.and_then(|stated| stated.0);
    let artifact = kernel(cx, &request)?;
    let programs = programs(cx, &request, programs::for_people())?;
    if cx.dry_run {
        return Ok(());
    }
    let manifest = match output {
        Some(dir) => Some(hand_out(cx, &request, &artifact, &programs, stated, dir)?),
        None => None,
    };
    let history = History {
        now: artifact.sizes,
        before: artifact.sizes_before,
    };
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            kernel: &artifact.elf,
            debug: &artifact.debug,
            programs: &programs,
            profile: request.profile,
            cpu: request.cpu,
            ktest: request.ktest,
            compiler: artifact.compiler,
            sizes: artifact.sizes,
            sizes_before: artifact.sizes_before,
            output,
            manifest: manifest.as_ref(),
        })?;
    } else {
        for line in history.table() {
            cx.ui.say(line);
        }
        for program in &programs {
            cx.ui
                .say(format_args!("program {}", cx.project.shown(program)));
        }
    }
    cx.ui.result(format_args!(
        "built {}: {}, {} for {} by rustc {}",
        cx.project.shown(
            &flags
                .output
                .map_or(artifact.elf, |dir| dir.join(product::KERNEL))
        ),
        sizes::shown(artifact.sizes.file),
        request.profile,
        request.cpu,
        artifact.compiler
    ));
    Ok(())
}

/// Leaves the built kernel in a folder of its own, with all that belongs to it.
fn hand_out(
    cx: &Context,
    request: &Request,
    artifact: &Artifact,
    programs: &[PathBuf],
    stated: Option<Source>,
    dir: &Path,
) -> Result<Manifest> {
    let symbols = read(&artifact.debug)?;
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok((name.into_owned(), read(path)?))
    };
    let programs: Vec<_> = programs.iter().map(named).collect::<Result<_>>()?;
    // Made again of the same bytes: another build may have replaced the kernel.
    let finished = finalise(&symbols)?;
    let product = Product {
        kernel: &finished.elf,
        symbols: &symbols,
        programs: &programs,
        sizes: finished.sizes,
        facts: Facts {
            exov6: env!("CARGO_PKG_VERSION").to_owned(),
            target: TARGET.to_owned(),
            cpu: request.cpu.to_string(),
            profile: request.profile.to_string(),
            ktest: request.ktest.to_string(),
            compiler: artifact.compiler.to_string(),
            source: product::settle(product::of_tree(cx), stated)?,
        },
    };
    let folder = Unfinished::begin(dir)?;
    let manifest = product.fill(&folder)?;
    folder.place()?;
    Ok(manifest)
}

/// Puts the finished kernel in its place; keeps files that did not change.
fn finish(cx: &Context, linked: &Path, artifact: &Artifact, variant: &Variant) -> Result<History> {
    let bytes = read(linked)?;
    let finished = finalise(&bytes)?;
    let sizes_file = cx.project.kernel_sizes(variant);
    let earlier = History::read(&sizes_file);
    replace(&artifact.debug, &bytes)?;
    let changed = replace(&artifact.elf, &finished.elf)?;
    if let (Some(history), Replaced::Same) = (earlier, changed) {
        return Ok(history);
    }
    let history = History::after(earlier, finished.sizes);
    history.write(&sizes_file)?;
    Ok(history)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).doing(format_args!("reading {}", file.display()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replaced {
    Same,
    Different,
}

fn replace(file: &Path, bytes: &[u8]) -> Result<Replaced> {
    if std::fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(Replaced::Same);
    }
    write_whole(file, bytes)?;
    Ok(Replaced::Different)
}

fn refused(toolchain: &Toolchain, what: &str) -> Failure {
    Failure::build_failed(format!(
        "{what} does not build with rustc {} of {}",
        toolchain.version,
        toolchain.dir.display()
    ))
    .mend("the compiler's message is above")
}
