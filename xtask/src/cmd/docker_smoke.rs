//! `cargo xtask docker-smoke`: one boot in the container.
//!
//! Owns the choice of the machine; what is seen and judged is in `docker::smoke`.

use crate::context::Context;
use crate::docker::plan::Wanted;
use crate::docker::smoke::{self, Asked};
use crate::failure::Result;
use crate::flags;

/// Runs the command.
pub fn run(cx: &Context, flags: flags::DockerSmoke) -> Result<()> {
    let asked = Asked {
        engine: flags.engine,
        platform: flags.platform,
        json: Wanted::from(flags.json),
    };
    smoke::run(cx, smoke::SMOKE, &asked)
}
