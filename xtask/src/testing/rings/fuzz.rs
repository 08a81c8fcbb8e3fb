//! The system ring's random programs: three tasks throw calls at the kernel, supply
//! memory as no pager should, or end and use up what others need.
//!
//! Owns how many calls and which seed; a run without calls before it says what
//! memory is in use anyway. Whether it came back is judged by `fuzzing`.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Stage, whole_lines};
use super::{not_started, report_of};
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::emulator::session::{Heard, Session};
use crate::emulator::{Line, Outcome};
use crate::failure::Result;
use crate::machine::Memory;
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report};
use crate::testing::fuzzing::Counts;
use crate::testing::job::Job;
use crate::testing::matrix::{Extent, ORDINARY, Row};
use crate::testing::trials::{Kernel, spoken};
use crate::testing::verdict::{Cause, Verdict};

/// Tasks.
const TASKS: u32 = 3;
/// The same calls in every run.
const SEED: u32 = 2_026;
/// A program, what it is told, and how many calls all tasks make together.
struct Program {
    label: &'static str,
    name: &'static str,
    /// Behind its number, the seed, and how many calls.
    words: &'static str,
    some: u32,
    many: u32,
    smp: &'static [u32],
    /// The same for `--nightly`.
    smp_nightly: &'static [u32],
    memory_mib: u32,
}
const PROGRAMS: [Program; 6] = [
    program("fuzz", 100_000, 10_000_000),
    program("pagers", 600, 30_000),
    Program {
        words: "lives",
        ..stress("stress-lives", 450, 150_000)
    },
    Program {
        words: "ports",
        ..stress("stress-ports", 3_000, 3_000_000)
    },
    Program {
        words: "memory",
        ..stress("stress-memory", 600, 1_000_000)
    },
    Program {
        words: "shortage ${host-port}",
        // What is to be used up is not to take long.
        memory_mib: 8,
        // With four it was once seen to hang, for a reason that is not found yet.
        smp: &[1],
        ..stress("stress-shortage", 15, 1_200)
    },
];

const fn program(name: &'static str, some: u32, many: u32) -> Program {
    Program {
        label: name,
        name,
        words: "",
        some,
        many,
        smp: &[1, 2, 4],
        smp_nightly: &[1, 2, 4],
        memory_mib: 256,
    }
}

const fn stress(label: &'static str, some: u32, many: u32) -> Program {
    Program {
        label,
        smp: &[1, 2, 4, 8],
        smp_nightly: &[1, 2, 4, 8],
        ..program("stress", some, many)
    }
}

/// How long they may take.
const TOTAL: Duration = Duration::from_secs(1800);
/// How often the monitor is asked: the tasks that said their last lines have yet to
/// be cleared away.
const QUESTIONS: u32 = 2_000;
/// The end of its answer.
const ANSWER: &str = "pages for mappings in use";

pub(super) fn jobs(
    artifacts: &Arc<Artifacts>,
    profile: Profile,
    extent: Extent,
) -> Vec<Box<dyn Job>> {
    let build = match profile {
        Profile::Release => "",
        Profile::Dev => "@dev",
    };
    let machines = PROGRAMS.iter().flat_map(|of| {
        let smp = match extent {
            Extent::Default => of.smp,
            Extent::Nightly => of.smp_nightly,
        };
        smp.iter().map(move |smp| (of, *smp))
    });
    let jobs = machines.map(|(program, smp)| -> Box<dyn Job> {
        let row = Row {
            smp,
            memory: Memory::from_mib(program.memory_mib),
            ..ORDINARY
        };
        let calls = match extent {
            Extent::Default => program.some,
            Extent::Nightly => program.many,
        };
        let label = Label {
            name: format!("system::{}{build}::smp{smp}", program.label),
            ring: Ring::System,
            machine: Some((row.cpu, row.smp)),
        };
        Box::new(FuzzJob {
            program,
            calls: calls / TASKS,
            stage: Stage {
                kernel: Kernel::Exov6,
                row,
                profile,
                artifacts: Arc::clone(artifacts),
                total: TOTAL,
            },
            label: [label],
        })
    });
    jobs.collect()
}

struct FuzzJob {
    program: &'static Program,
    /// Of each task.
    calls: u32,
    stage: Stage,
    label: [Label; 1],
}

impl Job for FuzzJob {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        self.stage
            .prepare(cx, &[&format!("{} 1 1 0", self.program.name)])
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        let report = self
            .run_it(cx)
            .map(|(verdict, outcome)| report_of(cx, name, &self.stage.row, &verdict, &outcome));
        tell(report.unwrap_or_else(|failure| not_started(name, &failure)));
    }
}

impl FuzzJob {
    fn run_it(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let first = self.boot(cx, 0, None)?;
        let (verdict, before) = self.counts(&first);
        let Some(before) = before else {
            return Ok((verdict, first));
        };
        let after = self.boot(cx, self.calls, Some(before))?;
        let (verdict, counts) = self.counts(&after);
        Ok(match counts {
            Some(counts) => (counts.check_after(&before), after),
            None => (verdict, after),
        })
    }

    /// Asks once, or until the counts are those `before`.
    fn boot(&self, cx: &Context, calls: u32, before: Option<Counts>) -> Result<Outcome> {
        let Program { name, words, .. } = self.program;
        let task =
            |own| format!("{name} {own} {SEED} {calls} {words} $(task-create) $(task-resume)");
        let tasks: Vec<String> = (1..=TASKS).map(task).collect();
        let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let is_over = |lines: &[Line]| ended(name, lines) == TASKS;
        let good = |session: &Session| {
            let counts = Counts::last(&spoken(whole_lines(session.console())));
            before.is_none_or(|before| {
                counts.is_some_and(|counts| counts.check_after(&before) == Verdict::Passed)
            })
        };
        self.stage.run(cx, &tasks, is_over, |session| {
            for _ in 0..QUESTIONS {
                if !answered(session) || good(session) {
                    return;
                }
            }
        })
    }

    /// The counts after a run that went well, or why there are none.
    fn counts(&self, outcome: &Outcome) -> (Verdict, Option<Counts>) {
        match self.stage.judge(outcome) {
            Verdict::Passed => {}
            other => return (other, None),
        }
        if ended(self.program.name, &outcome.serial) != TASKS {
            let what = format!("the last line of each of {TASKS} tasks");
            return (Verdict::Failed(Cause::Missing(what)), None);
        }
        match Counts::last(&spoken(&outcome.serial)) {
            Some(counts) => (Verdict::Passed, Some(counts)),
            None => {
                let what = "the answer to `mem`".to_owned();
                (Verdict::Failed(Cause::Missing(what)), None)
            }
        }
    }
}

/// Asks the monitor for its counts; whether it answered.
fn answered(session: &mut Session) -> bool {
    let answers = |session: &Session| {
        let lines = whole_lines(session.console()).iter();
        lines.filter(|line| line.text.ends_with(ANSWER)).count()
    };
    let before = answers(session);
    session.send("mem");
    while answers(session) == before {
        if let Heard::End(_) = session.wait() {
            return false;
        }
    }
    true
}

/// How many tasks have said their last line.
fn ended(program: &str, lines: &[Line]) -> u32 {
    let lines = spoken(lines);
    let last = |own: &u32| {
        let begin = format!("{program} {own}: ");
        let mut lines = lines.iter();
        lines.any(|line| line.starts_with(&begin) && line.ends_with(" messages"))
    };
    (1..=TASKS).filter(last).count() as u32
}
