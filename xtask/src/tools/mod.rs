//! The programs this tool needs: how each is found and who brings it.
//!
//! Owns the one table from tool to Debian package. Commands call [`require`]
//! before they start a program, and [`path`] to know where it is.

mod presence;

use std::path::PathBuf;

use crate::choice;
use crate::context::Context;
use crate::failure::{Exit, Result};
use crate::setup;
use crate::toolchain::{self, Toolchain};
pub use presence::{Presence, look};

choice! {
    /// A program, or a part of one, that a command needs.
    pub enum Tool {
        /// The kernel's compiler with matching library sources, and a linker.
        KernelRust = "kernel-rust",
        /// The PC emulator.
        Qemu = "qemu",
        /// QEMU's window.
        QemuGtk = "qemu-gtk",
        /// The debugger.
        Gdb = "gdb",
        /// The strict PC emulator, with its text display and its firmware.
        Bochs = "bochs",
        /// Makes a CD image that GRUB boots, with GRUB's files for a PC.
        GrubMkrescue = "grub-mkrescue",
        /// Writes and reads CD images.
        Xorriso = "xorriso",
        /// Writes FAT images for grub-mkrescue.
        Mtools = "mtools",
        /// Makes ext2 file systems.
        Mke2fs = "mke2fs",
        /// Checks them.
        E2fsck = "e2fsck",
        /// Reads files out of them.
        Debugfs = "debugfs",
        /// The linter of the kernel's compiler.
        Clippy = "clippy",
        /// The formatter.
        Rustfmt = "rustfmt",
        /// Python, with the module that makes environments of their own.
        PythonVenv = "python-venv",
        /// The container engine and its client.
        Docker = "docker",
        /// Docker's plugin that builds images.
        Buildx = "docker-buildx",
        /// Makes the engine's networks.
        Iptables = "iptables",
        /// Fetches and unpacks a Debian.
        Debootstrap = "debootstrap",
        /// Remembers owners that files could not be given.
        Fakeroot = "fakeroot",
    }
}

choice! {
    /// Whether a machine that builds and tests the kernel must have a tool.
    pub enum Need {
        /// `cargo xtask setup` installs it.
        Required = "required",
        /// `cargo xtask setup --all` does, or the command that wants it.
        Optional = "optional",
        /// `cargo xtask setup --docker` does, or the command that wants it.
        Docker = "docker",
    }
}

/// Which packages bring a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// These, in Debian and Ubuntu.
    Named(&'static [&'static str]),
    /// The first ones, and of the second ones those that this release has: what
    /// one package brings in one release is two in the next.
    Split(&'static [&'static str], &'static [&'static str]),
    /// A part of the distribution's newest set of Rust packages, whose names
    /// differ between releases.
    Rust(RustPart),
}

/// A part of a distribution's Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RustPart {
    /// rustc, cargo and the library sources.
    Compiler,
    /// The linter.
    Clippy,
    /// The formatter.
    Rustfmt,
}

/// What the table knows about a tool.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Whether setup installs it unasked.
    pub need: Need,
    /// Who brings it.
    pub packages: Packages,
    /// The commands that use it.
    pub used_by: &'static [&'static str],
}

impl Tool {
    /// The table.
    pub fn facts(self) -> Facts {
        use Need::{Optional, Required};
        use Packages::{Named, Rust, Split};
        let (need, packages, used_by): (_, _, &[&str]) = match self {
            Tool::KernelRust => (
                Required,
                Rust(RustPart::Compiler),
                &[
                    "build",
                    "check-elf",
                    "image",
                    "qemu",
                    "test",
                    "gdb",
                    "bench-boot",
                    "ci",
                ],
            ),
            Tool::Qemu => (
                Required,
                Named(&["qemu-system-x86"]),
                &["qemu", "test", "gdb", "bench-boot", "ci"],
            ),
            Tool::QemuGtk => (
                Optional,
                Named(&["qemu-system-gui"]),
                &["qemu --display gtk"],
            ),
            Tool::Gdb => (Required, Named(&["gdb"]), &["gdb", "test"]),
            Tool::Bochs => (
                Required,
                Named(&["bochs", "bochs-term", "bochsbios", "vgabios"]),
                &["qemu --emulator bochs", "test"],
            ),
            Tool::GrubMkrescue => (
                Required,
                Named(&["grub-common", "grub-pc-bin", "mtools", "xorriso"]),
                &["image iso", "test"],
            ),
            Tool::Xorriso => (Required, Named(&["xorriso"]), &["image iso", "test"]),
            Tool::Mtools => (Required, Named(&["mtools"]), &["image iso", "test"]),
            Tool::Mke2fs | Tool::E2fsck | Tool::Debugfs => {
                (Required, Named(&["e2fsprogs"]), &["image ext2", "test"])
            }
            Tool::Clippy => (Optional, Rust(RustPart::Clippy), &["ci"]),
            Tool::Rustfmt => (Optional, Rust(RustPart::Rustfmt), &["ci"]),
            Tool::PythonVenv => (
                Optional,
                Named(&["python3", "python3-venv"]),
                &["setup --lint", "ci"],
            ),
            // The client is a package of its own from Debian 13 on.
            Tool::Docker => (Need::Docker, Split(&["docker.io"], &["docker-cli"]), DOCKER),
            // Debian 12 has none: there `setup::buildx` brings it.
            Tool::Buildx => (
                Need::Docker,
                Split(&[], &["docker-buildx"]),
                &["docker-build", "docker-base"],
            ),
            Tool::Iptables => (Need::Docker, Named(&["iptables"]), DOCKER),
            Tool::Debootstrap => (Need::Docker, Named(&["debootstrap"]), &["docker-base"]),
            Tool::Fakeroot => (Need::Docker, Named(&["fakeroot"]), &["docker-base"]),
        };
        Facts {
            need,
            packages,
            used_by,
        }
    }

    /// The program's name on PATH, for tools that are one program.
    pub fn program(self) -> &'static str {
        match self {
            Tool::KernelRust => "rustc",
            Tool::Qemu | Tool::QemuGtk => "qemu-system-i386",
            Tool::Gdb => "gdb",
            Tool::Bochs => "bochs",
            Tool::GrubMkrescue => "grub-mkrescue",
            Tool::Xorriso => "xorriso",
            Tool::Mtools => "mformat",
            Tool::Mke2fs => "mke2fs",
            Tool::E2fsck => "e2fsck",
            Tool::Debugfs => "debugfs",
            Tool::Clippy => "cargo-clippy",
            Tool::Rustfmt => "rustfmt",
            Tool::PythonVenv => "python3",
            Tool::Docker | Tool::Buildx => "docker",
            Tool::Iptables => "iptables",
            Tool::Debootstrap => "debootstrap",
            Tool::Fakeroot => "fakeroot",
        }
    }
}

/// The commands that want a container engine.
const DOCKER: &[&str] = &[
    "docker-build",
    "docker-run",
    "docker-base",
    "docker-smoke",
    "docker-integration",
];

/// Makes sure that these tools are here, installing what is missing.
///
/// # Errors
/// [`Exit::Missing`] with the command that
/// installs them, where that is forbidden (`--no-setup`, `--offline`,
/// `--dry-run`) or impossible.
pub fn require(cx: &Context, tools: &[Tool]) -> Result<()> {
    let mut missing = Vec::new();
    for &tool in tools {
        if look(cx, tool)?.is_missing() {
            missing.push(tool);
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        setup::install(cx, &missing)
    }
}

/// The kernel's compiler, installing one if there is none.
///
/// # Errors
/// As for [`require`].
pub fn kernel_toolchain(cx: &Context) -> Result<Toolchain> {
    match toolchain::find(cx, None) {
        Err(failure) if failure.exit == Exit::Missing => {
            setup::install(cx, &[Tool::KernelRust])?;
            toolchain::find(cx, None)
        }
        found => found,
    }
}

/// Where a tool's program is; its bare name if it is not here.
pub fn path(cx: &Context, tool: Tool) -> Result<PathBuf> {
    Ok(match look(cx, tool)? {
        Presence::Here { path } => path,
        Presence::Missing { .. } => tool.program().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar;

    #[test]
    fn every_tool_is_used_by_a_command_there_is() {
        let grammar = Grammar::of_this_tool();
        for tool in Tool::ALL {
            let facts = tool.facts();
            assert!(!facts.used_by.is_empty(), "{tool} is used by nobody");
            for user in facts.used_by {
                let command = user.split(' ').next().unwrap_or_default();
                assert!(
                    grammar.command(command).is_some(),
                    "{tool} is used by `{user}`, which is no command"
                );
            }
            let names = match facts.packages {
                Packages::Named(names) => names.len(),
                Packages::Split(always, maybe) => always.len() + maybe.len(),
                Packages::Rust(_) => 1,
            };
            assert!(names > 0, "nobody brings {tool}");
        }
    }
}
