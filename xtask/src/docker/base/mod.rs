//! The images that everything else starts from: here, pulled, or made.
//!
//! Owns the answer to "which base?". Where no registry can be reached the image
//! is bootstrapped from Debian's packages, through the engine itself and without
//! root: `recipe` says how, `bootstrap` does it, `archive` packs the result.

pub mod archive;
pub mod bootstrap;
pub mod recipe;

use super::build;
use super::call;
use super::diagnosis::{Trouble, diagnose};
use super::engine::{Client, Engine, Platform};
use super::image::{self, Image};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::ui;
use recipe::{Recipe, Suite};

/// The label that says by whom an image was made.
pub const MAKER_LABEL: &str = "org.exov6.xtask";
/// The label that says what a base image was made from, as one digest.
pub const RECIPE_LABEL: &str = "org.exov6.base";

/// The base for a platform, as FROM wants it: the image that is named or the
/// usual one; from this machine, else from its registry, else, for the usual
/// one and where installing is allowed, made from Debian's packages.
///
/// # Errors
/// When it is for another architecture, or cannot be had.
pub fn ensure(
    cx: &Context,
    engine: &Engine,
    platform: Platform,
    base: Option<&str>,
) -> Result<String> {
    let usual = platform.default_base();
    let name = base.unwrap_or(usual);
    if let Some(found) = look(cx, engine, name)? {
        return checked(&found, platform, name).map(|()| name.to_owned());
    }
    let trouble = match cx.offline {
        true => Trouble::NoRegistry("of this image, because of --offline,".to_owned()),
        false => match pull(cx, engine, platform, name)? {
            None => {
                if let Some(found) = look(cx, engine, name)? {
                    checked(&found, platform, name)?;
                }
                return Ok(name.to_owned());
            }
            Some(trouble) => trouble,
        },
    };
    let may_make = cx.setup_allowed && matches!(trouble, Trouble::NoRegistry(_));
    if name != usual || !may_make {
        return Err(trouble.failure());
    }
    let failure = trouble.failure();
    cx.ui.say(format_args!("{}: making it", failure.what));
    let recipe = Recipe::new(platform, Suite::default(), None, build::certificates())?;
    bootstrap::make(cx, engine, &recipe, bootstrap::Cached::Used)?;
    Ok(name.to_owned())
}

/// The image of this name on this machine.
pub fn look(cx: &Context, engine: &Engine, name: &str) -> Result<Option<Image>> {
    if let found @ Some(_) = image::inspect(cx, engine, name)? {
        return Ok(found);
    }
    match engine.client {
        // Podman keeps what it loads under its whole name.
        Client::Podman => image::inspect(cx, engine, &recipe::whole_name(name)),
        Client::Docker => Ok(None),
    }
}

/// Refuses an image of another architecture: a build from it would fail late,
/// or succeed and be the wrong thing.
pub fn checked(image: &Image, platform: Platform, name: &str) -> Result<()> {
    if image.architecture == platform.goarch() {
        return Ok(());
    }
    let trouble = Trouble::WrongArchitecture {
        image: name.to_owned(),
        wanted: platform,
        found: format!("linux/{}", image.architecture),
    };
    Err(trouble.failure())
}

/// Asks the registry; `None` if it gave the image.
fn pull(cx: &Context, engine: &Engine, platform: Platform, name: &str) -> Result<Option<Trouble>> {
    let mut command = engine.command();
    command.args(["pull", "--platform", platform.word()]);
    command.arg(match engine.client {
        Client::Podman => recipe::whole_name(name),
        Client::Docker => name.to_owned(),
    });
    cx.ui.echo(&command);
    let progress = cx.ui.progress(format!("asking the registry for {name}"));
    let shown = ui::command_line(&command);
    let mut said = String::new();
    let status = call::listen(cx, command, |line| {
        progress.now(line);
        said.push_str(line);
        said.push('\n');
    })?;
    if status.success() {
        return Ok(None);
    }
    match diagnose(&said) {
        Some(trouble) => Ok(Some(trouble)),
        None => Err(
            Failure::failed(format!("`{shown}` failed:\n{}", said.trim_end()))
                .mend("or make the image here: cargo xtask docker-base"),
        ),
    }
}
