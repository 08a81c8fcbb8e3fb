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

use crate::compile::{CARGO_NAME, SOURCES_NAME};
use crate::failure::{Doing, Failure, Result};

/// Set for the cargo whose rustc this program wraps.
const MARK: &str = "EXOV6_STANDS_FOR_RUSTC";
const REMAP: &str = "--remap-path-prefix=";
/// To be counted up when the names change: cargo sees flags, not this code.
const REVISION: u32 = 3;

/// What cargo says about a crate that it has rustc compile.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    /// The folder of its Cargo.toml.
    dir: PathBuf,
    /// Who put it there.
    origin: Origin,
    /// What its build script writes to, if it has one.
    out: Option<PathBuf>,
}

/// Whose folder a package lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The work tree's, or the compiler's library.
    Tree,
    /// cargo's: downloaded, or vendored.
    Unpacked,
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
    match (package(), std::env::current_dir()) {
        (Some(package), Ok(here)) => {
            let call = renamed(words, &package, &here);
            command.args(call.words).current_dir(call.dir);
        }
        // cargo only asks the compiler about itself.
        _ => {
            command.args(words);
        }
    }
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
    Some(Package {
        name: text("CARGO_PKG_NAME")?,
        version: text("CARGO_PKG_VERSION")?,
        dir,
        origin: if is_unpacked {
            Origin::Unpacked
        } else {
            Origin::Tree
        },
        out: std::env::var_os("OUT_DIR").map(PathBuf::from),
    })
}

/// How rustc is called.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    words: Vec<OsString>,
    dir: PathBuf,
}

/// The call with an identity that knows no host and no folder.
fn renamed(words: &[OsString], package: &Package, here: &Path) -> Call {
    let identity = identity(words, package);
    let is_foreign = package.origin == Origin::Unpacked || is_library(words, &package.dir);
    let mut renamed = Vec::new();
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        let next_is_metadata = rest.peek().is_some_and(|next| is_metadata(next));
        if word == "-C" && next_is_metadata {
            rest.next();
        } else if is_foreign && is_source(word) {
            renamed.push(here.join(word).into_os_string());
        } else {
            renamed.push(word.clone());
        }
    }
    renamed.push("-C".into());
    renamed.push(format!("metadata={identity}").into());
    // The last one that fits counts, so these go behind the others.
    let name = format!("{CARGO_NAME}/{}-{}", package.name, package.version);
    if package.origin == Origin::Unpacked {
        renamed.extend(remap(&package.dir, &name));
    }
    if let Some(out) = &package.out {
        renamed.extend(remap(out, &format!("{name}/out")));
    }
    // What lies below the work tree, as a compiler in target/ does, is compiled
    // there by a relative path, and elsewhere in its own folder.
    let dir = if is_foreign { &package.dir } else { here };
    Call {
        words: renamed,
        dir: dir.to_owned(),
    }
}

/// The flags that rename a folder, under every name that the compiler may see.
fn remap(dir: &Path, name: &str) -> Vec<OsString> {
    // The compiler's working folder has no symbolic links in its name.
    let real = std::fs::canonicalize(dir).ok();
    let dirs = real.filter(|real| real != dir).into_iter();
    dirs.chain([dir.to_owned()])
        .map(|dir| {
            let mut flag = OsString::from(REMAP);
            flag.push(dir);
            flag.push(format!("={name}"));
            flag
        })
        .collect()
}

/// Whether a package is of the compiler's library, as the flags name it.
fn is_library(words: &[OsString], dir: &Path) -> bool {
    words.iter().any(|word| {
        let word = word.to_string_lossy();
        let renamed = word
            .strip_prefix(REMAP)
            .and_then(|pair| pair.rsplit_once('='));
        renamed.is_some_and(|(from, to)| to == SOURCES_NAME && dir.starts_with(from))
    })
}

/// The crate's first file, the only word that is one.
fn is_source(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    word.ends_with(".rs") && !word.starts_with('-')
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
pub fn this_program() -> Result<PathBuf> {
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
            dir: "/p/bitflags".into(),
            origin: Origin::Tree,
            out: None,
        }
    }

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    fn called(text: &str, package: &Package) -> (String, PathBuf) {
        let call = renamed(&words(text), package, Path::new("/p"));
        let line = call.words.join(OsStr::new(" "));
        (line.to_string_lossy().into_owned(), call.dir)
    }

    const CALL: &str = "--crate-name bitflags --edition=2021 src/lib.rs --crate-type lib \
        --cfg feature=\"b\" --cfg feature=\"a\" --cfg other -C metadata=0123456789abcdef \
        -C extra-filename=-0123456789abcdef --remap-path-prefix=/p/target/tc=/rust";

    #[test]
    fn what_cargo_made_of_the_host_goes() {
        let (line, dir) = called(CALL, &package());
        let there = CALL.replace("metadata=0123", "metadata=9999");
        assert_eq!(line, called(&there, &package()).0);
        assert_eq!(line.matches("metadata=").count(), 1, "{line}");
        assert!(
            line.ends_with("-C metadata=bit-flags/2.13.2/bitflags/lib/feature=\"a\"/feature=\"b\""),
            "{line}"
        );
        // Everything else stays, in its order and its place.
        let rest = CALL.replace("-C metadata=0123456789abcdef ", "");
        assert!(line.starts_with(&rest), "{line}");
        assert_eq!(dir, Path::new("/p"));
    }

    #[test]
    fn different_crates_stay_different() {
        let of = |text: &str, package: &Package| identity(&words(text), package);
        let newer = Package {
            version: "2.14.0".to_owned(),
            ..package()
        };
        let mut seen = BTreeSet::from([of(CALL, &package()), of(CALL, &newer)]);
        for (from, to) in [
            ("--crate-type lib", "--crate-type bin"),
            ("feature=\"b\"", "feature=\"c\""),
            ("bitflags", "build_script_build"),
        ] {
            seen.insert(of(&CALL.replace(from, to), &package()));
        }
        assert_eq!(seen.len(), 5, "{seen:?}");
    }

    #[test]
    fn an_unpacked_crate_is_called_by_its_name_wherever_it_lies() {
        for folder in ["/home/u/.cargo/registry/src/i-1949/b-2.13.2", "/p/vendor/b"] {
            let package = Package {
                dir: folder.into(),
                origin: Origin::Unpacked,
                out: Some("/p/target/build/b-0123/out".into()),
                ..package()
            };
            let (line, dir) = called(CALL, &package);
            let renamed = format!(
                " {REMAP}{folder}=/cargo/bit-flags-2.13.2 \
                 {REMAP}/p/target/build/b-0123/out=/cargo/bit-flags-2.13.2/out"
            );
            assert!(line.ends_with(&renamed), "{line}");
            assert!(line.contains(" /p/src/lib.rs "), "{line}");
            assert_eq!(dir, Path::new(folder));
        }
    }

    #[test]
    fn the_library_is_compiled_in_its_own_folder_also_below_the_work_tree() {
        let package = Package {
            dir: "/p/target/tc/library/core".into(),
            ..package()
        };
        let call = CALL.replace("src/lib.rs", "target/tc/library/core/src/lib.rs");
        let (line, dir) = called(&call, &package);
        assert!(
            line.contains(" /p/target/tc/library/core/src/lib.rs "),
            "{line}"
        );
        assert_eq!(dir, package.dir);
    }
}
