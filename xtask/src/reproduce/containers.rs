//! The same kernel in containers of both platforms, and its images.
//!
//! The kernel's files are what `docker-build` exports; the images are made in
//! the test image, by that platform's own tools.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Absent, CD, Cause, Findings, Made, NotCompared, ROOT, Request, folder, loader};
use crate::context::Context;
use crate::docker::build::{self, folder_name};
use crate::docker::choices::{Cache, Stage, Steps};
use crate::docker::engine::{self, Engine, Platform};
use crate::docker::plan::{self, Wanted};
use crate::docker::running::Io;
use crate::docker::session::{self, Kvm, Session};
use crate::failure::{Doing, Failure, Result};
use crate::product::KERNEL;

/// Builds in a container of each platform, or says why not.
pub(super) fn build(cx: &Context, request: &Request, findings: &mut Findings) -> Result<()> {
    if request.platforms.is_empty() {
        return Ok(());
    }
    let found = match cx.dry_run {
        true => Ok(Engine::find(cx, request.client)?),
        false => engine::look(cx, request.client)?,
    };
    let engine = match (found, request.absent) {
        (Ok(engine), _) => engine,
        (Err(trouble), Absent::Fails) => return Err(trouble.failure()),
        (Err(trouble), Absent::Told) => {
            for platform in &request.platforms {
                findings.not_compared.push(NotCompared {
                    what: platform.to_string(),
                    cause: Cause::Absent,
                    why: trouble.failure().what,
                });
            }
            return Ok(());
        }
    };
    for &platform in &request.platforms {
        one(cx, &engine, platform, findings)?;
    }
    Ok(())
}

fn one(cx: &Context, engine: &Engine, platform: Platform, findings: &mut Findings) -> Result<()> {
    let dir = folder(cx, &folder_name(platform));
    let kernel = dir.join("kernel");
    let request = plan::Request {
        stage: Stage::Export,
        builder: None,
        cache: Cache::None,
        no_cache: Wanted::No,
        pull: Wanted::No,
        sbom: Wanted::No,
        push: None,
    };
    let facts = build::facts(cx, engine, &request)?;
    let target = build::target(cx, engine, platform, None, kernel.clone())?;
    build::build(cx, engine, &request, &facts, target, Steps::Auto)?;
    let mut grub = None;
    for (kind, name) in [("iso", CD), ("ext2", ROOT)] {
        let said = image(cx, engine, platform, kind, &kernel, &dir.join(name))?;
        grub = grub.or(loader(&said));
    }
    if !cx.dry_run {
        findings
            .builds
            .push(Made::read(platform.to_string(), &dir, grub)?);
    }
    Ok(())
}

/// Has a container make an image of its own kernel; what it says about it.
fn image(
    cx: &Context,
    engine: &Engine,
    platform: Platform,
    kind: &str,
    kernel: &Path,
    output: &Path,
) -> Result<String> {
    let name = output.file_name().unwrap_or_default();
    let inside = |folder: &str, name: &Path| -> OsString { Path::new(folder).join(name).into() };
    let mut words: Vec<OsString> = ["--quiet", "image", "--json", kind, "--kernel"]
        .map(Into::into)
        .into();
    words.push(inside("/kernel", Path::new(KERNEL)));
    words.push("--output".into());
    words.push(inside("/workspace/target/reproduce", Path::new(name)));
    let session = Session {
        purpose: "reproduce",
        platform,
        kvm: Kvm::Withheld,
        kernel: Some(kernel.to_owned()),
        words,
    };
    let Some(ended) = session.run(cx, engine, Io::Captured(String::new()), cx.deadline)? else {
        return Ok(String::new());
    };
    session::pass_on(&ended)?;
    // The container's target folder is one of ours.
    let left: PathBuf = build::folder(cx, platform)
        .join("target/reproduce")
        .join(name);
    let taking = || format!("taking {} out of the container's folder", left.display());
    if !left.is_file() {
        return Err(Failure::failed(format!(
            "{} failed: it is not there",
            taking()
        )));
    }
    fs::rename(&left, output).doing(taking())?;
    Ok(ended.stdout)
}
