//! `cargo xtask bench-boot`: measures the boot.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::BenchBoot) -> Result<()> {
    Err(Failure::failed("`bench-boot` is not built yet"))
}
