//! `cargo xtask check-elf`: checks a kernel image against loader and CPU.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::CheckElf) -> Result<()> {
    Err(Failure::failed("`check-elf` is not built yet"))
}
