//! `cargo xtask ci`: everything CI runs.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Ci) -> Result<()> {
    Err(Failure::failed("`ci` is not built yet"))
}
