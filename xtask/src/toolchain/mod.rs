//! The kernel's compiler: finding it, asking it, calling its cargo.
//!
//! The kernel needs `core` and `alloc` built for its own target, so a compiler
//! with the sources of its own library. In this order: the folder a person
//! names; the rustup toolchain of rust-toolchain.toml; the distribution's.
//! Stable compilers build unstable features with RUSTC_BOOTSTRAP=1, which is
//! set here and nowhere else.

mod choice;
mod environment;
pub mod identity;
mod probe;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use choice::{Candidate, Origin, Sources, Unfit, Version, choose};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::run;

/// A compiler that can build the kernel.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Who brought it.
    pub origin: Origin,
    /// The folder above `bin/`.
    pub dir: PathBuf,
    /// Its version.
    pub version: Version,
    /// The folder that holds `library/`.
    pub sources: PathBuf,
    /// Shared libraries that are not where the system looks.
    library_path: Vec<PathBuf>,
    /// Unstable cargo options that this version has or wants.
    unstable: Vec<&'static str>,
}

/// Subcommands that are cargo itself.
const BUILT_IN: [&str; 6] = ["build", "rustc", "check", "doc", "fetch", "metadata"];

impl Toolchain {
    /// Its cargo, in the workspace, with nothing inherited that would steer it.
    pub fn cargo(&self, cx: &Context, subcommand: &str) -> Command {
        let mut command = Command::new(self.dir.join("bin/cargo"));
        command.current_dir(cx.project.root()).arg(subcommand);
        for name in environment::removed(
            std::env::vars_os()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
                .iter()
                .map(OsString::as_os_str),
        ) {
            command.env_remove(name);
        }
        command
            .env("RUSTC", self.dir.join("bin/rustc"))
            .env("RUSTC_BOOTSTRAP", "1");
        if subcommand == "doc" {
            // Found on PATH otherwise, and there it may be another version's.
            command.env("RUSTDOC", self.dir.join("bin/rustdoc"));
        }
        if !BUILT_IN.contains(&subcommand) {
            // `cargo clippy` runs the cargo-clippy that PATH finds first, which
            // must be this toolchain's.
            let path = std::env::var_os("PATH").unwrap_or_default();
            let path = std::iter::once(self.dir.join("bin")).chain(std::env::split_paths(&path));
            if let Ok(path) = std::env::join_paths(path) {
                command.env("PATH", path);
            }
        }
        self.set_library_path(cx, &mut command);
        if let Some(store) = probe::certificates() {
            command.env("CARGO_HTTP_CAINFO", store);
        }
        if cx.offline {
            command.arg("--offline");
        }
        command
    }

    /// The `-Z` options every build with this toolchain needs.
    pub fn unstable_options(&self) -> impl Iterator<Item = String> {
        [
            "build-std=core,alloc,compiler_builtins",
            "build-std-features=compiler-builtins-mem",
        ]
        .iter()
        .chain(&self.unstable)
        .map(|option| format!("-Z{option}"))
    }

    fn set_library_path(&self, cx: &Context, command: &mut Command) {
        let current = std::env::var_os("LD_LIBRARY_PATH");
        let foreign: Vec<_> = probe::rustup_home()
            .into_iter()
            .chain([cx.project.target()])
            .collect();
        // What is our own may lie below target/, so it is not judged.
        match environment::library_path(&self.library_path, current.as_deref(), &foreign) {
            Some(paths) if current.as_ref() != Some(&paths) => {
                command.env("LD_LIBRARY_PATH", paths);
            }
            None if current.is_some() => {
                command.env_remove("LD_LIBRARY_PATH");
            }
            Some(_) | None => {}
        }
    }
}

/// Whether rustup has the toolchain that rust-toolchain.toml names.
pub fn has_rustup(cx: &Context) -> Result<bool> {
    Ok(probe::rustup_toolchain(cx)?.is_some())
}

/// Lets rustup add a part to the toolchain that rust-toolchain.toml names.
pub fn add_component(cx: &Context, component: &str) -> Result<()> {
    match probe::add_component(cx, component)? {
        probe::Added::Yes => Ok(()),
        probe::Added::No { why } => Err(Failure::missing(
            format!("rustup could not add {component}: {why}"),
            format!("run: rustup component add {component}"),
        )),
    }
}

/// Asks rustup for library sources if it has a compiler that only lacks those.
/// Where it cannot, the distribution's compiler is the next to try.
pub fn fetch_sources(cx: &Context) -> Result<()> {
    let lacks_sources = |candidate: &Candidate| {
        candidate.origin == Origin::Rustup
            && matches!(candidate.verdict(), Err(Unfit::NoSources(_)))
    };
    if !candidates(cx, None)?.iter().any(lacks_sources) {
        return Ok(());
    }
    if let probe::Added::No { why } = probe::add_component(cx, "rust-src")? {
        cx.ui
            .say("rustup could not add library sources; next is the distribution's compiler");
        cx.ui.detail(format_args!("rustup said: {why}"));
    }
    Ok(())
}

/// cargo's folder of downloaded crates, whose name must not reach the kernel.
pub fn cargo_home() -> Option<PathBuf> {
    probe::cargo_home()
}

/// A place to look for a compiler.
type Place = (Origin, PathBuf);

/// Where compilers are, best first.
fn places(cx: &Context, named: Option<&Path>) -> Result<Vec<Place>> {
    let named = named
        .map(Path::to_owned)
        .or_else(|| cx.settings.kernel_toolchain.value.clone());
    if let Some(dir) = named {
        // A person who names one does not want another.
        return Ok(vec![(
            Origin::Named,
            std::path::absolute(&dir).unwrap_or(dir),
        )]);
    }
    let mut places: Vec<Place> = Vec::new();
    places.extend(probe::rustup_toolchain(cx)?.map(|dir| (Origin::Rustup, dir)));
    places.push((Origin::System, "/usr".into()));
    places.extend(
        probe::versioned_dirs()
            .into_iter()
            .map(|dir| (Origin::System, dir)),
    );
    Ok(places)
}

/// Every compiler of this machine that could be meant, best first.
pub fn candidates(cx: &Context, named: Option<&Path>) -> Result<Vec<Candidate>> {
    places(cx, named)?
        .into_iter()
        .map(|(origin, dir)| probe::candidate(cx, origin, dir))
        .collect()
}

/// The compiler that builds the kernel, if this machine has one. Only looks.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) with every candidate and
/// why it does not do; [`Exit::Usage`](crate::failure::Exit::Usage) if a person
/// named one that does not.
pub fn find(cx: &Context, named: Option<&Path>) -> Result<Toolchain> {
    let mut candidates = Vec::new();
    for (origin, dir) in places(cx, named)? {
        candidates.push(probe::candidate(cx, origin, dir)?);
        if choose(&candidates).is_some() {
            // Asking the others would only cost time.
            break;
        }
    }
    let Some((candidate, version)) = choose(&candidates) else {
        let tried: Vec<_> = candidates
            .iter()
            .filter_map(|candidate| {
                candidate
                    .verdict()
                    .err()
                    .map(|why| format!("\n  {}: {why}", candidate.dir.display()))
            })
            .collect();
        return Err(unfit(&candidates, &tried.concat()));
    };
    Ok(Toolchain {
        origin: candidate.origin,
        version,
        sources: probe::sources_dir(&candidate.dir),
        library_path: probe::library_path(&candidate.dir),
        unstable: probe::unstable_options(cx, &candidate.dir)?,
        dir: candidate.dir.clone(),
    })
}

fn unfit(candidates: &[Candidate], tried: &str) -> Failure {
    if candidates
        .iter()
        .any(|candidate| candidate.origin == Origin::Named)
    {
        // Installing another would not make the named one fit.
        return Failure::usage(
            format!("the compiler that was named cannot build the kernel:{tried}"),
            "name the folder above the bin/ of a compiler, with its library sources in lib/rustlib/src/rust",
        );
    }
    Failure::missing(
        format!("no compiler here can build the kernel:{tried}"),
        "run: cargo xtask setup",
    )
}

/// The linker: the toolchain's JSON says `ld`; without one, LLVM's.
pub fn linker(toolchain: &Toolchain) -> Result<Linker> {
    if run::program(Path::new("ld")).is_some() {
        return Ok(Linker::Gnu);
    }
    match probe::rust_lld(&toolchain.dir) {
        Some(path) => Ok(Linker::Lld(path)),
        None => Err(Failure::missing(
            "no linker: neither `ld` nor rust-lld is here",
            "run: cargo xtask setup",
        )),
    }
}

/// Who links the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linker {
    /// GNU ld, from PATH.
    Gnu,
    /// LLVM's, out of the toolchain.
    Lld(PathBuf),
}
