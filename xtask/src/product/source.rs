//! Which commit a kernel was built from, as far as anybody knows.
//!
//! git says it where there is a repository; in a folder without one, such as a
//! container's, whoever started the build may hand it in with `--commit`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::cli::Invalid;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::git;

/// The end of a commit's name if the tree differs from it.
const DIRTY: &str = "-dirty";

/// The sources of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The commit that was checked out.
    pub commit: String,
    /// Whether the work tree was exactly that commit.
    pub clean: bool,
}

/// What `--commit` takes: a commit, or nothing where that is unknown too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated(pub Option<Source>);

impl FromStr for Stated {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Ok(Stated(None));
        }
        let (commit, clean) = match text.strip_suffix(DIRTY) {
            Some(commit) => (commit, false),
            None => (text, true),
        };
        let is_full = matches!(commit.len(), 40 | 64);
        let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if !is_full || !commit.bytes().all(digit) {
            return Err(Invalid(format!(
                "`{text}` is not a full commit such as `git rev-parse HEAD` prints, with or without {DIRTY}"
            )));
        }
        Ok(Stated(Some(Source {
            commit: commit.to_owned(),
            clean,
        })))
    }
}

impl fmt::Display for Source {
    /// As `--commit` reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.commit, if self.clean { "" } else { DIRTY })
    }
}

/// The sources as git knows them; `None` without a repository.
pub fn of_tree(cx: &Context) -> Option<Source> {
    let commit = git::read(cx, &["rev-parse", "--verify", "HEAD"])?;
    // Untracked files may be built as well: they count.
    let changes = git::read(cx, &["status", "--porcelain"])?;
    Some(Source {
        commit: commit.trim().to_owned(),
        clean: changes.trim().is_empty(),
    })
}

/// What git knows, else what was stated.
///
/// # Errors
/// A usage failure if they contradict each other.
pub fn settle(known: Option<Source>, stated: Option<Source>) -> Result<Option<Source>> {
    match (known, stated) {
        (Some(known), Some(stated)) if known != stated => Err(Failure::usage(
            format!("--commit says {stated}, and git says {known}"),
            "leave --commit away where git can be asked",
        )),
        (Some(source), _) | (None, Some(source)) => Ok(Some(source)),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn stated(text: &str) -> Option<Source> {
        text.parse::<Stated>().expect(text).0
    }

    #[test]
    fn a_commit_is_read_as_it_is_shown() {
        for text in [COMMIT.to_owned(), format!("{COMMIT}{DIRTY}")] {
            let source = stated(&text).expect("a commit");
            assert_eq!(source.to_string(), text);
            assert_eq!(source.clean, !text.ends_with(DIRTY));
        }
        assert_eq!(stated(""), None);
    }

    #[test]
    fn what_is_no_full_commit_is_refused() {
        for text in ["main", "0123456", &COMMIT.to_uppercase(), "-dirty", " "] {
            assert!(text.parse::<Stated>().is_err(), "{text}");
        }
    }

    #[test]
    fn git_and_the_person_must_agree() {
        let (clean, dirty) = (stated(COMMIT), stated(&format!("{COMMIT}{DIRTY}")));
        assert_eq!(settle(clean.clone(), None), Ok(clean.clone()));
        assert_eq!(settle(None, clean.clone()), Ok(clean.clone()));
        assert_eq!(settle(clean.clone(), clean.clone()), Ok(clean.clone()));
        assert_eq!(settle(None, None), Ok(None));
        assert!(settle(clean, dirty).is_err());
    }
}
