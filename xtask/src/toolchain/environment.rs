//! What the kernel's cargo must not inherit from the cargo that runs us. Pure.
//!
//! `cargo run` tells its child about itself through the environment; handed on,
//! that steers the kernel's build in ways no command line shows.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// How a person reaches registries and where cargo keeps things stays.
const KEPT: [&str; 6] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_TERM_",
    "CARGO_LOG",
];

/// The variables to take out of the environment.
pub(super) fn removed<'a>(names: impl IntoIterator<Item = &'a OsStr>) -> Vec<OsString> {
    let mut removed: Vec<OsString> = names
        .into_iter()
        .filter(|name| is_removed(name))
        .map(OsStr::to_owned)
        .collect();
    removed.sort();
    removed
}

fn is_removed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    if KEPT.iter().any(|kept| name.starts_with(kept)) {
        return false;
    }
    name == "CARGO"
        || name.starts_with("CARGO_")
        || name == "RUSTC"
        || name.starts_with("RUSTC_")
        || name.starts_with("RUSTDOC")
        || name == "RUSTFLAGS"
        || name == "RUSTUP_TOOLCHAIN"
        || name == "RUST_RECURSION_COUNT"
        || name == "MAKEFLAGS"
        || name == "CARGO_MAKEFLAGS"
        // A set OUT_DIR or TARGET of our own build would look like theirs.
        || matches!(name, "OUT_DIR" | "TARGET" | "HOST" | "PROFILE" | "OPT_LEVEL" | "NUM_JOBS")
}

/// `LD_LIBRARY_PATH` for a compiler: its own folders, then what a person set,
/// without what rustup and cargo put there for another compiler.
pub(super) fn library_path(
    own: &[PathBuf],
    current: Option<&OsStr>,
    foreign: &[PathBuf],
) -> Option<OsString> {
    let inherited = current
        .map(|paths| std::env::split_paths(paths).collect::<Vec<_>>())
        .unwrap_or_default();
    let is_foreign = |path: &Path| foreign.iter().any(|root| path.starts_with(root));
    let kept = inherited
        .into_iter()
        .filter(|path| !path.as_os_str().is_empty() && !is_foreign(path));
    let paths: Vec<PathBuf> = own.iter().cloned().chain(kept).collect();
    if paths.is_empty() {
        return None;
    }
    // Only fails for a folder with a colon in its name, which no loader finds.
    std::env::join_paths(paths).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_about_itself_goes_and_what_people_set_stays() {
        let names = [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTC_BOOTSTRAP",
            "RUSTFLAGS",
            "RUSTUP_TOOLCHAIN",
            "CARGO_HOME",
            "CARGO_HTTP_CAINFO",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_X_INDEX",
            "RUSTUP_HOME",
            "RUST_BACKTRACE",
            "PATH",
            "HOME",
            "HTTPS_PROXY",
        ];
        let gone = removed(names.iter().map(OsStr::new));
        let kept: Vec<_> = names
            .iter()
            .filter(|name| !gone.contains(&OsString::from(name)))
            .copied()
            .collect();
        assert_eq!(
            kept,
            [
                "CARGO_HOME",
                "CARGO_HTTP_CAINFO",
                "CARGO_NET_OFFLINE",
                "CARGO_REGISTRIES_X_INDEX",
                "RUSTUP_HOME",
                "RUST_BACKTRACE",
                "PATH",
                "HOME",
                "HTTPS_PROXY"
            ]
        );
    }

    #[test]
    fn library_folders_of_another_compiler_go() {
        let own = [PathBuf::from("/tc/lib")];
        let foreign = [PathBuf::from("/home/u/.rustup"), PathBuf::from("/p/target")];
        let current =
            OsStr::new("/home/u/.rustup/toolchains/x/lib:/p/target/debug/deps:/opt/mine:");
        assert_eq!(
            library_path(&own, Some(current), &foreign),
            Some("/tc/lib:/opt/mine".into())
        );
        assert_eq!(
            library_path(&[], Some(OsStr::new("/home/u/.rustup/lib")), &foreign),
            None
        );
        assert_eq!(library_path(&[], None, &foreign), None);
    }
}
