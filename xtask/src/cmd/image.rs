//! `cargo xtask image`: makes a bootable ISO or an ext2 image.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Image) -> Result<()> {
    Err(Failure::failed("`image` is not built yet"))
}
