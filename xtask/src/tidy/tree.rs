//! The files of the project that people wrote, and what git says of commits.
//!
//! Owns reading; the rules see a [`Tree`] in memory, which tests make by hand.

use std::collections::BTreeMap;
use std::fs;

use crate::context::Context;
use crate::failure::{Doing, Result};
use crate::git;
use crate::sources;
use crate::tidy::source::Source;

/// A file.
#[derive(Debug)]
pub struct File {
    /// Its path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its code, if it is Rust.
    pub source: Option<Source>,
}

impl File {
    /// A file of this path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let source = path.ends_with(".rs").then(|| Source::new(&text));
        File { path, text, source }
    }

    /// The part of the path after the last `/`.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is for a shell of the Bourne family.
    pub fn is_shell(&self) -> bool {
        let first = self.text.lines().next().unwrap_or_default();
        let interpreter = first.rsplit(['/', ' ']).next().unwrap_or_default();
        self.path.ends_with(".sh")
            || first.starts_with("#!") && ["sh", "bash", "dash"].contains(&interpreter)
    }

    /// Whether the whole file is about tests.
    pub fn is_test(&self) -> bool {
        let name = self.name();
        self.path.split('/').any(|part| part == "tests")
            || name == "tests.rs"
            || name.ends_with("_tests.rs")
    }
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its abbreviated hash.
    pub hash: String,
    /// The first line of its message.
    pub subject: String,
}

/// Everything the rules look at.
#[derive(Debug, Default)]
pub struct Tree {
    /// The text files, by path.
    pub files: BTreeMap<String, File>,
    /// Every path that exists, folders and binary files included.
    pub paths: std::collections::BTreeSet<String>,
    /// Commits that can still be mended; none without git.
    pub commits: Vec<Commit>,
}

impl Tree {
    /// A tree of these files.
    pub fn of(files: impl IntoIterator<Item = File>) -> Self {
        let mut tree = Tree::default();
        for file in files {
            tree.add_path(&file.path);
            tree.files.insert(file.path.clone(), file);
        }
        tree
    }

    /// The project's tree, as it is on disk now.
    pub fn read(cx: &Context) -> Result<Self> {
        let root = cx.project.root();
        let mut tree = Tree {
            commits: commits(cx),
            ..Tree::default()
        };
        for path in sources::list(cx)? {
            let full = root.join(&path);
            // Listed by git and removed on disk, or a link: not ours to read.
            if !fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_file()) {
                continue;
            }
            tree.add_path(&path);
            let bytes = fs::read(&full).doing(format_args!("reading {}", full.display()))?;
            if let Ok(text) = String::from_utf8(bytes) {
                tree.files.insert(path.clone(), File::new(path, text));
            }
        }
        Ok(tree)
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files
            .values()
            .filter_map(|file| file.source.as_ref().map(|source| (file, source)))
    }

    fn add_path(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            self.paths.insert(path[..at].to_owned());
        }
        self.paths.insert(path.to_owned());
    }
}

/// The newest commit, and those that are on this branch alone: what others have
/// already cannot be mended.
fn commits(cx: &Context) -> Vec<Commit> {
    let mut commits: Vec<Commit> = Vec::new();
    // Without a pattern in it, git would take `main` for a folder of branches.
    let others = ["--not", "--remotes", "--branches=mai[n]"];
    for range in [
        &["--no-walk", "HEAD"][..],
        &[&["HEAD"][..], &others].concat(),
    ] {
        let words = [&["log", "--no-merges", "--format=%h %s"][..], range].concat();
        for line in git::read(cx, &words).unwrap_or_default().lines() {
            let Some((hash, subject)) = line.split_once(' ') else {
                continue;
            };
            let commit = Commit {
                hash: hash.to_owned(),
                subject: subject.to_owned(),
            };
            if !commits.contains(&commit) {
                commits.push(commit);
            }
        }
    }
    commits
}
