//! The docker ring: this tool against a real container engine.
//!
//! Owns the table of its cases. Each runs the tool as a person would, and looks
//! at its words, its exit code, and what it left behind. Where no engine can be
//! had, every case says so and counts as skipped.

mod call;
mod containers;
mod daemon;
mod engines;
mod faults;
mod interrupts;
mod lab;
mod others;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use self::lab::{Lab, Stop};
use super::not_started;
use crate::cli::Ring;
use crate::context::Context;
use crate::docker::engine::{Client, Engine};
use crate::failure::Result;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::logs;
use crate::testing::verdict::{Cause, Fault, Verdict};

/// What a case does; an error is why it did not pass, or did not run.
type Body = fn(&Lab) -> std::result::Result<(), Stop>;

/// A case: its group, its name, its body.
type Row = (&'static str, &'static str, Body);

fn table() -> impl Iterator<Item = Row> {
    [
        engines::CASES,
        containers::CASES,
        faults::CASES,
        interrupts::CASES,
        others::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

pub(super) fn jobs() -> Vec<Box<dyn Job>> {
    let jobs = table().map(|(group, name, body)| -> Box<dyn Job> {
        let label = Label {
            name: format!("docker::{group}::{name}"),
            ring: Ring::Docker,
            machine: None,
        };
        Box::new(DockerJob {
            label: [label],
            body,
        })
    });
    jobs.collect()
}

/// Says what the ring would do; its cases decide it as they go.
pub(super) fn dry_run(cx: &Context) {
    for job in jobs() {
        for label in job.labels() {
            let line = format!("# {}: runs this tool against the engine", label.name);
            cx.ui.say(line);
        }
    }
}

struct DockerJob {
    label: [Label; 1],
    body: Body,
}

impl Job for DockerJob {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        // They share the engine's tags and this clone's files.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _mine = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Instant::now();
        let report = match engine(cx) {
            Ok(engine) => self.report(cx, engine, started),
            Err(why) => Ok(Report::new(name, Status::Skipped(why), started.elapsed())),
        };
        tell(report.unwrap_or_else(|failure| not_started(name, &failure)));
    }
}

impl DockerJob {
    fn report(&self, cx: &Context, engine: &Engine, started: Instant) -> Result<Report> {
        let name = &self.label[0].name;
        let lab = Lab::new(cx, engine, name)?;
        let status = match (self.body)(&lab) {
            Ok(()) => Status::Passed,
            Err(Stop::Skipped(why)) => Status::Skipped(why),
            Err(Stop::Interrupted) => Status::of(&Verdict::Infrastructure(Fault::Interrupted)),
            Err(Stop::Failed(what)) => Status::of(&Verdict::Failed(Cause::Case(what))),
        };
        let mut report = Report::new(name, status, started.elapsed());
        report.output = lab.record();
        report.log = logs::write(cx, name, &(report.output.join("\n") + "\n"));
        Ok(report)
    }
}

/// The engine of all cases, or why there is none: looked for, and set up where
/// that is allowed, once.
fn engine(cx: &Context) -> std::result::Result<&'static Engine, String> {
    static ENGINE: OnceLock<std::result::Result<Engine, String>> = OnceLock::new();
    let found = ENGINE.get_or_init(|| {
        Engine::find(cx, Some(Client::Docker))
            .map_err(|failure| format!("no engine: {}", failure.what.replace('\n', " ")))
    });
    found.as_ref().map_err(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_cases_share_a_name() {
        let mut names: Vec<_> = table().map(|(group, name, _)| (group, name)).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
