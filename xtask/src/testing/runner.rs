//! Runs the chosen cases, a few jobs at a time, and tells each as it ends.
//!
//! Owns retries, the whole run's deadline, and what happens at Ctrl-C: no new
//! job starts, running ones end their children, and what ran is reported.
//!
//! **Invariants**: every chosen case has exactly one report, or is counted as
//! not run; a job that says nothing about a case has not passed it.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::case::{Label, Report, Status};
use super::job::Job;
use super::report::text;
use super::verdict::{Fault, Verdict};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::interrupt;

/// The most jobs at a time: a job may itself keep several processors busy.
const MOST_AT_ONCE: usize = 4;

/// A job and the cases of it that were chosen.
pub struct Task<'a> {
    /// The job.
    pub job: &'a dyn Job,
    /// Indices into its labels.
    pub chosen: Vec<usize>,
}

/// What a run amounts to.
#[derive(Debug)]
pub struct Ran {
    /// What became of each case, in the order of the tasks.
    pub reports: Vec<Report>,
    /// How many cases were not reached.
    pub not_run: usize,
    /// Why they were not.
    pub stopped: Option<Failure>,
}

/// Runs `tasks`; a failed case gets `retries` more tries.
pub fn run(cx: &Context, tasks: &[Task<'_>], retries: u32) -> Result<Ran> {
    // As long as this lives, a signal is noted instead of ending us.
    let _orderly = interrupt::subscribe(|_| ())?;
    let queue: Mutex<VecDeque<&Task<'_>>> = Mutex::new(tasks.iter().collect());
    let (send, receive) = mpsc::channel();
    let workers = thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(MOST_AT_ONCE);
    let mut by_name: BTreeMap<String, Report> = BTreeMap::new();
    thread::scope(|scope| {
        for _ in 0..workers {
            let send = send.clone();
            let queue = &queue;
            scope.spawn(move || {
                while let Some(task) = next(cx, queue) {
                    run_task(cx, task, retries, &mut |report| {
                        // The receiver lives until every worker is gone.
                        let _ = send.send(report);
                    });
                }
            });
        }
        drop(send);
        for report in receive {
            if !was_interrupted(&report) {
                cx.ui.say(text::line(&report));
                by_name.insert(report.name.clone(), report);
            }
        }
    });
    let names = tasks
        .iter()
        .flat_map(|task| labels(task).map(|label| label.name.as_str()));
    let (mut reports, mut not_run) = (Vec::new(), 0);
    for name in names {
        match by_name.remove(name) {
            Some(report) => reports.push(report),
            None => not_run += 1,
        }
    }
    Ok(Ran {
        reports,
        not_run,
        stopped: stopped(cx),
    })
}

fn labels<'a>(task: &'a Task<'_>) -> impl Iterator<Item = &'a Label> {
    let labels = task.job.labels();
    task.chosen.iter().map(move |index| &labels[*index])
}

/// Why nothing more may start.
fn stopped(cx: &Context) -> Option<Failure> {
    match interrupt::received() {
        Some(signal) => Some(interrupt::failure(signal)),
        None => cx.remaining().err(),
    }
}

fn next<'a, 'b>(cx: &Context, queue: &Mutex<VecDeque<&'a Task<'b>>>) -> Option<&'a Task<'b>> {
    if stopped(cx).is_some() {
        return None;
    }
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}

fn was_interrupted(report: &Report) -> bool {
    let interrupted = Verdict::Infrastructure(Fault::Interrupted);
    report
        .status
        .reason()
        .is_some_and(|reason| reason.kind == interrupted.kind())
}

fn run_task(cx: &Context, task: &Task<'_>, retries: u32, tell: &mut dyn FnMut(Report)) {
    let mut chosen = task.chosen.clone();
    for attempt in 0..=retries {
        let last = attempt == retries;
        let mut failed = Vec::new();
        let mut heard = Vec::new();
        task.job.run(cx, &chosen, &mut |mut report| {
            let index = place(task, &report.name);
            heard.extend(index);
            // The whole run's deadline ended it: what it was about to show,
            // nobody knows. A hang that must be seen was not seen.
            if cx.remaining().is_err() {
                return;
            }
            if report.status.is_worth_a_retry() && !last && stopped(cx).is_none() {
                cx.ui.say(format_args!(
                    "{} (try {} of {})",
                    text::line(&report),
                    attempt + 1,
                    retries + 1
                ));
                failed.extend(index);
                return;
            }
            if attempt > 0 && report.status == Status::Passed {
                report.status = Status::Flaky(attempt);
            }
            tell(report);
        });
        for index in chosen.iter().filter(|index| !heard.contains(index)) {
            tell(unheard(&task.job.labels()[*index]));
        }
        if failed.is_empty() {
            return;
        }
        chosen = failed;
    }
}

fn place(task: &Task<'_>, name: &str) -> Option<usize> {
    let labels = task.job.labels();
    task.chosen
        .iter()
        .copied()
        .find(|index| labels[*index].name == name)
}

fn unheard(label: &Label) -> Report {
    let verdict = match interrupt::received() {
        Some(_) => Verdict::Infrastructure(Fault::Interrupted),
        None => {
            let what = "its ring said nothing about it: a fault of the tool".to_owned();
            Verdict::Infrastructure(Fault::Host(what))
        }
    };
    Report::new(&label.name, Status::of(&verdict), Duration::ZERO)
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
