//! Asking compilers on this machine what they are.
//!
//! Owns every fact about where compilers keep things. Reads and runs, but
//! changes nothing, except [`add_component`].

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::choice::{Candidate, Origin, Sources, Version};
use crate::context::Context;
use crate::failure::{Doing, Result};
use crate::run;

/// Looks at one folder above a `bin/`.
pub(super) fn candidate(cx: &Context, origin: Origin, dir: PathBuf) -> Result<Candidate> {
    Ok(Candidate {
        origin,
        rustc: version(cx, &dir, "rustc")?,
        cargo: version(cx, &dir, "cargo")?,
        sources: sources(&dir),
        dir,
    })
}

/// `bin/<name> --version`: "rustc 1.96.0 (…)".
fn version(cx: &Context, dir: &Path, name: &str) -> Result<Result<Version, String>> {
    let program = dir.join("bin").join(name);
    if run::program(&program).is_none() {
        return Ok(Err(format!("{} is not there", program.display())));
    }
    let output = run::output(cx, tool(dir, name).arg("--version"))?;
    let word = output.stdout.split(' ').nth(1).unwrap_or_default();
    Ok(match (output.status.success(), word.parse::<Version>()) {
        (true, Ok(version)) => Ok(version),
        (true, Err(error)) => Err(format!("{}: {error}", program.display())),
        (false, _) => Err(format!("{}: {}", program.display(), output.stderr.trim())),
    })
}

/// A program of a toolchain, able to load its own libraries.
fn tool(dir: &Path, name: &str) -> Command {
    let mut command = Command::new(dir.join("bin").join(name));
    // rustup's own proxies would answer for another toolchain.
    command.env_remove("RUSTUP_TOOLCHAIN");
    if let Ok(paths) = std::env::join_paths(library_path(dir)) {
        if !paths.is_empty() {
            command.env("LD_LIBRARY_PATH", paths);
        }
    }
    command
}

/// Debian's packages, unpacked below a folder, keep their libraries where the
/// loader does not look.
pub(super) fn library_path(dir: &Path) -> Vec<PathBuf> {
    if dir == Path::new("/usr") {
        return Vec::new();
    }
    let root = dir.parent().unwrap_or(dir);
    let mut found: Vec<PathBuf> = Vec::new();
    for base in [dir.join("lib"), root.join("lib")] {
        let Ok(entries) = std::fs::read_dir(&base) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let libraries = if name.starts_with("llvm-") {
                path.join("lib")
            } else {
                path
            };
            // Multiarch folders are called after the system: x86_64-linux-gnu.
            if libraries.is_dir() && (name.starts_with("llvm-") || name.contains("-linux-gnu")) {
                found.push(libraries);
            }
        }
    }
    found.sort();
    found
}

/// Where a toolchain keeps its library sources.
pub(super) fn sources_dir(dir: &Path) -> PathBuf {
    dir.join("lib/rustlib/src/rust")
}

fn sources(dir: &Path) -> Sources {
    let sources = sources_dir(dir);
    if !sources.join("library/core/src/lib.rs").is_file() {
        return Sources::Absent;
    }
    // Debian's link names the version; whole source trees have a file.
    let linked = std::fs::canonicalize(&sources).ok();
    let linked = linked
        .as_deref()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    let linked = linked
        .and_then(|name| name.strip_prefix("rustc-"))
        .and_then(|text| text.parse().ok());
    let written = || {
        std::fs::read_to_string(sources.join("src/version"))
            .ok()
            .and_then(|text| text.trim().parse().ok())
    };
    linked
        .or_else(written)
        .map_or(Sources::Unversioned, Sources::Of)
}

/// The unstable options this cargo has that a build with a target file wants.
pub(super) fn unstable_options(cx: &Context, dir: &Path) -> Result<Vec<&'static str>> {
    let output = run::output(
        cx,
        tool(dir, "cargo")
            .args(["-Z", "help"])
            .env("RUSTC_BOOTSTRAP", "1"),
    )?;
    // Since about 1.95 a target file is refused without it.
    Ok(["json-target-spec"]
        .into_iter()
        .filter(|option| output.stdout.contains(option))
        .collect())
}

/// Ubuntu's `rustc-1.85` and its like: `/usr/lib/rust-1.85`, newest first.
pub(super) fn versioned_dirs() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/usr/lib") else {
        return Vec::new();
    };
    let minor = |path: &Path| -> Option<u32> {
        path.file_name()?
            .to_str()?
            .strip_prefix("rust-1.")?
            .parse()
            .ok()
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((minor(&entry.path())?, entry.path())))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// LLVM's linker in a toolchain.
pub(super) fn rust_lld(dir: &Path) -> Option<PathBuf> {
    let hosts = std::fs::read_dir(dir.join("lib/rustlib")).ok()?;
    hosts
        .flatten()
        .map(|host| host.path().join("bin/rust-lld"))
        .find(|path| path.is_file())
}

fn home_dir() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

/// cargo's folder, if a person has one.
pub(super) fn cargo_home() -> Option<PathBuf> {
    let set = std::env::var_os("CARGO_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    set.or_else(|| home_dir().map(|home| home.join(".cargo")))
}

/// rustup's folder, if a person has one.
pub(super) fn rustup_home() -> Option<PathBuf> {
    let set = std::env::var_os("RUSTUP_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from);
    set.or_else(|| home_dir().map(|home| home.join(".rustup")))
}

/// The toolchain of rust-toolchain.toml, if rustup has it.
pub(super) fn rustup_toolchain(cx: &Context) -> Result<Option<PathBuf>> {
    let Some(rustup) = run::program(Path::new("rustup")) else {
        return Ok(None);
    };
    let channel = channel(cx)?;
    let mut command = Command::new(rustup);
    command
        .args(["which", "--toolchain", &channel, "rustc"])
        .env("RUSTUP_AUTO_INSTALL", "0");
    let output = run::output(cx, &mut command)?;
    let rustc = Path::new(output.stdout.trim());
    let dir = rustc.parent().and_then(Path::parent).map(Path::to_owned);
    Ok(dir.filter(|_| output.status.success()))
}

/// The channel that rust-toolchain.toml names.
fn channel(cx: &Context) -> Result<String> {
    let path = cx.project.root().join("rust-toolchain.toml");
    let text = std::fs::read_to_string(&path).doing(format_args!("reading {}", path.display()))?;
    let table: toml::Table = text
        .parse()
        .doing(format_args!("reading {}", path.display()))?;
    let channel = table
        .get("toolchain")
        .and_then(|toolchain| toolchain.get("channel"))
        .and_then(toml::Value::as_str);
    channel.map(str::to_owned).doing(format_args!(
        "looking for toolchain.channel in {}",
        path.display()
    ))
}

/// Whether rustup added a part to a toolchain.
pub(super) enum Added {
    /// It did.
    Yes,
    /// It did not.
    No {
        /// What it said.
        why: String,
    },
}

/// Lets rustup add a part to the toolchain of rust-toolchain.toml.
pub(super) fn add_component(cx: &Context, component: &str) -> Result<Added> {
    /// A network without rustup's server may swallow packets; do not wait for
    /// it longer than a download takes.
    const LONGEST: Duration = Duration::from_secs(120);
    let Some(rustup) = run::program(Path::new("rustup")) else {
        return Ok(Added::No {
            why: "there is no rustup".to_owned(),
        });
    };
    let mut command = Command::new(rustup);
    command
        .args(["component", "add", component, "--toolchain", &channel(cx)?])
        .env("RUSTUP_AUTO_INSTALL", "0");
    cx.ui.echo(&command);
    let Some(output) = run::output_within(cx, &mut command, LONGEST)? else {
        return Ok(Added::No {
            why: format!("no answer within {} s", LONGEST.as_secs()),
        });
    };
    if output.status.success() {
        return Ok(Added::Yes);
    }
    let error = output
        .stderr
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("error"));
    let why = error
        .or(output.stderr.lines().next())
        .unwrap_or("it failed without a word");
    Ok(Added::No {
        why: why.to_owned(),
    })
}

/// The system's certificates, for a cargo behind a proxy that opens TLS; `None`
/// if a person has said what to trust.
pub(super) fn certificates() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("CARGO_HTTP_CAINFO") || set("SSL_CERT_FILE") || cargo_config_trusts() {
        return None;
    }
    [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ]
    .map(PathBuf::from)
    .into_iter()
    .find(|path| path.is_file())
}

fn cargo_config_trusts() -> bool {
    let Some(home) = cargo_home() else {
        return false;
    };
    ["config.toml", "config"].iter().any(|name| {
        std::fs::read_to_string(home.join(name)).is_ok_and(|text| {
            text.lines()
                .any(|line| line.trim_start().starts_with("cainfo"))
        })
    })
}
