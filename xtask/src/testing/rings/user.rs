//! The system ring's programs: the trials, on the kernel people boot, and, where
//! it is asked for, on the reference.
//!
//! Owns the cases; what their tasks must print is in `trials`.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Stage, USUAL};
use super::{not_started, report_of};
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::emulator::Outcome;
use crate::failure::Result;
use crate::machine::Cpu;
use crate::peer::Peer;
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::matrix::{ORDINARY, Row};
use crate::testing::trials::{self, Kernel, Trial};
use crate::testing::verdict::Verdict;

pub(super) fn jobs(
    artifacts: &Arc<Artifacts>,
    profile: Profile,
    peer: Option<Peer>,
) -> Vec<Box<dyn Job>> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    let mut add = |trial: &'static Trial, kernel, cpu, smp, name| {
        let row = Row {
            cpu,
            smp,
            ..ORDINARY
        };
        jobs.push(Box::new(TrialJob {
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
                machine: Some((cpu, smp)),
            }],
        }));
    };
    for trial in trials::ALL {
        let build = match profile {
            Profile::Release => "",
            Profile::Dev => "@dev",
        };
        for &(cpu, smp) in trial.machines {
            let name = format!("system::programs{build}::{}-{cpu}-smp{smp}", trial.name);
            add(trial, Kernel::Exov6, cpu, smp, name);
        }
        if let Some(peer) = peer {
            let name = format!("system::{peer}{build}::{}", trial.name);
            add(trial, Kernel::Gnumach, Cpu::Pentium3, 1, name);
        }
    }
    jobs
}

struct TrialJob {
    trial: &'static Trial,
    stage: Stage,
    label: [Label; 1],
}

impl Job for TrialJob {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        self.stage.prepare(cx, self.trial.tasks)
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        let skipped = match self.stage.kernel {
            Kernel::Exov6 => None,
            Kernel::Gnumach => self.trial.not_on_gnumach,
        };
        if let Some(why) = skipped {
            let status = Status::Skipped(why.to_owned());
            return tell(Report::new(name, status, Duration::ZERO));
        }
        let report = self
            .run_it(cx)
            .map(|(verdict, outcome)| report_of(cx, name, &self.stage.row, &verdict, &outcome));
        tell(report.unwrap_or_else(|failure| not_started(name, &failure)));
    }
}

impl TrialJob {
    /// Boots, waits until everything was said, and switches off.
    fn run_it(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let (trial, kernel) = (self.trial, self.stage.kernel);
        let is_over = |lines: &[_]| trial.is_over(lines, kernel);
        let outcome = self.stage.run(cx, trial.tasks, is_over, |_| {})?;
        let verdict = match self.stage.judge(&outcome) {
            Verdict::Passed => trial.check(&outcome.serial, kernel),
            other => other,
        };
        Ok((verdict, outcome))
    }
}
