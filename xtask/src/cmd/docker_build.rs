//! `cargo xtask docker-build`: the image, and the kernel that it compiles.
//!
//! Owns the meaning of its flags, what it says at the end, and its document.
//! Several platforms are built one after the other, for the engine's own
//! builder takes one at a time.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::context::Context;
use crate::docker::build::{self, Built};
use crate::docker::choices::{Platforms, Stage, Steps, Yield};
use crate::docker::engine::{Client, Engine, Platform};
use crate::docker::image::Image;
use crate::docker::plan::{self, Request, Wanted};
use crate::docker::progress::Layers;
use crate::docker::push;
use crate::failure::{Failure, Result};
use crate::flags;
use crate::interrupt;
use crate::product::{Entry, KERNEL};
use crate::sizes;

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    command: &'static str,
    engine: Client,
    stage: Stage,
    all_cached: bool,
    elapsed_ms: u128,
    pushed: &'a [String],
    builds: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    platform: Platform,
    image: Option<&'a Image>,
    layers: Layers,
    context_bytes: u64,
    output: Option<&'a PathBuf>,
    files: &'a [Entry],
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::DockerBuild) -> Result<()> {
    // Between two calls a signal waits for the next one, so that what they
    // share is removed.
    let _orderly = interrupt::subscribe(|_| ())?;
    let started = Instant::now();
    let stage = flags.target.unwrap_or(Stage::Build);
    let steps = flags.progress.unwrap_or(Steps::Auto);
    let request = Request {
        stage,
        builder: flags.builder,
        cache: flags.cache.unwrap_or_default(),
        no_cache: Wanted::from(flags.no_cache),
        pull: Wanted::from(flags.pull),
        sbom: Wanted::from(flags.sbom),
        push: flags.push,
    };
    if flags.output.is_some() && stage.leaves() == Yield::Image {
        return Err(Failure::usage(
            format!("--output is for the kernel's files, and the stage `{stage}` leaves none"),
            "give --target build or --target export, or leave --output out",
        ));
    }
    if flags.engine == Some(Client::Podman) && steps == Steps::Rawjson {
        return Err(Failure::usage(
            "--progress rawjson is buildx's, and podman does not have it",
            "give --progress plain, or --engine docker",
        ));
    }
    let engine = Engine::find(cx, flags.engine)?;
    let facts = build::facts(cx, &engine, &request)?;
    plan::check(&request, &facts)?;
    let Platforms(platforms) = flags.platform.unwrap_or_default();
    let base = flags.base.as_ref().map(|base| base.0.as_str());
    let mut targets = Vec::new();
    for &platform in &platforms {
        let files = output(cx, flags.output.as_ref(), platform, platforms.len());
        targets.push(build::target(cx, &engine, platform, base, files)?);
    }
    push::check(cx, &engine, &request)?;
    let mut all = Vec::new();
    for target in &targets {
        all.push(build::build(
            cx,
            &engine,
            &request,
            &facts,
            target.clone(),
            steps,
        )?);
    }
    let pushed = push::push(cx, &engine, &request, &facts, &targets)?;
    if cx.dry_run {
        return Ok(());
    }
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            command: "docker-build",
            engine: engine.client,
            stage,
            all_cached: all.iter().all(|built| built.layers.built == 0),
            elapsed_ms: started.elapsed().as_millis(),
            pushed: &pushed,
            builds: all.iter().map(row).collect(),
        })?;
    }
    for built in &all {
        tell(cx, built);
    }
    let layers = all
        .iter()
        .fold(Layers::default(), |sum, built| sum + built.layers);
    cx.ui.result(format_args!(
        "docker-build: {} for {}: {layers}, in {:.1} s",
        stage,
        Platforms(platforms),
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Where a platform's files go: the folder that was named, or one in it if
/// there are several.
fn output(cx: &Context, named: Option<&PathBuf>, platform: Platform, count: usize) -> PathBuf {
    match (named, count) {
        (None, _) => build::files(cx, platform),
        (Some(dir), 1) => dir.clone(),
        (Some(dir), _) => dir.join(build::folder_name(platform)),
    }
}

fn tell(cx: &Context, built: &Built) {
    if let Some(image) = &built.image {
        cx.ui.say(format_args!(
            "image   {} {} {}",
            image.tag,
            image.digest,
            sizes::shown(image.bytes)
        ));
    }
    if let Some((dir, manifest)) = &built.files {
        for file in &manifest.files {
            let Entry {
                name,
                bytes,
                sha256,
            } = file;
            cx.ui
                .say(format_args!("        {sha256}  {name}, {bytes} bytes"));
        }
        cx.ui.say(format_args!(
            "kernel  {}",
            cx.project.shown(&dir.join(KERNEL))
        ));
    }
    cx.ui.say(format_args!(
        "layers  {}; the engine was sent {} of the work tree",
        built.layers,
        sizes::shown(built.context_bytes)
    ));
}

fn row(built: &Built) -> Row<'_> {
    let (output, files) = match &built.files {
        Some((dir, manifest)) => (Some(dir), manifest.files.as_slice()),
        None => (None, &[][..]),
    };
    Row {
        platform: built.platform,
        image: built.image.as_ref(),
        layers: built.layers,
        context_bytes: built.context_bytes,
        output,
        files,
    }
}
