//! `cargo xtask tidy`: checks the rules of the house that a program can check.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Tidy) -> Result<()> {
    Err(Failure::failed("`tidy` is not built yet"))
}
