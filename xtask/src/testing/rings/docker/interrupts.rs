//! Ctrl-C, and containers that end otherwise than they should.

use rustix::process::Signal;

use super::Row;
use super::lab::{Lab, Outcome};

pub(super) const CASES: &[Row] = &[(
    "interrupt",
    "while_a_base_is_fetched",
    while_a_base_is_fetched,
)];

fn while_a_base_is_fetched(lab: &Lab<'_>) -> Outcome {
    let said = lab
        .xtask(&[
            "docker-base",
            "--platform",
            "linux/386",
            "--suite",
            "trixie",
            "--replace",
            "-v",
        ])
        .env("CARGO_TARGET_DIR", lab.folder.join("target"))
        .signalled("Retrieving", Signal::INT)
        .run()?;
    said.expect(130, &["interrupted by SIGINT"])?;
    said.leaves_nothing()
}
