//! Whether two folders hold the same: the proof after an image was written.
//!
//! Compares what was put in with what a reader takes out, names and bytes.

use std::fs;
use std::path::Path;

use crate::failure::{Doing, Failure, Result};
use crate::image::stage::sorted_names;

/// How many files `dir` holds, folders not counted.
pub(super) fn count_files(dir: &Path) -> Result<usize> {
    let mut count = 0;
    for name in sorted_names(dir)? {
        let path = dir.join(name);
        let kind = fs::symlink_metadata(&path).doing(format_args!("reading {}", path.display()))?;
        count += if kind.is_dir() {
            count_files(&path)?
        } else {
            1
        };
    }
    Ok(count)
}

/// Fails with the first difference between what went in and what came out.
///
/// `made_by_tool` are names at the top that only the image has.
pub(super) fn same(went_in: &Path, came_out: &Path, made_by_tool: &[&str]) -> Result<()> {
    let expected = sorted_names(went_in)?;
    let mut found = sorted_names(came_out)?;
    found.retain(|name| expected.contains(name) || !made_by_tool.iter().any(|own| name == own));
    if expected != found {
        return Err(differs(
            went_in,
            &format!("holds {expected:?} and came back with {found:?}"),
        ));
    }
    for name in expected {
        let (a, b) = (went_in.join(&name), came_out.join(&name));
        let kind = |path: &Path| {
            fs::symlink_metadata(path)
                .map(|meta| meta.file_type())
                .doing(format_args!("reading {}", path.display()))
        };
        let (kind_a, kind_b) = (kind(&a)?, kind(&b)?);
        if kind_a != kind_b {
            return Err(differs(&a, "came back as another kind of file"));
        }
        if kind_a.is_dir() {
            same(&a, &b, &[])?;
        } else if kind_a.is_symlink() {
            if fs::read_link(&a).ok() != fs::read_link(&b).ok() {
                return Err(differs(&a, "came back pointing elsewhere"));
            }
        } else {
            same_bytes(&a, &b)?;
        }
    }
    Ok(())
}

fn same_bytes(a: &Path, b: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).doing(format_args!("reading {}", path.display()));
    let (bytes_a, bytes_b) = (read(a)?, read(b)?);
    if bytes_a.len() != bytes_b.len() {
        let lengths = format!(
            "has {} bytes and came back with {}",
            bytes_a.len(),
            bytes_b.len()
        );
        return Err(differs(a, &lengths));
    }
    match bytes_a.iter().zip(&bytes_b).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(place) => Err(differs(
            a,
            &format!("came back with another byte at {place}"),
        )),
    }
}

fn differs(path: &Path, how: &str) -> Failure {
    Failure::failed(format!("the image is wrong: {} {how}", path.display()))
        .mend("the tool that wrote it or the disk is at fault; nothing was kept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let dir = std::env::temp_dir().join(format!("tree-{}-{name}", std::process::id()));
            fs::create_dir_all(dir.join("d")).expect("a temporary folder");
            for (name, text) in files {
                fs::write(dir.join(name), text).expect("a file in it");
            }
            Folder(dir)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let original = Folder::new("o", &[("a", "12"), ("d/b", "3")]);
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
        let cases: [Case<'_>; 4] = [
            ("byte", &[("a", "13"), ("d/b", "3")], "another byte at 1"),
            (
                "length",
                &[("a", "1"), ("d/b", "3")],
                "has 2 bytes and came back with 1",
            ),
            (
                "missing",
                &[("a", "12")],
                "holds [\"b\"] and came back with []",
            ),
            ("more", &[("a", "12"), ("d/b", "3"), ("c", "")], "\"c\""),
        ];
        for (name, files, complaint) in cases {
            let copy = Folder::new(name, files);
            let failure = same(&original.0, &copy.0, &[]).expect_err(name);
            assert!(failure.what.contains(complaint), "{name}: {failure}");
        }
        let copy = Folder::new("same", &[("a", "12"), ("d/b", "3"), ("own", "")]);
        assert_eq!(same(&original.0, &copy.0, &["own"]), Ok(()));
        assert_eq!(count_files(&original.0), Ok(2));
    }
}
