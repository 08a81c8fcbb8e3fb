//! One whole test run: select, build, run, report, conclude.
//!
//! Owns the order of these steps, the run's last line and its exit code.
//! `cmd/test` fills a [`Suite`] from the flags, `cmd/ci` by itself.

use std::fs;
use std::path::{Path, PathBuf};

use super::case::{Label, Report, Tally};
use super::job::Job;
use super::matrix::Extent;
use super::report::json::{Part, Run};
use super::report::{json, junit, tap, text};
use super::rings::{self, Builds};
use super::runner::{self, Ran, Task};
use super::select::{self, Wanted};
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::peer::Peer;

/// What is to be run and where it is to be reported.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Which cases.
    pub wanted: Wanted,
    /// Which builds of them.
    pub builds: Builds,
    /// Which tables.
    pub extent: Extent,
    /// How many more tries a failed case gets.
    pub retries: u32,
    /// The kernel that programs run on as well.
    pub peer: Option<Peer>,
    /// What becomes of records that a run finds otherwise.
    pub records: Records,
    /// Where to report, beside the terminal.
    pub outputs: Outputs,
}

/// What becomes of what is recorded about programs and kernels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Records {
    /// A run must find what they say.
    #[default]
    Kept,
    /// They say from now on what the run finds.
    Written,
}

/// Where a run is reported.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// A file for JUnit XML.
    pub junit: Option<PathBuf>,
    /// A file for the JSON document, `-` for stdout.
    pub json: Option<PathBuf>,
    /// Whether the TAP stream goes to stdout.
    pub tap: Tap,
    /// Where the last line stands.
    pub last_line: LastLine,
}

/// Where a run's last line stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LastLine {
    /// Alone on stdout, unless a document is there.
    #[default]
    Stdout,
    /// With the rest: this run is part of a larger one.
    Stderr,
}

/// Whether a TAP stream is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tap {
    /// No.
    #[default]
    None,
    /// On stdout.
    Stdout,
}

impl Outputs {
    fn stdout_is_not_ours(&self) -> bool {
        self.last_line == LastLine::Stderr
            || self.tap == Tap::Stdout
            || self.json.as_deref() == Some(Path::new("-"))
    }
}

impl Suite {
    /// Prints the names of the chosen cases on stdout.
    pub fn list(&self, cx: &Context) -> Result<()> {
        let jobs = rings::jobs(cx, self)?;
        let names: String = self
            .tasks(&jobs)?
            .iter()
            .flat_map(|task| task.chosen.iter().map(|index| &task.job.labels()[*index]))
            .map(|label| format!("{}\n", label.name))
            .collect();
        cx.ui.print(names);
        Ok(())
    }

    /// Prints what would be built and booted.
    pub fn dry_run(&self, cx: &Context) -> Result<()> {
        rings::dry_run(cx, &self.wanted, self.builds, self.extent)
    }

    /// Runs the chosen cases and reports them everywhere.
    ///
    /// # Errors
    /// When nothing was chosen, something could not be built, or a case did
    /// not pass; in the last case everything was told already.
    pub fn run(&self, cx: &Context) -> Result<()> {
        let jobs = rings::jobs(cx, self)?;
        let ran = self.reports(cx, &jobs)?;
        conclude(cx, &ran, self.part(&jobs).as_ref(), &self.outputs)
    }

    /// Which share of which cases this is, if it is one.
    fn part(&self, jobs: &[Box<dyn Job>]) -> Option<Part> {
        let partition = self.wanted.partition?;
        let labels = jobs.iter().flat_map(|job| job.labels());
        let labels: Vec<Label> = labels.cloned().collect();
        let whole = self.wanted.select_whole(&labels);
        let names = whole.iter().map(|index| labels[*index].name.as_str());
        Some(Part::of(partition, names))
    }

    fn reports(&self, cx: &Context, jobs: &[Box<dyn Job>]) -> Result<Ran> {
        let tasks = self.tasks(jobs)?;
        let mut broken = Vec::new();
        let mut ready = Vec::new();
        for task in tasks {
            match task.job.prepare(cx) {
                Ok(()) => ready.push(task),
                // Nothing is worth running without a compiler or a tool.
                Err(failure) if matches!(failure.exit, Exit::BuildFailed | Exit::Missing) => {
                    return Err(failure);
                }
                Err(failure) => broken.extend(rings::not_prepared(&task, &failure)),
            }
        }
        let mut ran = runner::run(cx, &ready, self.retries)?;
        for report in broken {
            cx.ui.say(text::line(&report));
            ran.reports.push(report);
        }
        Ok(ran)
    }

    fn tasks<'a>(&self, jobs: &'a [Box<dyn Job>]) -> Result<Vec<Task<'a>>> {
        let places = |job: usize| (0..jobs[job].labels().len()).map(move |index| (job, index));
        let places: Vec<(usize, usize)> = (0..jobs.len()).flat_map(places).collect();
        let labels: Vec<Label> = places
            .iter()
            .map(|(job, index)| jobs[*job].labels()[*index].clone())
            .collect();
        let chosen = self.wanted.select(&labels);
        if chosen.is_empty() {
            return Err(self.nothing(&labels));
        }
        let mut tasks: Vec<(usize, Task<'a>)> = Vec::new();
        for (job, index) in chosen.into_iter().map(|place| places[place]) {
            match tasks.last_mut() {
                Some((last, task)) if *last == job => task.chosen.push(index),
                _ => tasks.push((
                    job,
                    Task {
                        job: jobs[job].as_ref(),
                        chosen: vec![index],
                    },
                )),
            }
        }
        Ok(tasks.into_iter().map(|(_, task)| task).collect())
    }

    fn nothing(&self, labels: &[Label]) -> Failure {
        let filter = self.wanted.filter.as_deref().unwrap_or("");
        let near = select::near(filter, labels);
        let mend = match near.as_slice() {
            [] => "`cargo xtask test --list` names the cases".to_owned(),
            near => format!("near it are:\n{}", near.join("\n")),
        };
        let what = match filter {
            "" => "nothing matched: no case has this ring, machine and part".to_owned(),
            filter => format!("nothing matched `{filter}`"),
        };
        Failure::nothing_matched(what, mend)
    }
}

/// Reports everywhere and turns the run into its exit code.
fn conclude(cx: &Context, ran: &Ran, part: Option<&Part>, outputs: &Outputs) -> Result<()> {
    let run = Run {
        reports: &ran.reports,
        not_run: ran.not_run,
        part,
    };
    let tally = report(cx, &run, outputs)?;
    if let Some(stopped) = &ran.stopped {
        cx.ui.failure(stopped);
        last_line(cx, &tally, outputs);
        return Err(Failure::told(stopped.exit));
    }
    last_line(cx, &tally, outputs);
    verdict(&tally)
}

/// Reports about a run that was judged from its log.
pub fn conclude_log(cx: &Context, reports: &[Report], outputs: &Outputs) -> Result<()> {
    for case in reports {
        cx.ui.say(text::line(case));
    }
    let run = Run {
        reports,
        ..Run::default()
    };
    let tally = report(cx, &run, outputs)?;
    last_line(cx, &tally, outputs);
    verdict(&tally)
}

fn report(cx: &Context, run: &Run<'_>, outputs: &Outputs) -> Result<Tally> {
    let (reports, not_run) = (run.reports, run.not_run);
    for failure in reports.iter().filter_map(text::failure) {
        cx.ui.say(format_args!("\n{failure}"));
    }
    if let Some(path) = &outputs.junit {
        write(path, &junit::render(reports)?)?;
    }
    if let Some(path) = &outputs.json {
        let document = json::document(run);
        if path == Path::new("-") {
            cx.ui.json(&document)?;
        } else {
            let text =
                serde_json::to_string_pretty(&document).doing("writing the JSON document")?;
            write(path, &(text + "\n"))?;
        }
    }
    if outputs.tap == Tap::Stdout {
        cx.ui.print(tap::render(reports));
    }
    let tally = Tally::of(reports);
    for note in text::notes(&tally) {
        cx.ui.say(note);
    }
    if not_run > 0 {
        cx.ui.say(format_args!("{not_run} more did not run"));
    }
    Ok(tally)
}

/// Alone on stdout, unless a document is there.
fn last_line(cx: &Context, tally: &Tally, outputs: &Outputs) {
    if outputs.stdout_is_not_ours() {
        cx.ui.result(tally.line());
    } else {
        cx.ui.print(format_args!("{}\n", tally.line()));
    }
}

fn verdict(tally: &Tally) -> Result<()> {
    match tally {
        Tally { failed: 1.., .. } => Err(Failure::told(Exit::TestsFailed)),
        Tally {
            infrastructure: 1..,
            ..
        } => Err(Failure::told(Exit::Failed)),
        // Only skipped cases are no proof of anything.
        Tally { passed: 0, .. } => Err(Failure::told(Exit::NothingMatched)),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).doing(format_args!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_passes_only_if_something_passed_and_nothing_failed() {
        let exit = |tally: Tally| verdict(&tally).err().map(|failure| failure.exit);
        let good = Tally {
            passed: 3,
            skipped: 1,
            flaky: 1,
            ..Tally::default()
        };
        assert_eq!(exit(good), None);
        assert_eq!(exit(Tally { failed: 1, ..good }), Some(Exit::TestsFailed));
        assert_eq!(
            exit(Tally {
                failed: 1,
                infrastructure: 1,
                ..good
            }),
            Some(Exit::TestsFailed)
        );
        assert_eq!(
            exit(Tally {
                infrastructure: 1,
                ..good
            }),
            Some(Exit::Failed)
        );
        assert_eq!(
            exit(Tally {
                skipped: 4,
                ..Tally::default()
            }),
            Some(Exit::NothingMatched)
        );
        assert_eq!(exit(Tally::default()), Some(Exit::NothingMatched));
    }
}
