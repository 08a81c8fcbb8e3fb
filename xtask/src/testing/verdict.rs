//! The verdict on one run of a machine: a pure function of how it ended.
//!
//! Owns the answer to "did it pass?". Every ring, `--from-log` and the README
//! check call [`judge`]; nothing else in xtask may call a run a success.
//!
//! **Invariants**: a run passes only if the emulator left in the way its kind
//! can (exit status 33 through QEMU's exit port; on an emulator without that
//! port, ended by us at the marker) *and* the last thing on the console is the
//! success marker as a line of its own, said once, after no panic. [`judge`]
//! keeps that; were it loosened, a reset, a kill or an empty log would pass.

use std::fmt;

use crate::emulator::outcome::{
    END_MARKER, EXIT_FAILURE, EXIT_SUCCESS, MARKER_FAILED, MARKER_OK, MARKER_PANIC, PANIC_PREFIX,
};
use crate::emulator::spec::Leaving;
use crate::emulator::{End, Limit, Outcome};

/// What is to be said about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Marker and exit, both and in order.
    Passed,
    /// The guest did something else than pass.
    Failed(Cause),
    /// The guest was never given its chance: nothing is known about it.
    Infrastructure(Fault),
}

/// What a guest that did not pass did instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It ended with this status without a byte on the console.
    NoOutput(Option<i32>),
    /// It panicked.
    Panicked(String),
    /// A limit expired.
    Hung(Limit),
    /// The machine reset itself.
    TripleFault,
    /// A marker came, but no exit: the status it left instead, or none.
    MarkerWithoutExit(Option<i32>),
    /// The exit status of success or failure came, but no marker.
    ExitWithoutMarker(i32),
    /// Marker and exit status disagree.
    Contradiction {
        /// What the console said.
        marker: String,
        /// What the emulator's status said.
        status: i32,
    },
    /// The console went on after the marker, or repeated it: this line.
    WrongOrder(String),
    /// The guest says that tests failed.
    TestsFailed,
    /// A case failed, and this is what it said.
    Case(String),
    /// The run was to test something and tested nothing.
    ZeroTests,
    /// Something that had to be on the console is not: what.
    Missing(String),
    /// Something is on the console that must not be: what.
    Unexpected(String),
    /// An exit status nobody agreed on.
    OddStatus(i32),
    /// We ended the machine before it did.
    Stopped,
    /// A saved log that does not say how the run ended.
    EndUnknown,
}

/// Why a run says nothing about the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The emulator refused to run; its own words.
    Emulator(String),
    /// Somebody else's signal ended the emulator.
    Killed(i32),
    /// Xtask was asked to end.
    Interrupted,
    /// Something of the host's failed before the guest began.
    Host(String),
}

/// The one judgement: see the module's invariant.
pub fn judge(outcome: &Outcome, leaves: Leaving) -> Verdict {
    if let Some(fault) = infrastructure(outcome) {
        return Verdict::Infrastructure(fault);
    }
    match cause(outcome, leaves) {
        None => Verdict::Passed,
        Some(cause) => Verdict::Failed(cause),
    }
}

fn infrastructure(outcome: &Outcome) -> Option<Fault> {
    if outcome.emulator_failed() {
        return Some(Fault::Emulator(outcome.stderr.trim().to_owned()));
    }
    match outcome.end {
        End::Signalled(signal) => Some(Fault::Killed(signal)),
        End::Interrupted(_) => Some(Fault::Interrupted),
        // QEMU turns SIGINT and SIGTERM into an orderly end with status 0 and
        // says so; a guest that resets is `End::Reset`.
        End::Exited(0) if outcome.stderr.contains("terminating on signal") => {
            Some(Fault::Killed(signal_named_by(&outcome.stderr)))
        }
        _ => None,
    }
}

/// The number in "terminating on signal 15 from pid 1", or 0.
fn signal_named_by(stderr: &str) -> i32 {
    let words = stderr.split("terminating on signal ").nth(1);
    let number = words.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What keeps the run from passing, the most telling first.
fn cause(outcome: &Outcome, leaves: Leaving) -> Option<Cause> {
    let console = Console::read(outcome);
    if let Some(message) = console.panic {
        return Some(Cause::Panicked(message));
    }
    match outcome.end {
        End::Reset => return Some(Cause::TripleFault),
        End::Deadline(Limit::Leave) => return Some(Cause::MarkerWithoutExit(None)),
        End::Deadline(_) if console.marker.is_some() => {
            return Some(Cause::MarkerWithoutExit(None));
        }
        End::Deadline(limit) => return Some(Cause::Hung(limit)),
        End::Stopped => return Some(Cause::Stopped),
        End::Marked if leaves == Leaving::ExitPort => {
            return Some(Cause::MarkerWithoutExit(None));
        }
        _ => {}
    }
    let status = match (outcome.end, leaves) {
        (End::Exited(status), _) => Some(status),
        _ => None,
    };
    let Some(marker) = console.marker else {
        return Some(match status {
            Some(status @ (EXIT_SUCCESS | EXIT_FAILURE)) => Cause::ExitWithoutMarker(status),
            status if console.is_empty => Cause::NoOutput(status),
            Some(status) => Cause::OddStatus(status),
            None => Cause::Missing("the end marker".to_owned()),
        });
    };
    if let Some(line) = console.after_marker {
        return Some(Cause::WrongOrder(line));
    }
    match status {
        // Without an exit port the marker is all there is.
        None => said(&marker),
        Some(_) if leaves == Leaving::Marker => said(&marker),
        Some(EXIT_SUCCESS) if marker == MARKER_OK => None,
        Some(EXIT_FAILURE) if marker != MARKER_OK => said(&marker),
        Some(status @ (EXIT_SUCCESS | EXIT_FAILURE)) => {
            Some(Cause::Contradiction { marker, status })
        }
        Some(status) => Some(Cause::MarkerWithoutExit(Some(status))),
    }
}

/// What a marker says by itself.
fn said(marker: &str) -> Option<Cause> {
    match marker {
        MARKER_OK => None,
        MARKER_FAILED => Some(Cause::TestsFailed),
        MARKER_PANIC => Some(Cause::Panicked(
            "(its message is not on the console)".to_owned(),
        )),
        other => Some(Cause::Unexpected(format!("the line `{other}`"))),
    }
}

/// What the console says about the end.
struct Console {
    is_empty: bool,
    panic: Option<String>,
    /// The first end marker.
    marker: Option<String>,
    /// The first line after it that is not blank.
    after_marker: Option<String>,
}

impl Console {
    fn read(outcome: &Outcome) -> Console {
        let mut console = Console {
            is_empty: true,
            panic: None,
            marker: None,
            after_marker: None,
        };
        for line in &outcome.serial {
            let text = line.text.as_str();
            if text.trim().is_empty() {
                continue;
            }
            console.is_empty = false;
            if let Some(message) = text.strip_prefix(PANIC_PREFIX) {
                console.panic.get_or_insert_with(|| message.to_owned());
            }
            if console.marker.is_some() {
                console.after_marker.get_or_insert_with(|| text.to_owned());
            } else if text.starts_with(END_MARKER) {
                console.marker = Some(text.to_owned());
            }
        }
        console
    }
}

impl Verdict {
    /// A stable name for reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed(cause) => cause.kind(),
            Verdict::Infrastructure(fault) => fault.kind(),
        }
    }
}

impl Cause {
    /// A stable name for reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Cause::NoOutput(_) => "no-output",
            Cause::Panicked(_) => "panicked",
            Cause::Hung(_) => "hung",
            Cause::TripleFault => "triple-fault",
            Cause::MarkerWithoutExit(_) => "marker-without-exit",
            Cause::ExitWithoutMarker(_) => "exit-without-marker",
            Cause::Contradiction { .. } => "contradiction",
            Cause::WrongOrder(_) => "wrong-order",
            Cause::TestsFailed => "tests-failed",
            Cause::Case(_) => "failed",
            Cause::ZeroTests => "zero-tests",
            Cause::Missing(_) => "missing",
            Cause::Unexpected(_) => "unexpected",
            Cause::OddStatus(_) => "odd-status",
            Cause::Stopped => "stopped",
            Cause::EndUnknown => "end-unknown",
        }
    }
}

impl Fault {
    /// A stable name for reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Emulator(_) => "emulator-error",
            Fault::Killed(_) => "killed",
            Fault::Interrupted => "interrupted",
            Fault::Host(_) => "host-error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => f.write_str("passed"),
            Verdict::Failed(cause) => cause.fmt(f),
            Verdict::Infrastructure(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NoOutput(Some(status)) => {
                write!(
                    f,
                    "the emulator exited {status} and nothing came on the console"
                )
            }
            Cause::NoOutput(None) => f.write_str("nothing came on the console"),
            Cause::Panicked(message) => write!(f, "the kernel panicked: {message}"),
            Cause::Hung(limit) => write!(f, "hung: {limit}"),
            Cause::TripleFault => f.write_str("the machine reset itself (a triple fault)"),
            Cause::MarkerWithoutExit(Some(status)) => {
                write!(f, "the end marker came but the emulator exited {status}")
            }
            Cause::MarkerWithoutExit(None) => {
                f.write_str("the end marker came but the machine did not leave")
            }
            Cause::ExitWithoutMarker(status) => {
                write!(
                    f,
                    "the emulator exited {status} but the end marker is not on the console"
                )
            }
            Cause::Contradiction { marker, status } => {
                write!(
                    f,
                    "the console says `{marker}` but the emulator exited {status}"
                )
            }
            Cause::WrongOrder(line) => write!(f, "the console went on after its end: `{line}`"),
            Cause::Case(why) => f.write_str(why),
            Cause::TestsFailed => f.write_str("the kernel reports failed tests"),
            Cause::ZeroTests => f.write_str("no test ran"),
            Cause::Missing(what) => write!(f, "not on the console: {what}"),
            Cause::Unexpected(what) => write!(f, "unexpected: {what}"),
            Cause::OddStatus(status) => {
                write!(
                    f,
                    "the emulator exited {status}, which nothing agreed on means"
                )
            }
            Cause::Stopped => f.write_str("it was ended before it had finished"),
            Cause::EndUnknown => f.write_str("the log does not say how the run ended"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Emulator(words) => write!(f, "the emulator could not run: {words}"),
            Fault::Killed(signal) => {
                write!(f, "signal {signal} from outside ended the emulator")
            }
            Fault::Interrupted => f.write_str("interrupted"),
            Fault::Host(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
