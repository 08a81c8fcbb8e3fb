//! `cargo xtask setup`: installs what the commands need.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Setup) -> Result<()> {
    Err(Failure::failed("`setup` is not built yet"))
}
