//! The system ring: the kernel people boot, on every machine of the table.
//!
//! Owns the conversation with a booted kernel; what it must say is checked by
//! `system_log` and, for the README's transcript, by `readme`.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::{not_started, program, report_of};
use crate::cli::{Profile, Ring};
use crate::cmd::build;
use crate::compile::write_whole;
use crate::context::Context;
use crate::emulator::Outcome;
use crate::emulator::session::{Limits, Session};
use crate::emulator::spec::MachineSpec;
use crate::emulator::start;
use crate::failure::{Doing, Result};
use crate::image::Module;
use crate::machine::Cpu;
use crate::testing::artifacts::{Artifacts, COMMAND_LINE};
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::matrix::{self, Extent, Loader, ORDINARY, Row};
use crate::testing::readme::Transcript;
use crate::testing::verdict::{Cause, Verdict, judge};
use crate::testing::{shell_log, system_log};
use crate::{system, tools};

const LIMITS: Limits = Limits {
    boot: Duration::from_secs(30),
    silence: Duration::from_secs(30),
    total: Duration::from_secs(60),
    leave: Duration::from_secs(3),
};

pub(super) fn jobs(
    artifacts: &Arc<Artifacts>,
    profile: Profile,
    extent: Extent,
) -> Vec<Box<dyn Job>> {
    let rows = matrix::system(extent).into_iter();
    let machines = rows.map(|row| SystemBoot::boxed(artifacts, profile, row, Talk::Health));
    let others = [
        (ORDINARY, Talk::Readme),
        (ORDINARY, Talk::AfterPanic),
        // One processor, so that nobody prints into another's line.
        (Row { smp: 1, ..ORDINARY }, Talk::Modules),
        (ORDINARY, Talk::Shell),
        (
            Row {
                cpu: Cpu::Pentium,
                smp: 1,
                ..ORDINARY
            },
            Talk::Shell,
        ),
        (
            Row {
                cpu: Cpu::Pentium,
                smp: 2,
                ..ORDINARY
            },
            Talk::Shell,
        ),
        (Row { smp: 1, ..ORDINARY }, Talk::Shell),
        (Row { smp: 4, ..ORDINARY }, Talk::Shell),
    ];
    let others = others.map(|(row, talk)| SystemBoot::boxed(artifacts, profile, row, talk));
    machines.chain(others).collect()
}

/// Prints the builds and the boots.
pub(super) fn dry_run(
    cx: &Context,
    artifacts: &Artifacts,
    profile: Profile,
    rows: &[Row],
) -> Result<()> {
    for row in rows {
        let boot = artifacts.boot(cx, row, profile)?;
        cx.ui.echo(&start::command(cx, &row.machine(boot)));
    }
    Ok(())
}

/// What is said at the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    /// `cpus`, `mem`, `poweroff`, and the answers must fit the machine.
    Health,
    /// What the README shows, and the answers must be the README's.
    Readme,
    /// A panic at the prompt, where `panic=kdb` asks for another prompt: the
    /// monitor answers though the panic left its locks locked.
    AfterPanic,
    /// Two modules with a line each become tasks that print their arguments.
    Modules,
    /// Commands of the shell, and what they answer.
    Shell,
}

struct SystemBoot {
    row: Row,
    talk: Talk,
    profile: Profile,
    artifacts: Arc<Artifacts>,
    label: [Label; 1],
}

impl SystemBoot {
    fn boxed(artifacts: &Arc<Artifacts>, profile: Profile, row: Row, talk: Talk) -> Box<dyn Job> {
        let build = match profile {
            Profile::Release => "",
            Profile::Dev => "@dev",
        };
        let name = match talk {
            Talk::Health => format!("system::boot{build}::{row}"),
            Talk::Readme => format!("system::readme{build}::transcript"),
            Talk::AfterPanic => format!("system::monitor{build}::after_a_panic"),
            Talk::Modules => format!("system::modules{build}::become_tasks"),
            Talk::Shell => format!("system::shell{build}::{row}"),
        };
        let label = Label {
            name,
            ring: Ring::System,
            machine: Some((row.cpu, row.smp)),
        };
        let artifacts = Arc::clone(artifacts);
        Box::new(SystemBoot {
            row,
            talk,
            profile,
            artifacts,
            label: [label],
        })
    }
}

impl Job for SystemBoot {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        tools::require(cx, self.row.tools())?;
        self.artifacts.boot(cx, &self.row, self.profile).map(drop)
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        if !self.row.memory.fits_here() {
            let why = format!("a 32-bit emulator cannot give {}", self.row.memory);
            let name = &self.label[0].name;
            return tell(Report::new(name, Status::Skipped(why), Duration::ZERO));
        }
        let report = self.report(cx);
        tell(report.unwrap_or_else(|failure| not_started(&self.label[0].name, &failure)));
    }
}

impl SystemBoot {
    fn report(&self, cx: &Context) -> Result<Report> {
        let (verdict, outcome) = match self.talk {
            Talk::Health => self.health(cx)?,
            Talk::AfterPanic => self.after_panic(cx)?,
            Talk::Modules => self.modules(cx)?,
            Talk::Shell => self.shell(cx)?,
            Talk::Readme => match self.readme(cx)? {
                Some(compared) => compared,
                None => {
                    let what = "a ```console block with the kernel's banner in README.md";
                    let verdict = Verdict::Failed(Cause::Missing(what.to_owned()));
                    let status = Status::of(&verdict);
                    return Ok(Report::new(&self.label[0].name, status, Duration::ZERO));
                }
            },
        };
        Ok(report_of(
            cx,
            &self.label[0].name,
            &self.row,
            &verdict,
            &outcome,
        ))
    }

    fn health(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let outcome = self.converse(cx, COMMAND_LINE, &["cpus", "mem", "poweroff"])?;
        let verdict = match judge(&outcome, self.row.leaves()) {
            Verdict::Passed => system_log::check(&self.row, COMMAND_LINE, &outcome.serial),
            other => other,
        };
        Ok((verdict, outcome))
    }

    fn after_panic(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let outcome = self.converse(cx, "panic=kdb", &["panic on purpose", "mem", "poweroff"])?;
        let verdict = system_log::check_after_panic(&outcome, "on purpose", self.row.leaves());
        Ok((verdict, outcome))
    }

    fn modules(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let folder = cx.project.target().join("test-programs");
        let file = folder.join("echo");
        write_whole(&file, &program::echo())?;
        let module = |arguments: &str| Module {
            file: file.clone(),
            arguments: arguments.to_owned(),
        };
        let modules = vec![
            module("${host-port} ${device-port} of-one=${word} $(one=task-create) $(task-resume)"),
            module("of-two ${one} $(task-create) $(task-resume)"),
            module("never-runs"),
        ];
        let boot = self.artifacts.boot(cx, &self.row, self.profile)?;
        let machine = MachineSpec {
            append: Some("word=given".to_owned()),
            modules,
            ..self.row.machine(boot)
        };
        // What is typed is shown wherever the tasks are with what they print.
        let printed = Regex::new("of-(one=given|two 1) ").doing("compiling a pattern")?;
        let mut session = Session::start(cx, &machine, LIMITS)?;
        if session.wait_for(&printed).is_ok() && session.wait_for(&printed).is_ok() {
            session.send("poweroff");
        }
        let outcome = session.finish();
        let verdict = match judge(&outcome, self.row.leaves()) {
            Verdict::Passed => system_log::check_modules(
                &outcome.serial,
                &["1 2 of-one=given ", "of-two 1 "],
                "never-runs",
            ),
            other => other,
        };
        Ok((verdict, outcome))
    }

    /// `None` if the README shows no run.
    fn readme(&self, cx: &Context) -> Result<Option<(Verdict, Outcome)>> {
        let path = cx.project.root().join("README.md");
        // No README is a README without a transcript.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let Some(transcript) = Transcript::find(&text) else {
            return Ok(None);
        };
        let mut typed: Vec<&str> = transcript.typed().collect();
        if typed.last() != Some(&"halt") {
            typed.push("halt");
        }
        let outcome = self.at_shell(cx, &typed)?;
        let verdict = match judge(&outcome, self.row.leaves()) {
            Verdict::Passed => {
                transcript.compare(outcome.serial.iter().map(|line| line.text.as_str()))
            }
            other => other,
        };
        Ok(Some((verdict, outcome)))
    }

    fn shell(&self, cx: &Context) -> Result<(Verdict, Outcome)> {
        let typed: Vec<&str> = shell_log::CONVERSATION
            .iter()
            .map(|turn| turn.typed)
            .collect();
        let outcome = self.at_shell(cx, &typed)?;
        let verdict = match judge(&outcome, self.row.leaves()) {
            Verdict::Passed => shell_log::check(&outcome.serial),
            other => other,
        };
        Ok((verdict, outcome))
    }

    /// Types these lines at the shell's prompt.
    fn at_shell(&self, cx: &Context, lines: &[&str]) -> Result<Outcome> {
        let request = build::Request {
            profile: self.profile,
            ..build::Request::default()
        };
        self.artifacts.system(cx, self.profile)?;
        let boot = self.artifacts.boot(cx, &self.row, self.profile)?;
        let machine = MachineSpec {
            modules: system::modules(cx, &request),
            ..self.row.machine(boot)
        };
        let prompt = Regex::new(shell_log::PROMPT).doing("compiling the prompt's pattern")?;
        let mut session = Session::start(cx, &machine, LIMITS)?;
        for line in lines {
            if session.wait_for(&prompt).is_err() {
                break;
            }
            session.send(line);
        }
        Ok(session.finish())
    }

    fn converse(&self, cx: &Context, command_line: &str, lines: &[&str]) -> Result<Outcome> {
        let boot = self.artifacts.boot(cx, &self.row, self.profile)?;
        // On a CD it is in the menu.
        let append = match self.row.loader {
            Loader::Kernel | Loader::Pvh if !command_line.is_empty() => {
                Some(command_line.to_owned())
            }
            Loader::Kernel | Loader::Pvh | Loader::Iso => None,
        };
        let machine = MachineSpec {
            append,
            ..self.row.machine(boot)
        };
        super::converse(cx, &machine, LIMITS, lines)
    }
}
