//! The cargo calls that compile and link the kernel and the user programs.
//!
//! Owns every flag of them. What depends only on its input is pure: the target
//! file in the form a compiler reads, and the compiler's flags.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::cli::{Color, Ktest, Profile};
use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::machine::Cpu;
use crate::process;
use crate::programs::Program;
use crate::project::Variant;
use crate::toolchain::{self, Linker, Toolchain, Version, identity};
use crate::ui::Verbosity;

/// The name of the target: its file without `.json`.
pub const TARGET: &str = "i686-exov6";
/// What stands for the work tree in the kernel's messages and debug data.
pub const ROOT_NAME: &str = "/exov6";
/// What stands for the library sources.
pub const SOURCES_NAME: &str = "/rust";
/// What stands for cargo's folder.
pub const CARGO_NAME: &str = "/cargo";
const KERNEL_SCRIPT: &str = "kernel/link.ld";
const PROGRAM_SCRIPT: &str = "user/link.ld";

/// One compilation: by whom, of what, and how.
#[derive(Debug)]
pub struct Compilation<'a> {
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// What is compiled.
    pub unit: Unit,
    /// For which CPU, and how checked.
    pub variant: Variant,
}

/// What is compiled for the kernel's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The kernel.
    Kernel,
    /// A program of user mode.
    Program(Program),
}

impl Unit {
    /// The package that it is in.
    pub fn package(self) -> &'static str {
        match self {
            Unit::Kernel => "kernel",
            Unit::Program(program) => program.package(),
        }
    }

    /// The name of the executable, as cargo leaves it.
    pub fn executable(self) -> &'static str {
        match self {
            Unit::Kernel => "kernel",
            Unit::Program(program) => program.name,
        }
    }

    /// Its link script, from the root.
    fn link_script(self) -> &'static str {
        match self {
            Unit::Kernel => KERNEL_SCRIPT,
            Unit::Program(_) => PROGRAM_SCRIPT,
        }
    }
}

impl Compilation<'_> {
    /// cargo's folder for it.
    pub fn target_dir(&self, cx: &Context) -> PathBuf {
        cx.project
            .kernel_cargo_target(&format!("{}-{}", self.toolchain.version, self.variant.cpu))
    }

    /// Where cargo leaves what it linked.
    pub fn linked(&self, cx: &Context) -> PathBuf {
        let profile = match self.variant.profile {
            Profile::Release => "release",
            Profile::Dev => "debug",
        };
        self.target_dir(cx)
            .join(TARGET)
            .join(profile)
            .join(self.unit.executable())
    }

    /// A cargo command about the unit's package for the kernel's target: `rustc`,
    /// `clippy`, `doc`. The caller adds the command's own arguments.
    pub fn cargo(&self, cx: &Context, subcommand: &str) -> Result<Command> {
        let linker = toolchain::linker(self.toolchain)?;
        let mut command = self.toolchain.cargo(cx, subcommand);
        identity::wrap(&mut command)?;
        command.args(self.toolchain.unstable_options());
        command
            .args(["--package", self.unit.package(), "--target"])
            .arg(target_file(cx, self.toolchain.version)?);
        command.arg("--target-dir").arg(self.target_dir(cx));
        if self.variant.profile == Profile::Release {
            command.arg("--release");
        }
        if self.unit == Unit::Kernel && self.variant.ktest == Ktest::With {
            command.args(["--features", "ktest"]);
        }
        let flags = rustc_flags(self.variant.cpu, &linker, &self.renamed(cx));
        let list: Vec<_> = flags
            .iter()
            .map(|flag| toml::Value::from(flag.as_str()).to_string())
            .collect();
        command
            .arg("--config")
            .arg(format!("target.{TARGET}.rustflags=[{}]", list.join(", ")));
        match cx.ui.verbosity() {
            Verbosity::Quiet => command.arg("--quiet"),
            Verbosity::Everything => command.arg("--verbose"),
            Verbosity::Normal | Verbosity::Verbose => &mut command,
        };
        match cx.settings.color.value {
            Color::Auto => {}
            color => {
                command.args(["--color", color.word()]);
            }
        }
        Ok(command)
    }

    /// The command that fetches what all units and their `core` are built from.
    pub fn fetch(&self, cx: &Context) -> Result<Command> {
        let mut command = self.toolchain.cargo(cx, "fetch");
        command.args(self.toolchain.unstable_options());
        command
            .arg("--target")
            .arg(target_file(cx, self.toolchain.version)?);
        Ok(command)
    }

    /// The command that compiles and links the unit.
    pub fn link(&self, cx: &Context) -> Result<Command> {
        let mut command = self.cargo(cx, "rustc")?;
        command.args(["--bin", self.unit.executable(), "--"]);
        let script = cx.project.root().join(self.unit.link_script());
        let text = std::fs::read(&script).doing(format_args!("reading {}", script.display()))?;
        command.args(link_flags(self.unit, &text));
        Ok(command)
    }

    /// Folders of this machine, and what is said instead: what is built must not
    /// depend on where.
    fn renamed(&self, cx: &Context) -> Vec<(PathBuf, &'static str)> {
        let mut renamed = Vec::new();
        let folders = [
            (Some(cx.project.root().to_owned()), ROOT_NAME),
            (Some(self.toolchain.sources.clone()), SOURCES_NAME),
            (toolchain::cargo_home(), CARGO_NAME),
        ];
        for (folder, name) in folders {
            let Some(folder) = folder else { continue };
            // A compiler's working folder has no symbolic links in its name.
            let real = std::fs::canonicalize(&folder).ok();
            renamed.extend(real.filter(|real| *real != folder).map(|real| (real, name)));
            renamed.push((folder, name));
        }
        renamed
    }
}

/// Flags for every crate, `core` included: the same for all units, so that they
/// share what they have in common.
fn rustc_flags(cpu: Cpu, linker: &Linker, renamed: &[(PathBuf, &str)]) -> Vec<String> {
    let mut flags = vec![
        format!("-Ctarget-cpu={cpu}"),
        // A backtrace walks them.
        "-Cforce-frame-pointers=yes".to_owned(),
        // Names with their generics, and the same from every compiler.
        "-Csymbol-mangling-version=v0".to_owned(),
        identity::revision_flag(),
        // A rustc of 32 bits weighs stack slots in x87 registers, which are
        // wider than SSE's, and chooses others (docs/decisions/0015).
        "-Cllvm-args=-disable-ssc".to_owned(),
        // Instructions that do nothing, before loops, cost more than they save, and
        // so do the largest of the functions that 225, the default, would take into
        // their callers (docs/decisions/0016).
        "-Cllvm-args=-align-loops=1 -inline-threshold=170".to_owned(),
    ];
    if let Linker::Lld(path) = linker {
        flags.push(format!("-Clinker={}", path.display()));
        flags.push("-Clinker-flavor=gnu-lld".to_owned());
    }
    for (from, to) in renamed {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    flags
}

/// Flags for the link alone.
fn link_flags(unit: Unit, script: &[u8]) -> Vec<String> {
    // cargo does not see that the link script changed unless a flag does.
    let digest: String = Sha256::digest(script)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut flags = vec![format!("--cfg=link_script=\"{digest}\"")];
    // Relative to the workspace, where cargo runs the compiler: an absolute
    // path would be part of the identity.
    let script = format!("-T{}", unit.link_script());
    let mut arguments = vec![
        "-melf_i386",
        &script,
        "-zmax-page-size=4096",
        "--build-id=none",
    ];
    // The kernel keeps it in a file beside; a program is a boot module, and
    // takes memory with all it has.
    if let Unit::Program(_) = unit {
        arguments.push("--strip-debug");
    }
    flags.extend(arguments.iter().map(|word| format!("-Clink-arg={word}")));
    flags
}

/// The target file in the form this compiler reads; written below target/ if
/// that is not the form in the work tree.
fn target_file(cx: &Context, version: Version) -> Result<PathBuf> {
    let newest = cx.project.target_file();
    let text =
        std::fs::read_to_string(&newest).doing(format_args!("reading {}", newest.display()))?;
    let Some(form) =
        target_form(&text, version).doing(format_args!("reading {}", newest.display()))?
    else {
        // Relative, as the link script: cargo runs in the workspace.
        return Ok(newest
            .strip_prefix(cx.project.root())
            .unwrap_or(&newest)
            .to_owned());
    };
    let dir = cx.project.target().join(format!("target-for-{version}"));
    let file = dir.join(format!("{TARGET}.json"));
    if !cx.dry_run && std::fs::read_to_string(&file).ok().as_ref() != Some(&form) {
        write_whole(&file, form.as_bytes())?;
    }
    Ok(file)
}

/// An older form of the target file; `None` if this compiler reads the newest.
fn target_form(newest: &str, version: Version) -> serde_json::Result<Option<String>> {
    if !version.wants_old_target_file() {
        return Ok(None);
    }
    let mut keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(newest)?;
    for (key, value) in &mut keys {
        let is_width = key == "target-c-int-width" || key == "target-pointer-width";
        if is_width && value.is_number() {
            *value = value.to_string().into();
        }
    }
    if !version.knows_rustc_abi() {
        keys.remove("rustc-abi");
    }
    serde_json::to_string_pretty(&keys).map(Some)
}

/// Writes a file so that nobody ever sees half of it.
pub fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let doing = || format!("writing {}", file.display());
    let dir = file
        .parent()
        .ok_or_else(|| Failure::failed(format!("{} has no folder", file.display())))?;
    std::fs::create_dir_all(dir).doing(doing())?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let part = dir.join(format!(".{name}.{}", process::own_name()));
    std::fs::write(&part, bytes).doing(doing())?;
    std::fs::rename(&part, file).doing(doing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs;

    const NEWEST: &str = include_str!("../../i686-exov6.json");

    fn version(text: &str) -> Version {
        text.parse().expect(text)
    }

    #[test]
    fn new_compilers_read_the_file_of_the_work_tree() {
        assert_eq!(target_form(NEWEST, version("1.91.0")).expect("JSON"), None);
    }

    #[test]
    fn old_compilers_get_widths_as_strings() {
        for (old, knows_abi) in [("1.85.0", false), ("1.90.1", true)] {
            let form = target_form(NEWEST, version(old))
                .expect("JSON")
                .expect("an older form");
            let keys: serde_json::Value = serde_json::from_str(&form).expect("JSON");
            assert_eq!(keys["target-pointer-width"], "32");
            assert_eq!(keys["target-c-int-width"], "32");
            assert_eq!(
                keys["max-atomic-width"], 64,
                "a width that was always a number changed"
            );
            assert_eq!(keys.get("rustc-abi").is_some(), knows_abi);
        }
    }

    #[test]
    fn a_changed_link_script_changes_a_flag() {
        let flags = |text| link_flags(Unit::Kernel, text);
        assert_eq!(flags(b"a"), flags(b"a"));
        assert_ne!(flags(b"a"), flags(b"b"));
    }

    #[test]
    fn a_program_has_its_own_script_and_no_debug_data() {
        let has = |unit, word: &str| link_flags(unit, b"").contains(&format!("-Clink-arg={word}"));
        for program in programs::ALL {
            let unit = Unit::Program(*program);
            assert!(has(unit, "-Tuser/link.ld") && has(unit, "--strip-debug"));
        }
        assert!(has(Unit::Kernel, "-Tkernel/link.ld"));
        assert!(!has(Unit::Kernel, "--strip-debug"));
    }

    #[test]
    fn flags_name_the_cpu_and_hide_the_folders() {
        let renamed = [(PathBuf::from("/home/u/my code"), ROOT_NAME)];
        let flags = rustc_flags(Cpu::Pentium2, &Linker::Gnu, &renamed);
        assert!(flags.contains(&"-Ctarget-cpu=pentium2".to_owned()));
        assert!(flags.contains(&"-Cforce-frame-pointers=yes".to_owned()));
        assert!(flags.contains(&"--remap-path-prefix=/home/u/my code=/exov6".to_owned()));
        assert!(!flags.iter().any(|flag| flag.starts_with("-Clinker")));
        let flags = rustc_flags(Cpu::Pentium, &Linker::Lld("/tc/rust-lld".into()), &renamed);
        assert!(flags.contains(&"-Clinker=/tc/rust-lld".to_owned()));
    }
}
