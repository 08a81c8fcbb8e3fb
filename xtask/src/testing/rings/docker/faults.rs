//! What goes wrong around an engine: each fault with its words and exit code.

use std::os::unix::net::UnixListener;

use super::Row;
use super::daemon::Daemon;
use super::lab::{Lab, Outcome, Stop};
use crate::docker::engine::Platform;
use crate::docker::plan::INPUTS_LABEL;
use crate::failure::Doing;

pub(super) const CASES: &[Row] = &[
    ("fault", "daemon_down", daemon_down),
    ("fault", "daemon_died", daemon_died),
    ("fault", "permission_denied", permission_denied),
    ("fault", "registry_unreachable", registry_unreachable),
    (
        "fault",
        "base_of_the_wrong_architecture",
        wrong_architecture,
    ),
    ("fault", "stale_image", stale_image),
    ("fault", "disk_full", disk_full),
    ("fault", "output_read_only", output_read_only),
];

/// Every command that needs an engine says that it is down.
fn daemon_down(lab: &Lab<'_>) -> Outcome {
    let commands: [&[&str]; 4] = [
        &["docker-build"],
        &["docker-base"],
        &["docker-smoke"],
        &["docker-run", "--", "doctor"],
    ];
    for words in commands {
        let said = lab
            .xtask(words)
            .env("DOCKER_HOST", "unix:///nowhere")
            .run()?;
        let words = ["no Docker daemon answers at unix:///nowhere", "DOCKER_HOST"];
        said.expect(3, &words)?;
        said.leaves_nothing()?;
    }
    Ok(())
}

/// A daemon that was killed leaves its socket.
fn daemon_died(lab: &Lab<'_>) -> Outcome {
    let socket = lab.folder.join("left");
    drop(UnixListener::bind(&socket).doing("making a socket")?);
    let host = format!("unix://{}", socket.display());
    let said = lab
        .xtask(&["docker-build"])
        .env("DOCKER_HOST", &host)
        .run()?;
    said.expect(3, &["no Docker daemon answers at", &host])
}

fn permission_denied(lab: &Lab<'_>) -> Outcome {
    let said = lab.xtask(&["docker-build"]).by_nobody()?.run()?;
    said.expect(
        3,
        &["no permission to use the Docker daemon's socket", "usermod"],
    )?;
    said.leaves_nothing()
}

fn registry_unreachable(lab: &Lab<'_>) -> Outcome {
    let daemon = Daemon::start(lab, None)?;
    let said = lab
        .xtask(&["docker-build", "--no-setup"])
        .env("DOCKER_HOST", daemon.host())
        .run()?;
    said.expect(
        1,
        &[
            "the registry",
            "cannot be reached",
            "cargo xtask docker-base",
        ],
    )?;
    let named = lab
        .xtask(&["docker-build", "--base", "registry.invalid/debian:bookworm"])
        .env("DOCKER_HOST", daemon.host())
        .run()?;
    named.expect(1, &["the registry registry.invalid cannot be reached"])
}

fn wrong_architecture(lab: &Lab<'_>) -> Outcome {
    let name = format!("exov6-test-wrong:{}", std::process::id());
    let label = ("org.exov6.test", "wrong");
    lab.tiny_image(&mut lab.engine.command(), &name, "arm64", label)?;
    let said = lab.xtask(&["docker-build", "--base", &name]).run();
    lab.docker(&["image", "rm", &name])?;
    let words = ["is for linux/arm64, not for linux/386", "--base"];
    said?.expect(1, &words)
}

/// An image under our tag that was made from something else is never run.
fn stale_image(lab: &Lab<'_>) -> Outcome {
    let daemon = Daemon::start(lab, None)?;
    let label = (INPUTS_LABEL, "of-another-time");
    lab.tiny_image(&mut daemon.command(lab), "exov6-i386:test", "386", label)?;
    let said = lab
        .xtask(&["docker-run", "--no-setup", "--", "doctor"])
        .env("DOCKER_HOST", daemon.host())
        .run()?;
    // It is built anew, for which there is no base here.
    let words = [
        "was made from another Dockerfile or other crates",
        "cannot be reached",
    ];
    said.expect(1, &words)
}

/// The engine's disk fills up during the build: what is left of it does not
/// hold the sources.
fn disk_full(lab: &Lab<'_>) -> Outcome {
    let base = Platform::Linux386.default_base();
    if lab.docker(&["image", "inspect", base]).is_err() {
        return Err(Stop::Skipped(format!("{base} is not there to build from")));
    }
    let daemon = Daemon::start(lab, Some(640))?;
    let archive = lab.folder.join("base.tar");
    let mut save = lab.engine.command();
    lab.ask(save.args(["save", "--output"]).arg(&archive).arg(base))?;
    let mut load = daemon.command(lab);
    lab.ask(load.args(["load", "--input"]).arg(&archive))?;
    std::fs::remove_file(&archive).doing("removing a file")?;
    daemon.fill_up(256)?;
    let output = lab.folder.join("output");
    let said = lab
        .xtask(&["docker-build", "--output"])
        .arg(&output)
        .env("DOCKER_HOST", daemon.host())
        .run()?;
    said.expect(1, &["the disk is full", "docker system df"])?;
    match output.exists() {
        true => Err(Stop::Failed(
            "it left an output that looks whole".to_owned(),
        )),
        false => Ok(()),
    }
}

/// Told before the first minute of work, not after it.
fn output_read_only(lab: &Lab<'_>) -> Outcome {
    // Nobody, not even root, makes a folder there.
    let said = lab
        .xtask(&["docker-build", "--output", "/proc/exov6/kernel"])
        .run()?;
    said.expect(1, &["/proc/exov6"])?;
    said.leaves_nothing()
}
