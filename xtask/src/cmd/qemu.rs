//! `cargo xtask qemu`: boots the kernel.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Qemu) -> Result<()> {
    Err(Failure::failed("`qemu` is not built yet"))
}
