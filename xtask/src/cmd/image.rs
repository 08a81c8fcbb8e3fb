//! `cargo xtask image`: makes a bootable CD or a root file system.
//!
//! Owns the words and the defaults; the images are made in `image/`.

use serde::Serialize;

use crate::cli::ImageKind;
use crate::cmd::build;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;
use crate::image::Written;
use crate::image::ext2::{self, Content};
use crate::image::iso::{self, Iso};

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    kind: ImageKind,
    #[serde(flatten)]
    written: &'a Written,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Image) -> Result<()> {
    let output = flags.output.unwrap_or_else(|| cx.project.image(flags.kind));
    let root = flags.root.as_deref();
    let kernel = || match &flags.kernel {
        Some(file) => Ok(file.clone()),
        None => Ok(build::kernel(cx, &build::Request::default())?.elf),
    };
    let written = match (flags.kind, root) {
        (ImageKind::Iso, root) => {
            let iso = Iso {
                kernel: &kernel()?,
                append: flags.append.as_deref().unwrap_or_default(),
                modules: &[],
                root,
            };
            iso::write(cx, &iso, &output)?
        }
        (ImageKind::Ext2, _) if flags.append.is_some() => {
            return Err(Failure::usage(
                "a file system has no kernel command line",
                "--append goes with: cargo xtask image iso",
            ));
        }
        (ImageKind::Ext2, Some(root)) => ext2::write(cx, Content::Folder(root), &output)?,
        (ImageKind::Ext2, None) => ext2::write(cx, Content::Kernel(&kernel()?), &output)?,
    };
    if cx.dry_run {
        cx.ui.result("image: nothing written (--dry-run)");
        return Ok(());
    }
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            kind: flags.kind,
            written: &written,
        })?;
    }
    cx.ui.result(format_args!(
        "image: {}: {} bytes, files: {}, sha256 {}, read back and compared",
        cx.project.shown(&written.path),
        written.bytes,
        written.files,
        written.sha256
    ));
    Ok(())
}
