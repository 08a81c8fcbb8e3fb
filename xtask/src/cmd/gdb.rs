//! `cargo xtask gdb`: debugs the kernel.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Gdb) -> Result<()> {
    Err(Failure::failed("`gdb` is not built yet"))
}
