//! manifest.json: what was built from what, and how each file is recognised.
//!
//! Pure but for [`Manifest::verify`], which reads the files it names.
//!
//! **Invariants**: two builds of the same sources by the same compiler version
//! have the same manifest, byte for byte. So it names no host, no path, no
//! time, and no version of a tool that leaves the bytes alone.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::Source;
use crate::failure::{Doing, Failure, Result};

/// The manifest's own file name.
pub const NAME: &str = "manifest.json";
/// What the first key says, so that nobody takes another JSON file for ours.
const SCHEMA: &str = "exov6-build";
/// Grows when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// One file of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// How a kernel was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The version of the workspace's crates.
    pub exov6: String,
    /// The target's name.
    pub target: String,
    /// The CPU the code may assume.
    pub cpu: String,
    /// Optimised or checked.
    pub profile: String,
    /// With or without the in-kernel tests.
    pub ktest: String,
    /// The compiler's version, which is the same on every host.
    pub compiler: String,
    /// The sources; `null` if nobody knows their commit.
    pub source: Option<Source>,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    schema: String,
    version: u32,
    /// How it was built.
    #[serde(flatten)]
    pub facts: Facts,
    /// The files beside the manifest, in the order of their names.
    pub files: Vec<Entry>,
}

impl Entry {
    /// The entry of a file with these bytes.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        Entry {
            name: name.to_owned(),
            bytes: bytes.len() as u64,
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl Manifest {
    /// The manifest of these files.
    pub fn new(facts: Facts, mut files: Vec<Entry>) -> Self {
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Manifest {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            facts,
            files,
        }
    }

    /// Its text.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).doing("writing the manifest as JSON")?;
        Ok(text + "\n")
    }

    /// Reads its text; the error says why it is none of ours.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Manifest = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Manifest {
            schema, version, ..
        } = &manifest;
        if schema != SCHEMA || *version != VERSION {
            return Err(format!(
                "it is {schema} version {version}, not {SCHEMA} version {VERSION}"
            ));
        }
        // A name is joined to a folder: it must not lead out of it.
        match manifest.files.iter().find(|file| !is_plain(&file.name)) {
            None => Ok(manifest),
            Some(file) => Err(format!("`{}` is no file name", file.name)),
        }
    }

    /// Reads a folder's manifest and compares every file that it names.
    ///
    /// # Errors
    /// A failure that names the file that is missing, short or different.
    pub fn verify(dir: &Path) -> Result<Self> {
        let path = dir.join(NAME);
        let read =
            |path: &Path| std::fs::read(path).doing(format_args!("reading {}", path.display()));
        let manifest = Manifest::parse(&String::from_utf8_lossy(&read(&path)?))
            .map_err(|why| Failure::failed(format!("{} is wrong: {why}", path.display())))?;
        for file in &manifest.files {
            let path = dir.join(&file.name);
            let found = Entry::of(&file.name, &read(&path)?);
            if found != *file {
                return Err(Failure::failed(format!(
                    "{} has {} bytes, sha256 {}; the manifest says {} bytes, sha256 {}",
                    path.display(),
                    found.bytes,
                    found.sha256,
                    file.bytes,
                    file.sha256
                ))
                .mend("build it again"));
            }
        }
        Ok(manifest)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

#[cfg(test)]
pub(super) fn sample_facts() -> Facts {
    Facts {
        exov6: "0.1.0".to_owned(),
        target: "i686-exov6".to_owned(),
        cpu: "pentium".to_owned(),
        profile: "release".to_owned(),
        ktest: "without".to_owned(),
        compiler: "1.85.0".to_owned(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let files = vec![Entry::of("kernel.elf", b"abc"), Entry::of("a", b"")];
        Manifest::new(sample_facts(), files)
    }

    #[test]
    fn the_digest_is_sha256_as_everybody_knows_it() {
        assert_eq!(
            Entry::of("x", b"abc").sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_was_written_is_read_back_and_sorted() {
        let manifest = sample();
        assert_eq!(manifest.files[0].name, "a");
        let text = manifest.text().expect("JSON");
        assert!(text.contains("\"source\": null"), "{text}");
        assert_eq!(Manifest::parse(&text), Ok(manifest));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let text = sample().text().expect("JSON");
        for (from, to, why) in [
            ("exov6-build", "other", "it is other version 1"),
            ("\"version\": 1", "\"version\": 2", "version 2, not"),
            ("\"kernel.elf\"", "\"../x\"", "`../x` is no file name"),
            ("{", "", "expected"),
        ] {
            let error = Manifest::parse(&text.replacen(from, to, 1)).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }
}
