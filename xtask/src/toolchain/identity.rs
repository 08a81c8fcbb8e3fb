//! The program cargo calls instead of rustc: it hides the host from the kernel.
//!
//! cargo derives the identity of each crate (`-C metadata`) from, among others,
//! the host that rustc was built for, and unpacks crates into folders whose
//! names depend on its version. rustc puts the one into every symbol, sorts by
//! it, and the other into debug data. So this tool stands between them, as
//! `RUSTC_WRAPPER`, and gives names that depend on the package alone.
//!
//! `main` calls [`stand_in`] before anything else; `compile.rs` sets it up.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::failure::{Doing, Failure, Result};

/// Set for the cargo whose rustc this program wraps.
const MARK: &str = "EXOV6_STANDS_FOR_RUSTC";
/// To be counted up when the names change: cargo sees flags, not this code.
const REVISION: u32 = 1;

/// What cargo says about a crate that it has rustc compile.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    /// Where it was unpacked, if it is not of this work tree or the library.
    unpacked: Vec<PathBuf>,
}

/// Makes `command`, a cargo, call this program instead of rustc.
pub fn wrap(command: &mut Command) -> Result<()> {
    command.env("RUSTC_WRAPPER", this_program()?).env(MARK, "1");
    Ok(())
}

/// A flag that changes with what [`stand_in`] does, so that cargo compiles anew.
pub fn revision_flag() -> String {
    format!("--cfg=identity=\"{REVISION}\"")
}

/// If cargo called this program instead of rustc: calls rustc and never returns,
/// unless that cannot be started.
pub fn stand_in(words: &[OsString]) -> Option<ExitCode> {
    std::env::var_os(MARK)?;
    let (rustc, words) = words.split_first()?;
    let mut command = Command::new(rustc);
    match package() {
        Some(package) => command.args(renamed(words, &package)),
        // cargo only asks the compiler about itself.
        None => command.args(words),
    };
    let error = command.exec();
    eprintln!(
        "error: starting {} failed: {error}",
        rustc.to_string_lossy()
    );
    Some(ExitCode::FAILURE)
}

/// The crate that is to be compiled, as cargo says in the environment.
fn package() -> Option<Package> {
    let text = |name| std::env::var(name).ok();
    let dir = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    // cargo leaves one of these in what it unpacked, or vendored.
    let is_unpacked = [".cargo-ok", ".cargo-checksum.json"]
        .iter()
        .any(|name| dir.join(name).exists());
    let mut unpacked = Vec::new();
    if is_unpacked {
        // The compiler's working folder has no symbolic links in its name.
        unpacked.extend(std::fs::canonicalize(&dir).ok().filter(|real| *real != dir));
        unpacked.push(dir);
    }
    Some(Package {
        name: text("CARGO_PKG_NAME")?,
        version: text("CARGO_PKG_VERSION")?,
        unpacked,
    })
}

/// The words for rustc, with an identity that knows no host and no folder.
fn renamed(words: &[OsString], package: &Package) -> Vec<OsString> {
    let identity = identity(words, package);
    let mut renamed = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let next_is_metadata = words.peek().is_some_and(|next| is_metadata(next));
        if word == "-C" && next_is_metadata {
            words.next();
        } else {
            renamed.push(word.clone());
        }
    }
    renamed.push("-C".into());
    renamed.push(format!("metadata={identity}").into());
    // The last one that fits counts, so these go behind the others.
    for dir in &package.unpacked {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(dir);
        flag.push(format!("=/cargo/{}-{}", package.name, package.version));
        renamed.push(flag);
    }
    renamed
}

fn is_metadata(word: &OsStr) -> bool {
    word.to_string_lossy().starts_with("metadata=")
}

/// What tells this crate from every other in one kernel: two kernels with
/// different features may lie in one folder, so these are part of it.
fn identity(words: &[OsString], package: &Package) -> String {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let after = |flag: &str| {
        let pairs = words.iter().zip(words.iter().skip(1));
        let values: BTreeSet<_> = pairs
            .filter(|(word, _)| *word == flag)
            .map(|(_, value)| value.as_ref().to_owned())
            .collect();
        values
    };
    let features = after("--cfg")
        .into_iter()
        .filter(|cfg| cfg.starts_with("feature="));
    let parts = [package.name.clone(), package.version.clone()]
        .into_iter()
        .chain(after("--crate-name"))
        .chain(after("--crate-type"))
        .chain(features);
    // rustc splits the value at white space and forgets the order.
    parts.collect::<Vec<_>>().join("/").replace(' ', "_")
}

/// This program's file, also if a newer one has taken its place.
fn this_program() -> Result<PathBuf> {
    let path = std::env::current_exe().doing("finding this program's file")?;
    let text = path.to_string_lossy();
    let path = match text.strip_suffix(" (deleted)") {
        Some(path) if !path_exists(&text) => PathBuf::from(path),
        _ => path,
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::failed(format!(
        "this program's file {} is gone, and cargo is to call it",
        path.display()
    ))
    .mend("run the command again"))
}

fn path_exists(path: &str) -> bool {
    Path::new(path).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        Package {
            name: "bit-flags".to_owned(),
            version: "2.13.2".to_owned(),
            unpacked: Vec::new(),
        }
    }

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    fn line(words: &[OsString]) -> String {
        words.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }

    const CALL: &str = "--crate-name bitflags --edition=2021 src/lib.rs --crate-type lib \
        --cfg feature=\"b\" --cfg feature=\"a\" --cfg other -C metadata=0123456789abcdef \
        -C extra-filename=-0123456789abcdef --remap-path-prefix=/home/u/.cargo=/cargo";

    #[test]
    fn what_cargo_made_of_the_host_goes() {
        let here = words(CALL);
        let there = words(&CALL.replace("metadata=0123", "metadata=9999"));
        let made = renamed(&here, &package());
        assert_eq!(made, renamed(&there, &package()));
        let line = line(&made);
        assert_eq!(line.matches("metadata=").count(), 1, "{line}");
        assert!(
            line.ends_with("-C metadata=bit-flags/2.13.2/bitflags/lib/feature=\"a\"/feature=\"b\""),
            "{line}"
        );
        // Everything else stays, in its order.
        let rest = CALL.replace("-C metadata=0123456789abcdef ", "");
        assert!(line.starts_with(&rest), "{line}");
    }

    #[test]
    fn different_crates_stay_different() {
        let of = |text: &str, package: &Package| identity(&words(text), package);
        let mut seen = BTreeSet::new();
        seen.insert(of(CALL, &package()));
        let newer = Package {
            version: "2.14.0".to_owned(),
            ..package()
        };
        seen.insert(of(CALL, &newer));
        seen.insert(of(
            &CALL.replace("--crate-type lib", "--crate-type bin"),
            &package(),
        ));
        seen.insert(of(
            &CALL.replace("feature=\"b\"", "feature=\"c\""),
            &package(),
        ));
        seen.insert(of(
            &CALL.replace("bitflags", "build_script_build"),
            &package(),
        ));
        assert_eq!(seen.len(), 5, "{seen:?}");
    }

    #[test]
    fn the_folder_of_a_crate_gets_the_name_of_the_crate() {
        let package = Package {
            unpacked: vec!["/home/u/.cargo/registry/src/index-1949/bitflags-2.13.2".into()],
            ..package()
        };
        let made = line(&renamed(&words(CALL), &package));
        assert!(
            made.ends_with(
                "--remap-path-prefix=/home/u/.cargo/registry/src/index-1949/bitflags-2.13.2=/cargo/bit-flags-2.13.2"
            ),
            "{made}"
        );
    }
}
