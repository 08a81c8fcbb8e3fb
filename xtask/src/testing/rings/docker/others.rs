//! The files in `ci` that other programs read: compose's and bake's.
//!
//! Each is given to its program as docs/docker.md tells a person to. What a case
//! makes has a name of its own, so that a person's own is neither used nor lost.

use std::fs;
use std::process::Command;

use super::Row;
use super::lab::{Lab, Outcome, Stop};
use crate::docker::build;
use crate::failure::{Doing, Exit};
use crate::lint::{Lint, install};
use crate::product::KERNEL;

pub(super) const CASES: &[Row] = &[
    ("bake", "makes_the_same_kernel", makes_the_same_kernel),
    ("compose", "runs_both_services", runs_both_services),
];

/// Whoever has buildx alone gets what this tool makes.
fn makes_the_same_kernel(lab: &Lab<'_>) -> Outcome {
    let (theirs, ours) = (lab.folder.join("theirs"), lab.folder.join("ours"));
    let mut bake = lab.engine.command();
    bake.args(["buildx", "bake", "--file", "ci/docker-bake.hcl", "--set"])
        .arg(format!(
            "kernel-i386.output=type=local,dest={}",
            theirs.display()
        ))
        .current_dir(lab.cx.project.root());
    if let Some(file) = build::certificates() {
        bake.env("CA", file);
    }
    lab.ask(&mut bake)?;
    let words = ["docker-build", "--target", "export", "--output"];
    lab.xtask(&words).arg(&ours).run()?.expect(0, &[])?;
    let read = |folder: &std::path::Path| {
        let file = folder.join(KERNEL);
        fs::read(&file).doing(format_args!("reading {}", file.display()))
    };
    match read(&theirs)? == read(&ours)? {
        true => Ok(()),
        false => Err(Stop::Failed("the two kernels differ".to_owned())),
    }
}

/// Compose, for a project of this case; what it made is gone when this is.
struct Project<'a> {
    lab: &'a Lab<'a>,
    program: std::path::PathBuf,
}

impl Project<'_> {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--file", "ci/compose.yaml", "--project-name"])
            .arg(format!("exov6-test-{}", std::process::id()))
            .args(words)
            .env("EXOV6_UID", rustix::process::geteuid().as_raw().to_string())
            .env("EXOV6_GID", rustix::process::getegid().as_raw().to_string())
            .current_dir(self.lab.cx.project.root());
        command
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        // The record tells of a failure; there is nothing else to be done.
        drop(self.lab.ask(&mut self.command(&["down", "--volumes"])));
    }
}

/// One compiles the kernel; the other waits for that, and boots it.
fn runs_both_services(lab: &Lab<'_>) -> Outcome {
    let program = match install::program(lab.cx, Lint::Compose) {
        Ok(program) => program,
        Err(failure) if failure.exit == Exit::Missing => return Err(Stop::Skipped(failure.what)),
        Err(failure) => return Err(failure.into()),
    };
    // Makes sure of the image, which compose neither builds nor pulls.
    let shown = ["docker-run", "--", "config", "show"];
    lab.xtask(&shown).run()?.expect(0, &[])?;
    let project = Project { lab, program };
    let run = |service| lab.ask(&mut project.command(&["run", "--rm", "--no-TTY", service]));
    run("build-i386")?;
    // It boots what the first has left in the project's volume.
    let said = run("test-qemu")?;
    lab.note(said.trim_end());
    match said.lines().any(|line| line.trim_end() == "exov6: done ok") {
        true => Ok(()),
        false => Err(Stop::Failed(
            "the kernel did not come to its end".to_owned(),
        )),
    }
}
