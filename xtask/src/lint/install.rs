//! Where the linters are, and how they get there.
//!
//! Owns `target/lint`: a virtual environment of Python with the wheels that
//! `ci/lint/requirements.txt` names by version and hash. Nothing is installed
//! into the system but Python's `venv` module, where that is missing.
//!
//! **Invariants**: the stamp is written last and holds the digest of the
//! requirements, so an environment that is half made, or made for others, never
//! counts as there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Lint;
use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::lock::Lock;
use crate::run;
use crate::tools::{self, Presence, Tool};

/// Versions and hashes.
const REQUIREMENTS: &str = "ci/lint/requirements.txt";
/// The command that installs.
const SETUP: &str = "run: cargo xtask setup --lint";

/// Everything about linters goes below here.
pub fn dir(cx: &Context) -> PathBuf {
    cx.project.target().join("lint")
}

/// Where a linter's program is, installing it if it is not there.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) with the reason where it
/// cannot be had.
pub(super) fn program(cx: &Context, lint: Lint) -> Result<PathBuf> {
    if lint == Lint::Bake {
        return buildx(cx);
    }
    let name = match lint {
        Lint::Compose => "docker-compose",
        other => other.word(),
    };
    let installed = ensure(cx)?.join(name);
    if installed.is_file() || cx.dry_run {
        return Ok(installed);
    }
    // Not every tool is offered for every processor.
    run::program(Path::new(name)).ok_or_else(|| {
        let arch = std::env::consts::ARCH;
        Failure::missing(
            format!("{name} is not offered for {arch}, and there is none on PATH"),
            format!("install {name} by hand"),
        )
    })
}

/// The client, if it has the plugin. A daemon is not needed to print.
fn buildx(cx: &Context) -> Result<PathBuf> {
    match tools::look(cx, Tool::Buildx)? {
        Presence::Here { path } => Ok(path),
        Presence::Missing { why } => Err(Failure::missing(why, "run: cargo xtask setup --docker")),
    }
}

/// The environment, and what says that it is whole.
struct Venv {
    dir: PathBuf,
    stamp: PathBuf,
    /// What the stamp has to hold.
    wanted: String,
}

impl Venv {
    fn of(cx: &Context) -> Result<Venv> {
        let dir = dir(cx).join("venv");
        let file = cx.project.root().join(REQUIREMENTS);
        let text = fs::read(file).doing(format_args!("reading {REQUIREMENTS}"))?;
        Ok(Venv {
            stamp: dir.join("exov6-requirements.sha256"),
            dir,
            wanted: format!("{:x}\n", Sha256::digest(&text)),
        })
    }

    fn is_whole(&self) -> bool {
        fs::read_to_string(&self.stamp).is_ok_and(|found| found == self.wanted)
    }
}

/// Whether the tools that the requirements name are here.
pub fn is_here(cx: &Context) -> Result<bool> {
    Ok(Venv::of(cx)?.is_whole())
}

/// The folder of the programs, made if it is not there.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) with the reason where they
/// cannot be had; also when a download has other bytes than its hash says.
pub fn ensure(cx: &Context) -> Result<PathBuf> {
    let venv = Venv::of(cx)?;
    let bin = venv.dir.join("bin");
    if venv.is_whole() {
        return Ok(bin);
    }
    let requirements = cx.project.root().join(REQUIREMENTS);
    let mut commands = commands(&venv.dir, &requirements);
    if cx.dry_run {
        for command in &commands {
            cx.ui.echo(command);
        }
        return Ok(bin);
    }
    if let Some(why_not) = forbidden(cx) {
        let what = format!("the lint tools are not in target/lint, and {why_not}");
        return Err(Failure::missing(what, SETUP));
    }
    tools::require(cx, &[Tool::PythonVenv])?;
    let _lock = Lock::take(cx, &dir(cx))?;
    // Somebody else may have made it while we waited.
    if venv.is_whole() {
        return Ok(bin);
    }
    cx.ui.say(format_args!(
        "installing the lint tools of {REQUIREMENTS} into {}",
        cx.project.shown(&venv.dir)
    ));
    if venv.dir.exists() {
        fs::remove_dir_all(&venv.dir).doing(format_args!("removing {}", venv.dir.display()))?;
    }
    for command in &mut commands {
        let mut said = Vec::new();
        let status = run::lines(cx, command, |line| {
            cx.ui.detail(line);
            said.push(line.to_owned());
        })?;
        if !status.success() {
            return Err(why(&said.join("\n")));
        }
    }
    fs::write(&venv.stamp, &venv.wanted).doing(format_args!("writing {}", venv.stamp.display()))?;
    Ok(bin)
}

fn forbidden(cx: &Context) -> Option<&'static str> {
    match (cx.setup_allowed, cx.offline) {
        (false, _) => Some("--no-setup forbids installing them"),
        (true, true) => Some("--offline forbids fetching them"),
        (true, false) => None,
    }
}

/// What makes the environment and fills it.
fn commands(venv: &Path, requirements: &Path) -> [Command; 2] {
    let mut make = Command::new(Tool::PythonVenv.program());
    make.args(["-m", "venv"]).arg(venv);
    let mut fill = Command::new(venv.join("bin/python"));
    fill.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--no-input",
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--requirement",
    ]);
    fill.arg(requirements);
    if let Some(store) = certificates() {
        fill.env("PIP_CERT", store);
    }
    [make, fill]
}

/// pip brings certificates of its own, and a proxy that opens TLS is in the
/// system's; `None` if a person has told pip what to trust.
fn certificates() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if named("PIP_CERT").is_some() {
        return None;
    }
    let usual = "/etc/ssl/certs/ca-certificates.crt";
    let store = named("SSL_CERT_FILE").map_or_else(|| usual.into(), PathBuf::from);
    store.is_file().then_some(store)
}

/// Why python or pip could not do it, from what it said.
fn why(said: &str) -> Failure {
    let last = |text: &str| {
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    };
    if said.contains("DO NOT MATCH THE HASHES") {
        let what = format!(
            "a lint tool was downloaded with other bytes than {REQUIREMENTS} names; nothing was installed:\n{}",
            last(said)
        );
        let mend = "somebody between here and the index changes files; do not use them";
        return Failure::failed(what).mend(mend);
    }
    if said.contains("No space left on device") {
        return Failure::failed("the disk is full: the lint tools need 300 MB below target/")
            .mend("make room, then run: cargo xtask setup --lint");
    }
    let unreachable = [
        "Failed to establish a new connection",
        "Temporary failure in name resolution",
        "No matching distribution found",
        "Network is unreachable",
        "ReadTimeoutError",
        "ConnectTimeoutError",
        "ProxyError",
        "SSLError",
        "CERTIFICATE_VERIFY_FAILED",
    ];
    if let Some(sign) = unreachable.iter().find(|sign| said.contains(**sign)) {
        let what = format!("the lint tools could not be fetched from the package index ({sign})");
        let mend = "behind a proxy: set HTTPS_PROXY, and PIP_CERT to its certificate; then run: cargo xtask setup --lint";
        return Failure::missing(what, mend);
    }
    let what = format!("the lint tools could not be installed:\n{}", last(said));
    Failure::failed(what).mend(SETUP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;
    use crate::ui;

    #[test]
    fn every_tool_is_pinned_by_version_and_hash() {
        let root = crate::project::Project::find().expect("tests run in the tree");
        let text = fs::read_to_string(root.root().join(REQUIREMENTS)).expect("it is there");
        let text = text.replace("\\\n", " ");
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines.len(),
            Lint::ALL.len() - 1,
            "all but buildx: {lines:?}"
        );
        for line in lines {
            assert!(line.contains("=="), "{line}");
            let hashes: Vec<&str> = line
                .split("--hash=sha256:")
                .skip(1)
                .map(str::trim)
                .collect();
            let is_digest =
                |hash: &&str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(!hashes.is_empty() && hashes.iter().all(is_digest), "{line}");
        }
    }

    #[test]
    fn pip_takes_only_what_has_the_right_bytes() {
        let [make, fill] = commands(Path::new("/t/venv"), Path::new("/r.txt"));
        assert_eq!(ui::command_line(&make), "python3 -m venv /t/venv");
        let fill = ui::command_line(&fill);
        assert!(
            fill.contains("--require-hashes --no-deps --only-binary :all:"),
            "{fill}"
        );
    }

    #[test]
    fn other_bytes_fail_and_no_network_is_something_missing() {
        let mismatch = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
        assert_eq!(why(mismatch).exit, Exit::Failed);
        let offline = "WARNING: Retrying: Temporary failure in name resolution\nERROR: No matching distribution found for zizmor==1.32.0";
        assert_eq!(why(offline).exit, Exit::Missing);
        assert_eq!(
            why("OSError: [Errno 28] No space left on device").exit,
            Exit::Failed
        );
        let other = why("one\ntwo");
        assert!(other.what.ends_with("one\ntwo"), "{other}");
    }

    #[test]
    fn what_is_forbidden_is_said() {
        let cx = Context::of_a_test(None);
        assert_eq!(forbidden(&cx), Some("--no-setup forbids installing them"));
    }
}
