//! A CD that a BIOS boots through GRUB, byte for byte the same every time.
//!
//! Calls grub-mkimage and xorriso themselves: grub-mkrescue puts random
//! identifiers and today's date into what it makes, and modules for machines
//! that are not ours. `qemu --iso`, Bochs and the tests call [`write()`].

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::image::grub::{self, Placed};
use crate::image::stage::{self, Partial, Stage};
use crate::image::{Epoch, Module, Written, digest, el_torito, epoch, publish, tool_failed, tree};
use crate::run;
use crate::tools::{self, Tool};

/// What goes onto the CD.
#[derive(Debug, Clone, Copy)]
pub struct Iso<'a> {
    /// The kernel.
    pub kernel: &'a Path,
    /// Its command line.
    pub append: &'a str,
    /// Boot modules, in order.
    pub modules: &'a [Module],
    /// A folder whose files become boot modules too, after the others, in the
    /// order of their names; the kernel sees their path in the folder.
    pub root: Option<&'a Path>,
}

const KERNEL: &str = "boot/kernel.elf";
const CONFIG: &str = "boot/grub/grub.cfg";
const ROOT: &str = "root";
/// The folder that only GRUB and xorriso write to.
const ELTORITO: &str = "eltorito";
const CORE: &str = "eltorito/core.img";
const CATALOGUE: &str = "eltorito/boot.cat";

/// Writes the CD, reads it back, and only then gives it its name.
///
/// With `--dry-run` it prints the command lines, and the result is all zero.
pub fn write(cx: &Context, iso: &Iso<'_>, output: &Path) -> Result<Written> {
    let epoch = epoch()?;
    if cx.dry_run {
        let stage = Stage::planned(cx);
        cx.ui.echo(&grub::command(&stage.path().join(CORE)));
        cx.ui.echo(&command(stage.path(), epoch, output));
        return Ok(Written {
            path: output.to_owned(),
            sha256: String::new(),
            bytes: 0,
            files: 0,
            loader: None,
        });
    }
    if !iso.kernel.is_file() {
        return Err(Failure::usage(
            format!("there is no kernel at {}", iso.kernel.display()),
            "build one: cargo xtask build",
        ));
    }
    tools::require(cx, &[Tool::GrubMkrescue, Tool::Xorriso])?;
    let stage = Stage::new(cx)?;
    fill(&stage, iso)?;
    let core = stage.path().join("core").join(CORE);
    stage.put(&format!("core/{CORE}"), &[])?;
    grub::core_image(cx, &core)?;
    let (loader, _) = digest(&core)?;
    stage.set_dates(epoch)?;

    let partial = Partial::beside(output)?;
    let ended = run::output(cx, &mut command(stage.path(), epoch, partial.path()))?;
    if !ended.status.success() {
        return Err(tool_failed("xorriso", &ended));
    }
    verify(cx, &stage, partial.path())?;
    let files = tree::count_files(&stage.path().join("cd"))?;
    let written = publish(&partial, output, files)?;
    Ok(Written {
        loader: Some(loader),
        ..written
    })
}

/// The files, in the folder `cd` of the stage; GRUB's own go to `core`.
fn fill(stage: &Stage, iso: &Iso<'_>) -> Result<()> {
    stage.copy(iso.kernel, &format!("cd/{KERNEL}"))?;
    let mut placed = Vec::new();
    for (number, module) in iso.modules.iter().enumerate() {
        let name = module.file.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default().into_owned();
        if !module.file.is_file() {
            return Err(Failure::usage(
                format!("there is no boot module at {}", module.file.display()),
                "a module is written 'FILE args'",
            ));
        }
        // A folder each: two modules may have the same name.
        let inside = format!("modules/{number}/{name}");
        stage.copy(&module.file, &format!("cd/{inside}"))?;
        placed.push(Placed {
            inside: format!("/{inside}"),
            name,
            arguments: module.arguments.clone(),
        });
    }
    if let Some(root) = iso.root {
        stage.copy_tree(root, &format!("cd/{ROOT}"))?;
        add_files(&stage.path().join("cd").join(ROOT), "", &mut placed)?;
    }
    let config = grub::config(&format!("/{KERNEL}"), iso.append, &placed)?;
    stage.put(&format!("cd/{CONFIG}"), config.as_bytes())
}

fn add_files(dir: &Path, prefix: &str, placed: &mut Vec<Placed>) -> Result<()> {
    for name in stage::sorted_names(dir)? {
        let path = dir.join(&name);
        let name = format!("{prefix}{}", name.to_string_lossy());
        let kind = fs::symlink_metadata(&path).doing(format_args!("reading {}", path.display()))?;
        if kind.is_dir() {
            add_files(&path, &format!("{name}/"), placed)?;
        } else if kind.is_file() {
            placed.push(Placed {
                inside: format!("/{ROOT}/{name}"),
                name,
                arguments: String::new(),
            });
        }
    }
    Ok(())
}

fn command(stage: &Path, epoch: Epoch, output: &Path) -> Command {
    let date = epoch.digits();
    let mut command = Command::new("xorriso");
    command
        // Neither the time zone nor a start-up file of the person is an input.
        .env("TZ", "UTC0")
        .args(["-no_rc", "-as", "mkisofs", "-quiet"])
        // Rock Ridge with owner 0 and plain modes.
        .args(["-r", "-V", "EXOV6"])
        .arg(format!("--modification-date={date}"))
        .args(["--set_all_file_dates", &date])
        .args(["-b", CORE, "-c", CATALOGUE])
        .args(["-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"])
        .arg("-o")
        .arg(output)
        .arg(stage.join("cd"))
        .arg(stage.join("core"));
    command
}

/// Takes the files out again, and looks where a BIOS looks.
fn verify(cx: &Context, stage: &Stage, cd: &Path) -> Result<()> {
    let out = stage.path().join("out");
    let mut command = Command::new("xorriso");
    command
        .args(["-no_rc", "-osirrox", "on", "-indev"])
        .arg(cd)
        .args(["-extract", "/"])
        .arg(&out);
    let ended = run::output(cx, &mut command)?;
    if !ended.status.success() {
        return Err(tool_failed("xorriso", &ended));
    }
    tree::same(&stage.path().join("cd"), &out, &[ELTORITO])?;
    let read = |path: &Path| fs::read(path).doing(format_args!("reading {}", path.display()));
    let core = read(&stage.path().join("core").join(CORE))?;
    el_torito::boots(&read(cd)?, &core)
        .map_err(|why| Failure::failed(format!("the CD image does not boot: {why}")))
}
