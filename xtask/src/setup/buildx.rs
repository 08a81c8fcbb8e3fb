//! Docker's plugin buildx on a release that does not package it.
//!
//! Debian 12 has none; Debian 13's needs nothing but libc. Its package alone is
//! fetched by an apt with folders of its own, so that neither the machine's
//! lists nor its packages change, and apt checks it against Debian's signature
//! as it checks everything. The plugin goes to the person's own folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::lock::Lock;
use crate::run;
use crate::ui;

/// The package, in releases that have it.
pub const PACKAGE: &str = "docker-buildx";
/// The release whose plugin runs here too.
const RELEASE: &str = "trixie";
/// Debian's own archive, whatever this machine's distribution.
const ARCHIVE: &str = "http://deb.debian.org/debian";
/// The keys that the archive is signed with.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Where the package has the plugin.
const INSIDE: &str = "usr/libexec/docker/cli-plugins/docker-buildx";

/// The commands that fetch and unpack it below `work`.
fn commands(work: &Path) -> [Command; 3] {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("LC_ALL", "C").current_dir(work);
        for (name, value) in [
            ("Dir::Etc::SourceList", "list"),
            ("Dir::Etc::SourceParts", "none"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", "cache"),
        ] {
            let value = work.join(value);
            command.args(["-o", &format!("{name}={}", value.display())]);
        }
        // Root's apt would fetch as a user who may not write here.
        command.args(["-o", "APT::Sandbox::User=root"]);
        // The archive's descriptions are not wanted, only its list.
        command.args(["-o", "Acquire::Languages=none"]);
        command
    };
    let mut update = apt();
    update.arg("update");
    let mut download = apt();
    download.args(["download", PACKAGE]);
    let mut unpack = Command::new("sh");
    unpack
        .args(["-c", "exec dpkg-deb --extract docker-buildx_*.deb unpacked"])
        .current_dir(work);
    [update, download, unpack]
}

/// The apt source of the one package.
fn source() -> String {
    format!("deb [signed-by={KEYS}] {ARCHIVE} {RELEASE} main\n")
}

/// Where the person's plugins are.
fn plugins() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("DOCKER_CONFIG").filter(|dir| !dir.is_empty()) {
        return Some(PathBuf::from(dir).join("cli-plugins"));
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(".docker/cli-plugins"))
}

/// Prints what [`install`] would run.
pub fn dry_run(cx: &Context) {
    let work = folder(cx);
    for command in commands(&work) {
        cx.ui
            .print(format_args!("{}\n", ui::command_line(&command)));
    }
    if let Some(plugins) = plugins() {
        let mut install = Command::new("install");
        install.arg("-D").arg(work.join("unpacked").join(INSIDE));
        install.arg(plugins.join("docker-buildx"));
        cx.ui
            .print(format_args!("{}\n", ui::command_line(&install)));
    }
}

fn folder(cx: &Context) -> PathBuf {
    cx.project.target().join("docker").join("buildx")
}

/// Puts the plugin where Docker's client finds it.
///
/// # Errors
/// When it cannot be fetched or does not run; then nothing is left of it.
pub fn install(cx: &Context) -> Result<()> {
    let plugins = plugins().ok_or_else(|| {
        Failure::missing(
            "buildx has nowhere to go: neither DOCKER_CONFIG nor HOME is set",
            "set HOME, and run: cargo xtask setup --docker",
        )
    })?;
    let place = plugins.join("docker-buildx");
    if fs::symlink_metadata(&place).is_ok() {
        return Err(Failure::missing(
            format!(
                "{} is there, but Docker's client does not run it",
                place.display()
            ),
            "see what it is, and remove it: setup touches nothing that is there",
        ));
    }
    if !Path::new(KEYS).is_file() {
        return Err(Failure::missing(
            format!("this release packages no buildx, and Debian's keys are not in {KEYS}"),
            "bring them: sudo apt-get install debian-archive-keyring",
        ));
    }
    let work = folder(cx);
    let _lock = Lock::take(cx, &cx.project.target().join("docker"))?;
    let fetched = fetch(cx, &work).and_then(|plugin| put(cx, &plugin, &place));
    // What is left of it is only in the way; the next run removes it too.
    drop(fs::remove_dir_all(&work));
    fetched?;
    cx.ui.say(format_args!(
        "buildx of Debian {RELEASE} is in {}",
        place.display()
    ));
    Ok(())
}

/// Fetches and unpacks the package; the plugin in it.
fn fetch(cx: &Context, work: &Path) -> Result<PathBuf> {
    if work.exists() {
        fs::remove_dir_all(work).doing(format_args!("emptying {}", work.display()))?;
    }
    for folder in ["lists/partial", "cache/archives/partial", "none"] {
        let folder = work.join(folder);
        fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    }
    let list = work.join("list");
    fs::write(&list, source()).doing(format_args!("writing {}", list.display()))?;
    for mut command in commands(work) {
        let progress = cx
            .ui
            .progress(format!("fetching buildx of Debian {RELEASE}"));
        let mut said = Vec::new();
        let status = run::lines(cx, &mut command, |line| {
            progress.now(line);
            said.push(format!("  {line}"));
        })?;
        if !status.success() {
            return Err(Failure::missing(
                format!("buildx could not be fetched:\n{}", said.join("\n")),
                "mend that, then: cargo xtask setup --docker",
            ));
        }
    }
    Ok(work.join("unpacked").join(INSIDE))
}

/// Moves the plugin to its place, whole, and only if it runs.
fn put(cx: &Context, plugin: &Path, place: &Path) -> Result<()> {
    let folder = place.parent().unwrap_or(place);
    fs::create_dir_all(folder).doing(format_args!("making {}", folder.display()))?;
    // Docker's client takes no file of this name for a plugin.
    let beside = folder.join(format!(".docker-buildx.{}", std::process::id()));
    let put = copy(cx, plugin, &beside).and_then(|()| {
        fs::rename(&beside, place).doing(format_args!("writing {}", place.display()))
    });
    if put.is_err() {
        // It may not even be there.
        drop(fs::remove_file(&beside));
    }
    put
}

fn copy(cx: &Context, plugin: &Path, to: &Path) -> Result<()> {
    fs::copy(plugin, to).doing(format_args!("writing {}", to.display()))?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(to, mode).doing(format_args!("writing {}", to.display()))?;
    let mut command = Command::new(to);
    command.arg("docker-cli-plugin-metadata");
    let output = run::output(cx, &mut command)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::missing(
        format!(
            "buildx of Debian {RELEASE} does not run here:\n{}",
            output.stderr.trim_end()
        ),
        "use podman instead: --engine podman",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_is_kept_away_from_the_machines_own_lists_and_packages() {
        for command in &commands(Path::new("/w"))[..2] {
            let line = ui::command_line(command);
            for folder in [
                "Dir::Etc::SourceList=/w/list",
                "Dir::Etc::SourceParts=/w/none",
                "Dir::State::Lists=/w/lists",
                "Dir::Cache=/w/cache",
            ] {
                assert!(line.contains(folder), "{line}");
            }
            assert!(!line.contains("install"), "{line}");
        }
    }

    #[test]
    fn the_source_is_signed_by_debian() {
        assert_eq!(
            source(),
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
             http://deb.debian.org/debian trixie main\n"
        );
    }

    #[test]
    fn what_does_not_run_is_not_left_behind() {
        let cx = Context::of_a_test(None);
        let folder = std::env::temp_dir().join(format!("exov6-buildx-{}", std::process::id()));
        let place = folder.join("cli-plugins/docker-buildx");
        let failure = put(&cx, Path::new("/bin/false"), &place).expect_err("it says no");
        assert!(failure.what.contains("does not run here"), "{failure}");
        let left = fs::read_dir(place.parent().expect("it has one")).expect("it was made");
        assert_eq!(left.count(), 0);
        put(&cx, Path::new("/bin/true"), &place).expect("it runs");
        assert!(place.is_file());
        fs::remove_dir_all(&folder).expect("it was made above");
    }
}
