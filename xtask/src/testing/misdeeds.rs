//! The crimes a kernel can be told to commit, and what each must look like.
//!
//! Owns the one table that the kernel's `misdeed=` option and the kernels ring
//! share, and the check of a run against it. A case passes when the kernel
//! died exactly as the table says: the harness is proven on a kernel that is
//! really broken. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use super::verdict::{Cause, Verdict, judge};
use crate::cli::Profile;
use crate::emulator::outcome::{EXIT_FAILURE, EXIT_SUCCESS, MARKER_PANIC, PANIC_PREFIX};
use crate::emulator::spec::Leaving;
use crate::emulator::{End, Outcome};

/// A panic must have left QEMU this long after its first line.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

/// One crime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misdeed {
    /// The value of `misdeed=`.
    pub name: &'static str,
    /// What must be seen.
    pub seen: Seen,
    /// The build that has the check which notices it.
    pub noticed_by: NoticedBy,
}

/// What must be seen of a crime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A panic that is reported in whole and leaves with the failure status:
    /// these words in its message, and these anywhere on the console.
    Panic {
        /// In the message.
        message: &'static str,
        /// On the console.
        elsewhere: &'static str,
        /// Whether the report has names of functions.
        backtrace: Backtrace,
    },
    /// A verdict of this kind.
    Verdict(&'static str),
}

/// What a panic's backtrace must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backtrace {
    /// At least one function by name.
    Named,
    /// Anything: the report was cut short.
    Any,
}

/// Which builds notice a crime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticedBy {
    /// All.
    Every,
    /// The one with run-time checks.
    Dev,
}

const fn panics(name: &'static str, message: &'static str, elsewhere: &'static str) -> Misdeed {
    let seen = Seen::Panic {
        message,
        elsewhere,
        backtrace: Backtrace::Named,
    };
    Misdeed {
        name,
        seen,
        noticed_by: NoticedBy::Every,
    }
}

const fn ends(name: &'static str, kind: &'static str) -> Misdeed {
    Misdeed {
        name,
        seen: Seen::Verdict(kind),
        noticed_by: NoticedBy::Every,
    }
}

/// All of them.
pub const ALL: [Misdeed; 17] = [
    panics("panic-early", "", ""),
    panics("panic", "", "backtrace:"),
    Misdeed {
        name: "panic-in-panic",
        seen: Seen::Panic {
            message: "",
            elsewhere: "while reporting a panic",
            backtrace: Backtrace::Any,
        },
        noticed_by: NoticedBy::Every,
    },
    // With the console's lock held: the report must not need it.
    panics("panic-in-print", "while showing why", "on cpu"),
    ends("hang", "hung"),
    ends("spin", "hung"),
    ends("triple-fault", "triple-fault"),
    panics(
        "stack-overflow",
        "double fault: the stack ran into its guard page",
        "",
    ),
    panics("page-fault", "page fault", "unmapped page"),
    panics("write-text", "page fault", "protected page"),
    panics("divide-error", "divide error", ""),
    panics("invalid-opcode", "invalid opcode", ""),
    Misdeed {
        noticed_by: NoticedBy::Dev,
        ..panics("lock-order", "lock", "")
    },
    panics("ap-panic", "on another processor", "on cpu1"),
    panics("heap-exhaust", "OutOfMemory", ""),
    ends("marker-no-exit", "marker-without-exit"),
    ends("exit-no-marker", "exit-without-marker"),
];

impl Misdeed {
    /// Why this build cannot show it, if it cannot.
    pub fn skipped_in(&self, profile: Profile) -> Option<&'static str> {
        match (self.noticed_by, profile) {
            (NoticedBy::Dev, Profile::Release) => Some("only a dev build checks for it"),
            _ => None,
        }
    }

    /// Whether the run shows the crime as the table says.
    pub fn check(&self, outcome: &Outcome) -> Verdict {
        let verdict = judge(outcome, Leaving::ExitPort);
        if let Verdict::Infrastructure(_) = verdict {
            return verdict;
        }
        match self.seen {
            Seen::Verdict(kind) if verdict.kind() == kind => Verdict::Passed,
            Seen::Verdict(kind) => wrong(&verdict, kind),
            Seen::Panic {
                message,
                elsewhere,
                backtrace,
            } => {
                let report = panic(outcome, &verdict, message);
                let report = report.and_then(|()| as_result(on_console(outcome, elsewhere)));
                let report = report.and_then(|()| match backtrace {
                    Backtrace::Named => named(outcome),
                    Backtrace::Any => Ok(()),
                });
                report.map_or_else(Verdict::Failed, |()| Verdict::Passed)
            }
        }
    }
}

/// The value of `misdeed=` at which a kernel lists those it knows.
pub const LIST: &str = "?";

/// Whether a kernel that was asked for [`LIST`] knows exactly those of the
/// table: one without the other is tested by nobody.
pub fn roll_call(outcome: &Outcome) -> Verdict {
    match judge(outcome, Leaving::ExitPort) {
        Verdict::Passed => {}
        other => return other,
    }
    let lines = outcome.serial.iter().map(|line| line.text.as_str());
    let list = lines
        .skip_while(|line| !line.starts_with("no misdeed "))
        .skip(1);
    let listed: BTreeSet<&str> = list.map_while(|line| line.strip_prefix("  ")).collect();
    let table: BTreeSet<&str> = ALL.iter().map(|misdeed| misdeed.name).collect();
    let odd: Vec<&str> = listed.symmetric_difference(&table).copied().collect();
    match odd.as_slice() {
        [] => Verdict::Passed,
        odd => {
            let what = format!("in the kernel or in the table only: {}", odd.join(", "));
            Verdict::Failed(Cause::Unexpected(what))
        }
    }
}

fn wrong(verdict: &Verdict, kind: &str) -> Verdict {
    let what = match verdict {
        Verdict::Passed => format!("the kernel ended well; `{kind}` was expected"),
        other => format!("{other}; `{kind}` was expected"),
    };
    Verdict::Failed(Cause::Unexpected(what))
}

fn panic(outcome: &Outcome, verdict: &Verdict, message: &str) -> Result<(), Cause> {
    let Verdict::Failed(Cause::Panicked(said)) = verdict else {
        let what = format!("{verdict}; a panic was expected");
        return Err(Cause::Unexpected(what));
    };
    if !said.contains(message) {
        return Err(Cause::Unexpected(format!(
            "the panic `{said}`; `{message}` was expected in it"
        )));
    }
    match outcome.end {
        End::Exited(EXIT_FAILURE) => {}
        End::Exited(EXIT_SUCCESS) => return Err(Cause::ExitWithoutMarker(EXIT_SUCCESS)),
        end => return Err(Cause::Unexpected(format!("after the panic: {end:?}"))),
    }
    let mut said = outcome
        .serial
        .iter()
        .rev()
        .filter(|line| !line.text.trim().is_empty());
    if said.next().is_none_or(|line| line.text != MARKER_PANIC) {
        return Err(Cause::Missing(format!("`{MARKER_PANIC}` as the last line")));
    }
    let began = outcome
        .serial
        .iter()
        .find(|line| line.text.starts_with(PANIC_PREFIX));
    let took = began.map_or(Duration::ZERO, |line| {
        outcome.elapsed.saturating_sub(line.at)
    });
    if took > LAST_WORDS {
        let what = format!("{} ms from the panic to the end", took.as_millis());
        return Err(Cause::Unexpected(what));
    }
    Ok(())
}

fn on_console(outcome: &Outcome, words: &str) -> Verdict {
    match outcome.serial.iter().any(|line| line.text.contains(words)) || words.is_empty() {
        true => Verdict::Passed,
        false => Verdict::Failed(Cause::Missing(format!("`{words}`"))),
    }
}

fn as_result(verdict: Verdict) -> Result<(), Cause> {
    match verdict {
        Verdict::Failed(cause) => Err(cause),
        Verdict::Passed | Verdict::Infrastructure(_) => Ok(()),
    }
}

/// A line of the backtrace with a function's name: `  1  0xc0101234  a::b+0x12`.
fn named(outcome: &Outcome) -> Result<(), Cause> {
    let lines = outcome.serial.iter().map(|line| line.text.trim());
    let mut calls = lines.skip_while(|line| *line != "backtrace:").skip(1);
    let has_name = |line: &str| {
        let mut words = line.split_whitespace();
        let number = words.next().is_some_and(|word| word.parse::<u32>().is_ok());
        let name = words.nth(1).unwrap_or("");
        number && name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '<')
    };
    match calls.any(has_name) {
        true => Ok(()),
        false => Err(Cause::Missing(
            "a backtrace with a function's name".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::{Limit, Line};

    fn misdeed(name: &str) -> Misdeed {
        *ALL.iter()
            .find(|misdeed| misdeed.name == name)
            .expect("in the table")
    }

    fn outcome(end: End, text: &str) -> Outcome {
        Outcome {
            end,
            serial: Line::all_of(text, Duration::from_millis(10)),
            stderr: String::new(),
            registers: None,
            first_byte: None,
            elapsed: Duration::from_millis(500),
        }
    }

    const OVERFLOW: &str = "exov6: panic: double fault: the stack ran into its guard page at 0xc1\n\
        on cpu0 of 2\nbacktrace:\n   1  0xc0101234  kernel::misdeed::recurse+0x12\nexov6: done panic";

    #[test]
    fn a_crime_seen_as_it_must_be_passes() {
        let seen = outcome(End::Exited(35), OVERFLOW);
        assert_eq!(misdeed("stack-overflow").check(&seen), Verdict::Passed);
        let hung = outcome(End::Deadline(Limit::Silence), "ExoV6");
        assert_eq!(misdeed("hang").check(&hung), Verdict::Passed);
    }

    #[test]
    fn every_part_of_a_panics_report_matters() {
        let check = |end, text: &str| misdeed("stack-overflow").check(&outcome(end, text)).kind();
        assert_eq!(check(End::Exited(33), OVERFLOW), "exit-without-marker");
        assert_eq!(check(End::Reset, OVERFLOW), "unexpected");
        assert_eq!(
            check(End::Exited(35), &OVERFLOW.replace("double", "page")),
            "unexpected"
        );
        assert_eq!(
            check(End::Exited(35), &OVERFLOW.replace("guard", "other")),
            "unexpected"
        );
        assert_eq!(
            check(End::Exited(35), &OVERFLOW.replace("kernel::", "0x")),
            "missing"
        );
        assert_eq!(
            check(End::Exited(35), &OVERFLOW.replace("exov6: done panic", "")),
            "missing"
        );
        let mut late = outcome(End::Exited(35), OVERFLOW);
        late.elapsed = Duration::from_secs(2);
        assert_eq!(misdeed("stack-overflow").check(&late).kind(), "unexpected");
    }

    #[test]
    fn a_kernel_that_does_not_commit_its_crime_fails() {
        let well = outcome(End::Exited(33), "exov6: done ok");
        for misdeed in ALL {
            assert_ne!(misdeed.check(&well), Verdict::Passed, "{}", misdeed.name);
        }
    }

    #[test]
    fn the_kernels_list_must_be_the_table() {
        let names = ALL.map(|misdeed| format!("  {}", misdeed.name)).join("\n");
        let list = format!("no misdeed `?`; there are:\n{names}\nkdb> poweroff\nexov6: done ok");
        assert_eq!(roll_call(&outcome(End::Exited(33), &list)), Verdict::Passed);
        let check = |list: &str| roll_call(&outcome(End::Exited(33), list)).kind();
        assert_eq!(check(&list.replace("  hang\n", "")), "unexpected");
        assert_eq!(
            check(&list.replace("  hang\n", "  hang\n  new\n")),
            "unexpected"
        );
        assert_eq!(
            check(&list.replace("exov6: done ok", "")),
            "exit-without-marker"
        );
    }

    #[test]
    fn a_killed_emulator_proves_nothing() {
        let killed = outcome(End::Signalled(9), OVERFLOW);
        assert_eq!(misdeed("stack-overflow").check(&killed).kind(), "killed");
    }
}
