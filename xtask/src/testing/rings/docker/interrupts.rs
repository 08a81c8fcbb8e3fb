//! Ctrl-C in each phase of what takes long, and a container that is killed.

use std::fs;

use rustix::process::Signal;

use super::Row;
use super::lab::{Lab, Outcome, Stop, only_the_lock};
use crate::docker::container::OWNER_LABEL;
use crate::failure::Doing;

pub(super) const CASES: &[Row] = &[
    ("interrupt", "base_fetching", base_fetching),
    ("interrupt", "base_configuring", base_configuring),
    ("interrupt", "build_sources", build_sources),
    ("interrupt", "build_step", build_step),
    ("interrupt", "build_export", build_export),
    ("interrupt", "killed_container", killed_container),
];

/// The name of no image that anybody uses.
const SUITE: &str = "trixie";

fn base(lab: &Lab<'_>, pattern: &str) -> Outcome {
    let words = [
        "docker-base",
        "-v",
        "--platform",
        "linux/386",
        "--suite",
        SUITE,
        "--replace",
    ];
    let target = lab.folder.join("target");
    let name = format!("i386/debian:{SUITE}");
    let images = || lab.docker(&["images", "--no-trunc", "--quiet", &name]);
    let before = images()?;
    let said = lab
        .xtask(&words)
        .env("CARGO_TARGET_DIR", &target)
        .signalled(pattern, Signal::INT)
        // While an archive is updated its lists do not fit together.
        .unless("could not be fetched")
        .run()?;
    said.expect(130, &["interrupted by SIGINT"])?;
    said.leaves_nothing()?;
    if images()? != before {
        return Err(Stop::Failed(format!("{name} is another one now")));
    }
    // Neither an archive that looks whole nor a gigabyte of work.
    only_the_lock(&target.join("docker/base"))
}

fn base_fetching(lab: &Lab<'_>) -> Outcome {
    base(lab, "Retrieving")
}

fn base_configuring(lab: &Lab<'_>) -> Outcome {
    base(lab, "Unpacking the base system")
}

/// A build that is ended when its first line matches leaves no files, and no
/// image under the tag that was there before.
fn build(lab: &Lab<'_>, more: &[&str], pattern: &str) -> Outcome {
    let output = lab.folder.join("kernel");
    let mut call = lab.xtask(&["docker-build", "-v", "--progress", "plain", "--output"]);
    call = call.arg(&output);
    for word in more {
        call = call.arg(*word);
    }
    let images = || lab.docker(&["images", "--no-trunc", "--quiet", "exov6-i386:build"]);
    let before = images()?;
    let said = call.signalled(pattern, Signal::INT).run()?;
    said.expect(130, &["interrupted by SIGINT"])?;
    said.leaves_nothing()?;
    if output.exists() {
        return Err(Stop::Failed("it left files that look whole".to_owned()));
    }
    let left = fs::read_dir(&lab.folder)
        .doing("reading a folder")?
        .flatten();
    if let Some(entry) = left.into_iter().next() {
        return Err(Stop::Failed(format!("it left {}", entry.path().display())));
    }
    match images()? == before {
        true => Ok(()),
        false => Err(Stop::Failed(
            "there is another image under the tag".to_owned(),
        )),
    }
}

/// While the engine is sent the sources: before the first step.
fn build_sources(lab: &Lab<'_>) -> Outcome {
    build(lab, &[], "docker buildx build")
}

/// While a step runs: without layers from before, the first one does.
fn build_step(lab: &Lab<'_>) -> Outcome {
    build(lab, &["--no-cache"], "] RUN ")
}

/// While the kernel's files are handed out.
fn build_export(lab: &Lab<'_>) -> Outcome {
    build(lab, &["--target", "export"], "type=local")
}

/// Somebody else ends the container: told, and not taken for a success.
fn killed_container(lab: &Lab<'_>) -> Outcome {
    let words = ["docker-run", "--", "qemu", "--expect", "never"];
    let said = lab
        .xtask(&words)
        .on("exov6: ready", |lab, pid| {
            let filter = format!("label={OWNER_LABEL}={pid}");
            let ids = lab.docker(&["ps", "--quiet", "--filter", &filter])?;
            lab.docker(&["kill", ids.trim()]).map(drop)
        })
        .run()?;
    said.expect(1, &["killed"])?;
    said.leaves_nothing()
}
