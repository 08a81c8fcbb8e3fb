//! Where things are in this project: every path once.
//!
//! Owns the layout of the work tree and of `target/`. Other modules ask here
//! instead of joining names.

use std::path::{Path, PathBuf};

use crate::cli::{ImageKind, Ktest, Profile};
use crate::failure::{Failure, Result};
use crate::machine::Cpu;
use crate::programs::{Audience, Program};

/// One way to build the kernel; each has its own folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Optimised or checked.
    pub profile: Profile,
    /// The CPU the code may assume.
    pub cpu: Cpu,
    /// With or without the in-kernel tests.
    pub ktest: Ktest,
}

impl Variant {
    /// The name of its folder: `release-pentium`, `dev-pentium2-ktest`.
    pub fn name(&self) -> String {
        let ktest = match self.ktest {
            Ktest::With => "-ktest",
            Ktest::Without => "",
        };
        format!("{}-{}{ktest}", self.profile, self.cpu)
    }
}

/// The work tree.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The work tree this tool was built from, or the one the person stands in.
    pub fn find() -> Result<Self> {
        // cargo sets it for `cargo run`, also after the tree was moved.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let built_from = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let here = std::env::current_dir().unwrap_or_default();
        for start in manifest.iter().chain([&built_from, &here]) {
            if let Some(root) = start
                .ancestors()
                .find(|dir| dir.join(TARGET_FILE).is_file())
            {
                return Ok(Project {
                    root: root.to_owned(),
                });
            }
        }
        Err(Failure::failed(format!(
            "no {TARGET_FILE} above {} or {}: this is not ExoV6's work tree",
            built_from.display(),
            here.display()
        ))
        .mend("run it inside a clone of the repository"))
    }

    /// A work tree at a known place, for tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Project { root: root.into() }
    }

    /// The folder of the workspace's Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything made goes below here.
    pub fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) if !dir.is_empty() => self.root.join(dir),
            _ => self.root.join("target"),
        }
    }

    /// The kernel's target file, in the form of the newest compilers.
    pub fn target_file(&self) -> PathBuf {
        self.root.join(TARGET_FILE)
    }

    /// The functions that may use newer instructions; may not exist.
    pub fn gated_list(&self) -> PathBuf {
        self.root.join("kernel/src/arch/gated.list")
    }

    /// The kernel's manifest.
    pub fn kernel_manifest(&self) -> PathBuf {
        self.root.join("kernel/Cargo.toml")
    }

    /// The kernel's own gdb commands.
    pub fn gdb_commands(&self) -> PathBuf {
        self.root.join("kernel/gdb/exov6.py")
    }

    /// The person's settings; may not exist.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("exov6.toml")
    }

    /// The folder of one variant's kernel.elf and what belongs to it.
    pub fn kernel_dir(&self, variant: &Variant) -> PathBuf {
        self.target().join("exov6").join(variant.name())
    }

    /// The kernel to boot: stripped, with its symbol table inside.
    pub fn kernel_elf(&self, variant: &Variant) -> PathBuf {
        self.kernel_dir(variant).join("kernel.elf")
    }

    /// The same kernel as the linker left it, for gdb.
    pub fn kernel_debug(&self, variant: &Variant) -> PathBuf {
        self.kernel_dir(variant).join("kernel.debug")
    }

    /// A program of user mode, built like the kernel of this variant.
    pub fn program(&self, variant: &Variant, program: Program) -> PathBuf {
        let dir = self.kernel_dir(variant);
        match program.audience {
            Audience::People => dir.join(program.name),
            Audience::Tests => dir.join("tests").join(program.name),
        }
    }

    /// The archive of the programs for people of one variant.
    pub fn archive(&self, variant: &Variant) -> PathBuf {
        self.kernel_dir(variant).join("programs.tar")
    }

    /// Where an image goes if nobody says otherwise.
    pub fn image(&self, kind: ImageKind) -> PathBuf {
        let name = match kind {
            ImageKind::Iso => "exov6.iso",
            ImageKind::Ext2 => "exov6-root.ext2",
        };
        self.target().join("exov6").join(name)
    }

    /// The sizes of the last build of one variant.
    pub fn kernel_sizes(&self, variant: &Variant) -> PathBuf {
        self.kernel_dir(variant).join("sizes.json")
    }

    /// cargo's folder for the kernel, one a compiler: cargo remembers failed
    /// probes of a compiler and would go on failing.
    pub fn kernel_cargo_target(&self, compiler_version: &str) -> PathBuf {
        self.target().join(format!("kernel-{compiler_version}"))
    }

    /// Where `setup --oldest` unpacks compilers.
    pub fn toolchains(&self) -> PathBuf {
        self.target().join("toolchains")
    }

    /// A path as people want to read it: relative to where they stand if below.
    pub fn shown(&self, path: &Path) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(&here)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

const TARGET_FILE: &str = "i686-exov6.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_tree_of_this_test_is_found() {
        let project = Project::find().expect("tests run inside the work tree");
        assert!(project.target_file().is_file());
        assert!(project.root().join("xtask").is_dir());
    }

    #[test]
    fn variants_never_share_a_folder() {
        let project = Project::at("/x");
        let mut seen = std::collections::BTreeSet::new();
        for profile in Profile::ALL {
            for cpu in Cpu::ALL {
                for ktest in Ktest::ALL {
                    let variant = Variant {
                        profile: *profile,
                        cpu: *cpu,
                        ktest: *ktest,
                    };
                    assert!(
                        seen.insert(project.kernel_elf(&variant)),
                        "{variant:?} shares its folder"
                    );
                }
            }
        }
        assert_eq!(seen.len(), 16);
    }
}
