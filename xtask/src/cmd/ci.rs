//! `cargo xtask ci`: everything CI runs, on any machine.
//!
//! Owns the meaning of its flags and its last line; the steps are in `ci`.

use crate::ci::{self, report};
use crate::compile::write_whole;
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::flags;

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Ci) -> Result<()> {
    let steps = ci::chosen(flags.only.as_deref())?;
    let ran = ci::run(cx, &steps);
    cx.ui.say("");
    for line in report::table(&ran, &steps) {
        cx.ui.say(line);
    }
    let last = report::last_line(&ran);
    if let Some(file) = &flags.report {
        let text = serde_json::to_string_pretty(&report::document(&ran, &steps))
            .doing("writing the JSON document")?;
        write_whole(file, (text + "\n").as_bytes())?;
    }
    if flags.json {
        cx.ui.json(&report::document(&ran, &steps))?;
        cx.ui.result(last);
    } else {
        cx.ui.print(format_args!("{last}\n"));
    }
    match ci::exit(&ran, steps.len()) {
        Exit::Done => Ok(()),
        exit => Err(Failure::told(exit)),
    }
}
