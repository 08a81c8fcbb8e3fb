//! Reads what the kernel's own tests say on the console.
//!
//! Owns the words of the protocol (`ktest: plan`, `run`, `ok`, `failed`,
//! `list`) and what follows from one boot: a result for each case that began,
//! and whether the rest need a fresh boot. Called by the ktest ring and by
//! `--from-log`. Pure: it looks at an [`Outcome`] and touches nothing.

use std::time::Duration;

use super::verdict::{Cause, Verdict, judge};
use crate::emulator::spec::Leaving;
use crate::emulator::{Line, Outcome};

/// What became of one case inside a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The name as the kernel prints it.
    pub name: String,
    /// Passed, failed with its reason, or whatever ended the boot meanwhile.
    pub verdict: Verdict,
    /// From its `run` line to its last line.
    pub took: Duration,
    /// Its lines on the console: a range of indices.
    pub lines: std::ops::Range<usize>,
}

/// What one boot amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// How many cases the kernel selected, those it was told to skip included.
    pub planned: Option<usize>,
    /// The cases that began, in order.
    pub ran: Vec<Ran>,
    /// What the boot as a whole did wrong beyond its cases, if anything.
    pub whole: Verdict,
    /// Whether cases remain that only a fresh boot can run.
    pub rest: Rest,
}

/// What remains after a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: every planned case began.
    Nothing,
    /// A boot that skips this many of the selected cases.
    FreshBoot {
        /// The value of `ktest-skip=`.
        skip: usize,
    },
    /// Cases remain, and another boot would do no better.
    Hopeless,
}

/// One line of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    Plan(usize),
    List(&'a str),
    Run(&'a str),
    Passed(&'a str),
    Failed(&'a str, &'a str),
}

fn word(line: &str) -> Option<Word<'_>> {
    let rest = line.strip_prefix("ktest: ")?;
    let (verb, operand) = rest.split_once(' ')?;
    let operand = operand.trim_end();
    match verb {
        "plan" => operand.parse().ok().map(Word::Plan),
        "list" => Some(Word::List(operand)),
        "run" => Some(Word::Run(operand)),
        "ok" => Some(Word::Passed(operand)),
        "failed" => {
            // A case's name has `::` in it but never a colon and a blank.
            let (name, why) = operand
                .split_once(": ")
                .unwrap_or((operand, "no reason given"));
            Some(Word::Failed(name, why))
        }
        _ => None,
    }
}

/// The names a kernel listed for `ktest-list`, or why that is no list.
pub fn listed(outcome: &Outcome) -> Result<Vec<String>, Verdict> {
    match judge(outcome, Leaving::ExitPort) {
        Verdict::Passed => {}
        other => return Err(other),
    }
    let names = outcome
        .serial
        .iter()
        .filter_map(|line| match word(&line.text) {
            Some(Word::List(name)) => Some(name.to_owned()),
            _ => None,
        });
    Ok(names.collect())
}

/// Reads a boot that was told to skip `skipped` of its selected cases.
pub fn read(outcome: &Outcome, leaves: Leaving, skipped: usize) -> Boot {
    let verdict = judge(outcome, leaves);
    let mut planned = None;
    let mut ran: Vec<Ran> = Vec::new();
    let mut open: Option<(usize, &Line)> = None;
    for (index, line) in outcome.serial.iter().enumerate() {
        let ended = match word(&line.text) {
            Some(Word::Plan(count)) => {
                planned.get_or_insert(count);
                continue;
            }
            Some(Word::Run(_)) => {
                // A case that began before the last one ended: that one never
                // said how it ended.
                if let Some((first, begin)) = open.replace((index, line)) {
                    let verdict = missing("its end: the next case began");
                    ran.push(finished(first, begin, index, line.at, verdict));
                }
                continue;
            }
            Some(Word::Passed(name)) => (name, Verdict::Passed),
            Some(Word::Failed(name, why)) => (name, failed(why)),
            Some(Word::List(_)) | None => continue,
        };
        let Some((first, begin)) = open.take() else {
            continue;
        };
        let (name, mut result) = ended;
        if word(&begin.text) != Some(Word::Run(name)) {
            result = missing(&format!("its end: `{name}` ended instead"));
        }
        ran.push(finished(first, begin, index + 1, line.at, result));
    }
    let unfinished = open.is_some();
    if let Some((first, begin)) = open {
        // What ended the boot ended the case; a good end is none of a case.
        let result = match &verdict {
            Verdict::Passed => missing("its end: the run ended"),
            Verdict::Failed(Cause::TestsFailed) => missing("its end: the run ended"),
            other => other.clone(),
        };
        ran.push(finished(
            first,
            begin,
            outcome.serial.len(),
            outcome.elapsed,
            result,
        ));
    }
    let facts = Facts {
        planned,
        seen: skipped + ran.len(),
        verdict,
        case_unfinished: unfinished,
    };
    let rest = facts.rest(&ran);
    let whole = facts.whole(&ran);
    Boot {
        planned,
        ran,
        whole,
        rest,
    }
}

/// What a boot showed besides its cases.
struct Facts {
    planned: Option<usize>,
    /// How many of the planned cases have begun, in this boot and before.
    seen: usize,
    verdict: Verdict,
    case_unfinished: bool,
}

impl Facts {
    fn rest(&self, ran: &[Ran]) -> Rest {
        match self.planned {
            Some(planned) if self.seen >= planned => Rest::Nothing,
            None if !ran.is_empty() && !self.case_unfinished => Rest::Nothing,
            _ if matches!(self.verdict, Verdict::Infrastructure(_)) => Rest::Hopeless,
            // Without progress a second boot would end where this one did.
            _ if ran.is_empty() => Rest::Hopeless,
            _ => Rest::FreshBoot { skip: self.seen },
        }
    }

    /// What is wrong with the boot beyond what its cases already say.
    fn whole(self, ran: &[Ran]) -> Verdict {
        let a_case_failed = ran.iter().any(|case| case.verdict != Verdict::Passed);
        match self.verdict {
            Verdict::Passed => self.plan_kept(ran),
            // The cases tell it better than the run.
            Verdict::Failed(Cause::TestsFailed) if a_case_failed => Verdict::Passed,
            Verdict::Failed(_) if self.case_unfinished => Verdict::Passed,
            other => other,
        }
    }

    fn plan_kept(&self, ran: &[Ran]) -> Verdict {
        let seen = self.seen;
        match self.planned {
            None => missing("the line `ktest: plan <count>`"),
            Some(0) => Verdict::Failed(Cause::ZeroTests),
            Some(planned) if seen < planned => {
                missing(&format!("{} of {planned} planned cases", planned - seen))
            }
            Some(planned) if seen > planned => {
                unexpected(&format!("{seen} cases ran where {planned} were planned"))
            }
            Some(_) if ran.iter().any(|case| case.verdict != Verdict::Passed) => {
                unexpected("the end says ok although cases failed")
            }
            Some(_) => Verdict::Passed,
        }
    }
}

fn finished(first: usize, begin: &Line, end: usize, at: Duration, verdict: Verdict) -> Ran {
    let name = match word(&begin.text) {
        Some(Word::Run(name)) => name.to_owned(),
        _ => String::new(),
    };
    Ran {
        name,
        verdict,
        took: at.saturating_sub(begin.at),
        lines: first..end,
    }
}

fn failed(why: &str) -> Verdict {
    Verdict::Failed(Cause::Case(why.to_owned()))
}

fn missing(what: &str) -> Verdict {
    Verdict::Failed(Cause::Missing(what.to_owned()))
}

fn unexpected(what: &str) -> Verdict {
    Verdict::Failed(Cause::Unexpected(what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::End;
    use crate::testing::verdict::Fault;

    fn boot(end: End, text: &str, skipped: usize) -> Boot {
        let line = |(index, text): (usize, &str)| Line {
            at: Duration::from_millis(index as u64),
            text: text.trim().to_owned(),
        };
        let outcome = Outcome {
            end,
            serial: text.trim().lines().enumerate().map(line).collect(),
            stderr: String::new(),
            registers: None,
            first_byte: None,
            elapsed: Duration::from_secs(1),
        };
        read(&outcome, Leaving::ExitPort, skipped)
    }

    fn kinds(boot: &Boot) -> Vec<(&str, &str)> {
        boot.ran
            .iter()
            .map(|case| (case.name.as_str(), case.verdict.kind()))
            .collect()
    }

    #[test]
    fn a_good_run_passes() {
        let boot = boot(
            End::Exited(33),
            "ktest: plan 2\nktest: run a::b\nnoise\nktest: ok a::b\nktest: run c\nktest: ok c\nexov6: done ok",
            0,
        );
        assert_eq!(kinds(&boot), [("a::b", "passed"), ("c", "passed")]);
        assert_eq!((boot.whole, boot.rest), (Verdict::Passed, Rest::Nothing));
        assert_eq!(boot.ran[0].lines, 1..4);
        assert_eq!(boot.ran[0].took, Duration::from_millis(2));
    }

    #[test]
    fn a_failed_case_keeps_its_reason_and_the_rest_runs() {
        let boot = boot(
            End::Exited(35),
            "ktest: plan 2\nktest: run a\nktest: failed a: leak: 3 frames\nktest: run c\nktest: ok c\nexov6: done failed",
            0,
        );
        assert_eq!(boot.ran[0].verdict.to_string(), "leak: 3 frames");
        assert_eq!(boot.ran[1].verdict, Verdict::Passed);
        assert_eq!((boot.whole, boot.rest), (Verdict::Passed, Rest::Nothing));
    }

    #[test]
    fn a_panic_ends_its_case_and_asks_for_a_fresh_boot() {
        let text = "ktest: plan 4\nktest: run b\nktest: ok b\nktest: run c\nexov6: panic: boom\nexov6: done panic";
        let boot = boot(End::Exited(35), text, 1);
        assert_eq!(kinds(&boot), [("b", "passed"), ("c", "panicked")]);
        assert_eq!(
            (boot.whole, boot.rest),
            (Verdict::Passed, Rest::FreshBoot { skip: 3 })
        );
    }

    #[test]
    fn a_panic_in_the_last_case_leaves_nothing() {
        let text = "ktest: plan 1\nktest: run c\nexov6: panic: boom\nexov6: done panic";
        assert_eq!(boot(End::Exited(35), text, 0).rest, Rest::Nothing);
    }

    #[test]
    fn a_panic_before_any_case_is_the_boots_own() {
        let boot = boot(End::Exited(35), "exov6: panic: early\nexov6: done panic", 0);
        assert_eq!((boot.whole.kind(), boot.rest), ("panicked", Rest::Hopeless));
    }

    #[test]
    fn a_hang_is_its_cases() {
        let text = "ktest: plan 2\nktest: run a\n";
        let boot = boot(End::Deadline(crate::emulator::Limit::Silence), text, 0);
        assert_eq!(kinds(&boot), [("a", "hung")]);
        assert_eq!(boot.rest, Rest::FreshBoot { skip: 1 });
    }

    #[test]
    fn no_tests_is_a_failure() {
        let boot = boot(End::Exited(33), "ktest: plan 0\nexov6: done ok", 0);
        assert_eq!(boot.whole, Verdict::Failed(Cause::ZeroTests));
    }

    #[test]
    fn cases_that_never_ran_are_noticed() {
        let text = "ktest: plan 3\nktest: run a\nktest: ok a\nexov6: done ok";
        assert_eq!(boot(End::Exited(33), text, 0).whole.kind(), "missing");
        let text = "ktest: run a\nktest: ok a\nexov6: done ok";
        assert_eq!(boot(End::Exited(33), text, 0).whole.kind(), "missing");
    }

    #[test]
    fn an_end_that_contradicts_its_cases_is_noticed() {
        let text = "ktest: plan 1\nktest: run a\nktest: failed a: x\nexov6: done ok";
        assert_eq!(boot(End::Exited(33), text, 0).whole.kind(), "unexpected");
        let text = "ktest: plan 1\nktest: run a\nktest: ok b\nexov6: done ok";
        assert_eq!(kinds(&boot(End::Exited(33), text, 0)), [("a", "missing")]);
        let text = "ktest: plan 1\nktest: run a\nktest: ok a\nexov6: done failed";
        assert_eq!(boot(End::Exited(35), text, 0).whole.kind(), "tests-failed");
    }

    #[test]
    fn a_killed_emulator_is_infrastructure() {
        let boot = boot(End::Signalled(9), "ktest: plan 2\nktest: run a", 0);
        let fault = Verdict::Infrastructure(Fault::Killed(9));
        assert_eq!(
            (boot.ran[0].verdict.clone(), boot.rest),
            (fault, Rest::Hopeless)
        );
    }

    #[test]
    fn a_list_needs_a_good_end() {
        let mut outcome = Outcome {
            end: End::Exited(33),
            serial: ["ktest: list a::b", "ktest: list c", "exov6: done ok"]
                .map(|text| Line {
                    at: Duration::ZERO,
                    text: text.to_owned(),
                })
                .to_vec(),
            stderr: String::new(),
            registers: None,
            first_byte: None,
            elapsed: Duration::ZERO,
        };
        assert_eq!(
            listed(&outcome),
            Ok(vec!["a::b".to_owned(), "c".to_owned()])
        );
        outcome.end = End::Exited(0);
        assert!(listed(&outcome).is_err());
    }
}
