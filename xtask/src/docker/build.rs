//! Building our images and getting the kernel's files out of them.
//!
//! Owns the order of the engine's calls and what is said about them; their
//! words are in `plan`, the reading of their output in `progress`. Called by
//! `docker-build`, and by every command that needs an image.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::base;
use super::call;
use super::choices::{Stage, Steps, Yield};
use super::diagnosis;
use super::engine::{Client, Engine, Platform};
use super::image::{self, Image};
use super::plan::{self, Builder, Facts, Request, Target, Wanted};
use super::podman;
use super::progress::{self, Event, Heard, Layers, is_layer};
use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::product::{self, Manifest, Unfinished};
use crate::run;
use crate::ui::{Progress, Verbosity};

/// What a build left behind.
#[derive(Debug)]
pub struct Built {
    /// The platform.
    pub platform: Platform,
    /// The image, if one was kept.
    pub image: Option<Image>,
    /// How many layers were made; `None` where the engine does not say.
    pub layers: Layers,
    /// How much of the work tree the engine was sent.
    pub context_bytes: u64,
    /// The folder of the kernel's files and what is in it, if they were wanted.
    pub files: Option<(PathBuf, Manifest)>,
}

/// Where a platform's things are below `target/`: `target/docker/linux-386`.
pub fn folder(cx: &Context, platform: Platform) -> PathBuf {
    cx.project
        .target()
        .join("docker")
        .join(folder_name(platform))
}

/// A platform's name where a folder is called after it.
pub fn folder_name(platform: Platform) -> String {
    platform.word().replace('/', "-")
}

/// Where a platform's kernel goes if nobody says otherwise.
pub fn files(cx: &Context, platform: Platform) -> PathBuf {
    folder(cx, platform).join("kernel")
}

/// What is known of this machine, for `plan`.
pub fn facts(cx: &Context, engine: &Engine, request: &Request) -> Result<Facts> {
    let set = |name: &&'static str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let token = set(&"ACTIONS_RUNTIME_TOKEN");
    let address = set(&"ACTIONS_RESULTS_URL") || set(&"ACTIONS_CACHE_URL");
    Ok(Facts {
        builder: builder(cx, engine, request.builder.as_deref())?,
        root: cx.project.root().to_owned(),
        cache_dir: cx.project.target().join("docker").join("cache"),
        certificates: certificates(),
        handed_on: plan::PROXIES.into_iter().filter(set).collect(),
        actions_cache: Wanted::from(token && address),
    })
}

/// The certificates that downloads inside have to trust: a proxy that opens TLS
/// is in this machine's store, and not in the base image's.
pub fn certificates() -> Option<PathBuf> {
    let named = ["CARGO_HTTP_CAINFO", "SSL_CERT_FILE"];
    let named = named.iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ];
    let mut all = named.chain(usual.map(PathBuf::from));
    all.find(|file| file.is_file())
}

/// Who would build: asked of buildx, for a name says nothing.
fn builder(cx: &Context, engine: &Engine, name: Option<&str>) -> Result<Builder> {
    match (engine.client, name) {
        (Client::Podman, _) => return Ok(Builder::Podman),
        // Nothing is run, so nobody is asked; a name is there to be another.
        (Client::Docker, None) if cx.dry_run => return Ok(Builder::Engine),
        (Client::Docker, Some(_)) if cx.dry_run => return Ok(Builder::Apart),
        (Client::Docker, _) => {}
    }
    let mut command = engine.command();
    command.args(["buildx", "inspect"]).args(name);
    let output = run::output(cx, &mut command)?;
    if !output.status.success() {
        if let Some(trouble) = diagnosis::diagnose(&output.stderr) {
            return Err(trouble.failure());
        }
        let name = name.unwrap_or("default");
        return Err(Failure::usage(
            format!("there is no builder `{name}`: {}", output.stderr.trim()),
            "docker buildx ls names them; docker buildx create makes one",
        ));
    }
    Ok(plan::builder_of(&output.stdout))
}

/// Builds a stage for one platform: its image, its files, or both.
pub fn build(
    cx: &Context,
    engine: &Engine,
    request: &Request,
    facts: &Facts,
    target: Target,
    steps: Steps,
) -> Result<Built> {
    let mut target = target;
    let mut built = Built {
        platform: target.platform,
        image: None,
        layers: Layers::default(),
        context_bytes: 0,
        files: None,
    };
    let leaves = request.stage.leaves();
    let output = target.files.clone();
    // Tried now, so that a folder nobody can write to costs no build.
    let unfinished = match leaves {
        Yield::Files | Yield::Both if !cx.dry_run => Some(Unfinished::begin(&output)?),
        _ => None,
    };
    let mut calls = Vec::new();
    if leaves != Yield::Files {
        calls.push(plan::image(request, facts, &target));
    }
    if leaves != Yield::Image {
        if let Some(unfinished) = &unfinished {
            target.files = unfinished.path().to_owned();
        }
        calls.push(plan::files(request, facts, &target));
    }
    let mut heard = Heard::default();
    for words in calls {
        call(cx, engine, words, &mut heard, &target, steps)?;
    }
    if cx.dry_run {
        return Ok(built);
    }
    built.layers = heard.layers();
    built.context_bytes = heard.context_bytes();
    if leaves != Yield::Files {
        let tag = plan::tag(target.platform, request.stage);
        let image = image::inspect(cx, engine, &tag)?;
        built.image = Some(image.doing(format_args!("looking for the image {tag} just built"))?);
    }
    if let Some(unfinished) = unfinished {
        set_apart(unfinished.path(), &output)?;
        let manifest = Manifest::verify(unfinished.path())?;
        unfinished.place()?;
        built.files = Some((output, manifest));
    }
    if request.cache == super::choices::Cache::Local && facts.builder == Builder::Apart {
        take_over_cache(facts, target.platform)?;
    }
    Ok(built)
}

/// One call, told while it runs.
fn call(
    cx: &Context,
    engine: &Engine,
    words: Vec<OsString>,
    heard: &mut Heard,
    target: &Target,
    steps: Steps,
) -> Result<()> {
    let mut command = engine.command();
    command.args(words);
    if cx.dry_run || cx.ui.verbosity() >= Verbosity::Verbose {
        cx.ui.echo(&command);
    }
    if cx.dry_run {
        return Ok(());
    }
    let moving = steps == Steps::Auto && std::io::stderr().is_terminal();
    let bar = moving.then(|| cx.ui.progress(format!("building for {}", target.platform)));
    let is_podman = engine.client == Client::Podman;
    let status = call::listen(cx, command, |line| {
        if steps == Steps::Rawjson {
            cx.ui.say(line);
        }
        let events = match is_podman {
            true => podman::line(heard, line),
            false => heard.line(line),
        };
        let (done, all) = heard.done_of();
        for event in events {
            tell(cx, steps, bar.as_ref(), (done, all), event);
        }
    })?;
    drop(bar);
    if status.success() {
        return Ok(());
    }
    Err(why(heard))
}

/// Tells one event: on the moving line if there is one, else as plain lines.
fn tell(
    cx: &Context,
    steps: Steps,
    bar: Option<&Progress<'_>>,
    (done, all): (usize, usize),
    event: Event,
) {
    let name = |name: &str| progress::shortened(name);
    match (bar, event) {
        (Some(bar), Event::Started(step)) => {
            bar.now(format_args!("{done}/{all} {}", name(&step)));
        }
        (Some(bar), Event::Said(line)) => bar.now(format_args!("{done}/{all} {line}")),
        (Some(_), _) => {}
        (None, _) if steps == Steps::Rawjson => {}
        (None, Event::Cached(step)) => cx.ui.say(format_args!("cached  {}", name(&step))),
        // When it begins: some take minutes.
        (None, Event::Started(step)) if is_layer(&step) => {
            cx.ui.say(format_args!("build   {}", name(&step)));
        }
        (None, Event::Said(line)) if steps == Steps::Plain => {
            cx.ui.say(format_args!("        {line}"));
        }
        (None, Event::Said(line)) => cx.ui.detail(format_args!("        {line}")),
        (None, _) => {}
    }
}

/// Why a build failed, from what was heard.
fn why(heard: &Heard) -> Failure {
    let broken = heard.broken();
    let error = broken.as_ref().map_or("", |broken| &broken.error);
    if let Some(trouble) = diagnosis::diagnose(&format!("{}\n{error}", heard.text())) {
        return trouble.failure();
    }
    let Some(broken) = broken else {
        return Failure::build_failed(format!("the engine says:\n{}", heard.text().trim_end()));
    };
    let said = broken.said.join("\n");
    // A full disk ends the step that met it, and only its own words say why.
    if let Some(trouble) = diagnosis::diagnose_disk(&said) {
        return trouble.failure();
    }
    let what = format!("{} failed: {}\n{said}", broken.name, broken.error);
    Failure::build_failed(what).mend("its last lines are above; --progress plain shows all of them")
}

/// What an attesting builder puts beside the kernel's files is no part of them.
fn set_apart(files: &Path, output: &Path) -> Result<()> {
    let reading = || format!("reading {}", files.display());
    for entry in std::fs::read_dir(files).doing(reading())? {
        let entry = entry.doing(reading())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("sbom") || name.starts_with("provenance") {
            let beside = output.with_file_name(&name);
            std::fs::rename(entry.path(), &beside)
                .doing(format_args!("writing {}", beside.display()))?;
        }
    }
    Ok(())
}

/// The cache that was just written takes the place of the one that was read:
/// buildx only ever adds to a folder.
fn take_over_cache(facts: &Facts, platform: Platform) -> Result<()> {
    let (old, new) = plan::cache_dirs(facts, platform);
    if !new.is_dir() {
        return Ok(());
    }
    if old.exists() {
        std::fs::remove_dir_all(&old).doing(format_args!("removing {}", old.display()))?;
    }
    std::fs::rename(&new, &old).doing(format_args!("renaming {}", new.display()))
}

/// Everything a target needs to be known by: its base, its inputs, its commit.
pub fn target(
    cx: &Context,
    engine: &Engine,
    platform: Platform,
    named_base: Option<&str>,
    files: PathBuf,
) -> Result<Target> {
    let base = match cx.dry_run {
        true => named_base.unwrap_or(platform.default_base()).to_owned(),
        false => base::ensure(cx, engine, platform, named_base)?,
    };
    Ok(Target {
        platform,
        inputs: image::inputs(cx.project.root())?,
        base,
        commit: product::of_tree(cx).map(|source| source.to_string()),
        files,
    })
}

/// The image of a stage, built if it is missing or does not fit any more; its
/// tag.
pub fn ensure(cx: &Context, engine: &Engine, platform: Platform, stage: Stage) -> Result<String> {
    let tag = plan::tag(platform, stage);
    let wanted = image::inputs(cx.project.root())?;
    let found = match cx.dry_run {
        true => None,
        false => image::inspect(cx, engine, &tag)?,
    };
    let Some(why) = image::unfit(found.as_ref(), platform, &wanted) else {
        return Ok(tag);
    };
    cx.ui
        .say(format_args!("the image {tag} {why}: building it"));
    let request = Request {
        stage,
        builder: None,
        cache: super::choices::Cache::None,
        no_cache: Wanted::No,
        pull: Wanted::No,
        sbom: Wanted::No,
        push: None,
    };
    let facts = facts(cx, engine, &request)?;
    let target = target(cx, engine, platform, None, files(cx, platform))?;
    let built = build(cx, engine, &request, &facts, target, Steps::Auto)?;
    if let Some(image) = built.image {
        cx.ui
            .say(format_args!("{tag} is {}, {}", image.digest, built.layers));
    }
    Ok(tag)
}
