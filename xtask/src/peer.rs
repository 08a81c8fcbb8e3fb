//! The reference kernel: GNU Mach as Debian builds it, to run the same programs on.
//!
//! Owns where it comes from and where it is kept: the package is fetched from
//! the archive that this machine uses and unpacked below target/, not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::choice;
use crate::compile::write_whole;
use crate::context::Context;
use crate::docker::base::recipe::Mirror;
use crate::failure::{Doing, Failure, Result};
use crate::run;
use crate::setup::apt;

choice! {
    /// A kernel to compare with.
    pub enum Peer {
        /// GNU Mach 1.8.
        Gnumach = "gnumach",
    }
}

/// The release of Debian whose package it is, and the package that always depends
/// on the newest.
const SUITE: &str = "trixie";
const PACKAGE: &str = "gnumach-image-1-486:i386";
/// The package with the public headers.
const DEVELOPMENT: &str = "gnumach-dev:i386";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The public headers, among what is kept.
const HEADERS: &str = "include";

/// Its file, fetched if it is not there.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) where it cannot be had: off
/// the network, or without apt.
pub fn kernel(cx: &Context) -> Result<PathBuf> {
    kept(cx).map(|folder| folder.join("gnumach"))
}

/// The folder of its public headers, fetched if it is not there.
///
/// # Errors
/// As [`kernel`].
pub fn headers(cx: &Context) -> Result<PathBuf> {
    kept(cx).map(|folder| folder.join(HEADERS))
}

/// One fetches at a time.
static FETCHING: Mutex<()> = Mutex::new(());

/// The folder with both.
fn kept(cx: &Context) -> Result<PathBuf> {
    let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = cx.project.target().join("peers/gnumach");
    let file = folder.join("gnumach");
    if file.is_file() && folder.join(HEADERS).is_dir() {
        return Ok(folder);
    }
    if cx.offline {
        return Err(Failure::missing(
            "GNU Mach was not fetched yet, and --offline forbids it",
            "run it once without --offline",
        ));
    }
    if !apt::is_here() {
        return Err(Failure::missing(
            "GNU Mach cannot be fetched: there is no apt-get here",
            format!(
                "put the kernel of Debian's {PACKAGE} at {}, and {HEADERS}/ beside it",
                file.display()
            ),
        ));
    }
    let work = folder.join("work");
    let lists = work.join("lists/partial");
    fs::create_dir_all(&lists).doing(format_args!("making {}", lists.display()))?;
    fetch(cx, &work)?;
    let root = unpack(cx, &work)?;
    let headers = folder.join(HEADERS);
    if !headers.is_dir() {
        let from = root.join("usr/include/i386-linux-gnu");
        fs::rename(&from, &headers).doing(format_args!("moving {}", from.display()))?;
    }
    write_whole(&file, &kernel_in(cx, &root)?)?;
    fs::remove_dir_all(&work).doing(format_args!("removing {}", work.display()))?;
    cx.ui
        .say(format_args!("GNU Mach is in {}", cx.project.shown(&folder)));
    Ok(folder)
}

/// Leaves the packages in `work`, from an archive of its own: this machine's lists
/// need not know another release.
fn fetch(cx: &Context, work: &Path) -> Result<()> {
    let list = work.join("list");
    let line = format!(
        "deb [arch=i386 signed-by={KEYRING}] {} {SUITE} main\n",
        Mirror::here()
    );
    write_whole(&list, line.as_bytes())?;
    let progress = cx.ui.progress("fetching GNU Mach");
    let apt = |program: &str, words: &[&str]| {
        let mut command = Command::new(program);
        for (option, value) in [
            ("Dir::Etc::sourcelist", list.display().to_string()),
            ("Dir::Etc::sourceparts", "/dev/null".to_owned()),
            (
                "Dir::State::Lists",
                work.join("lists").display().to_string(),
            ),
            ("APT::Architectures::", "i386".to_owned()),
            ("APT::Sandbox::User", "root".to_owned()),
        ] {
            command.arg("-o").arg(format!("{option}={value}"));
        }
        command.args(words).current_dir(work).env("LC_ALL", "C");
        let output = run::output(cx, &mut command)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = output.stderr.trim();
        let what = format!(
            "GNU Mach cannot be fetched: {program} {}:\n{said}",
            words[0]
        );
        Err(Failure::missing(what, "try again with a network"))
    };
    apt("apt-get", &["update", "-qq"])?;
    let depends = apt("apt-cache", &["depends", PACKAGE])?;
    let Some(image) = image_of(&depends) else {
        let what = format!("{SUITE} has no {PACKAGE} that depends on a kernel");
        return Err(Failure::missing(
            what,
            "see whether the archive has another",
        ));
    };
    apt("apt-get", &["download", "-qq", image, DEVELOPMENT])?;
    drop(progress);
    Ok(())
}

/// The package of the kernel itself, in what `apt-cache depends` prints.
fn image_of(depends: &str) -> Option<&str> {
    let names = depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "));
    names
        .into_iter()
        .find(|name| name.starts_with("gnumach-image-"))
}

/// Unpacks what is in `work`: where.
fn unpack(cx: &Context, work: &Path) -> Result<PathBuf> {
    let root = work.join("root");
    let entries = fs::read_dir(work).doing(format_args!("reading {}", work.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    for deb in paths.filter(|path| path.extension().is_some_and(|kind| kind == "deb")) {
        let mut unpack = Command::new("dpkg");
        unpack.arg("-x").arg(&deb).arg(&root);
        if !run::output(cx, &mut unpack)?.status.success() {
            let what = format!("unpacking {} failed", deb.display());
            return Err(Failure::failed(what));
        }
    }
    Ok(root)
}

/// The kernel among what was unpacked.
fn kernel_in(cx: &Context, root: &Path) -> Result<Vec<u8>> {
    let kernel = only_file(&root.join("boot"), |name| name.starts_with("gnumach"))?;
    let read = |file: &Path| fs::read(file).doing(format_args!("reading {}", file.display()));
    if kernel.extension().is_none_or(|extension| extension != "gz") {
        return read(&kernel);
    }
    let mut gunzip = Command::new("gzip");
    gunzip.arg("-d").arg(&kernel);
    match run::output(cx, &mut gunzip)?.status.success() {
        true => read(&kernel.with_extension("")),
        false => Err(Failure::failed(format!(
            "unpacking {} failed",
            kernel.display()
        ))),
    }
}

fn only_file(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).doing(format_args!("reading {}", folder.display()))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let found = paths.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && wanted(&name)
    });
    found.ok_or_else(|| Failure::failed(format!("nothing fitting in {}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_with_the_kernel_is_found() {
        let depends = "gnumach-image-1-486:i386\n  Depends: gnumach-image-1.8-486-up:i386\n";
        assert_eq!(image_of(depends), Some("gnumach-image-1.8-486-up:i386"));
        assert_eq!(image_of("gnumach-image-1-486:i386\n"), None);
    }
}
