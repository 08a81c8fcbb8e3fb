//! `cargo xtask ci`: everything a change must pass, as steps.
//!
//! Owns the list of steps and how they are run: a failing one does not keep
//! the later ones from running, for a person wants to know all that is wrong.
//! What a step does is in `steps`, what is said about it in `report`.

use std::time::{Duration, Instant};

use crate::context::Context;
use crate::failure::{Exit, Failure, Result};
use crate::interrupt;
use crate::lint::{self, Lint};

pub mod report;
mod steps;

/// One step.
pub struct Step {
    /// Its name, for `--only` and the table.
    pub name: &'static str,
    /// What it shows when it passes.
    pub about: &'static str,
    run: fn(&Context) -> Result<End>,
}

/// How a step that did not fail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It passed.
    Passed,
    /// It could not be run here, and why.
    Skipped(String),
}

/// What became of a step.
#[derive(Debug)]
pub struct Ran {
    /// The step's name.
    pub name: &'static str,
    /// How it ended.
    pub result: Result<End>,
    /// How long it took.
    pub took: Duration,
}

/// All steps, the quickest answers first.
pub const STEPS: [Step; 19] = [
    Step {
        name: "fmt",
        about: "every file is formatted",
        run: steps::fmt,
    },
    Step {
        name: "tidy",
        about: "the rules of the house hold",
        run: steps::tidy,
    },
    Step {
        name: "lint-hadolint",
        about: "Dockerfiles are sound",
        run: |cx| lint::run(cx, Lint::Hadolint),
    },
    Step {
        name: "lint-jactionlint",
        about: "workflows are well-formed",
        run: |cx| lint::run(cx, Lint::Jactionlint),
    },
    Step {
        name: "lint-zizmor",
        about: "workflows are safe",
        run: |cx| lint::run(cx, Lint::Zizmor),
    },
    Step {
        name: "lint-shellcheck",
        about: "shell files are sound",
        run: |cx| lint::run(cx, Lint::Shellcheck),
    },
    Step {
        name: "lint-compose",
        about: "compose reads its file",
        run: |cx| lint::run(cx, Lint::Compose),
    },
    Step {
        name: "lint-bake",
        about: "buildx reads the bake file",
        run: |cx| lint::run(cx, Lint::Bake),
    },
    Step {
        name: "clippy-host",
        about: "no warning on the host",
        run: steps::clippy_host,
    },
    Step {
        name: "clippy-kernel",
        about: "no warning on i686",
        run: steps::clippy_kernel,
    },
    Step {
        name: "doc-host",
        about: "the host's documentation builds",
        run: steps::doc_host,
    },
    Step {
        name: "doc-kernel",
        about: "the kernel's documentation builds",
        run: steps::doc_kernel,
    },
    Step {
        name: "check-elf",
        about: "every kernel runs on its CPU",
        run: steps::check_elf,
    },
    Step {
        name: "image",
        about: "images are the same twice",
        run: steps::image,
    },
    Step {
        name: "reproduce",
        about: "the same bytes from two paths",
        run: steps::reproduce,
    },
    Step {
        name: "budget",
        about: "counts are within ci/budgets.toml",
        run: steps::budget,
    },
    Step {
        name: "test-dev",
        about: "all rings pass with checks",
        run: steps::test_dev,
    },
    Step {
        name: "test-release",
        about: "all rings pass optimised",
        run: steps::test_release,
    },
    Step {
        name: "oldest",
        about: "the oldest compiler builds all",
        run: steps::oldest,
    },
];

/// The steps whose name contains `only`.
///
/// # Errors
/// When there is none; the message lists them all.
pub fn chosen(only: Option<&str>) -> Result<Vec<&'static Step>> {
    let only = only.unwrap_or("");
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| step.name.contains(only))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        let what = format!("no step's name contains `{only}`");
        return Err(Failure::nothing_matched(
            what,
            format!("steps are {}", names.join(", ")),
        ));
    }
    Ok(chosen)
}

/// Runs `steps` in order; a signal or the deadline ends the run.
pub fn run(cx: &Context, steps: &[&'static Step]) -> Vec<Ran> {
    let mut ran = Vec::new();
    for step in steps {
        if interrupt::received().is_some() || cx.remaining().is_err() {
            break;
        }
        cx.ui
            .say(format_args!("==== {}: {}", step.name, step.about));
        let started = Instant::now();
        let result = (step.run)(cx);
        match &result {
            Err(failure) if !failure.is_told() => cx.ui.failure(failure),
            Ok(End::Skipped(why)) => cx.ui.say(format_args!("skipped: {why}")),
            Ok(End::Passed) | Err(_) => {}
        }
        ran.push(Ran {
            name: step.name,
            result,
            took: started.elapsed(),
        });
    }
    ran
}

/// The exit code of a run of `planned` steps.
pub fn exit(ran: &[Ran], planned: usize) -> Exit {
    let failures: Vec<Exit> = ran
        .iter()
        .filter_map(|ran| ran.result.as_ref().err().map(|failure| failure.exit))
        .collect();
    if failures.contains(&Exit::TestsFailed) {
        return Exit::TestsFailed;
    }
    match failures.is_empty() && ran.len() == planned {
        true => Exit::Done,
        false => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(result: Result<End>) -> Ran {
        Ran {
            name: "fmt",
            result,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn names_are_unique_and_found_by_part() {
        let names: std::collections::BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
        assert_eq!(chosen(Some("clippy")).map(|steps| steps.len()), Ok(2));
        assert_eq!(chosen(None).map(|steps| steps.len()), Ok(STEPS.len()));
        let failure = chosen(Some("nothing")).err().expect("no such step");
        assert_eq!(failure.exit, Exit::NothingMatched);
    }

    #[test]
    fn one_failure_or_a_step_not_reached_fails_the_run() {
        let (good, bad) = (|| ran(Ok(End::Passed)), || ran(Err(Failure::failed("x"))));
        assert_eq!(exit(&[good(), good()], 2), Exit::Done);
        assert_eq!(exit(&[good()], 2), Exit::Failed);
        assert_eq!(exit(&[bad(), good()], 2), Exit::Failed);
        let tests = ran(Err(Failure::told(Exit::TestsFailed)));
        assert_eq!(exit(&[bad(), tests], 2), Exit::TestsFailed);
        assert_eq!(exit(&[ran(Ok(End::Skipped(String::new())))], 1), Exit::Done);
    }
}
