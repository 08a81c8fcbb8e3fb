//! Other people's linters over the files that are not Rust.
//!
//! Owns which linter reads which files, with which words, and what counts as
//! clean. A linter that finds nothing may be looking at nothing: before each
//! reads our files it must find a fault planted for it. The steps of
//! `cargo xtask ci` call [`run`]; `install` brings the programs.

pub mod install;
mod planted;
mod subjects;

use std::ffi::OsString;
use std::process::Command;

use crate::choice;
use crate::ci::End;
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::run::{self, Output};
use crate::tidy::tree::Tree;

choice! {
    /// A linter.
    pub enum Lint {
        /// Dockerfiles.
        Hadolint = "hadolint",
        /// Workflows: their form and their expressions.
        Jactionlint = "jactionlint",
        /// Workflows: what somebody could make of them.
        Zizmor = "zizmor",
        /// Shell files.
        Shellcheck = "shellcheck",
        /// The compose file, as compose itself reads it.
        Compose = "compose",
        /// The bake file, as buildx itself reads it.
        Bake = "bake",
    }
}

/// A file with a fault, and what must be said of it.
struct Planted {
    /// Its name; some linters go by it.
    name: &'static str,
    /// Its text.
    text: &'static str,
    /// The finding.
    finding: &'static str,
}

/// Proves the linter, then lets it read our files.
///
/// # Errors
/// When it finds something, when it misses the planted fault, or when a file
/// that it must read is not there.
pub fn run(cx: &Context, lint: Lint) -> Result<End> {
    let files = subjects::of(lint, &Tree::read(cx)?)?;
    let program = match install::program(cx, lint) {
        Ok(program) => program,
        Err(failure) if failure.exit == Exit::Missing => {
            let mend = failure
                .mend
                .map(|mend| format!("; {}", mend.replace('\n', " ")));
            return Ok(End::Skipped(failure.what + &mend.unwrap_or_default()));
        }
        Err(failure) => return Err(failure),
    };
    let command = |files: &[String]| {
        let mut command = Command::new(&program);
        command
            .args(words(lint, files))
            .current_dir(cx.project.root());
        for name in steering(lint, std::env::vars_os().map(|(name, _)| name)) {
            command.env_remove(name);
        }
        command
    };
    let mut for_planted = command(&[planted(cx, lint)?]);
    let mut for_ours = command(&files);
    if cx.dry_run {
        cx.ui.echo(&for_planted);
        cx.ui.echo(&for_ours);
        return Ok(End::Passed);
    }
    if let Some(failure) = missed(lint, &run::output(cx, &mut for_planted)?) {
        return Err(failure);
    }
    cx.ui.echo(&for_ours);
    let output = run::output(cx, &mut for_ours)?;
    if output.status.success() {
        return Ok(End::Passed);
    }
    // Some print findings on the one stream, some on the other.
    for line in output.stdout.lines().chain(output.stderr.lines()) {
        cx.ui.say(line);
    }
    let what = format!("{lint} is not content with {}", files.join(", "));
    let mend = "mend what it says above; an exception that concerns one line stands there, with its reason";
    Err(Failure::failed(what).mend(mend))
}

/// Writes the file with the fault; its path from the root.
fn planted(cx: &Context, lint: Lint) -> Result<String> {
    let dir = install::dir(cx).join("planted").join(lint.word());
    let planted = planted::of(lint);
    let file = dir.join(planted.name);
    if !cx.dry_run {
        std::fs::create_dir_all(&dir).doing(format_args!("making {}", dir.display()))?;
        std::fs::write(&file, planted.text).doing(format_args!("writing {}", file.display()))?;
    }
    Ok(file.to_string_lossy().into_owned())
}

/// Why the linter proved nothing, if it did not find the planted fault.
fn missed(lint: Lint, output: &Output) -> Option<Failure> {
    let finding = planted::of(lint).finding;
    let said = format!("{}{}", output.stdout, output.stderr);
    if !output.status.success() && said.contains(finding) {
        return None;
    }
    let what = format!(
        "{lint} did not find the fault planted for it ({finding}), so its silence means nothing; it ended with {} and said:\n{}",
        output.status,
        said.trim_end()
    );
    Some(Failure::failed(what).mend("run: cargo xtask setup --lint"))
}

/// The words after the program's name.
fn words(lint: Lint, files: &[String]) -> Vec<OsString> {
    let words: &[&str] = match lint {
        Lint::Hadolint => &["--config", "ci/lint/hadolint.yaml"],
        // shellcheck has a step of its own, and no run: is a script here.
        Lint::Jactionlint => &[
            "--color=never",
            "--no-online",
            "--no-hints",
            "--strict-exit",
            "--shellcheck=",
            "--pyflakes=",
            "--config-file=ci/lint/jactionlint.yaml",
        ],
        Lint::Zizmor => &[
            "--offline",
            "--no-progress",
            "--color=never",
            "--strict-collection",
            "--persona=pedantic",
            "--config=ci/lint/zizmor.yml",
        ],
        Lint::Shellcheck => &["--norc", "--color=never", "--severity=style"],
        Lint::Compose | Lint::Bake => &[],
    };
    let (before, after): (&[&str], &[&str]) = match lint {
        Lint::Compose => (&["--file"], &["config", "--quiet"]),
        Lint::Bake => (&["buildx", "bake", "--print", "--file"], &[]),
        _ => (&[], &[]),
    };
    let words = words.iter().chain(before).copied();
    let words = words.chain(files.iter().map(String::as_str));
    words
        .chain(after.iter().copied())
        .map(OsString::from)
        .collect()
}

/// Variables that would steer a linter unseen, or send it to the network.
fn steering(lint: Lint, names: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let prefixes: &[&str] = match lint {
        Lint::Hadolint => &["HADOLINT_"],
        Lint::Jactionlint => &["JACTIONLINT_", "GH_TOKEN", "GITHUB_TOKEN"],
        Lint::Zizmor => &["ZIZMOR_", "GH_", "GITHUB_TOKEN"],
        Lint::Shellcheck => &["SHELLCHECK_"],
        Lint::Compose => &["COMPOSE_"],
        Lint::Bake => &["BUILDX_", "BAKE_"],
    };
    names
        .filter(|name| {
            let name = name.to_string_lossy();
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn said(status: i32, text: &str) -> Output {
        Output {
            status: ExitStatus::from_raw(status << 8),
            stdout: text.to_owned(),
            stderr: String::new(),
        }
    }

    #[test]
    fn a_linter_that_misses_the_planted_fault_fails() {
        for lint in Lint::ALL {
            let finding = planted::of(*lint).finding;
            assert_eq!(missed(*lint, &said(1, finding)), None);
            // It says so and does not mean it; it means it for another reason.
            assert!(missed(*lint, &said(0, finding)).is_some());
            let failure = missed(*lint, &said(1, "no such option")).expect("another reason");
            assert!(failure.what.contains("no such option"), "{failure}");
        }
    }

    #[test]
    fn the_files_stand_where_each_linter_wants_them() {
        let line = |lint| {
            let words = words(lint, &["a".to_owned(), "b".to_owned()]);
            words
                .join(std::ffi::OsStr::new(" "))
                .into_string()
                .expect("plain words")
        };
        assert_eq!(line(Lint::Compose), "--file a b config --quiet");
        assert_eq!(line(Lint::Bake), "buildx bake --print --file a b");
        assert!(line(Lint::Zizmor).starts_with("--offline "));
        assert!(line(Lint::Shellcheck).ends_with(" a b"));
    }

    #[test]
    fn what_would_steer_a_linter_is_taken_away() {
        let names = ["ZIZMOR_CONFIG", "GH_TOKEN", "PATH", "HADOLINT_IGNORE"];
        let names = || names.iter().map(OsString::from);
        assert_eq!(
            steering(Lint::Zizmor, names()),
            ["ZIZMOR_CONFIG", "GH_TOKEN"]
        );
        assert_eq!(steering(Lint::Hadolint, names()), ["HADOLINT_IGNORE"]);
        assert!(steering(Lint::Bake, names()).is_empty());
    }

    #[test]
    fn configuration_that_is_named_is_there() {
        let root = crate::project::Project::find().expect("tests run in the tree");
        for lint in Lint::ALL {
            for word in words(*lint, &[]) {
                let word = word.to_string_lossy().into_owned();
                let path = word.rsplit('=').next().unwrap_or_default();
                if path.starts_with("ci/") {
                    assert!(root.root().join(path).is_file(), "{path}");
                }
            }
        }
    }
}
