//! The oldest supported compiler, unpacked below target/ for tests.
//!
//! Debian 12's main archive has it. Its packages are downloaded and unpacked,
//! not installed, so the machine's own compiler stays what it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::run;
use crate::toolchain::{self, Version};

/// The packages of the compiler itself: these must be of its version.
const RUST: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "libstd-rust-web-dev",
    "libstd-rust-web-1.85",
];
/// Libraries it needs that a machine without it does not have.
const LIBRARIES: [&str; 8] = [
    "libllvm19",
    "libpcre3",
    "libhttp-parser2.9",
    "libcurl4",
    "libssh2-1",
    "libz3-4",
    "libedit2",
    "libxml2",
];

/// The folder of the oldest compiler, for `--toolchain`.
pub fn dir(cx: &Context) -> PathBuf {
    cx.project
        .toolchains()
        .join(Version::OLDEST.to_string())
        .join("usr")
}

/// Unpacks it if it is not there.
pub fn install(cx: &Context) -> Result<PathBuf> {
    let dir = dir(cx);
    if let Ok(found) = toolchain::find(cx, Some(&dir)) {
        cx.ui.say(format_args!(
            "rustc {} is in {}",
            found.version,
            cx.project.shown(&dir)
        ));
        return Ok(dir);
    }
    if cx.offline {
        return Err(Failure::missing(
            format!(
                "rustc {} is not in {}, and --offline forbids fetching it",
                Version::OLDEST,
                dir.display()
            ),
            "run: cargo xtask setup --oldest",
        ));
    }
    if !super::apt::is_here() {
        return Err(nowhere("there is no apt-get here"));
    }
    let mut command = Command::new("apt-cache");
    command.arg("madison").args(RUST).env("LC_ALL", "C");
    let archive = run::output(cx, &mut command)?.stdout;
    let Some(wanted) = pinned(&archive) else {
        return Err(nowhere("no archive of this machine has it as rustc-web"));
    };
    let debs = cx
        .project
        .toolchains()
        .join(format!("{}-debs", Version::OLDEST));
    let root = dir.parent().unwrap_or(&dir);
    // A half unpacked folder would look whole to nobody but us: start anew.
    let mut download = Command::new("apt-get");
    download
        .args(["download", "-o", "APT::Sandbox::User=root"])
        .args(&wanted)
        .args(LIBRARIES)
        .current_dir(&debs)
        .env("LC_ALL", "C");
    if cx.dry_run {
        cx.ui.echo(&download);
        return Ok(dir);
    }
    for folder in [&debs, root] {
        if folder.exists() {
            std::fs::remove_dir_all(folder).doing(format_args!("emptying {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder).doing(format_args!("making {}", folder.display()))?;
    }
    let progress = cx
        .ui
        .progress(format!("fetching rustc {}", Version::OLDEST));
    let mut said = String::new();
    let status = run::lines(cx, &mut download, |line| {
        progress.now(line);
        said.push_str(line);
        said.push('\n');
    })?;
    if !status.success() {
        return Err(Failure::missing(
            format!("apt-get download failed:\n{said}"),
            "run: sudo apt-get update, then again",
        ));
    }
    unpack(cx, &debs, root)?;
    drop(progress);
    let found = toolchain::find(cx, Some(&dir))?;
    // The archives are no longer needed; leaving them would only cost space.
    std::fs::remove_dir_all(&debs).doing(format_args!("removing {}", debs.display()))?;
    cx.ui.say(format_args!(
        "rustc {} is in {}",
        found.version,
        cx.project.shown(&dir)
    ));
    Ok(dir)
}

fn unpack(cx: &Context, debs: &Path, root: &Path) -> Result<()> {
    let entries = std::fs::read_dir(debs).doing(format_args!("reading {}", debs.display()))?;
    for deb in entries.flatten().map(|entry| entry.path()) {
        let mut unpack = Command::new("dpkg");
        unpack.arg("-x").arg(&deb).arg(root);
        if !run::output(cx, &mut unpack)?.status.success() {
            return Err(Failure::failed(format!(
                "unpacking {} failed",
                deb.display()
            )));
        }
    }
    Ok(())
}

/// `package=version` of each Rust package, if the archive has them all in the
/// oldest version. Reads `apt-cache madison`: "package | version | source".
fn pinned(madison: &str) -> Option<Vec<String>> {
    let version_of = |package: &str| {
        madison.lines().find_map(|line| {
            let mut columns = line.split('|').map(str::trim);
            let version = columns
                .next()
                .filter(|name| *name == package)
                .and_then(|_| columns.next())?;
            (version.parse() == Ok(Version::OLDEST)).then(|| format!("{package}={version}"))
        })
    };
    RUST.iter().map(|package| version_of(package)).collect()
}

fn nowhere(why: &str) -> Failure {
    Failure::missing(
        format!("rustc {} cannot be fetched: {why}", Version::OLDEST),
        "it comes from Debian 12's archive; Debian 13's own compiler is 1.85.1, \
         so there `cargo xtask build` already tests the oldest",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_two_versions_is_pinned_for_every_package() {
        let line = |package: &str, version: &str| {
            format!(" {package} | {version} | http://deb.debian.org bookworm\n")
        };
        let newer: String = RUST
            .iter()
            .take(4)
            .map(|package| line(package, "1.96.0+dfsg1-1~deb12u2"))
            .collect();
        let older: String = RUST
            .iter()
            .map(|package| line(package, "1.85.0+dfsg3-1~deb12u3"))
            .collect();
        let pinned_to = pinned(&format!("{newer}{older}")).expect("all five are there");
        assert_eq!(pinned_to.len(), RUST.len());
        assert_eq!(pinned_to[0], "rustc-web=1.85.0+dfsg3-1~deb12u3");
        assert_eq!(pinned(&newer), None);
        assert_eq!(pinned(""), None);
    }
}
