//! What a case of the docker ring works with: the tool, an engine, a folder.
//!
//! Owns how the tool is run and watched. A case asks for what must be seen;
//! everything it ran is recorded, for the report of one that fails.
//!
//! **Invariants:** whatever a case started is gone when its lab is: processes by
//! their guard, containers and images by their owner's label or name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::call::Call;
use crate::context::Context;
use crate::docker::engine::Engine;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::run;
use crate::testing::case::file_stem;
use crate::ui;

/// Why a case did not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// It found a mistake.
    Failed(String),
    /// It cannot be run here.
    Skipped(String),
    /// Somebody wants all this to end.
    Interrupted,
}

/// What a case returns.
pub(super) type Outcome = std::result::Result<(), Stop>;

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure.exit {
            Exit::Interrupted => Stop::Interrupted,
            _ => Stop::Failed(failure.to_string()),
        }
    }
}

/// The place of one case.
pub(super) struct Lab<'a> {
    pub(super) cx: &'a Context,
    pub(super) engine: &'a Engine,
    /// A folder of its own, short enough for the path of a socket.
    pub(super) folder: PathBuf,
    record: Mutex<Vec<String>>,
}

impl<'a> Lab<'a> {
    pub(super) fn new(cx: &'a Context, engine: &'a Engine, name: &str) -> Result<Self> {
        let stem = file_stem(name.rsplit("::").next().unwrap_or(name));
        let folder = std::env::temp_dir().join(format!("exov6-{}-{stem}", std::process::id()));
        fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
        Ok(Lab {
            cx,
            engine,
            folder,
            record: Mutex::new(Vec::new()),
        })
    }

    /// This tool, ready to run with these words.
    pub(super) fn xtask(&self, words: &[&str]) -> Call<'_> {
        // What runs the tests is what is tested.
        let program = std::env::current_exe().unwrap_or_else(|_| "xtask".into());
        let mut command = Command::new(program);
        command.args(words).current_dir(self.cx.project.root());
        Call::new(self, command)
    }

    /// Everything that was run, and what it said.
    pub(super) fn record(&self) -> Vec<String> {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn note(&self, line: impl Into<String>) {
        self.record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line.into());
    }

    /// One question to the engine of all cases.
    pub(super) fn docker(&self, words: &[&str]) -> std::result::Result<String, Stop> {
        let mut command = self.engine.command();
        command.args(words);
        self.ask(&mut command)
    }

    pub(super) fn ask(&self, command: &mut Command) -> std::result::Result<String, Stop> {
        self.note(format!("$ {}", ui::command_line(command)));
        let output = run::output(self.cx, command)?;
        self.note(output.stderr.trim_end());
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Stop::Failed(format!(
            "`{}` failed: {}",
            ui::command_line(command),
            output.stderr.trim_end()
        )))
    }

    /// A tiny image for this architecture under this name, in that engine: one
    /// file, nothing that runs.
    pub(super) fn tiny_image(
        &self,
        engine: &mut Command,
        name: &str,
        architecture: &str,
        label: (&str, &str),
    ) -> Outcome {
        let folder = self.folder.join("tiny");
        fs::create_dir_all(&folder).doing("making a folder")?;
        let dockerfile = format!(
            "FROM scratch\nCOPY file /file\nLABEL {}={}\n",
            label.0, label.1
        );
        for (name, text) in [("Dockerfile", dockerfile.as_str()), ("file", "nothing\n")] {
            fs::write(folder.join(name), text).doing("writing a file")?;
        }
        engine.args(["buildx", "build", "--quiet", "--load"]);
        engine.arg(format!("--platform=linux/{architecture}"));
        engine.arg("--tag").arg(name).arg(&folder);
        self.ask(engine).map(drop)
    }
}

/// A folder of base images in which nothing was left but its lock.
pub(super) fn only_the_lock(folder: &Path) -> Outcome {
    let doing = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).doing(doing())? {
        let found = entry.doing(doing())?.file_name();
        if found != ".exov6-lock" {
            let what = format!("it left {}", folder.join(found).display());
            return Err(Stop::Failed(what));
        }
    }
    Ok(())
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        // A mount that is still there keeps it, and its guard tells of that.
        drop(fs::remove_dir_all(&self.folder));
    }
}
