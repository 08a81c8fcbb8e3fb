//! `cargo xtask completions`: prints a completion script.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Completions) -> Result<()> {
    Err(Failure::failed("`completions` is not built yet"))
}
