//! `cargo xtask build`: builds kernel.elf.
//!
//! Owns the way from a [`Request`] to an [`Artifact`]; every command that needs
//! a kernel calls [`kernel`].

use std::path::PathBuf;

use serde::Serialize;

pub use crate::cli::{Ktest, Profile};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;
use crate::machine::Cpu;

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

/// A built kernel.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// What boots: stripped, with its symbol table inside.
    pub elf: PathBuf,
    /// The same kernel as the linker left it, for gdb.
    pub debug: PathBuf,
    /// How big it is.
    pub sizes: Sizes,
}

/// How big a kernel is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Executable code.
    pub text: u64,
    /// Constants.
    pub rodata: u64,
    /// Initialised data.
    pub data: u64,
    /// Zeroed data.
    pub bss: u64,
    /// The symbol table.
    pub symbols: u64,
    /// The file.
    pub file: u64,
}

/// Builds a kernel.
pub fn kernel(_cx: &Context, _request: &Request) -> Result<Artifact> {
    Err(Failure::failed("`build` is not built yet"))
}

/// Runs the command.
pub fn run(cx: &Context, _flags: flags::Build) -> Result<()> {
    kernel(cx, &Request::default()).map(|_| ())
}
