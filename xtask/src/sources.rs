//! The files of the work tree that people wrote.
//!
//! As git lists them; in a folder without git, all but what is made.

use std::fs;
use std::path::Path;

use crate::context::Context;
use crate::failure::{Doing, Result};
use crate::git;

/// Folders that hold nothing people wrote.
const MADE: [&str; 2] = ["target", ".git"];

/// Their paths from the root, with `/`, sorted. git also lists what was removed
/// from the disk and not from it.
pub fn list(cx: &Context) -> Result<Vec<String>> {
    if let Some(paths) = listed_by_git(cx) {
        return Ok(paths);
    }
    let mut paths = Vec::new();
    walk(cx.project.root(), "", &mut paths)?;
    Ok(paths)
}

/// Tracked files and new ones that are not ignored; `None` outside of git.
fn listed_by_git(cx: &Context) -> Option<Vec<String>> {
    let text = git::read(
        cx,
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    )?;
    let mut paths: Vec<_> = text
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Some(paths)
}

fn walk(dir: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<()> {
    let reading = || format!("reading the folder {}", dir.display());
    for entry in fs::read_dir(dir).doing(reading())? {
        let entry = entry.doing(reading())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().doing(reading())?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !MADE.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(())
}
