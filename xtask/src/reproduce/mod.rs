//! The proof that a kernel's bytes depend on sources and compiler alone.
//!
//! Owns the order: containers first, for they say with which compiler; then the
//! same on this host, twice, in different circumstances; then all is compared.
//! `cmd/reproduce.rs` owns the words, `compare` the looking for differences.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::Profile;
use crate::context::Context;
use crate::docker::engine::{Client, Platform};
use crate::failure::{Doing, Failure, Result};
use crate::product::{Entry, KERNEL, MANIFEST, Manifest, SIZES, SYMBOLS};

pub mod compare;
mod containers;
mod excerpt;
mod host;
mod parts;

pub use compare::Difference;
use parts::Symbols;

/// The CD, of every build.
const CD: &str = "exov6.iso";
/// The root file system, of every build.
const ROOT: &str = "exov6-root.ext2";
/// What is compared, in the order that tells causes before consequences.
const FILES: [&str; 6] = [SYMBOLS, KERNEL, SIZES, MANIFEST, CD, ROOT];

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
    /// Each file that it has, by name.
    pub files: Vec<Entry>,
}

/// What could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// What.
    pub what: String,
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
                why: format!("nothing else was built with rustc {compiler}"),
            });
        }
        for other in others {
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
    for name in FILES {
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
    fn read(name: String, dir: &Path) -> Result<Self> {
        let manifest = Manifest::verify(&dir.join("kernel"))?;
        let mut made = Made {
            name,
            compiler: manifest.facts.compiler,
            dir: dir.to_owned(),
            files: Vec::new(),
        };
        for name in FILES {
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

    /// One of its files, if it has that.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let folder = match name {
            CD | ROOT => self.dir.clone(),
            _ => self.dir.join("kernel"),
        };
        Some(folder.join(name)).filter(|path| path.is_file())
    }
}
