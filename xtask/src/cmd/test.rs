//! `cargo xtask test`: runs the tests.
//!
//! Owns the meaning of its flags; everything else is in `testing`.

use std::fs;
use std::path::Path;

use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::flags;
use crate::machine;
use crate::testing::matrix::Extent;
use crate::testing::rejudge;
use crate::testing::rings::Builds;
use crate::testing::select::Wanted;
use crate::testing::suite::{self, LastLine, Outputs, Records, Suite, Tap};

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Test) -> Result<()> {
    let outputs = Outputs {
        junit: flags.junit,
        json: flags.json,
        tap: if flags.tap { Tap::Stdout } else { Tap::None },
        last_line: LastLine::Stdout,
    };
    if outputs.json.as_deref() == Some(Path::new("-")) && outputs.tap == Tap::Stdout {
        let mend = "give --json a file";
        return Err(Failure::usage("--tap and --json - both want stdout", mend));
    }
    if let Some(log) = &flags.from_log {
        let bytes = fs::read(log).doing(format_args!("reading {}", log.display()))?;
        let reports = rejudge::reports(&String::from_utf8_lossy(&bytes));
        return suite::conclude_log(cx, &reports, &outputs);
    }
    let processors = |count| {
        machine::processors(count)
            .map_err(|invalid| Failure::usage(format!("--smp: {invalid}"), "give --smp 1 to 8"))
    };
    let (builds, extent) = match flags.nightly {
        true => (Builds::Both, Extent::Nightly),
        false => (Builds::Usual, Extent::Default),
    };
    let suite = Suite {
        wanted: Wanted {
            filter: flags.filter,
            rings: flags.ring,
            cpu: flags.cpu,
            smp: flags.smp.map(processors).transpose()?,
            partition: flags.partition,
        },
        builds,
        extent,
        retries: cx.settings.retries.or(flags.retries),
        peer: flags.peer,
        records: match flags.bless {
            true => Records::Written,
            false => Records::Kept,
        },
        outputs,
    };
    match (flags.list, cx.dry_run) {
        (_, true) => suite.dry_run(cx),
        (true, false) => suite.list(cx),
        (false, false) => suite.run(cx),
    }
}
