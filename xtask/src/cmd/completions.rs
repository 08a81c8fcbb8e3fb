//! `cargo xtask completions`: prints a completion script.

use crate::completions;
use crate::context::Context;
use crate::failure::Result;
use crate::flags;
use crate::grammar::Grammar;

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Completions) -> Result<()> {
    cx.ui
        .print(completions::script(&Grammar::of_this_tool(), flags.shell));
    cx.ui.result(format_args!(
        "printed completions; load them with: {}",
        completions::how_to_load(flags.shell)
    ));
    Ok(())
}
