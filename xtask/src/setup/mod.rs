//! Installing what is missing, where that is allowed and possible.
//!
//! Says every command before it runs it, removes nothing that is there, and
//! where it cannot install ends with the one command that would. An installed
//! package of another release that bars the way is replaced by this release's
//! own, with a warning.

pub mod apt;
pub mod buildx;
pub mod daemon;
pub mod oldest;
pub mod packages;
pub mod standing;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::toolchain;
use crate::tools::{self, Need, Packages, Presence, Tool};
use packages::Privilege;

/// Installs these tools, which are not here.
///
/// # Errors
/// [`Exit::Missing`](crate::failure::Exit::Missing) with the command that
/// installs them, if this run may not or cannot.
pub fn install(cx: &Context, missing: &[Tool]) -> Result<()> {
    if let Some(why_not) = forbidden(cx) {
        return Err(cannot(cx, missing, why_not)?);
    }
    let names: Vec<_> = missing.iter().map(|tool| tool.word()).collect();
    cx.ui.say(format_args!(
        "installing what is missing: {}",
        names.join(", ")
    ));
    if missing.contains(&Tool::KernelRust) {
        toolchain::fetch_sources(cx)?;
    }
    // Parts of rustup's toolchain come from rustup alone.
    let has_rustup = toolchain::has_rustup(cx)?;
    let mut by_apt = Vec::new();
    for &tool in missing {
        match rustup_component(tool) {
            Some(component) if has_rustup => toolchain::add_component(cx, component)?,
            _ if tools::look(cx, tool)?.is_missing() => by_apt.push(tool),
            _ => {}
        }
    }
    if !by_apt.is_empty() {
        if let Some(failure) = no_way(cx, &by_apt, apt::privilege(cx)?)? {
            return Err(failure);
        }
        apt::install(cx, &by_apt)?;
    }
    if missing.contains(&Tool::Buildx) && tools::look(cx, Tool::Buildx)?.is_missing() {
        buildx::install(cx)?;
    }
    for &tool in missing {
        if let Presence::Missing { why } = tools::look(cx, tool)? {
            return Err(Failure::missing(
                format!("{tool} is still missing after its packages were installed: {why}"),
                "run: cargo xtask doctor -v",
            ));
        }
    }
    Ok(())
}

/// Brings Docker's engine and buildx, and starts the engine.
///
/// # Errors
/// As for [`install`]; and when the engine does not start, with what a person
/// can do about it.
pub fn docker(cx: &Context) -> Result<Vec<Tool>> {
    let mut missing = Vec::new();
    for &tool in Tool::ALL
        .iter()
        .filter(|tool| tool.facts().need == Need::Docker)
    {
        if tools::look(cx, tool)?.is_missing() {
            missing.push(tool);
        }
    }
    if !missing.is_empty() {
        install(cx, &missing)?;
    }
    daemon::start(cx)?;
    Ok(missing)
}

/// What rustup calls this part of a toolchain.
fn rustup_component(tool: Tool) -> Option<&'static str> {
    match tool {
        Tool::Clippy => Some("clippy"),
        Tool::Rustfmt => Some("rustfmt"),
        _ => None,
    }
}

/// The commands that would install these tools, one a line.
pub fn by_hand(cx: &Context, missing: &[Tool]) -> Result<String> {
    let packages = apt::packages(cx, missing)?;
    if packages.is_empty() {
        // Only what this release does not package.
        return Ok("cargo xtask setup --docker".to_owned());
    }
    Ok(packages::by_hand(apt::privilege(cx)?, &packages))
}

fn needs_rust(tools: &[Tool]) -> bool {
    tools
        .iter()
        .any(|tool| matches!(tool.facts().packages, Packages::Rust(_)))
}

/// Why this run must not install, if that is so.
fn forbidden(cx: &Context) -> Option<&'static str> {
    if !cx.setup_allowed {
        Some("--no-setup forbids installing")
    } else if cx.dry_run {
        Some("a dry run installs nothing")
    } else if cx.offline {
        Some("--offline forbids installing")
    } else {
        None
    }
}

/// The failure that names what is missing and the command that installs it.
fn cannot(cx: &Context, missing: &[Tool], why_not: &str) -> Result<Failure> {
    let mut what = format!("{why_not}, and this is missing:");
    for &tool in missing {
        if let Presence::Missing { why } = tools::look(cx, tool)? {
            what.push_str(&format!("\n  {tool}: {}", why.replace('\n', "\n  ")));
        }
    }
    let command = by_hand(cx, missing)?;
    let mend = if apt::is_here() {
        format!("install it with:\n{command}")
    } else {
        format!(
            "on Debian or Ubuntu this brings it; elsewhere, look for packages like these:\n{command}"
        )
    };
    Ok(Failure::missing(what, mend))
}

/// Apt cannot be used here: the failure to end with.
fn no_way(cx: &Context, missing: &[Tool], privilege: Privilege) -> Result<Option<Failure>> {
    if !apt::is_here() {
        return cannot(cx, missing, "there is no apt-get to install with").map(Some);
    }
    match privilege {
        Privilege::Root | Privilege::Sudo => Ok(None),
        Privilege::Nobody => cannot(
            cx,
            missing,
            "installing needs root, or sudo without a password",
        )
        .map(Some),
    }
}
