//! The five rings: what the cases are and how each is run.
//!
//! Owns the order of the rings, from the innermost out, and which builds each
//! covers. One file a ring; nothing here judges anything.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::artifacts::Artifacts;
use super::case::{Report, Status};
use super::job::Job;
use super::matrix::{self, Extent, Row};
use super::runner::Task;
use super::select::Wanted;
use super::suite::Suite;
use super::verdict::{Fault, Verdict};
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::emulator::Outcome;
use crate::emulator::session::{Limits, Session};
use crate::emulator::spec::MachineSpec;
use crate::failure::{Doing, Failure, Result};

mod c;
mod docker;
mod fuzz;
mod host;
mod kernels;
mod ktest;
mod program;
mod routines;
mod stage;
mod system;
mod user;

pub use host::{HOST_PACKAGES, host_cargo};

/// Which builds are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builds {
    /// Tests in the build with run-time checks, the system in the one people
    /// boot.
    Usual,
    /// Everything in this one.
    Only(Profile),
    /// Everything in both.
    Both,
}

impl Builds {
    fn of(self, ring: Ring) -> Vec<Profile> {
        match (self, ring) {
            // The tool is the one that runs, and it builds what it is told to:
            // once is enough.
            (Builds::Only(Profile::Dev), Ring::Docker) => vec![],
            (_, Ring::Docker) => vec![Profile::Release],
            (Builds::Only(profile), _) => vec![profile],
            (Builds::Usual, Ring::System) => vec![Profile::Release],
            (Builds::Usual, _) => vec![Profile::Dev],
            (Builds::Both, _) => vec![Profile::Dev, Profile::Release],
        }
    }
}

/// The jobs of every ring that the suite may select from, in order.
pub fn jobs(cx: &Context, suite: &Suite) -> Result<Vec<Box<dyn Job>>> {
    let Suite {
        wanted,
        extent,
        peer,
        records,
        ..
    } = suite;
    let artifacts = Arc::new(Artifacts::default());
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for ring in Ring::ALL
        .iter()
        .copied()
        .filter(|ring| wanted.may_want(*ring))
    {
        for profile in suite.builds.of(ring) {
            jobs.extend(match ring {
                Ring::Host => host::jobs(cx, profile, *extent)?,
                Ring::Ktest => ktest::jobs(cx, &artifacts, profile, *extent)?,
                Ring::Kernels => kernels::jobs(&artifacts, profile),
                Ring::System => {
                    let mut jobs = system::jobs(&artifacts, profile, *extent);
                    jobs.extend(user::jobs(&artifacts, profile, *peer));
                    jobs.extend(c::jobs(&artifacts, profile, *peer));
                    jobs.extend(fuzz::jobs(&artifacts, profile, *extent));
                    jobs.extend(routines::jobs(&artifacts, profile, *peer, *records));
                    jobs
                }
                Ring::Docker => docker::jobs(),
            });
        }
    }
    Ok(jobs)
}

/// Prints what the rings would build and boot.
pub fn dry_run(cx: &Context, wanted: &Wanted, builds: Builds, extent: Extent) -> Result<()> {
    let artifacts = Arc::new(Artifacts::default());
    let rows = |mut rows: Vec<Row>| {
        rows.retain(|row| wanted.wants_machine(Some((row.cpu, row.smp))));
        rows
    };
    for ring in Ring::ALL
        .iter()
        .copied()
        .filter(|ring| wanted.may_want(*ring))
    {
        for profile in builds.of(ring) {
            match ring {
                Ring::Host => host::dry_run(cx, profile),
                Ring::Ktest => {
                    ktest::dry_run(cx, &artifacts, profile, &rows(matrix::ktest(extent)))?
                }
                Ring::Kernels => kernels::dry_run(cx, &artifacts, profile)?,
                Ring::System => {
                    system::dry_run(cx, &artifacts, profile, &rows(matrix::system(extent)))?
                }
                Ring::Docker => docker::dry_run(cx),
            }
        }
    }
    Ok(())
}

/// The reports of cases whose machine or kernel could not be had.
pub fn not_prepared(task: &Task<'_>, failure: &Failure) -> Vec<Report> {
    let labels = task.chosen.iter().map(|index| &task.job.labels()[*index]);
    labels
        .map(|label| not_started(&label.name, failure))
        .collect()
}

/// The report of a case that could not be started.
fn not_started(name: &str, failure: &Failure) -> Report {
    let verdict = Verdict::Infrastructure(Fault::Host(failure.to_string()));
    Report::new(name, Status::of(&verdict), Duration::ZERO)
}

/// The report of a case that was one run of a machine.
fn report_of(cx: &Context, name: &str, row: &Row, verdict: &Verdict, outcome: &Outcome) -> Report {
    let mut report = Report::new(name, Status::of(verdict), outcome.elapsed);
    report.log = super::logs::save(cx, name, row.leaves(), 0, outcome);
    report.output = texts(outcome);
    report.registers = outcome.registers.clone();
    report
}

/// The console's lines, and what the emulator itself said.
fn texts(outcome: &Outcome) -> Vec<String> {
    let console = outcome.serial.iter().map(|line| line.text.clone());
    let emulator = outcome
        .stderr
        .lines()
        .map(|line| format!("(emulator) {line}"));
    console.chain(emulator).collect()
}

/// The prompt alone, waiting for input.
const PROMPT: &str = r"(?m)^kdb> ";

/// Boots, types each of `lines` at a prompt of its own, and waits for the end.
/// A guest that ends early is judged by its end, not here.
fn converse(
    cx: &Context,
    machine: &MachineSpec,
    limits: Limits,
    lines: &[&str],
) -> Result<Outcome> {
    let prompt = Regex::new(PROMPT).doing("compiling the prompt's pattern")?;
    let mut session = Session::start(cx, machine, limits)?;
    for line in lines {
        if session.wait_for(&prompt).is_err() {
            break;
        }
        session.send(line);
    }
    Ok(session.finish())
}
