//! The system ring's routines: each group of rows is a boot, each routine a case.
//!
//! Owns what a case's verdict is: the routine must be like the table in the
//! documentation says, better or worse is a failure; and only one that is like
//! the reference's has passed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::stage::{Stage, USUAL};
use super::{not_started, texts};
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::emulator::{Line, Outcome};
use crate::failure::{Doing, Result};
use crate::peer::Peer;
use crate::testing::artifacts::Artifacts;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::logs;
use crate::testing::matrix::{ORDINARY, Row};
use crate::testing::routines::table::{self, FILE};
use crate::testing::routines::{self, GROUPS, Group, Seen, State};
use crate::testing::suite::Records;
use crate::testing::trials::{Kernel, spoken};
use crate::testing::verdict::{Cause, Verdict};

/// One job at a time reads and writes the document.
static DOCUMENT: Mutex<()> = Mutex::new(());

pub(super) fn jobs(
    artifacts: &Arc<Artifacts>,
    profile: Profile,
    peer: Option<Peer>,
    records: Records,
) -> Vec<Box<dyn Job>> {
    let row = Row { smp: 1, ..ORDINARY };
    let stage = |kernel| Stage {
        kernel,
        row,
        profile,
        artifacts: Arc::clone(artifacts),
        total: USUAL,
    };
    let label = |name: String| Label {
        name,
        ring: Ring::System,
        machine: Some((row.cpu, row.smp)),
    };
    let build = match profile {
        Profile::Release => "",
        Profile::Dev => "@dev",
    };
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for group in GROUPS {
        let name = |routine| format!("system::routines{build}::{}::{routine}", group.name);
        let routines = group.routines();
        jobs.push(Box::new(GroupJob {
            group,
            stage: stage(Kernel::Exov6),
            records,
            labels: routines
                .iter()
                .map(|routine| label(name(*routine)))
                .collect(),
            routines,
        }));
        if let Some(peer) = peer {
            jobs.push(Box::new(PeerJob {
                group,
                stage: stage(Kernel::Gnumach),
                records,
                label: [label(format!(
                    "system::{peer}{build}::routines::{}",
                    group.name
                ))],
            }));
        }
    }
    jobs
}

/// The task of a group.
fn task(group: &Group) -> String {
    format!("routines {} ${{host-port}} ${{device-port}}", group.name)
}

/// Whether the last line has come, or our kernel has ended the program.
fn is_over(group: &Group, lines: &[Line]) -> bool {
    let (lines, end) = (spoken(lines), group.end());
    let is_last = |line: &&str| **line == end || line.starts_with("exov6: thread of ");
    lines.iter().any(is_last)
}

/// A group on our kernel.
struct GroupJob {
    group: &'static Group,
    stage: Stage,
    records: Records,
    labels: Vec<Label>,
    /// One a label.
    routines: Vec<&'static str>,
}

impl Job for GroupJob {
    fn labels(&self) -> &[Label] {
        &self.labels
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        self.stage.prepare(cx, &[&task(self.group)])
    }

    fn run(&self, cx: &Context, chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        if let Err(failure) = self.reports(cx, chosen, tell) {
            for index in chosen {
                tell(not_started(&self.labels[*index].name, &failure));
            }
        }
    }
}

impl GroupJob {
    fn reports(&self, cx: &Context, chosen: &[usize], tell: &mut dyn FnMut(Report)) -> Result<()> {
        let group = self.group;
        let outcome = self
            .stage
            .run(cx, &[&task(group)], |lines| is_over(group, lines), |_| {})?;
        let whole = match self.stage.judge(&outcome) {
            Verdict::Passed if !spoken(&outcome.serial).contains(&group.end().as_str()) => {
                Verdict::Failed(Cause::Missing(format!("`{}`", group.end())))
            }
            other => other,
        };
        let mut seen = group.seen(&spoken(&outcome.serial));
        // Of a program that did not end nothing is written down.
        if self.records == Records::Written && whole == Verdict::Passed {
            self.write(cx, chosen, &seen)?;
        }
        let recorded = table::recorded(&read(cx)?.1);
        let log = logs::save(
            cx,
            &format!("system::routines::{}", group.name),
            self.stage.row.leaves(),
            0,
            &outcome,
        );
        for index in chosen {
            let routine = self.routines[*index];
            let Some(seen) = seen.remove(routine) else {
                continue;
            };
            let key = (group.name.to_owned(), routine.to_owned());
            let documented = recorded.get(&key).map(String::as_str);
            let status = match (&whole, seen.state) {
                // A boot that ended badly says nothing good of what it showed.
                (Verdict::Passed, _) => status(&seen, documented),
                (whole, _) => Status::of(whole),
            };
            let mut report = Report::new(&self.labels[*index].name, status, Duration::ZERO);
            report.took = outcome.elapsed / self.routines.len().max(1) as u32;
            report.log = log.clone();
            report.output = texts(&outcome);
            let own = |line: &String| line.contains(routine) || line.starts_with("exov6: ");
            report.output.retain(own);
            tell(report);
        }
        Ok(())
    }

    /// Writes what was seen of the chosen routines into the document.
    fn write(
        &self,
        cx: &Context,
        chosen: &[usize],
        seen: &BTreeMap<&'static str, Seen>,
    ) -> Result<()> {
        let _one = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, text) = read(cx)?;
        let mut states = table::recorded(&text);
        for routine in chosen.iter().map(|index| self.routines[*index]) {
            if let Some(seen) = seen.get(routine) {
                let key = (self.group.name.to_owned(), routine.to_owned());
                states.insert(key, seen.state.to_string());
            }
        }
        let text = table::written(&text, &states);
        let text = text.doing(format_args!("finding the table's place in {FILE}"))?;
        fs::write(&file, text).doing(format_args!("writing {}", file.display()))
    }
}

fn read(cx: &Context) -> Result<(PathBuf, String)> {
    let file = cx.project.root().join(FILE);
    let text = fs::read_to_string(&file).doing(format_args!("reading {}", file.display()))?;
    Ok((file, text))
}

fn status(seen: &Seen, documented: Option<&str>) -> Status {
    let state = seen.state.to_string();
    if documented != Some(state.as_str()) {
        let mut what = format!(
            "`{}` in {FILE}, and the kernel is: {state}",
            documented.unwrap_or("nothing")
        );
        if let Some((wanted, heard)) = &seen.wrong {
            let heard = heard.as_deref().unwrap_or("nothing");
            what.push_str(&format!("; `{heard}` where GNU Mach has `{wanted}`"));
        }
        what.push_str("; if that is right: cargo xtask test --ring system routines --bless");
        return Status::of(&Verdict::Failed(Cause::Unexpected(what)));
    }
    match seen.state {
        State::Same => Status::Passed,
        State::Missing | State::Partly(..) => Status::Skipped(state),
    }
}

/// A group on the reference: the recorded rows must be what it answers.
struct PeerJob {
    group: &'static Group,
    stage: Stage,
    records: Records,
    label: [Label; 1],
}

impl Job for PeerJob {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        self.stage.prepare(cx, &[&task(self.group)])
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        let report = self.run_it(cx).map(|(verdict, outcome)| {
            super::report_of(cx, name, &self.stage.row, &verdict, &outcome)
        });
        tell(report.unwrap_or_else(|failure| not_started(name, &failure)));
    }
}

impl PeerJob {
    fn run_it(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let group = self.group;
        let outcome = self
            .stage
            .run(cx, &[&task(group)], |lines| is_over(group, lines), |_| {})?;
        let lines = spoken(&outcome.serial);
        let verdict = match self.stage.judge(&outcome) {
            Verdict::Passed if self.records == Records::Written => {
                let file = format!("user/tests/routines/expected/{}.txt", group.name);
                let file = cx.project.root().join(file);
                let text = routines::rows(&lines).join("\n") + "\n";
                fs::write(&file, text).doing(format_args!("writing {}", file.display()))?;
                Verdict::Passed
            }
            Verdict::Passed => match group.gone_from_reference(&lines) {
                None => Verdict::Passed,
                Some((wanted, heard)) => {
                    let what = format!("`{heard}` where `{wanted}` is recorded");
                    Verdict::Failed(Cause::Unexpected(what))
                }
            },
            other => other,
        };
        Ok((verdict, outcome))
    }
}
