//! What is refused at once, what runs inside, and the two boots that prove it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::Row;
use super::lab::{Lab, Outcome, Stop};
use crate::failure::Doing;

pub(super) const CASES: &[Row] = &[
    ("build", "refuses_at_once", refuses_at_once),
    ("run", "ends_at_the_deadline", ends_at_the_deadline),
    ("run", "writes_as_its_caller", writes_as_its_caller),
    ("boot", "smoke", smoke),
    ("boot", "integration", integration),
    ("boot", "timeout", timeout),
];

fn failed(what: impl Into<String>) -> Outcome {
    Err(Stop::Failed(what.into()))
}

fn owned_by_us(folder: &std::path::Path) -> Outcome {
    let ours = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(folder).doing("reading a folder")? {
        let entry = entry.doing("reading a folder")?;
        let owner = entry.metadata().doing("asking for an owner")?.uid();
        if owner != ours {
            return failed(format!("{} is user {owner}'s", entry.path().display()));
        }
    }
    Ok(())
}

/// What cannot work is told before anything is built.
fn refuses_at_once(lab: &Lab<'_>) -> Outcome {
    let cases: [(&[&str], &str); 6] = [
        (&["--sbom"], "needs a builder of its own"),
        (&["--cache", "gha"], "GitHub Actions only"),
        (
            &["--cache", "registry=r.invalid/c"],
            "keeps its layers to itself",
        ),
        (
            &["--builder", "no-such-builder"],
            "there is no builder `no-such-builder`",
        ),
        (&["--target", "test", "--output", "x"], "leaves none"),
        (
            &["--target", "export", "--push", "r.invalid/x"],
            "leaves only files",
        ),
    ];
    for (words, said) in cases {
        let mut call = lab.xtask(&["docker-build"]);
        for word in words {
            call = call.arg(*word);
        }
        for name in [
            "ACTIONS_RUNTIME_TOKEN",
            "ACTIONS_RESULTS_URL",
            "ACTIONS_CACHE_URL",
        ] {
            call = call.env(name, "");
        }
        call.run()?.expect(2, &[said])?;
    }
    let push = lab.xtask(&["docker-build", "--push", "registry.invalid/exov6:1"]);
    push.run()?
        .expect(1, &["registry.invalid", "cannot be pushed"])
}

/// Our own deadline ends the container as well.
fn ends_at_the_deadline(lab: &Lab<'_>) -> Outcome {
    let words = [
        "docker-run",
        "--timeout",
        "4s",
        "--",
        "qemu",
        "--expect",
        "never",
    ];
    let said = lab.xtask(&words).run()?;
    said.expect(124, &["the deadline passed"])?;
    said.leaves_nothing()
}

fn writes_as_its_caller(lab: &Lab<'_>) -> Outcome {
    let words = ["docker-run", "--", "build", "--output", "target/of-a-test"];
    lab.xtask(&words).run()?.expect(0, &[])?;
    let target = lab.cx.project.target();
    let folder = target.join("docker/linux-386/target/of-a-test");
    owned_by_us(&folder)?;
    fs::remove_dir_all(&folder).doing("removing a folder")?;
    Ok(())
}

fn smoke(lab: &Lab<'_>) -> Outcome {
    let said = lab
        .xtask(&["docker-smoke"])
        .env("QEMU_TIMEOUT", "90s")
        .run()?;
    said.expect(0, &["pentium, 128M, 1 cpu", "all 7 checks passed"])?;
    said.leaves_nothing()
}

fn integration(lab: &Lab<'_>) -> Outcome {
    let said = lab.xtask(&["docker-integration"]).run()?;
    said.expect(0, &["pentium3, 256M, 2 cpu", "all 7 checks passed"])?;
    said.leaves_nothing()
}

/// QEMU_TIMEOUT is heard: a boot that is given no time is ended, with a code of
/// its own.
fn timeout(lab: &Lab<'_>) -> Outcome {
    let said = lab
        .xtask(&["docker-smoke"])
        .env("QEMU_TIMEOUT", "1ms")
        .run()?;
    said.expect(124, &["QEMU_TIMEOUT"])?;
    said.leaves_nothing()?;
    let said = lab
        .xtask(&["docker-smoke"])
        .env("QEMU_TIMEOUT", "soon")
        .run()?;
    said.expect(2, &["QEMU_TIMEOUT is `soon`"])
}
