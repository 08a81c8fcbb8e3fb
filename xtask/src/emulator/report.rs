//! What is said about one run of `cargo xtask qemu` after it is over.
//!
//! Owns the closing line, the message of a failure with the last lines and the
//! registers, and the JSON document. Pure: it is made from the outcome alone.

use std::time::Duration;

use serde::Serialize;

use crate::failure::{Exit, Failure, Result};
use crate::interrupt;
use crate::machine::Emulator;
use crate::testing::verdict::{self, Verdict};

use super::console::Match;
use super::outcome::{End, Limit, Line, Outcome};
use super::script::Step;
use super::spec::{Leaving, MachineSpec};

/// How much of the console a failure shows.
const LAST_LINES: usize = 50;
/// The kernel's word that it is up.
const READY_PREFIX: &str = "exov6: ready in ";

/// Whether a script or a person talks to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The steps of a script.
    Script,
    /// A person, or the lines of standard input.
    Attended,
}

/// All that is known about a run once it is over.
pub struct Run<'a> {
    /// The machine.
    pub spec: &'a MachineSpec,
    /// The script; empty for a person.
    pub steps: &'a [Step],
    /// Who talked to the guest.
    pub mode: Mode,
    /// What had been expected and came.
    pub matches: Vec<Match>,
    /// The step that did not come, if one did not.
    pub broken: Option<usize>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Run<'_> {
    /// The closing line, or why it failed.
    ///
    /// # Errors
    /// With the exit code that belongs to how it ended.
    pub fn judge(&self) -> Result<String> {
        let seconds = self.outcome.elapsed.as_secs_f64();
        if let End::Interrupted(signal) = self.outcome.end {
            return Err(interrupt::failure(signal));
        }
        let waiting = match (self.mode, self.broken) {
            (Mode::Script, None) => {
                let count = self.matches.len();
                return Ok(format!(
                    "all {count} expected lines came, in {seconds:.2} s"
                ));
            }
            (Mode::Script, Some(step)) => {
                let step_text = self
                    .steps
                    .get(step)
                    .map(Step::to_string)
                    .unwrap_or_default();
                format!(
                    " while waiting for {step_text} (step {} of {})",
                    step + 1,
                    self.steps.len()
                )
            }
            (Mode::Attended, _) if self.outcome.end == End::Stopped => {
                return Ok(format!("left the machine after {seconds:.1} s"));
            }
            (Mode::Attended, _) => String::new(),
        };
        let verdict = self.verdict();
        if self.mode == Mode::Attended && verdict == Verdict::Passed {
            return Ok(format!(
                "the machine ended with success after {seconds:.1} s"
            ));
        }
        let exit = match self.outcome.end {
            End::Deadline(Limit::Boot | Limit::Silence | Limit::Total) => Exit::Deadline,
            // It hangs in its end; as a script's deadline that is no less.
            End::Deadline(Limit::Leave) if self.mode == Mode::Script => Exit::Deadline,
            _ => Exit::Failed,
        };
        let how = match verdict {
            Verdict::Passed => "the machine ended with success".to_owned(),
            other => other.to_string(),
        };
        let what = format!(
            "{how}{waiting}, after {seconds:.1} s{}",
            last_words(&self.outcome)
        );
        let mend = no_screen(&self.outcome).then(|| NO_SCREEN.to_owned());
        Err(Failure { exit, what, mend })
    }

    fn verdict(&self) -> Verdict {
        let leaving = match self.spec.emulator {
            Emulator::Bochs => Leaving::Marker,
            Emulator::Qemu => self.spec.leaving,
        };
        verdict::judge(&self.outcome, leaving)
    }

    /// What `--json` prints.
    pub fn document(&self, judged: &Result<String>) -> Document<'_> {
        let ms = |at: Duration| at.as_secs_f64() * 1e3;
        let ready = self
            .outcome
            .serial
            .iter()
            .find(|line| line.text.starts_with(READY_PREFIX));
        let expects = self.steps.iter().filter_map(|step| match step {
            Step::Expect(pattern) => Some(pattern.as_str()),
            Step::Send(_) => None,
        });
        let expects = expects.enumerate().map(|(index, pattern)| {
            let found = self.matches.get(index);
            Expected {
                pattern,
                at_ms: found.map(|found| ms(found.at)),
                text: found.map(|found| found.text.clone()),
            }
        });
        let verdict = match (self.mode, judged) {
            (Mode::Script, Ok(_)) => "expected",
            (Mode::Attended, Ok(_)) if self.outcome.end == End::Stopped => "left",
            _ => self.verdict().kind(),
        };
        Document {
            version: 1,
            command: "qemu",
            verdict,
            exit: judged
                .as_ref()
                .err()
                .map_or(Exit::Done, |failure| failure.exit)
                .code(),
            accelerator: self.spec.accel.word(),
            elapsed_ms: ms(self.outcome.elapsed),
            first_byte_ms: self.outcome.first_byte.map(ms),
            ready_ms: ready.map(|line| ms(line.at)),
            expects: expects.collect(),
            lines: self
                .outcome
                .serial
                .iter()
                .map(|line| Said::new(line, ms(line.at)))
                .collect(),
            registers: self.outcome.registers.as_deref(),
            emulator_said: &self.outcome.stderr,
        }
    }
}

/// The end of the console, the registers, and QEMU's own complaints.
pub fn last_words(outcome: &Outcome) -> String {
    let lines = outcome.last_lines(LAST_LINES);
    let mut text = match lines.len() {
        0 => "\nthe console stayed empty".to_owned(),
        1 => "\nthe only line on the console:".to_owned(),
        count => format!("\nthe last {count} lines on the console:"),
    };
    for line in lines {
        text.push_str(&format!(
            "\n  {:>9.3} s  {}",
            line.at.as_secs_f64(),
            line.text
        ));
    }
    if let Some(registers) = &outcome.registers {
        text.push_str("\nthe registers:");
        registers
            .lines()
            .for_each(|line| text.push_str(&format!("\n  {line}")));
    }
    let complaints = outcome.stderr.trim();
    if !complaints.is_empty() {
        text.push_str("\nthe emulator said:");
        complaints
            .lines()
            .for_each(|line| text.push_str(&format!("\n  {line}")));
    }
    text
}

/// What to do when QEMU's window has no screen to be on.
const NO_SCREEN: &str = "no screen can be reached from here: set DISPLAY or WAYLAND_DISPLAY, or use \
     --display curses";

fn no_screen(outcome: &Outcome) -> bool {
    outcome.stderr.contains("gtk initialization failed")
}

/// What `--json` prints. Only grows; `version` changes when it must shrink.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    version: u32,
    command: &'static str,
    verdict: &'static str,
    exit: u8,
    accelerator: &'static str,
    elapsed_ms: f64,
    first_byte_ms: Option<f64>,
    ready_ms: Option<f64>,
    expects: Vec<Expected<'a>>,
    lines: Vec<Said<'a>>,
    registers: Option<&'a str>,
    emulator_said: &'a str,
}

#[derive(Debug, Serialize)]
struct Expected<'a> {
    pattern: &'a str,
    at_ms: Option<f64>,
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct Said<'a> {
    at_ms: f64,
    text: &'a str,
}

impl<'a> Said<'a> {
    fn new(line: &'a Line, at_ms: f64) -> Self {
        Said {
            at_ms,
            text: &line.text,
        }
    }
}
