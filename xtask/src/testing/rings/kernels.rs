//! The kernels ring: kernels that must die, each in its own way.
//!
//! Owns how a misdeed is booted; what must be seen of it is in `misdeeds`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{converse, not_started, report_of};
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
    let crimes = misdeeds::ALL.iter().map(|misdeed| Deed::Crime(*misdeed));
    let jobs = crimes.chain([Deed::RollCall]).map(|deed| -> Box<dyn Job> {
        let label = Label {
            name: format!("kernels::{profile}::{}", deed.name()),
            ring: Ring::Kernels,
            machine: Some((ORDINARY.cpu, ORDINARY.smp)),
        };
        let artifacts = Arc::clone(artifacts);
        Box::new(DeedJob {
            deed,
            profile,
            artifacts,
            label: [label],
        })
    });
    jobs.collect()
}

/// What a kernel is made to do.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// A misdeed of the table.
    Crime(Misdeed),
    /// To list those it knows.
    RollCall,
}

impl Deed {
    fn name(&self) -> &'static str {
        match self {
            Deed::Crime(misdeed) => misdeed.name,
            Deed::RollCall => "(roll call)",
        }
    }
}

/// Prints the build and the boots.
pub(super) fn dry_run(cx: &Context, artifacts: &Artifacts, profile: Profile) -> Result<()> {
    let kernel = artifacts.kernel(cx, profile, Ktest::With)?;
    for misdeed in misdeeds::ALL {
        cx.ui
            .echo(&start::command(cx, &machine(misdeed.name, kernel.clone())));
    }
    Ok(())
}

fn machine(misdeed: &str, kernel: PathBuf) -> MachineSpec {
    let append = Some(format!("misdeed={misdeed}"));
    MachineSpec {
        append,
        ..ORDINARY.machine(Boot::Kernel(kernel))
    }
}

struct DeedJob {
    deed: Deed,
    profile: Profile,
    artifacts: Arc<Artifacts>,
    label: [Label; 1],
}

impl Job for DeedJob {
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
        let skipped = match self.deed {
            Deed::Crime(misdeed) => misdeed.skipped_in(self.profile),
            Deed::RollCall => None,
        };
        if let Some(why) = skipped {
            let status = Status::Skipped(why.to_owned());
            return tell(Report::new(name, status, Duration::ZERO));
        }
        tell(
            self.report(cx)
                .unwrap_or_else(|failure| not_started(name, &failure)),
        );
    }
}

impl DeedJob {
    fn report(&self, cx: &Context) -> Result<Report> {
        let kernel = self.artifacts.kernel(cx, self.profile, Ktest::With)?;
        let (verdict, outcome) = match self.deed {
            Deed::Crime(misdeed) => {
                let machine = machine(misdeed.name, kernel);
                let limits = match misdeed.seen {
                    Seen::Verdict("hung") => SHORT,
                    _ => LIMITS,
                };
                let outcome = Session::start(cx, &machine, limits)?.finish();
                (misdeed.check(&outcome), outcome)
            }
            Deed::RollCall => {
                let machine = machine(misdeeds::LIST, kernel);
                let outcome = converse(cx, &machine, LIMITS, &["poweroff"])?;
                (misdeeds::roll_call(&outcome), outcome)
            }
        };
        let name = &self.label[0].name;
        Ok(report_of(cx, name, &ORDINARY, &verdict, &outcome))
    }
}
