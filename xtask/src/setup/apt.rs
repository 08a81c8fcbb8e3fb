//! Debian's and Ubuntu's package manager: asking it and running it.
//!
//! Owns every call of apt. What can be decided without calling it is in
//! `packages.rs`.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;

use super::needs_rust;
use super::packages::{self, Offer, Privilege, RustSet};
use super::standing::Standing;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::run;
use crate::tools::Tool;
use crate::ui::Verbosity;

/// A package that is not installed everywhere and not missing from any archive.
const IN_EVERY_RELEASE: &str = "docker.io";

/// How many lines of apt's output a failure shows.
const SHOWN: usize = 20;

/// Whether this machine has apt.
pub fn is_here() -> bool {
    run::program(Path::new("apt-get")).is_some() && run::program(Path::new("apt-cache")).is_some()
}

/// Whether and how this person may install packages.
pub fn privilege(cx: &Context) -> Result<Privilege> {
    if rustix::process::geteuid().is_root() {
        return Ok(Privilege::Root);
    }
    let Some(sudo) = run::program(Path::new("sudo")) else {
        return Ok(Privilege::Nobody);
    };
    let output = run::output(cx, Command::new(sudo).args(["-n", "true"]))?;
    Ok(if output.status.success() {
        Privilege::Sudo
    } else {
        Privilege::Nobody
    })
}

/// The set of Rust packages of this distribution: what apt offers, or a guess
/// where its lists are not there.
pub fn rust_set(cx: &Context) -> Result<RustSet> {
    if let Some(set) = offered_rust_set(cx)? {
        return Ok(set);
    }
    Ok(RustSet::guess(
        &std::fs::read_to_string("/etc/os-release").unwrap_or_default(),
    ))
}

fn offered_rust_set(cx: &Context) -> Result<Option<RustSet>> {
    if !is_here() {
        return Ok(None);
    }
    let names = run::output(cx, Command::new("apt-cache").args(["pkgnames", "rustc"]))?;
    // Thousands of packages begin so: only what can be a compiler is asked for.
    let is_compiler =
        |name: &&str| *name == "rustc" || *name == "rustc-web" || name.starts_with("rustc-1.");
    let names: Vec<_> = names.stdout.lines().filter(is_compiler).collect();
    if names.is_empty() {
        return Ok(None);
    }
    Ok(RustSet::choose(&policy(cx, &names)?))
}

fn policy(cx: &Context, names: &[&str]) -> Result<Vec<Offer>> {
    let mut command = Command::new("apt-cache");
    // "Candidate:" is translated.
    command.arg("policy").args(names).env("LC_ALL", "C");
    Ok(Offer::read(&run::output(cx, &mut command)?.stdout))
}

/// The commands that install what brings these tools, in order.
pub fn commands(cx: &Context, missing: &[Tool]) -> Result<Vec<Command>> {
    let privilege = privilege(cx)?;
    let plan = plan(cx, missing)?;
    let update = (plan.lists == Lists::Lacking).then(|| packages::update(privilege));
    let install = if plan.packages.is_empty() {
        None
    } else {
        let replaced = in_the_way(cx, &plan.packages)?;
        Some(packages::install(privilege, &plan.packages, &replaced))
    };
    let words = update.into_iter().chain(install);
    Ok(words.map(|words| command(&words)).collect())
}

/// Whether apt knows of every package that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    Knowing,
    Lacking,
}

struct Plan {
    packages: Vec<String>,
    lists: Lists,
}

fn plan(cx: &Context, missing: &[Tool]) -> Result<Plan> {
    let offered = if needs_rust(missing) {
        offered_rust_set(cx)?
    } else {
        Some(RustSet::plain())
    };
    let lacking = offered.is_none();
    let set = match offered {
        Some(set) => set,
        None => rust_set(cx)?,
    };
    let all = packages::of_tools(missing, &set, |_| true);
    let mut names: Vec<_> = all.iter().map(String::as_str).collect();
    names.push(IN_EVERY_RELEASE);
    let offers = policy(cx, &names)?;
    let is_offered = |name: &str| {
        offers
            .iter()
            .any(|offer| offer.package == name && offer.version.is_some())
    };
    let packages = packages::of_tools(missing, &set, is_offered);
    // Where even that is not offered the lists are not there, and nothing
    // follows from the absence of another.
    let probe = (packages.len() < all.len()).then_some(IN_EVERY_RELEASE);
    let mut needed = packages.iter().map(String::as_str).chain(probe);
    let lists = if lacking || !needed.all(is_offered) {
        Lists::Lacking
    } else {
        Lists::Knowing
    };
    Ok(Plan { packages, lists })
}

/// The packages that would be installed now: those that apt knows, or all that
/// may be wanted where it knows nothing.
pub fn packages(cx: &Context, missing: &[Tool]) -> Result<Vec<String>> {
    if !is_here() {
        return Ok(packages::of_tools(missing, &rust_set(cx)?, |_| true));
    }
    Ok(plan(cx, missing)?.packages)
}

/// Installs what brings these tools. The caller has made sure that it may.
pub fn install(cx: &Context, missing: &[Tool]) -> Result<()> {
    let privilege = privilege(cx)?;
    let mut plan = self::plan(cx, missing)?;
    let mut updated = Updated::NotYet;
    if plan.lists == Lists::Lacking {
        updated = update(cx, privilege)?;
        // Only now can apt say which Rust it has.
        plan = self::plan(cx, missing)?;
    }
    if plan.packages.is_empty() {
        // This release has none of what not every release has.
        return Ok(());
    }
    let mut refused = add(cx, privilege, &plan.packages)?;
    if refused.is_some() && updated == Updated::NotYet {
        cx.ui
            .say("that failed; the lists of packages may be out of date");
        update(cx, privilege)?;
        plan = self::plan(cx, missing)?;
        refused = add(cx, privilege, &plan.packages)?;
    }
    match refused {
        None => Ok(()),
        Some(tail) => Err(Failure::missing(
            format!(
                "apt-get could not install {}:\n{tail}",
                plan.packages.join(" ")
            ),
            format!(
                "mend that, or install by hand:\n{}",
                packages::by_hand(privilege, &plan.packages)
            ),
        )),
    }
}

/// Installs packages; `None` if that succeeded, else the end of what apt said.
fn add(cx: &Context, privilege: Privilege, packages: &[String]) -> Result<Option<String>> {
    let replaced = in_the_way(cx, packages)?;
    for standing in &replaced {
        cx.ui.warn(format_args!(
            "{} {} cannot stay beside them; it makes way for this release's own",
            standing.package, standing.installed
        ));
    }
    let title = format!("installing {} packages", packages.len());
    let words = packages::install(privilege, packages, &replaced);
    apt(cx, &title, &words)
}

/// What is installed in a version that these packages cannot stand beside, and
/// is to be had in another. Where apt offers no other, nothing makes way:
/// installing then fails, and removes nothing.
fn in_the_way(cx: &Context, packages: &[String]) -> Result<Vec<Standing>> {
    let simulated = run::output(cx, &mut command(&packages::simulation(packages)))?;
    let mut replaced = Vec::new();
    for standing in Standing::read(&simulated.stdout) {
        let mut madison = Command::new("apt-cache");
        madison.arg("madison").arg(&standing.package);
        let standing = standing.offered(&run::output(cx, &mut madison)?.stdout);
        if standing.offered.is_some() {
            replaced.push(standing);
        }
    }
    Ok(replaced)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Updated {
    NotYet,
    Done,
}

/// Fetches the lists; a failure of one archive is no reason to give up.
fn update(cx: &Context, privilege: Privilege) -> Result<Updated> {
    if let Some(tail) = apt(
        cx,
        "fetching the lists of packages",
        &packages::update(privilege),
    )? {
        cx.ui.warn(format_args!(
            "apt-get update failed; going on with what it got:\n{tail}"
        ));
    }
    Ok(Updated::Done)
}

/// Runs apt-get; `None` if it succeeded, else the end of what it said.
fn apt(cx: &Context, title: &str, words: &[String]) -> Result<Option<String>> {
    let progress = cx.ui.progress(title);
    let mut tail = VecDeque::new();
    let verbose = cx.ui.verbosity() >= Verbosity::Verbose;
    let status = run::lines(cx, &mut command(words), |line| {
        if line.is_empty() {
            return;
        }
        if verbose {
            cx.ui.detail(format_args!("  {line}"));
        } else if line.starts_with("Waiting for cache lock") {
            // Another apt is at work; a person should know why nothing happens.
            cx.ui.say(line);
        } else {
            progress.now(line);
        }
        tail.push_back(line.to_owned());
        if tail.len() > SHOWN {
            tail.pop_front();
        }
    })?;
    if status.success() {
        return Ok(None);
    }
    Ok(Some(
        tail.into_iter()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
    ))
}

fn command(words: &[String]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words);
    command
}
