//! What a boot has if nobody says otherwise: the shell, and the programs that it
//! starts.
//!
//! Owns how these are built and handed to the kernel: an archive that becomes a
//! disk in memory, and the shell with its name. Called by `qemu` and the tests.

use crate::cmd::build::{self, Request};
use crate::context::Context;
use crate::failure::Result;
use crate::image::{self, Module, archive};
use crate::programs;

/// Builds the programs, and writes their archive.
pub fn build(cx: &Context, request: &Request) -> Result<()> {
    let built = build::programs(cx, request, programs::for_people())?;
    if cx.dry_run {
        return Ok(());
    }
    let output = cx.project.archive(&request.variant());
    archive::write(&built, image::epoch()?, &output)
}

/// The boot modules.
pub fn modules(cx: &Context, request: &Request) -> Vec<Module> {
    let variant = request.variant();
    vec![
        Module {
            file: cx.project.archive(&variant),
            arguments: "$(archive=ramdisk-create)".to_owned(),
        },
        Module {
            file: cx.project.program(&variant, programs::SHELL),
            arguments: programs::with_start("${host-port} ${device-port} ${archive}"),
        },
    ]
}
