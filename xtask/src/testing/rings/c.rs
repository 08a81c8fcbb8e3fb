//! The system ring's programs in C, on our kernel and on the reference.
//!
//! Owns the cases and what they must print: the same on both. Without a compiler
//! or the public headers they are skipped, with the reason.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Stage, USUAL};
use super::{not_started, report_of};
use crate::c_programs;
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::emulator::Outcome;
use crate::failure::{Exit, Failure, Result};
use crate::peer::Peer;
use crate::programs;
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::matrix::{ORDINARY, Row};
use crate::testing::trials::{Kernel, Mark, Order, Trial, Voice};
use crate::testing::verdict::Verdict;

/// A trial's tasks are programs of `c_programs` here.
const TRIALS: &[Trial] = &[
    trial("hello", &["hello a ${word}"], &[voice("c hello: ", HELLO)]),
    trial("message", &["message"], &[voice("c message: ", MESSAGE)]),
    trial(
        "bench",
        &["bench"],
        &[Voice {
            mark: Mark::Between("bench ", " 1000 "),
            ..voice("", "c-task-self\nc-self-send\nc-reply-port")
        }],
    ),
];

const HELLO: &str = "\
argument 1 is a
argument 2 is given
task port: yes
thread port: yes
host port: yes
reply port: yes
done";
const MESSAGE: &str = include_str!("../../../../user/c/message.txt");

const fn trial(
    name: &'static str,
    tasks: &'static [&'static str],
    voices: &'static [Voice],
) -> Trial {
    Trial {
        name,
        machines: &[],
        tasks,
        voices,
        not_on_gnumach: None,
    }
}

const fn voice(begin: &'static str, lines: &'static str) -> Voice {
    Voice {
        mark: Mark::Begins(begin),
        lines,
        order: Order::Kept,
        differences: &[],
        of: None,
    }
}

pub(super) fn jobs(
    artifacts: &Arc<Artifacts>,
    profile: Profile,
    peer: Option<Peer>,
) -> Vec<Box<dyn Job>> {
    let build = match profile {
        Profile::Release => "",
        Profile::Dev => "@dev",
    };
    let ours = [(Kernel::Exov6, 1), (Kernel::Exov6, 2)];
    let theirs = peer.map(|_| (Kernel::Gnumach, 1));
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for trial in TRIALS {
        for (kernel, smp) in ours.into_iter().chain(theirs) {
            let row = Row { smp, ..ORDINARY };
            let name = match kernel {
                Kernel::Exov6 => format!("system::c{build}::{}-smp{smp}", trial.name),
                Kernel::Gnumach => format!("system::gnumach{build}::c-{}", trial.name),
            };
            jobs.push(Box::new(CJob {
                trial,
                stage: Stage {
                    kernel,
                    row,
                    profile,
                    artifacts: Arc::clone(artifacts),
                    total: USUAL,
                },
                label: [Label {
                    name,
                    ring: Ring::System,
                    machine: Some((row.cpu, smp)),
                }],
            }));
        }
    }
    jobs
}

struct CJob {
    trial: &'static Trial,
    stage: Stage,
    label: [Label; 1],
}

impl Job for CJob {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        self.stage.prepare(cx, &[])
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        tell(match self.run_it(cx) {
            Ok((verdict, outcome)) => report_of(cx, name, &self.stage.row, &verdict, &outcome),
            // What compiles them is no part of what the kernel needs.
            Err(failure) if failure.exit == Exit::Missing => {
                Report::new(name, Status::Skipped(failure.what), Duration::ZERO)
            }
            Err(failure) => not_started(name, &failure),
        });
    }
}

impl CJob {
    fn run_it(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let (trial, kernel) = (self.trial, self.stage.kernel);
        let module = |task: &&str| {
            let (name, words) = task.split_once(' ').unwrap_or((task, ""));
            Ok(crate::image::Module {
                file: c_programs::build(cx, name)?,
                arguments: programs::with_start(words),
            })
        };
        let modules: Vec<_> = trial
            .tasks
            .iter()
            .map(module)
            .collect::<Result<_, Failure>>()?;
        let is_over = |lines: &[_]| trial.is_over(lines, kernel);
        let outcome = self.stage.run_modules(cx, modules, is_over, |_| {})?;
        let verdict = match self.stage.judge(&outcome) {
            Verdict::Passed => trial.check(&outcome.serial, kernel),
            other => other,
        };
        Ok((verdict, outcome))
    }
}
