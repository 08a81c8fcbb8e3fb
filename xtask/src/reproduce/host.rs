//! The same kernel twice on this host, in circumstances that differ.
//!
//! Each build has a copy of the work tree of its own, under another path, with
//! other dates and modes on its files, and another locale, time zone and umask
//! around it. What builds there is this same program.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::{CD, Cause, Findings, Made, NotCompared, ROOT, Request, folder, loader};
use crate::cli::Profile;
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::lock::Lock;
use crate::product::KERNEL;
use crate::setup::oldest;
use crate::toolchain::{self, Toolchain, Version};
use crate::ui::Verbosity;
use crate::{product, run, sources, tools};

/// What must not be seen in the bytes.
struct Circumstances {
    name: &'static str,
    /// The folder of the copy, below the build's own.
    path: &'static str,
    locale: &'static str,
    time_zone: &'static str,
    umask: &'static str,
    /// The date of every file, in seconds since 1970.
    date: Option<u64>,
}

/// The second has what trips builds: a space, a capital I without a dot, a day
/// that begins elsewhere, files that only their owner may read.
const TWICE: [Circumstances; 2] = [
    Circumstances {
        name: "one",
        path: "tree",
        locale: "C",
        time_zone: "UTC",
        umask: "022",
        date: None,
    },
    Circumstances {
        name: "other",
        path: "a much longer/path to the/same tree",
        locale: "tr_TR.UTF-8",
        time_zone: "Pacific/Kiritimati",
        umask: "077",
        date: Some(981_173_106),
    },
];

/// What is built twice, and with what.
struct Plan {
    toolchain: Toolchain,
    profile: Profile,
    commit: String,
    files: Vec<String>,
}

/// Builds with every compiler version that containers used and this host has;
/// with its own if there were none.
pub(super) fn build(cx: &Context, request: &Request, findings: &mut Findings) -> Result<()> {
    let mut versions: Vec<String> = findings
        .builds
        .iter()
        .map(|made| made.compiler.clone())
        .collect();
    versions.sort();
    versions.dedup();
    let mut toolchains = Vec::new();
    if versions.is_empty() || request.toolchain.is_some() {
        toolchains.push(match &request.toolchain {
            Some(dir) => toolchain::find(cx, Some(dir))?,
            None => tools::kernel_toolchain(cx)?,
        });
    } else {
        for version in versions {
            match of_version(cx, &version)? {
                Ok(toolchain) => toolchains.push(toolchain),
                Err(why) => findings.not_compared.push(NotCompared {
                    what: format!("this host with rustc {version}"),
                    cause: Cause::Absent,
                    why,
                }),
            }
        }
    }
    for toolchain in toolchains {
        let plan = Plan {
            toolchain,
            profile: request.profile,
            commit: product::of_tree(cx).map_or_else(String::new, |source| source.to_string()),
            files: sources::list(cx)?,
        };
        for circumstances in &TWICE {
            plan.build(cx, circumstances, findings)?;
        }
    }
    Ok(())
}

/// This host's compiler of a version, or why there is none.
fn of_version(cx: &Context, version: &str) -> Result<Result<Toolchain, String>> {
    let own = tools::kernel_toolchain(cx)?;
    if own.version.to_string() == version {
        return Ok(Ok(own));
    }
    if version != Version::OLDEST.to_string() {
        return Ok(Err(format!(
            "its compiler is {}; another can be named with --toolchain",
            own.version
        )));
    }
    let dir = oldest::dir(cx);
    match toolchain::find(cx, Some(&dir)) {
        Ok(found) => return Ok(Ok(found)),
        Err(absent) if !cx.setup_allowed => return Ok(Err(absent.what)),
        Err(_) => {}
    }
    match oldest::install(cx) {
        Ok(dir) => toolchain::find(cx, Some(&dir)).map(Ok),
        Err(failure) if failure.exit == Exit::Missing => Ok(Err(failure.what)),
        Err(failure) => Err(failure),
    }
}

impl Plan {
    fn build(&self, cx: &Context, here: &Circumstances, findings: &mut Findings) -> Result<()> {
        let dir = folder(
            cx,
            &format!("host-{}-{}", self.toolchain.version, here.name),
        );
        let tree = dir.join(here.path);
        let calls = self.calls(cx, here, &tree, &dir)?;
        if cx.dry_run {
            for mut command in calls.into_iter().map(|(_, command)| command) {
                cx.ui.echo(command.args(["--dry-run"]));
            }
            return Ok(());
        }
        let _lock = Lock::take(cx, &cx.project.target().join("reproduce"))?;
        if dir.exists() {
            fs::remove_dir_all(&dir).doing(format_args!("removing {}", dir.display()))?;
        }
        copy(cx, &self.files, &tree, here)?;
        let name = format!("host, {} path", here.name);
        let mut grub = None;
        for (image, mut command) in calls {
            let Some(image) = image else {
                let status = run::to_end(cx, &mut command)?;
                if status.success() {
                    continue;
                }
                let exit = status.code().and_then(Exit::of);
                return Err(Failure::told(exit.unwrap_or(Exit::BuildFailed)));
            };
            let output = run::output(cx, &mut command)?;
            let why = output.stderr.trim_end().to_owned();
            match output.status.code().and_then(Exit::of) {
                Some(Exit::Done) => grub = grub.or(loader(&output.stdout)),
                Some(Exit::Missing) => findings.not_compared.push(NotCompared {
                    what: format!("{image} of {name}"),
                    cause: Cause::Absent,
                    why,
                }),
                _ => {
                    let what = format!("{image} of {name} was not made:\n{why}");
                    return Err(Failure::failed(what));
                }
            }
        }
        findings.builds.push(Made::read(name, &dir, grub)?);
        // All that was compiled in the copy: nobody needs it any more.
        let _ = fs::remove_dir_all(tree.join("target"));
        Ok(())
    }

    /// The calls of this program that make the kernel and then its images.
    fn calls(
        &self,
        cx: &Context,
        here: &Circumstances,
        tree: &Path,
        dir: &Path,
    ) -> Result<Vec<(Option<&'static str>, Command)>> {
        let kernel = dir.join("kernel");
        let toolchain = self.toolchain.dir.clone().into_os_string();
        let profile = format!("--{}", self.profile);
        let mut build: Vec<OsString> = vec!["build".into(), profile.into(), "--output".into()];
        build.extend([kernel.clone().into(), "--toolchain".into(), toolchain]);
        build.extend(["--commit".into(), self.commit.clone().into()]);
        let mut calls = vec![(None, this_program(cx, here, tree, build)?)];
        if self.profile == Profile::Release {
            for (kind, name) in [("iso", CD), ("ext2", ROOT)] {
                let mut image: Vec<OsString> =
                    ["image", "--json", kind, "--kernel"].map(Into::into).into();
                image.push(kernel.join(KERNEL).into());
                image.extend(["--output".into(), dir.join(name).into()]);
                calls.push((Some(name), this_program(cx, here, tree, image)?));
            }
        }
        Ok(calls)
    }
}

/// This program, standing in another tree, in these circumstances.
fn this_program(
    cx: &Context,
    here: &Circumstances,
    tree: &Path,
    words: Vec<OsString>,
) -> Result<Command> {
    let program = toolchain::identity::this_program()?;
    let mut command = Command::new("/bin/sh");
    // A process has its umask from whoever starts it.
    command.args(["-c", "umask $0 && exec \"$@\"", here.umask]);
    command.arg(program);
    if cx.ui.verbosity() < Verbosity::Verbose {
        command.arg("--quiet");
    }
    if cx.offline {
        command.arg("--offline");
    }
    if !cx.setup_allowed {
        command.arg("--no-setup");
    }
    if let Some(left) = cx.remaining()? {
        command.arg(format!("--timeout={}s", left.as_secs().max(1)));
    }
    command
        .args(words)
        .env("CARGO_MANIFEST_DIR", tree.join("xtask"))
        .env("LANG", here.locale)
        .env("LC_ALL", here.locale)
        .env("TZ", here.time_zone)
        // A folder that both share would build once.
        .env_remove("CARGO_TARGET_DIR");
    Ok(command)
}

/// Copies the work tree, as a checkout elsewhere would be.
fn copy(cx: &Context, files: &[String], tree: &Path, here: &Circumstances) -> Result<()> {
    let date = here
        .date
        .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    for file in files {
        let (from, to) = (cx.project.root().join(file), tree.join(file));
        // Listed by git and removed on disk, or a link to somewhere.
        if !fs::symlink_metadata(&from).is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let copying = || format!("copying {} to {}", from.display(), to.display());
        let above: PathBuf = to.parent().unwrap_or(tree).to_owned();
        fs::create_dir_all(&above).doing(copying())?;
        fs::copy(&from, &to).doing(copying())?;
        if let Some(date) = date {
            let file = File::options().append(true).open(&to).doing(copying())?;
            file.set_modified(date).doing(copying())?;
        }
    }
    Ok(())
}
