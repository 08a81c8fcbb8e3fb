//! The system ring's programs: the trials, on the kernel people boot.
//!
//! Owns how a trial is booted; what its tasks must print is in `trials`.

use std::sync::Arc;
use std::time::Duration;

use super::{not_started, report_of};
use crate::cli::{Ktest, Profile, Ring};
use crate::context::Context;
use crate::emulator::Outcome;
use crate::emulator::session::{Heard, Limits, Session};
use crate::emulator::spec::{Boot, MachineSpec};
use crate::failure::{Failure, Result};
use crate::image::Module;
use crate::programs::Started;
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report};
use crate::testing::job::Job;
use crate::testing::matrix::{ORDINARY, Row};
use crate::testing::trials::{self, Kernel, Trial};
use crate::testing::verdict::{Verdict, judge};
use crate::tools;

const LIMITS: Limits = Limits {
    boot: Duration::from_secs(30),
    silence: Duration::from_secs(60),
    total: Duration::from_secs(180),
    leave: Duration::from_secs(3),
};

pub(super) fn jobs(artifacts: &Arc<Artifacts>, profile: Profile) -> Vec<Box<dyn Job>> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for trial in trials::ALL {
        for &(cpu, smp) in trial.machines {
            let build = match profile {
                Profile::Release => "",
                Profile::Dev => "@dev",
            };
            let label = Label {
                name: format!("system::programs{build}::{}-{cpu}-smp{smp}", trial.name),
                ring: Ring::System,
                machine: Some((cpu, smp)),
            };
            jobs.push(Box::new(TrialJob {
                trial,
                row: Row {
                    cpu,
                    smp,
                    ..ORDINARY
                },
                profile,
                artifacts: Arc::clone(artifacts),
                label: [label],
            }));
        }
    }
    jobs
}

struct TrialJob {
    trial: &'static Trial,
    row: Row,
    profile: Profile,
    artifacts: Arc<Artifacts>,
    label: [Label; 1],
}

impl Job for TrialJob {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        tools::require(cx, self.row.tools())?;
        self.artifacts
            .kernel(cx, self.profile, Ktest::Without)
            .map(drop)?;
        self.modules(cx).map(drop)
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        let report = self
            .run_it(cx)
            .map(|(verdict, outcome)| report_of(cx, name, &self.row, &verdict, &outcome));
        tell(report.unwrap_or_else(|failure| not_started(name, &failure)));
    }
}

impl TrialJob {
    fn modules(&self, cx: &Context) -> Result<Vec<Module>> {
        let module = |task: &&str| {
            let started = task.parse::<Started>();
            let started = started.map_err(|error| Failure::failed(error.0))?;
            Ok(Module {
                file: self.artifacts.program(cx, self.profile, started.program)?,
                arguments: started.arguments,
            })
        };
        self.trial.tasks.iter().map(module).collect()
    }

    /// Boots, waits until everything was said, and switches off.
    fn run_it(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let kernel = self.artifacts.kernel(cx, self.profile, Ktest::Without)?;
        let machine = MachineSpec {
            append: Some(trials::COMMAND_LINE.to_owned()),
            modules: self.modules(cx)?,
            ..self.row.machine(Boot::Kernel(kernel))
        };
        let mut session = Session::start(cx, &machine, LIMITS)?;
        while !self.trial.is_over(session.console().lines(), Kernel::Exov6) {
            if let Heard::End(_) = session.wait() {
                break;
            }
        }
        session.send("poweroff");
        let outcome = session.finish();
        let verdict = match judge(&outcome, self.row.leaves()) {
            Verdict::Passed => self.trial.check(&outcome.serial, Kernel::Exov6),
            other => other,
        };
        Ok((verdict, outcome))
    }
}
