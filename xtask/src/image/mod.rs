//! Disk images: a CD that GRUB boots, and an ext2 root file system.
//!
//! Owns what both kinds share: the fixed date, the staging folder and the way a
//! finished file gets its name. `cmd/image.rs`, the emulators and the tests call
//! [`iso::write`] and [`ext2::write`].
//!
//! **Invariants**: the same inputs give the same bytes; a file under its final
//! name was read back and compared before it got that name.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::Invalid;
use crate::failure::{Doing, Failure, Result};

pub mod archive;
pub mod date;
mod el_torito;
pub mod ext2;
mod grub;
pub mod iso;
mod stage;
mod tree;

pub use date::{Epoch, epoch};

/// An image that was written and verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// How many files it holds.
    pub files: usize,
    /// SHA-256 of the loader that a tool put in: GRUB's bytes, not ours.
    pub loader: Option<String>,
}

/// A boot module: a file and what follows its name on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The file.
    pub file: PathBuf,
    /// What follows its name.
    pub arguments: String,
}

impl FromStr for Module {
    type Err = Invalid;

    /// `FILE args`, as `--module` takes it.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let (file, arguments) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if file.is_empty() {
            return Err(Invalid("a module is written 'FILE args'".to_owned()));
        }
        Ok(Module {
            file: file.into(),
            arguments: arguments.trim().to_owned(),
        })
    }
}

/// Verifies the file a tool just wrote and gives it its final name.
///
/// The rename is the last step, so that neither a crash nor a full disk leaves
/// something under the name that only looks like an image.
fn publish(partial: &stage::Partial, output: &Path, files: usize) -> Result<Written> {
    let (sha256, bytes) = digest(partial.path())?;
    partial.rename(output)?;
    Ok(Written {
        path: output.to_owned(),
        sha256,
        bytes,
        files,
        loader: None,
    })
}

fn digest(path: &Path) -> Result<(String, u64)> {
    let reading = || format!("reading {}", path.display());
    let mut file = fs::File::open(path).doing(reading())?;
    let mut hash = Sha256::new();
    let mut bytes: u64 = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).doing(reading())?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        bytes += count as u64;
    }
    let hex = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok((hex, bytes))
}

/// The failure of a tool that ended with an error: its last words.
fn tool_failed(program: &str, output: &crate::run::Output) -> Failure {
    let words: Vec<_> = output
        .stderr
        .lines()
        .chain(output.stdout.lines())
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = words.len().saturating_sub(8);
    Failure::failed(format!(
        "{program} ended with {}:\n  {}",
        output.status,
        words[from..].join("\n  ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_a_file_and_its_arguments() {
        let module: Module = " hurd/ext2fs  --readonly hd0 ".parse().expect("a module");
        assert_eq!(module.file, Path::new("hurd/ext2fs"));
        assert_eq!(module.arguments, "--readonly hd0");
        let module: Module = "plain".parse().expect("a module");
        assert_eq!(
            (module.file.to_str(), module.arguments.as_str()),
            (Some("plain"), "")
        );
        assert!("  ".parse::<Module>().is_err());
    }
}
