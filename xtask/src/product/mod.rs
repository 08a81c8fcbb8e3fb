//! The folder that a build hands out: kernel, symbols, programs, manifest.
//!
//! Owns its file names and the way it appears. `build --output` fills one, what
//! builds elsewhere fills one too and is checked by [`Manifest::verify`].
//!
//! **Invariants**: under its final name a folder is whole, for it is assembled
//! beside and renamed; a folder that we did not make is never touched.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::Serialize;

use crate::failure::{Doing, Failure, Result};
use crate::process;
use crate::sizes::Sizes;

mod manifest;
mod source;

pub use manifest::{Entry, Facts, Manifest, NAME as MANIFEST};
pub use source::{Source, Stated, of_tree, settle};

/// The kernel that boots.
pub const KERNEL: &str = "kernel.elf";
/// The same kernel with its symbols, for gdb.
pub const SYMBOLS: &str = "kernel.debug";
/// How big its parts are.
pub const SIZES: &str = "sizes.json";

/// What goes into the folder.
#[derive(Debug)]
pub struct Product<'a> {
    /// The bytes of the kernel that boots.
    pub kernel: &'a [u8],
    /// The bytes of the one with symbols.
    pub symbols: &'a [u8],
    /// The names and bytes of the programs that run on it.
    pub programs: &'a [(String, Vec<u8>)],
    /// How big its parts are.
    pub sizes: Sizes,
    /// How it was built.
    pub facts: Facts,
}

/// The document sizes.json.
#[derive(Serialize)]
struct SizesDocument {
    version: u32,
    #[serde(flatten)]
    sizes: Sizes,
}

impl Product<'_> {
    /// Writes the files and their manifest into an unfinished folder.
    pub fn fill(&self, folder: &Unfinished) -> Result<Manifest> {
        let sizes = SizesDocument {
            version: 1,
            sizes: self.sizes,
        };
        let sizes = serde_json::to_string_pretty(&sizes).doing("writing the sizes as JSON")? + "\n";
        let mut files = vec![
            (KERNEL, self.kernel),
            (SYMBOLS, self.symbols),
            (SIZES, sizes.as_bytes()),
        ];
        let programs = self.programs.iter();
        files.extend(programs.map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        let entries = files.iter().map(|(name, bytes)| Entry::of(name, bytes));
        let manifest = Manifest::new(self.facts.clone(), entries.collect());
        for (name, bytes) in files {
            write(&folder.partial.join(name), bytes)?;
        }
        write(&folder.partial.join(MANIFEST), manifest.text()?.as_bytes())?;
        Ok(manifest)
    }
}

/// A folder that is being assembled beside its final name; gone when dropped
/// before it was [placed](Unfinished::place).
#[derive(Debug)]
pub struct Unfinished {
    partial: PathBuf,
    dir: PathBuf,
}

impl Unfinished {
    /// Begins a folder that is to become `dir`.
    ///
    /// # Errors
    /// A usage failure if `dir` is there and not one of ours, a failure that
    /// names the folder above if nothing can be made in it.
    pub fn begin(dir: &Path) -> Result<Self> {
        let dir = std::path::absolute(dir).doing(format_args!("finding {}", dir.display()))?;
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(Failure::usage(
                format!("--output {} cannot be a new folder", dir.display()),
                "name a folder that is not there yet",
            ));
        };
        check_ours(&dir)?;
        std::fs::create_dir_all(parent).map_err(|error| cannot_write(parent, &error))?;
        let name = format!(
            ".{}.{}.partial",
            name.to_string_lossy(),
            process::own_name()
        );
        let partial = parent.join(name);
        // Of an earlier process with our number, as there is in containers.
        let _ = std::fs::remove_dir_all(&partial);
        match std::fs::create_dir(&partial) {
            Ok(()) => Ok(Unfinished { partial, dir }),
            Err(error) => Err(cannot_write(parent, &error)),
        }
    }

    /// Where to put the files.
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Gives the whole folder its name, in the place of an earlier one of ours.
    pub fn place(self) -> Result<()> {
        check_ours(&self.dir)?;
        let placing = || {
            format!(
                "renaming {} to {}",
                self.partial.display(),
                self.dir.display()
            )
        };
        if !self.dir.exists() {
            return std::fs::rename(&self.partial, &self.dir).doing(placing());
        }
        // Exchanged, so that there is no moment without a whole folder; what is
        // then under the unfinished name is the old one, and is dropped.
        match renameat_with(CWD, &self.partial, CWD, &self.dir, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            Err(Errno::BUSY | Errno::XDEV) => Err(Failure::usage(
                format!(
                    "{} is a mount point and cannot be replaced",
                    self.dir.display()
                ),
                "give --output a folder below it",
            )),
            // A file system that cannot exchange: the old one goes first.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                std::fs::remove_dir_all(&self.dir).doing(placing())?;
                std::fs::rename(&self.partial, &self.dir).doing(placing())
            }
            Err(error) => Err(std::io::Error::from(error)).doing(placing()),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nothing is there any more if it was renamed.
        let _ = std::fs::remove_dir_all(&self.partial);
    }
}

/// Whether `dir` may be replaced: absent, empty, or nothing but a build of ours.
fn check_ours(dir: &Path) -> Result<()> {
    let reading = || format!("reading {}", dir.display());
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(foreign(dir, "it is not a folder"));
        }
        entries => entries.doing(reading())?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.doing(reading())?.file_name());
    }
    if names.is_empty() {
        return Ok(());
    }
    let manifest = std::fs::read_to_string(dir.join(MANIFEST))
        .map_err(|_| foreign(dir, "it is not empty and has no manifest.json"))?;
    let manifest = Manifest::parse(&manifest)
        .map_err(|why| foreign(dir, &format!("its manifest.json is not ours: {why}")))?;
    let known = |name: &std::ffi::OsString| {
        name == MANIFEST || manifest.files.iter().any(|file| *name == *file.name)
    };
    match names.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => Err(foreign(
            dir,
            &format!("it also holds `{}`", name.to_string_lossy()),
        )),
    }
}

fn foreign(dir: &Path, why: &str) -> Failure {
    Failure::usage(
        format!("{} is not the output of a build: {why}", dir.display()),
        "give --output a folder that is not there yet, or remove this one",
    )
}

fn cannot_write(parent: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!(
        "nothing can be written into {}: {error}",
        parent.display()
    ))
    .mend(
        "give --output a folder whose parent you may write to: it is assembled beside and renamed",
    )
}

/// Written through to the disk: a rename must not come before the bytes.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let writing = || format!("writing {}", path.display());
    let mut file = File::create(path).doing(writing())?;
    std::io::Write::write_all(&mut file, bytes).doing(writing())?;
    file.sync_all().doing(writing())
}

#[cfg(test)]
mod tests;
