//! `cargo xtask test`: runs the tests.

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(_cx: &Context, _flags: flags::Test) -> Result<()> {
    Err(Failure::failed("`test` is not built yet"))
}
