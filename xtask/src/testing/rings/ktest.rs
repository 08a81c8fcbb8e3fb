//! The ktest ring: the kernel's own tests, inside the real kernel.
//!
//! Owns how they are listed and booted. A case that ends its boot is recorded
//! with what ended it, and the cases after it run in a fresh boot.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{not_started, texts};
use crate::cli::{Ktest, Profile, Ring};
use crate::context::Context;
use crate::emulator::session::{Limits, Session};
use crate::emulator::spec::{Boot, MachineSpec};
use crate::emulator::start;
use crate::emulator::{Line, Outcome};
use crate::failure::{Failure, Result};
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::ktest_log::{self, Rest};
use crate::testing::logs;
use crate::testing::matrix::{self, Extent, Row};
use crate::testing::verdict::{Cause, Verdict};
use crate::tools;

const LIMITS: Limits = Limits {
    boot: Duration::from_secs(30),
    silence: Duration::from_secs(30),
    total: Duration::from_secs(180),
    leave: Duration::from_secs(3),
};

/// The case that stands for the boot itself: plan kept, end as agreed.
const WHOLE: &str = "(the whole run)";

/// Boots the kernel once for its list, and makes a job a machine.
pub(super) fn jobs(
    cx: &Context,
    artifacts: &Artifacts,
    profile: Profile,
    extent: Extent,
) -> Result<Vec<Box<dyn Job>>> {
    let kernel = artifacts.kernel(cx, profile, Ktest::With)?;
    let cases = Arc::new(list(cx, kernel.clone())?);
    let jobs = matrix::ktest(extent)
        .into_iter()
        .map(|row| -> Box<dyn Job> {
            let group = format!("{}-smp{}-{profile}", row.cpu, row.smp);
            let machine = Some((row.cpu, row.smp));
            let label = |case: &str| {
                let name = format!("ktest::{group}::{case}");
                Label {
                    name,
                    ring: Ring::Ktest,
                    machine,
                }
            };
            let labels = cases
                .iter()
                .map(|case| label(case))
                .chain([label(WHOLE)])
                .collect();
            Box::new(KtestJob {
                row,
                kernel: kernel.clone(),
                cases: Arc::clone(&cases),
                labels,
            })
        });
    Ok(jobs.collect())
}

fn list(cx: &Context, kernel: PathBuf) -> Result<Vec<String>> {
    tools::require(cx, matrix::ORDINARY.tools())?;
    let outcome = boot(cx, &matrix::ORDINARY, kernel, "ktest-list")?;
    let log = logs::save(cx, "ktest::list", matrix::ORDINARY.leaves(), 0, &outcome);
    let log = log
        .map(|log| format!("; its log is {}", log.display()))
        .unwrap_or_default();
    let listed = ktest_log::listed(&outcome).map_err(|verdict| {
        Failure::tests_failed(format!(
            "the kernel does not list its tests: {verdict}{log}"
        ))
    })?;
    if listed.is_empty() {
        return Err(Failure::tests_failed(format!(
            "the kernel lists no tests{log}"
        )));
    }
    Ok(listed)
}

/// Prints the build and the boots.
pub(super) fn dry_run(
    cx: &Context,
    artifacts: &Artifacts,
    profile: Profile,
    rows: &[Row],
) -> Result<()> {
    let kernel = artifacts.kernel(cx, profile, Ktest::With)?;
    for row in rows {
        cx.ui
            .echo(&start::command(cx, &machine(row, kernel.clone(), "ktest")));
    }
    Ok(())
}

fn machine(row: &Row, kernel: PathBuf, append: &str) -> MachineSpec {
    let machine = row.machine(Boot::Kernel(kernel));
    MachineSpec {
        append: Some(append.to_owned()),
        ..machine
    }
}

fn boot(cx: &Context, row: &Row, kernel: PathBuf, append: &str) -> Result<Outcome> {
    Ok(Session::start(cx, &machine(row, kernel, append), LIMITS)?.finish())
}

struct KtestJob {
    row: Row,
    kernel: PathBuf,
    cases: Arc<Vec<String>>,
    /// One a case, then the whole.
    labels: Vec<Label>,
}

impl Job for KtestJob {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn run(&self, cx: &Context, chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let mut boots = Boots {
            job: self,
            cx,
            waiting: chosen.to_vec(),
            number: 0,
        };
        if let Err(failure) = boots.run(tell) {
            for index in boots.waiting {
                tell(not_started(&self.labels[index].name, &failure));
            }
        }
    }
}

/// The boots that it takes to run the chosen cases of one job.
struct Boots<'a> {
    job: &'a KtestJob,
    cx: &'a Context,
    /// The chosen labels without a report.
    waiting: Vec<usize>,
    number: u32,
}

impl Boots<'_> {
    fn run(&mut self, tell: &mut dyn FnMut(Report)) -> Result<()> {
        let option = self.option();
        let (mut skip, mut took) = (0, Duration::ZERO);
        let mut whole = Verdict::Passed;
        loop {
            let append = match skip {
                0 => option.clone(),
                skip => format!("{option} ktest-skip={skip}"),
            };
            self.number += 1;
            let outcome = boot(self.cx, &self.job.row, self.job.kernel.clone(), &append)?;
            let boot = ktest_log::read(&outcome, self.job.row.leaves(), skip);
            took += outcome.elapsed;
            let log = self.save(&outcome, skip);
            let ends_well = boot.whole == Verdict::Passed;
            for ran in boot.ran {
                // When nobody asked for the whole run, a boot that ended badly
                // must not pass through a case that did nothing wrong.
                let verdict = match ran.verdict {
                    Verdict::Passed if !ends_well && !self.wants_whole() => boot.whole.clone(),
                    verdict => verdict,
                };
                let mut report = self.case_report(&ran.name, &verdict, &outcome.serial[ran.lines]);
                report.took = ran.took;
                report.log = log.clone();
                if !report.status.is_good() {
                    report.registers = outcome.registers.clone();
                }
                self.tell_one(report, tell);
            }
            if whole == Verdict::Passed {
                whole = boot.whole;
            }
            match boot.rest {
                Rest::FreshBoot { skip: more } => skip = more,
                Rest::Nothing | Rest::Hopeless => {
                    self.tell_rest(&whole, took, &outcome, log, tell);
                    return Ok(());
                }
            }
        }
    }

    /// One case is asked for by name; more come with all others, for the
    /// kernel takes one filter, and what was not chosen is not reported.
    fn option(&self) -> String {
        match self.waiting.as_slice() {
            [index] if *index < self.job.cases.len() => {
                format!("ktest={}", self.job.cases[*index])
            }
            _ => "ktest".to_owned(),
        }
    }

    fn wants_whole(&self) -> bool {
        self.waiting.contains(&self.job.cases.len())
    }

    fn save(&self, outcome: &Outcome, skip: usize) -> Option<PathBuf> {
        let whole = &self.job.labels[self.job.cases.len()].name;
        let name = whole.replace(WHOLE, &format!("boot{}", self.number));
        logs::save(self.cx, &name, self.job.row.leaves(), skip, outcome)
    }

    fn case_report(&self, case: &str, verdict: &Verdict, lines: &[Line]) -> Report {
        let index = self.job.cases.iter().position(|name| name == case);
        let name = index.map_or(case, |index| self.job.labels[index].name.as_str());
        let mut report = Report::new(name, Status::of(verdict), Duration::ZERO);
        report.output = lines.iter().map(|line| line.text.clone()).collect();
        logs::write(self.cx, name, &(report.output.join("\n") + "\n"));
        report
    }

    /// Tells about a case once, and only if it was chosen.
    fn tell_one(&mut self, report: Report, tell: &mut dyn FnMut(Report)) {
        let labels = &self.job.labels;
        let place = self
            .waiting
            .iter()
            .position(|index| labels[*index].name == report.name);
        if let Some(place) = place {
            self.waiting.remove(place);
            tell(report);
        }
    }

    /// What is left: the whole run, and cases that never began.
    fn tell_rest(
        &mut self,
        whole: &Verdict,
        took: Duration,
        last: &Outcome,
        log: Option<PathBuf>,
        tell: &mut dyn FnMut(Report),
    ) {
        for index in std::mem::take(&mut self.waiting) {
            let is_whole = index == self.job.cases.len();
            let verdict = match whole {
                Verdict::Passed if !is_whole => {
                    Verdict::Failed(Cause::Missing("any sign of this case".to_owned()))
                }
                verdict => verdict.clone(),
            };
            let mut report = Report::new(
                &self.job.labels[index].name,
                Status::of(&verdict),
                Duration::ZERO,
            );
            if is_whole {
                report.took = took;
            }
            if verdict != Verdict::Passed {
                report.output = texts(last);
                report.registers = last.registers.clone();
            }
            report.log = log.clone();
            tell(report);
        }
    }
}
