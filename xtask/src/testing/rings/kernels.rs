//! The kernels ring: kernels that must die, each in its own way.
//!
//! Owns how a misdeed is booted; what must be seen of it is in `misdeeds`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{not_started, report_of};
use crate::cli::{Ktest, Profile, Ring};
use crate::context::Context;
use crate::emulator::session::{Limits, Session};
use crate::emulator::spec::{Boot, MachineSpec};
use crate::emulator::start;
use crate::failure::Result;
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::matrix::ORDINARY;
use crate::testing::misdeeds::{self, Misdeed, Seen};
use crate::tools;

/// For crimes that end by themselves: generous to a loaded machine.
const LIMITS: Limits = Limits {
    boot: Duration::from_secs(30),
    silence: Duration::from_secs(20),
    total: Duration::from_secs(60),
    leave: Duration::from_secs(3),
};
/// For crimes that only a limit ends: each waits for all of it.
const SHORT: Limits = Limits {
    silence: Duration::from_secs(5),
    ..LIMITS
};

pub(super) fn jobs(artifacts: &Arc<Artifacts>, profile: Profile) -> Vec<Box<dyn Job>> {
    let jobs = misdeeds::ALL.iter().map(|misdeed| -> Box<dyn Job> {
        let label = Label {
            name: format!("kernels::{profile}::{}", misdeed.name),
            ring: Ring::Kernels,
            machine: Some((ORDINARY.cpu, ORDINARY.smp)),
        };
        let artifacts = Arc::clone(artifacts);
        Box::new(Crime {
            misdeed: *misdeed,
            profile,
            artifacts,
            label: [label],
        })
    });
    jobs.collect()
}

/// Prints the build and the boots.
pub(super) fn dry_run(cx: &Context, artifacts: &Artifacts, profile: Profile) -> Result<()> {
    let kernel = artifacts.kernel(cx, profile, Ktest::With)?;
    for misdeed in misdeeds::ALL {
        cx.ui
            .echo(&start::command(cx, &machine(&misdeed, kernel.clone())));
    }
    Ok(())
}

fn machine(misdeed: &Misdeed, kernel: PathBuf) -> MachineSpec {
    let append = Some(format!("misdeed={}", misdeed.name));
    MachineSpec {
        append,
        ..ORDINARY.machine(Boot::Kernel(kernel))
    }
}

struct Crime {
    misdeed: Misdeed,
    profile: Profile,
    artifacts: Arc<Artifacts>,
    label: [Label; 1],
}

impl Job for Crime {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        tools::require(cx, ORDINARY.tools())?;
        self.artifacts
            .kernel(cx, self.profile, Ktest::With)
            .map(drop)
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        if let Some(why) = self.misdeed.skipped_in(self.profile) {
            return tell(Report::new(
                name,
                Status::Skipped(why.to_owned()),
                Duration::ZERO,
            ));
        }
        tell(
            self.report(cx)
                .unwrap_or_else(|failure| not_started(name, &failure)),
        );
    }
}

impl Crime {
    fn report(&self, cx: &Context) -> Result<Report> {
        let kernel = self.artifacts.kernel(cx, self.profile, Ktest::With)?;
        let machine = machine(&self.misdeed, kernel);
        let limits = match self.misdeed.seen {
            Seen::Verdict("hung") => SHORT,
            _ => LIMITS,
        };
        let outcome = Session::start(cx, &machine, limits)?.finish();
        let verdict = self.misdeed.check(&outcome);
        Ok(report_of(
            cx,
            &self.label[0].name,
            &ORDINARY,
            &verdict,
            &outcome,
        ))
    }
}
