//! How a base image is bootstrapped: every command and every file. Pure.
//!
//! Two steps, so that nothing needs root on this machine. debootstrap fetches
//! and unpacks the packages under fakeroot, which remembers the owners it could
//! not give; the engine, which may do more than its caller, configures them in
//! a build of its own, without a network. A foreign suite needs no program of
//! the target on this machine either.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::Invalid;
use crate::docker::engine::{Client, Platform};
use crate::failure::{Doing, Result};

/// Where Debian's packages are if this machine does not say.
const MIRROR: &str = "http://deb.debian.org/debian";
/// What tells debootstrap that it is in a container whose devices are there and
/// that may make none: podman's may not.
const DEVICES_ARE_GIVEN: &str = "lxc";
/// Counts up whenever a recipe's text changes what an image holds.
const EDITION: u32 = 1;

/// A release of Debian: `bookworm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suite(String);

impl Default for Suite {
    fn default() -> Self {
        Suite("bookworm".to_owned())
    }
}

impl FromStr for Suite {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(good) {
            return Ok(Suite(text.to_owned()));
        }
        Err(Invalid(format!(
            "`{text}` is not the name of a release of Debian like bookworm"
        )))
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where packages come from: `http://deb.debian.org/debian`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mirror(String);

impl FromStr for Mirror {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let scheme = ["http://", "https://", "file:///"]
            .iter()
            .any(|scheme| text.starts_with(scheme) && text.len() > scheme.len());
        let plain = |c: char| c.is_ascii_graphic() && !"\"'\\`$<>|;".contains(c);
        if scheme && text.chars().all(plain) {
            return Ok(Mirror(text.trim_end_matches('/').to_owned()));
        }
        Err(Invalid(format!(
            "`{text}` is not the address of a Debian archive like {MIRROR}"
        )))
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mirror {
    /// The archive of the machine that runs this.
    pub fn here() -> Self {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        Mirror::of_this_machine(&sources(), &release)
    }

    /// The archive that this machine's apt uses, if that is Debian's.
    pub fn of_this_machine(sources: &str, os_release: &str) -> Self {
        let is_debian = os_release.lines().any(|line| line == "ID=debian");
        let of_line = |line: &str| {
            let line = line.trim();
            let address = match line.strip_prefix("URIs:") {
                Some(rest) => rest.split_whitespace().next(),
                None => line
                    .strip_prefix("deb ")
                    .and_then(|rest| rest.split_whitespace().find(|word| word.contains("://"))),
            };
            address?.parse().ok()
        };
        let found = is_debian.then(|| sources.lines().find_map(of_line));
        found.flatten().unwrap_or_else(|| Mirror(MIRROR.to_owned()))
    }
}

/// What a base image is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// What it is for.
    pub platform: Platform,
    /// Which Debian.
    pub suite: Suite,
    /// From where.
    pub mirror: Mirror,
    /// The certificates that programs in it trust: this machine's.
    pub certificates: Option<PathBuf>,
    /// One digest of all that, and of what is in the certificates.
    pub digest: String,
}

impl Recipe {
    /// From what was asked for and what this machine says.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn new(
        platform: Platform,
        suite: Suite,
        mirror: Option<Mirror>,
        certificates: Option<PathBuf>,
    ) -> Result<Self> {
        let mirror = mirror.unwrap_or_else(Mirror::here);
        let trusted = match &certificates {
            Some(file) => std::fs::read(file).doing(format_args!("reading {}", file.display()))?,
            None => Vec::new(),
        };
        let mut digest = Sha256::new();
        digest.update(format!("{EDITION} {platform} {suite} {}\n", mirror.0));
        digest.update(trusted);
        let digest = archive_digest(&digest.finalize());
        Ok(Recipe {
            platform,
            suite,
            mirror,
            certificates,
            digest,
        })
    }

    /// The image's name: the usual one, with this suite.
    pub fn name(&self) -> String {
        let usual = self.platform.default_base();
        let (repository, _) = usual.split_once(':').unwrap_or((usual, ""));
        format!("{repository}:{}", self.suite)
    }

    /// Fetches and unpacks the packages into `work/fs`.
    pub fn unpack(&self, fakeroot: &Path, debootstrap: &Path, work: &Path) -> Vec<OsString> {
        let mut words = under_fakeroot(fakeroot, "-s", work);
        words.push(debootstrap.into());
        let arch = format!("--arch={}", self.platform.debian_arch());
        for word in [
            "--foreign",
            "--variant=minbase",
            "--include=ca-certificates",
            &arch,
            &self.suite.0,
        ] {
            words.push(word.into());
        }
        words.push(work.join("fs").into());
        words.push(self.mirror.0.clone().into());
        words
    }

    /// Packs `work/fs` for the engine.
    pub fn pack(&self, fakeroot: &Path, work: &Path) -> Vec<OsString> {
        let mut words = under_fakeroot(fakeroot, "-i", work);
        for word in [
            "tar",
            "--create",
            "--numeric-owner",
            "--sort=name",
            // fakeroot leaves /proc as a link, and a container's is made anew.
            "--exclude=./proc",
            "--exclude=./dev",
            "--file",
        ] {
            words.push(word.into());
        }
        words.push(work.join("context/unpacked.tar").into());
        words.push("--directory".into());
        words.push(work.join("fs").into());
        words.push(".".into());
        words
    }

    /// Lets the engine configure the packages; `work/out/rootfs.tar` results.
    pub fn configure(&self, client: Client, work: &Path) -> Vec<OsString> {
        let mut words: Vec<OsString> = match client {
            Client::Docker => vec!["buildx".into(), "build".into(), "--progress=plain".into()],
            Client::Podman => vec!["build".into(), "--format=docker".into()],
        };
        words.push(format!("--platform={}", self.platform).into());
        // What is configured here is all there is; and nothing is kept of it.
        words.push("--network=none".into());
        words.push("--no-cache".into());
        let mut output = OsString::from("--output=type=local,dest=");
        output.push(work.join("out"));
        words.push(output);
        words.push(work.join("context").into());
        words
    }

    /// The Dockerfile of that. `epoch`: what dates later than it become.
    pub fn dockerfile(&self, epoch: u32) -> String {
        let certificates = match self.certificates {
            Some(_) => "COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\n",
            None => "",
        };
        format!(
            "FROM scratch AS configured\n\
             ADD unpacked.tar /\n\
             ENV SOURCE_DATE_EPOCH={epoch} LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
             RUN container={DEVICES_ARE_GIVEN} /debootstrap/debootstrap --second-stage\n\
             {certificates}\
             RUN {}\n\
             FROM scratch\n\
             COPY --from=configured /out/rootfs.tar /rootfs.tar\n",
            tidied(epoch)
        )
    }
}

/// Removes what would differ next time, and packs what is left in a fixed
/// order with no date after `epoch`.
fn tidied(epoch: u32) -> String {
    let gone = [
        "/debootstrap",
        "/var/cache/apt/archives/*.deb",
        "/var/cache/apt/*.bin",
        "/var/lib/apt/lists/*",
        "/var/log/*",
        "/var/cache/ldconfig/aux-cache",
        "/var/cache/debconf/*-old",
        "/var/lib/dpkg/*-old",
        "/etc/passwd-",
        "/etc/group-",
        "/etc/shadow-",
        "/etc/gshadow-",
        "/etc/machine-id",
        "/etc/hostname",
        "/etc/resolv.conf",
        "/var/lib/dbus/machine-id",
        "/tmp/*",
        "/run/mount",
    ];
    format!(
        // Files the engine lends a running build cannot be removed, and are on
        // file systems of their own, which tar leaves out.
        "rm -rf {}; chmod 755 /; mkdir /out && tar --create --file /out/rootfs.tar --one-file-system \
         --format=gnu --sort=name --numeric-owner --mtime=@{epoch} --clamp-mtime \
         --exclude=./out --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' \
         --exclude=./.dockerenv --exclude=./run/.containerenv --exclude=./etc/hosts --exclude=./etc/resolv.conf \
         --exclude=./etc/hostname --directory / .",
        gone.join(" ")
    )
}

fn under_fakeroot(fakeroot: &Path, flag: &str, work: &Path) -> Vec<OsString> {
    vec![
        fakeroot.into(),
        flag.into(),
        work.join("owners").into(),
        "--".into(),
    ]
}

/// `debian:bookworm` is `docker.io/library/debian:bookworm`.
pub fn whole_name(name: &str) -> String {
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    }
}

/// The date of an archive's Release file: `Date: Sat, 11 Jul 2026 10:16:37 UTC`.
pub fn release_date(release: &str) -> Option<&str> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("Date:"))?;
    Some(line.trim())
}

/// A digest as people write it.
pub fn archive_digest(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What this machine's apt reads, all in one.
fn sources() -> String {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let folder = std::fs::read_dir("/etc/apt/sources.list.d");
    let mut more: Vec<_> = folder
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("debian"))
        })
        .collect();
    more.sort();
    files.extend(more);
    let texts = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "recipe_tests.rs"]
mod tests;
