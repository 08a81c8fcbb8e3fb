//! `cargo xtask docker-base`: makes the base images from Debian's packages.
//!
//! For machines that reach Debian's archive and no container registry. Leaves
//! alone what is there and fits; what this tool did not make it replaces only
//! when told to.

use serde::Serialize;

use crate::context::Context;
use crate::docker::base::bootstrap::{self, Cached, Origin};
use crate::docker::base::recipe::Recipe;
use crate::docker::base::{self, MAKER_LABEL};
use crate::docker::build;
use crate::docker::choices::Platforms;
use crate::docker::engine::{Engine, Platform};
use crate::docker::image::Image;
use crate::failure::Result;
use crate::flags;
use crate::interrupt;

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    version: u32,
    engine: String,
    images: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    platform: Platform,
    digest: String,
    bytes: u64,
    /// `present`, `loaded` or `made`.
    became: &'static str,
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::DockerBase) -> Result<()> {
    // Between two steps a signal waits for the next one, so that what they
    // share is removed.
    let _orderly = interrupt::subscribe(|_| ())?;
    let engine = Engine::find(cx, flags.engine)?;
    let cached = match flags.replace {
        true => Cached::Ignored,
        false => Cached::Used,
    };
    let suite = flags.suite.unwrap_or_default();
    let mut images = Vec::new();
    for platform in flags.platform.clone().unwrap_or_else(both).0 {
        let mirror = flags.mirror.clone();
        let recipe = Recipe::new(platform, suite.clone(), mirror, build::certificates())?;
        if cx.dry_run {
            bootstrap::dry_run(cx, &engine, &recipe, cached)?;
            continue;
        }
        images.push(one(cx, &engine, &recipe, cached)?);
    }
    if cx.dry_run {
        return Ok(());
    }
    let (there, new): (Vec<_>, Vec<_>) = images.iter().partition(|image| image.became == "present");
    let line = match (there.is_empty(), new.is_empty()) {
        (_, true) => format!("{}: already there; nothing to do", names(&there)),
        (true, false) => format!("made {}", names(&new)),
        (false, false) => format!("made {}; {} already there", names(&new), names(&there)),
    };
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            engine: engine.client.to_string(),
            images,
        })?;
    }
    cx.ui.result(line);
    Ok(())
}

fn both() -> Platforms {
    Platforms(Platform::ALL.to_vec())
}

fn names(images: &[&Entry]) -> String {
    let names: Vec<_> = images.iter().map(|image| image.name.as_str()).collect();
    names.join(", ")
}

fn one(cx: &Context, engine: &Engine, recipe: &Recipe, cached: Cached) -> Result<Entry> {
    let name = recipe.name();
    let entry = |image: Image, became| Entry {
        name: name.clone(),
        platform: recipe.platform,
        digest: image.digest,
        bytes: image.bytes,
        became,
    };
    if let (Some(image), Cached::Used) = (base::look(cx, engine, &name)?, cached) {
        base::checked(&image, recipe.platform, &name)?;
        match (&image.maker, &image.recipe) {
            (Some(_), Some(theirs)) if *theirs != recipe.digest => cx.ui.say(format_args!(
                "{name} was made from another archive or other certificates: making it anew"
            )),
            (None, _) => {
                cx.ui.say(format_args!(
                    "{name} is there, not made by this tool (no label {MAKER_LABEL}): left alone; \
                     --replace replaces it"
                ));
                return Ok(entry(image, "present"));
            }
            _ => return Ok(entry(image, "present")),
        }
    }
    let (image, origin) = bootstrap::make(cx, engine, recipe, cached)?;
    let became = match origin {
        Origin::Packages => "made",
        Origin::Archive => "loaded",
    };
    Ok(entry(image, became))
}
