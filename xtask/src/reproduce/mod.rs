//! The proof that a kernel's bytes depend on sources and compiler alone.
//!
//! Owns the order: containers first, for they say with which compiler; then the
//! same on this host, twice, in different circumstances; then all is compared.
//! `cmd/reproduce.rs` owns the words, `compare` the looking for differences.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::choice;
use crate::cli::Profile;
use crate::context::Context;
use crate::docker::engine::{Client, Platform};
use crate::failure::{Doing, Failure, Result};
use crate::product::{Entry, KERNEL, MANIFEST, Manifest, SIZES, SYMBOLS};
use crate::programs;

pub mod compare;
mod containers;
mod excerpt;
mod host;
mod parts;

use parts::Symbols;

pub use compare::Difference;

/// The CD, of every build.
const CD: &str = "exov6.iso";
/// The root file system, of every build.
const ROOT: &str = "exov6-root.ext2";
/// What is compared, in the order that tells causes before consequences.
fn files() -> impl Iterator<Item = &'static str> {
    let programs = programs::for_people().map(|program| program.name);
    let kernel = [SYMBOLS, KERNEL, SIZES].into_iter();
    kernel.chain(programs).chain([MANIFEST, CD, ROOT])
}

/// What is to be proved.
#[derive(Debug)]
pub struct Request {
    /// Which kernel. Containers build the optimised one only.
    pub profile: Profile,
    /// Containers of these platforms; none for the host alone.
    pub platforms: Vec<Platform>,
    /// Whose containers.
    pub client: Option<Client>,
    /// Whether a container that cannot be had is a failure.
    pub absent: Absent,
    /// A compiler for the host's builds: the folder above its `bin/`.
    pub toolchain: Option<PathBuf>,
}

/// What an absent engine means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Its part is not compared, which is said.
    Told,
    /// There is no proof without it.
    Fails,
}

/// One build somewhere.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// Where and how: `host, path one`, `linux/386`.
    pub name: String,
    /// The compiler.
    pub compiler: String,
    /// Where its files are.
    #[serde(skip)]
    dir: PathBuf,
    /// SHA-256 of the GRUB on its CD.
    pub loader: Option<String>,
    /// Each file that it has, by name.
    pub files: Vec<Entry>,
}

choice! {
    /// Why something is not compared.
    pub enum Cause {
        /// Something is not here.
        Absent = "absent",
        /// It has bytes in it that others brought, and brought differently.
        OthersBytes = "others-bytes",
    }
}

/// What could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// What.
    pub what: String,
    /// Why not, in a word.
    pub cause: Cause,
    /// Why not.
    pub why: String,
}

/// Two builds that differ.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// The one that others are held against.
    pub one: String,
    /// The other.
    pub other: String,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

/// What came out.
#[derive(Debug, Default, Serialize)]
pub struct Findings {
    /// All builds.
    pub builds: Vec<Made>,
    /// Pairs of builds that differ; none is the proof.
    pub pairs: Vec<Pair>,
    /// What nothing is known about.
    pub not_compared: Vec<NotCompared>,
}

/// The folder of one build: `target/reproduce/NAME`, with the kernel's files in
/// `kernel` and the images beside.
fn folder(cx: &Context, name: &str) -> PathBuf {
    cx.project.target().join("reproduce").join(name)
}

/// Builds everywhere and compares.
pub fn prove(cx: &Context, request: &Request) -> Result<Findings> {
    let mut findings = Findings::default();
    if request.profile == Profile::Release {
        containers::build(cx, request, &mut findings)?;
    }
    host::build(cx, request, &mut findings)?;
    if cx.dry_run {
        return Ok(findings);
    }
    let mut groups: BTreeMap<String, Vec<Made>> = BTreeMap::new();
    for made in &findings.builds {
        let group = groups.entry(made.compiler.clone()).or_default();
        group.push(made.clone());
    }
    for (compiler, group) in groups {
        let [first, others @ ..] = &group[..] else {
            continue;
        };
        if others.is_empty() {
            findings.not_compared.push(NotCompared {
                what: first.name.clone(),
                cause: Cause::Absent,
                why: format!("nothing else was built with rustc {compiler}"),
            });
        }
        for other in others {
            if let Some(absent) = other.another_loader(first) {
                findings.not_compared.push(absent);
            }
            let differences = differences(first, other)?;
            if !differences.is_empty() {
                findings.pairs.push(Pair {
                    one: first.name.clone(),
                    other: other.name.clone(),
                    differences,
                });
            }
        }
    }
    Ok(findings)
}

/// Where two builds differ, in the files that both have.
fn differences(one: &Made, other: &Made) -> Result<Vec<Difference>> {
    let symbols = one.path(SYMBOLS).map(|path| read(&path)).transpose()?;
    let symbols = Symbols::of(&symbols.unwrap_or_default());
    let mut found = Vec::new();
    let compared = |name: &&str| *name != CD || other.another_loader(one).is_none();
    for name in files().filter(|name| compared(name)) {
        if let (Some(left), Some(right)) = (one.path(name), other.path(name)) {
            let (left, right) = (read(&left)?, read(&right)?);
            found.extend(compare::compare(name, &left, &right, &symbols));
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).doing(format_args!("reading {}", path.display()))
}

impl Made {
    /// A build whose files are all there: checked against its own manifest.
    fn read(name: String, dir: &Path, loader: Option<String>) -> Result<Self> {
        let manifest = Manifest::verify(&dir.join("kernel"))?;
        let mut made = Made {
            name,
            compiler: manifest.facts.compiler,
            dir: dir.to_owned(),
            loader,
            files: Vec::new(),
        };
        for name in files() {
            if let Some(path) = made.path(name) {
                made.files.push(Entry::of(name, &read(&path)?));
            }
        }
        match made.path(KERNEL) {
            Some(_) => Ok(made),
            None => Err(Failure::failed(format!(
                "{} has no {KERNEL}",
                dir.display()
            ))),
        }
    }

    /// A CD begins with GRUB, whose package has other bytes for other machines.
    /// Two builds on one machine have one GRUB, and no such excuse.
    fn another_loader(&self, reference: &Made) -> Option<NotCompared> {
        let (Some(ours), Some(theirs)) = (&self.loader, &reference.loader) else {
            return None;
        };
        (ours != theirs && self.machine() != reference.machine()).then(|| NotCompared {
            what: format!("{CD} of {} with that of {}", self.name, reference.name),
            cause: Cause::OthersBytes,
            why: format!("their packages bring another GRUB (sha256 {ours} and {theirs})"),
        })
    }

    /// Where it was built, without how.
    fn machine(&self) -> &str {
        self.name.split(',').next().unwrap_or_default()
    }

    /// One of its files, if it has that.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let folder = match name {
            CD | ROOT => self.dir.clone(),
            _ => self.dir.join("kernel"),
        };
        Some(folder.join(name)).filter(|path| path.is_file())
    }
}

/// The digest of GRUB in what `image --json` says.
fn loader(document: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document.get("loader")?.as_str().map(str::to_owned)
}
