//! The Docker commands against a real engine.
//!
//! Ignored where tests run without being asked for by name: they need an
//! engine, and the first of them builds an image, which takes minutes.

mod context;
mod life;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The root of the work tree.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is in it").to_owned()
}

/// The tool, as people call it.
fn xtask(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(words).current_dir(root()).stdin(Stdio::null());
    command
}

fn docker(words: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command
        .args(words)
        .env("DOCKER_BUILDKIT", "1")
        .stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
