//! Where the logs of the cases go: `target/test-logs/<name>.log`.
//!
//! Owns that folder. A log that cannot be written is a warning, never a test
//! result: the case has its verdict already.

use std::fs;
use std::path::PathBuf;

use super::case::file_stem;
use super::saved::{self, Saved};
use crate::context::Context;
use crate::emulator::Outcome;
use crate::emulator::spec::Leaving;
use crate::failure::{Doing, Result};

/// The log of the case or boot `name`.
pub fn path(cx: &Context, name: &str) -> Result<PathBuf> {
    let folder = cx.project.target().join("test-logs");
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    Ok(folder.join(format!("{}.log", file_stem(name))))
}

/// Saves a run so that `--from-log` can judge it again.
pub fn save(
    cx: &Context,
    name: &str,
    leaves: Leaving,
    skipped: usize,
    outcome: &Outcome,
) -> Option<PathBuf> {
    let saved = Saved {
        name: name.to_owned(),
        leaves,
        skipped,
        outcome: outcome.clone(),
        end_known: true,
    };
    write(cx, name, &saved::write(&saved))
}

/// Saves a text.
pub fn write(cx: &Context, name: &str, text: &str) -> Option<PathBuf> {
    let written = path(cx, name).and_then(|path| {
        fs::write(&path, text).doing(format_args!("writing {}", path.display()))?;
        Ok(path)
    });
    match written {
        Ok(path) => Some(path),
        Err(failure) => {
            cx.ui
                .warn(format_args!("the log of {name} is lost: {failure}"));
            None
        }
    }
}
