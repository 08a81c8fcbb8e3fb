//! `cargo xtask doctor`: reports what is here and what is missing.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Doctor) -> Result<()> {
    Err(Failure::failed("`doctor` is not built yet"))
}
