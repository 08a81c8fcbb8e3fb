//! What one run of a machine left behind: how it ended, and what it said.
//!
//! Owns the plain data that [`super::session`] produces and that the verdict
//! functions judge. Nothing here runs anything, so a verdict can be tested
//! with an `Outcome` written by hand.

use std::fmt;
use std::time::Duration;

/// The exit code of QEMU after the guest reported success: `(0x10 << 1) | 1`.
pub const EXIT_SUCCESS: i32 = 33;
/// The exit code of QEMU after the guest reported failure: `(0x11 << 1) | 1`.
pub const EXIT_FAILURE: i32 = 35;
/// Every end the guest reports on the console begins with this.
pub const END_MARKER: &str = "exov6: done ";
/// The end marker of success.
pub const MARKER_OK: &str = "exov6: done ok";
/// The end marker of a run whose tests ended with failures.
pub const MARKER_FAILED: &str = "exov6: done failed";
/// The end marker of a panic.
pub const MARKER_PANIC: &str = "exov6: done panic";
/// A panic's first line begins with this; the message follows.
pub const PANIC_PREFIX: &str = "exov6: panic: ";

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The emulator ended by itself with this exit code. Only 33 can be a
    /// success: 0 is what a reset, SIGINT and SIGTERM leave, 1 is QEMU's own
    /// error.
    Exited(i32),
    /// A signal that was not ours killed the emulator.
    Signalled(i32),
    /// A limit expired and we ended the emulator.
    Deadline(Limit),
    /// The machine reset itself: on this kernel a triple fault.
    Reset,
    /// The end marker came on an emulator that has no exit port (Bochs), and
    /// we ended it. Which marker it was, the serial log tells.
    Marked,
    /// We ended the emulator because the caller had all it wanted.
    Stopped,
    /// This signal asked xtask to end, and it ended the emulator first.
    Interrupted(i32),
}

/// Which limit expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No byte on the serial console.
    Boot,
    /// No further byte on the serial console.
    Silence,
    /// The run as a whole.
    Total,
    /// The end marker came, but the machine did not leave after it.
    Leave,
}

/// One line of the serial console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From the start of the emulator to the line's first byte.
    pub at: Duration,
    /// Without its line end; bytes that are not UTF-8 are replaced.
    pub text: String,
}

impl Line {
    /// The lines of a text, as if all had come at this time.
    #[cfg(test)]
    pub fn all_of(text: &str, at: Duration) -> Vec<Line> {
        let line = |text: &str| Line {
            at,
            text: text.to_owned(),
        };
        text.lines().map(line).collect()
    }
}

/// All that is known about a run after its end.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// The console, an unfinished last line included.
    pub serial: Vec<Line>,
    /// What the emulator itself had to say.
    pub stderr: String,
    /// The registers of every processor, when the machine could still be
    /// asked: after a limit expired and after a reset.
    pub registers: Option<String>,
    /// From the start of the emulator to the first byte on the console.
    pub first_byte: Option<Duration>,
    /// From the start of the emulator to its end.
    pub elapsed: Duration,
}

impl Outcome {
    /// The last `count` lines of the console.
    pub fn last_lines(&self, count: usize) -> &[Line] {
        &self.serial[self.serial.len().saturating_sub(count)..]
    }

    /// Whether a line of the console is exactly `marker`.
    pub fn has_line(&self, marker: &str) -> bool {
        self.serial.iter().any(|line| line.text == marker)
    }

    /// The end marker that came last, if one came.
    pub fn end_marker(&self) -> Option<&str> {
        let mut lines = self.serial.iter().rev();
        let line = lines.find(|line| line.text.starts_with(END_MARKER))?;
        Some(&line.text)
    }

    /// The message of the first panic.
    pub fn panic_message(&self) -> Option<&str> {
        let mut lines = self.serial.iter();
        lines.find_map(|line| line.text.strip_prefix(PANIC_PREFIX))
    }

    /// Whether the emulator itself gave up, so that nothing can be said
    /// about the guest: QEMU's own errors exit 1 with a message before the
    /// guest has said anything.
    pub fn emulator_failed(&self) -> bool {
        matches!(self.end, End::Exited(1)) && self.serial.is_empty() && !self.stderr.is_empty()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Boot => "nothing came on the console before the boot limit",
            Limit::Silence => "the console fell silent for longer than the silence limit",
            Limit::Total => "the run reached its time limit",
            Limit::Leave => "the end marker came but the machine did not leave",
        })
    }
}
