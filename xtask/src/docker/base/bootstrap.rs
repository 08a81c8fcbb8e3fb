//! Makes a base image as its recipe says, and keeps it for the next engine.
//!
//! Owns `target/docker/base`. An image is packed beside its place and moved
//! there whole; what a killed run left is removed by the next one.
//!
//! **Invariants:** a folder `work-*` belongs to whoever holds the lock; an
//! archive under its final name is whole and of the recipe in its name.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::recipe::{self, Recipe};
use super::{archive, look};
use crate::context::Context;
use crate::docker::call;
use crate::docker::diagnosis::{Trouble, diagnose};
use crate::docker::engine::Engine;
use crate::docker::image::Image;
use crate::failure::{Doing, Failure, Result};
use crate::image::date::{self, Epoch};
use crate::lock::Lock;
use crate::run;
use crate::tools::{self, Tool};

/// How much of a failed tool's output is shown.
const SHOWN: usize = 20;

/// Whether an archive that was made before is loaded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cached {
    /// It is.
    Used,
    /// It is made anew.
    Ignored,
}

/// How an image came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From packages, just now.
    Packages,
    /// From the archive of an earlier time.
    Archive,
}

/// Makes the image of this recipe, or loads it as it was made before.
///
/// # Errors
/// When a tool is missing, the packages cannot be fetched, or the engine
/// refuses; then there is no image, and no half one.
pub fn make(
    cx: &Context,
    engine: &Engine,
    recipe: &Recipe,
    cached: Cached,
) -> Result<(Image, Origin)> {
    let _lock = Lock::take(cx, &folder(cx))?;
    let place = place(cx, recipe);
    let origin = match (cached, place.is_file()) {
        (Cached::Used, true) => Origin::Archive,
        _ => Origin::Packages,
    };
    if origin == Origin::Packages {
        if cx.offline {
            return Err(Failure::missing(
                format!(
                    "{} was not made yet, and --offline forbids fetching packages",
                    recipe.name()
                ),
                "run it once without --offline",
            ));
        }
        bootstrap(cx, engine, recipe, &place)?;
    }
    load(cx, engine, &place)?;
    let name = recipe.name();
    let image = look(cx, engine, &name)?.ok_or_else(|| {
        Failure::failed(format!(
            "the engine loaded {name}, but does not know it now"
        ))
        .mend("run: cargo xtask doctor")
    })?;
    super::checked(&image, recipe.platform, &name)?;
    Ok((image, origin))
}

/// Prints what [`make`] would run.
///
/// # Errors
/// When a tool's place cannot be asked for.
pub fn dry_run(cx: &Context, engine: &Engine, recipe: &Recipe, cached: Cached) -> Result<()> {
    let place = place(cx, recipe);
    if cached == Cached::Ignored || !place.is_file() {
        let work = folder(cx).join("work");
        let fakeroot = tools::path(cx, Tool::Fakeroot)?;
        cx.ui.echo(&host(&recipe.unpack(
            &fakeroot,
            &tools::path(cx, Tool::Debootstrap)?,
            &work,
        )));
        cx.ui.echo(&host(&recipe.pack(&fakeroot, &work)));
        let mut command = engine.command();
        cx.ui
            .echo(command.args(recipe.configure(engine.client, &work)));
        cx.ui
            .echo(&pack(&work.join("image"), &place, date::epoch()?));
    }
    let mut command = engine.command();
    cx.ui.echo(command.arg("load").arg("--input").arg(place));
    Ok(())
}

fn folder(cx: &Context) -> PathBuf {
    cx.project.target().join("docker").join("base")
}

/// Where an image of this recipe is kept.
fn place(cx: &Context, recipe: &Recipe) -> PathBuf {
    let start: String = recipe.digest.chars().take(16).collect();
    let arch = recipe.platform.debian_arch();
    folder(cx).join(format!("{}-{arch}-{start}.tar", recipe.suite))
}

/// A folder that is gone when this is.
struct Work(PathBuf);

impl Work {
    fn new(cx: &Context) -> Result<Self> {
        let folder = folder(cx);
        // The lock is ours, so nobody is at work in these.
        for entry in fs::read_dir(&folder).doing("reading a folder")?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("work") {
                let path = entry.path();
                fs::remove_dir_all(&path).doing(format_args!("removing {}", path.display()))?;
            }
        }
        let path = folder.join("work");
        for inner in ["context", "out", "image"] {
            let inner = path.join(inner);
            fs::create_dir_all(&inner).doing(format_args!("making {}", inner.display()))?;
        }
        Ok(Work(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // The next run removes what cannot be removed now.
        drop(fs::remove_dir_all(&self.0));
    }
}

fn bootstrap(cx: &Context, engine: &Engine, recipe: &Recipe, place: &Path) -> Result<()> {
    tools::require(cx, &[Tool::Debootstrap, Tool::Fakeroot])?;
    let work = Work::new(cx)?;
    let work = work.0.as_path();
    let fakeroot = tools::path(cx, Tool::Fakeroot)?;
    let debootstrap = tools::path(cx, Tool::Debootstrap)?;
    let name = recipe.name();

    let title = format!("{name}: fetching and unpacking its packages");
    let said = step(
        cx,
        &title,
        host(&recipe.unpack(&fakeroot, &debootstrap, work)),
    )?;
    said.map_err(|said| not_fetched(recipe, &said))?;
    let epoch = epoch(cx, work)?;
    let title = format!("{name}: packing them for the engine");
    let said = step(cx, &title, host(&recipe.pack(&fakeroot, work)))?;
    said.map_err(|said| refused("packing the packages", &said))?;

    let context = work.join("context");
    write(
        &context.join("Dockerfile"),
        recipe.dockerfile(epoch.seconds()).as_bytes(),
    )?;
    if let Some(file) = &recipe.certificates {
        let to = context.join("ca-certificates.crt");
        fs::copy(file, &to).doing(format_args!("copying {}", file.display()))?;
    }
    let title = format!("{name}: configuring them in the engine");
    let mut command = engine.command();
    command.args(recipe.configure(engine.client, work));
    step(cx, &title, command)?.map_err(|said| refused("configuring the packages", &said))?;
    archive_it(cx, recipe, epoch, work, place)
}

/// Packs `work/out/rootfs.tar` as an image and moves that to its place.
fn archive_it(
    cx: &Context,
    recipe: &Recipe,
    epoch: Epoch,
    work: &Path,
    place: &Path,
) -> Result<()> {
    let image = work.join("image");
    let layer = image.join("layer.tar");
    let rootfs = work.join("out/rootfs.tar");
    fs::rename(&rootfs, &layer).doing(format_args!("taking {}", rootfs.display()))?;
    let config = archive::config(recipe, epoch, &archive::digest_of(&layer)?)?;
    write(&image.join("config.json"), &config)?;
    write(&image.join("manifest.json"), &archive::manifest(recipe)?)?;
    let whole = work.join("image.tar");
    let title = format!("{}: packing the image", recipe.name());
    step(cx, &title, pack(&image, &whole, epoch))?
        .map_err(|said| refused("packing the image", &said))?;
    fs::rename(&whole, place).doing(format_args!("writing {}", place.display()))
}

/// The date of everything that is made: the one that is asked for, else the
/// archive's own, so that the same packages give the same bytes.
fn epoch(cx: &Context, work: &Path) -> Result<Epoch> {
    if std::env::var_os("SOURCE_DATE_EPOCH").is_some() {
        return date::epoch();
    }
    let lists = work.join("fs/var/lib/apt/lists");
    let entries = fs::read_dir(&lists).doing(format_args!("reading {}", lists.display()))?;
    let release = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("Release"));
    let Some(release) = release else {
        return date::epoch();
    };
    let text = fs::read_to_string(&release).doing(format_args!("reading {}", release.display()))?;
    let Some(date) = recipe::release_date(&text) else {
        return date::epoch();
    };
    let mut command = Command::new("date");
    command
        .args(["--utc", "+%s", "--date", date])
        .env("LC_ALL", "C");
    let output = run::output(cx, &mut command)?;
    match output.stdout.trim().parse() {
        Ok(seconds) => Ok(Epoch::of_seconds(seconds)),
        Err(_) => date::epoch(),
    }
}

/// Runs one step; its last lines if it failed.
fn step(cx: &Context, title: &str, command: Command) -> Result<std::result::Result<(), String>> {
    let progress = cx.ui.progress(title);
    cx.ui.echo_probe(&command);
    let mut said: Vec<String> = Vec::new();
    let status = call::listen(cx, command, |line| {
        progress.now(line);
        said.push(line.to_owned());
    })?;
    if status.success() {
        return Ok(Ok(()));
    }
    let first = said.len().saturating_sub(SHOWN);
    Ok(Err(said[first..].join("\n")))
}

fn not_fetched(recipe: &Recipe, said: &str) -> Failure {
    let what = format!(
        "Debian {} for {} could not be fetched:\n{said}",
        recipe.suite,
        recipe.platform.debian_arch()
    );
    let mend = match said.contains("keyring") || said.contains("signed by") {
        true => "its keys are missing: sudo apt-get install debian-archive-keyring",
        false => "is the archive reachable? name another with --mirror",
    };
    Failure::failed(what).mend(mend)
}

fn refused(doing: &str, said: &str) -> Failure {
    match diagnose(said) {
        // Nothing here comes from a registry.
        Some(trouble) if !matches!(trouble, Trouble::NoRegistry(_)) => trouble.failure(),
        _ => Failure::failed(format!("{doing} failed:\n{said}")).mend("see it all with -v"),
    }
}

fn load(cx: &Context, engine: &Engine, archive: &Path) -> Result<()> {
    let mut command = engine.command();
    command.arg("load").arg("--input").arg(archive);
    let title = format!("loading {} into the engine", cx.project.shown(archive));
    step(cx, &title, command)?.map_err(|said| refused("loading the image", &said))
}

/// A command on this machine; debootstrap wants the folders of root's programs.
fn host(words: &[OsString]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().cloned().unwrap_or_default());
    command.args(words).env("LC_ALL", "C");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known: Vec<_> = std::env::split_paths(&path).collect();
    let lacking = ["/usr/sbin", "/sbin"]
        .map(PathBuf::from)
        .into_iter()
        .filter(|folder| !known.contains(folder));
    let lacking: Vec<_> = lacking.collect();
    if !lacking.is_empty() {
        if let Ok(path) = std::env::join_paths(known.iter().chain(&lacking)) {
            command.env("PATH", path);
        }
    }
    command
}

/// Packs an image's files, the same bytes for the same files.
fn pack(image: &Path, to: &Path, epoch: Epoch) -> Command {
    let mut command = Command::new("tar");
    command.args(["--create", "--format=ustar", "--owner=0", "--group=0"]);
    command.args(["--numeric-owner", "--mode=u=rw,go=r"]);
    command.arg(format!("--mtime=@{}", epoch.seconds()));
    command.arg("--file").arg(to).arg("--directory").arg(image);
    command.args(archive::FILES);
    command
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).doing(format_args!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::base::recipe::Suite;
    use crate::docker::engine::Platform;

    #[test]
    fn the_words_of_debootstrap_choose_the_mend() {
        let mirror = "http://m.invalid/debian".parse().expect("an address");
        let recipe = Recipe::new(Platform::Linux386, Suite::default(), Some(mirror), None)
            .expect("nothing is read");
        let unreachable =
            "E: Failed getting release file http://m.invalid/debian/dists/bookworm/Release";
        let failure = not_fetched(&recipe, unreachable);
        assert!(
            failure
                .mend
                .as_deref()
                .is_some_and(|mend| mend.contains("--mirror")),
            "{failure}"
        );
        let unsigned = "E: Release signed by unknown key (key id 6ED0E7B82643E131)";
        let failure = not_fetched(&recipe, unsigned);
        assert!(
            failure
                .mend
                .as_deref()
                .is_some_and(|mend| mend.contains("keyring")),
            "{failure}"
        );
    }

    #[test]
    fn a_full_disk_is_called_that() {
        let failure = refused("x", "tar: write error: No space left on device");
        assert!(failure.what.starts_with("the disk is full"), "{failure}");
        let other = refused("loading", "Error response from daemon: whatever");
        assert!(other.what.starts_with("loading failed:"), "{other}");
    }

    #[test]
    fn what_was_made_of_one_recipe_is_not_taken_for_another() {
        let cx = Context::of_a_test(None);
        let mirror = |text: &str| text.parse().ok();
        let made = |platform, at| {
            let recipe = Recipe::new(platform, Suite::default(), mirror(at), None);
            place(&cx, &recipe.expect("nothing is read"))
        };
        let one = made(Platform::Linux386, "http://a.invalid/debian");
        assert_ne!(one, made(Platform::LinuxAmd64, "http://a.invalid/debian"));
        assert_ne!(one, made(Platform::Linux386, "http://b.invalid/debian"));
    }
}
