//! What an engine is sent, what comes back, and how long containers live.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Row;
use super::lab::{Lab, Outcome, Stop};
use crate::docker::container::{BOOT_LABEL, OWNER_LABEL};
use crate::docker::running;
use crate::failure::Doing;

pub(super) const CASES: &[Row] = &[
    (
        "context",
        "is_small_and_sufficient",
        is_small_and_sufficient,
    ),
    ("build", "again_is_all_cached", again_is_all_cached),
    ("build", "refuses_at_once", refuses_at_once),
    (
        "run",
        "passes_code_and_output_on",
        passes_code_and_output_on,
    ),
    ("run", "writes_as_its_caller", writes_as_its_caller),
    ("run", "ends_by_a_signal", ends_by_a_signal),
    ("run", "ends_with_a_killed_tool", ends_with_a_killed_tool),
    ("run", "removes_orphans", removes_orphans),
    ("boot", "smoke", smoke),
    ("boot", "integration", integration),
    ("boot", "timeout", timeout),
];

/// The most that an engine may be sent.
const MOST: u64 = 5 << 20;
/// The most that a build without a change may take.
const QUICK_MS: u64 = 10_000;
/// How long the keeper of a killed tool may take.
const KEEPER: Duration = Duration::from_secs(20);
/// The highest number a process can have is one less.
const NO_PROCESS: u32 = 4_194_304;

fn failed(what: impl Into<String>) -> Outcome {
    Err(Stop::Failed(what.into()))
}

/// The work tree as the engine gets it has all that git knows of the sources,
/// and neither what was made nor what nobody builds from.
fn is_small_and_sufficient(lab: &Lab<'_>) -> Outcome {
    let root = lab.cx.project.root();
    let dockerfile = lab.folder.join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY . /\n").doing("writing a file")?;
    let archive = lab.folder.join("context.tar");
    let mut build = lab.engine.command();
    build
        .args(["buildx", "build", "--file"])
        .arg(&dockerfile)
        .arg("--output")
        .arg(format!("type=tar,dest={}", archive.display()))
        .arg(root);
    lab.ask(&mut build)?;
    let bytes = fs::metadata(&archive).doing("asking for a size")?.len();
    lab.note(format!("the engine was sent {bytes} bytes"));
    if bytes >= MOST {
        return failed(format!("the engine is sent {bytes} bytes"));
    }
    let sent = lab.ask(
        Command::new("tar")
            .arg("--list")
            .arg("--file")
            .arg(&archive),
    )?;
    let sent: BTreeSet<&str> = sent.lines().collect();
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "boot",
        "kernel",
        "xtask",
        ".cargo",
        "Cargo.toml",
    ])
    .args(["Cargo.lock", "i686-exov6.json"])
    .current_dir(root);
    let tracked = lab.ask(&mut git)?;
    let tracked = tracked
        .lines()
        .filter(|name| !name.ends_with(".proptest-regressions") && root.join(name).exists());
    for name in tracked {
        if !sent.contains(name) {
            return failed(format!("{name} is not sent"));
        }
    }
    let unwanted = ["target/", ".git/", "docs/", ".github/"];
    let is_unwanted = |name: &&&str| unwanted.iter().any(|folder| name.starts_with(folder));
    match sent.iter().find(is_unwanted) {
        Some(name) => failed(format!("{name} is sent")),
        None => Ok(()),
    }
}

/// A build without a change is quick and says why; its files are the caller's.
fn again_is_all_cached(lab: &Lab<'_>) -> Outcome {
    let words = ["docker-build", "--target", "export", "--json", "--output"];
    let output = lab.folder.join("kernel");
    lab.xtask(&words).arg(&output).run()?.expect(0, &[])?;
    let again = lab.xtask(&words).arg(&output).run()?;
    again.expect(0, &["layers were cached"])?;
    let document: serde_json::Value =
        serde_json::from_str(again.document()).doing("reading the document")?;
    if document["all_cached"] != true {
        return failed(format!("not all was cached: {document}"));
    }
    let elapsed = document["elapsed_ms"].as_u64().unwrap_or(u64::MAX);
    if elapsed >= QUICK_MS {
        return failed(format!("it took {elapsed} ms"));
    }
    owned_by_us(&output)
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

fn passes_code_and_output_on(lab: &Lab<'_>) -> Outcome {
    let shown = lab
        .xtask(&["docker-run", "--", "config", "show", "--json"])
        .run()?;
    shown.expect(0, &[])?;
    if serde_json::from_str::<serde_json::Value>(shown.document()).is_err() {
        return failed("standard output is not the document alone");
    }
    let wrong = lab
        .xtask(&["docker-run", "--", "build", "--release", "--dev"])
        .run()?;
    wrong.expect(2, &["exclude each other"])?;
    // Or the deadlines below pass while the kernel is compiled. Even so cargo
    // looks through the sources and QEMU starts within the one below.
    let built = lab.xtask(&["docker-run", "--", "build"]).run()?;
    built.expect(0, &[])?;
    let late = [
        "docker-run",
        "--",
        "qemu",
        "--expect",
        "never",
        "--timeout",
        "15s",
    ];
    lab.xtask(&late)
        .run()?
        .expect(124, &["while waiting for"])?;
    late_outside(lab)
}

/// Our own deadline ends the container as well.
fn late_outside(lab: &Lab<'_>) -> Outcome {
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

/// A machine in a container that only a signal ends.
const ENDLESS: &[&str] = &["docker-run", "--", "qemu", "--expect", "never"];

fn ends_by_a_signal(lab: &Lab<'_>) -> Outcome {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let said = lab.xtask(ENDLESS).signalled("exov6: ready", signal).run()?;
        said.expect(130, &["everything it had started is ended"])?;
        said.leaves_nothing()?;
    }
    Ok(())
}

fn ends_with_a_killed_tool(lab: &Lab<'_>) -> Outcome {
    let said = lab
        .xtask(ENDLESS)
        .signalled("exov6: ready", Signal::KILL)
        .run()?;
    let begun = Instant::now();
    loop {
        match said.leaves_nothing() {
            Err(Stop::Failed(_)) if begun.elapsed() < KEEPER => {}
            end => return end,
        }
    }
}

fn removes_orphans(lab: &Lab<'_>) -> Outcome {
    let shown = ["docker-run", "--", "config", "show"];
    // The first makes sure of the image.
    lab.xtask(&shown).run()?.expect(0, &[])?;
    let owner = format!("{OWNER_LABEL}={NO_PROCESS}");
    let boot = format!("{BOOT_LABEL}={}", running::boot_id());
    let create = [
        "create",
        "--label",
        &owner,
        "--label",
        &boot,
        "exov6-i386:test",
    ];
    let id = lab.docker(&create)?;
    let said = lab.xtask(&shown).run()?;
    said.expect(0, &["removing what an earlier run left"])?;
    let left = lab.docker(&["ps", "--all", "--quiet", "--no-trunc"])?;
    match left.lines().any(|line| line == id.trim()) {
        true => failed("the orphan is still there"),
        false => Ok(()),
    }
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
