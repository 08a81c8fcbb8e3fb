//! How a command fails: an exit code, what happened where, how to mend it.
//!
//! Owns the exit codes that docs/xtask.md promises. Every fallible function of
//! this tool returns [`Result`]; errors of the standard library and of crates
//! get their sentence through [`Doing::doing`] where they happen.

use std::fmt;

/// The result of everything in this tool that can fail.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The exit codes of `cargo xtask`. People's scripts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It failed for a reason none of the others names.
    Failed = 1,
    /// The command line or the settings make no sense.
    Usage = 2,
    /// A tool or an engine is missing; the message is the command that installs it.
    Missing = 3,
    /// A filter or a pattern selected nothing.
    NothingMatched = 4,
    /// Tests ran and at least one failed.
    TestsFailed = 100,
    /// The kernel or a test program does not build.
    BuildFailed = 101,
    /// A deadline passed first.
    Deadline = 124,
    /// SIGINT, SIGTERM or SIGHUP came, and everything that had been started
    /// is ended.
    Interrupted = 130,
}

impl Exit {
    /// Every exit code.
    pub const ALL: [Exit; 9] = [
        Exit::Done,
        Exit::Failed,
        Exit::Usage,
        Exit::Missing,
        Exit::NothingMatched,
        Exit::TestsFailed,
        Exit::BuildFailed,
        Exit::Deadline,
        Exit::Interrupted,
    ];

    /// The number the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit code with this number, if there is one.
    pub fn of(code: i32) -> Option<Exit> {
        Exit::ALL
            .into_iter()
            .find(|exit| i32::from(exit.code()) == code)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code this ends with.
    pub exit: Exit,
    /// What happened, and where.
    pub what: String,
    /// What to do about it: a sentence or a command line.
    pub mend: Option<String>,
}

impl Failure {
    fn new(exit: Exit, what: impl Into<String>) -> Self {
        Failure {
            exit,
            what: what.into(),
            mend: None,
        }
    }

    /// The person's command line or settings are wrong.
    pub fn usage(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what).mend(mend)
    }

    /// Anything without an exit code of its own.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// A tool is not on this machine; `install_command` brings it.
    pub fn missing(what: impl Into<String>, install_command: impl Into<String>) -> Self {
        Self::new(Exit::Missing, what).mend(install_command)
    }

    /// A filter selected nothing.
    pub fn nothing_matched(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Exit::NothingMatched, what).mend(mend)
    }

    /// At least one test failed.
    pub fn tests_failed(what: impl Into<String>) -> Self {
        Self::new(Exit::TestsFailed, what)
    }

    /// The compiler or the linker refused.
    pub fn build_failed(what: impl Into<String>) -> Self {
        Self::new(Exit::BuildFailed, what)
    }

    /// Time ran out.
    pub fn deadline(what: impl Into<String>) -> Self {
        Self::new(Exit::Deadline, what)
    }

    /// A signal asked us to end.
    pub fn interrupted(what: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, what)
    }

    /// Everything was said already; only the exit code is left to give.
    pub fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Whether there is nothing left to say.
    pub fn is_told(&self) -> bool {
        self.what.is_empty()
    }

    /// The same failure with advice; the last advice given wins.
    #[must_use]
    pub fn mend(mut self, text: impl Into<String>) -> Self {
        self.mend = Some(text.into());
        self
    }
}

// Deliberately not `std::error::Error`: `doing` must not swallow a Failure,
// which would lose its exit code.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(mend) = &self.mend {
            write!(f, "\n  {}", mend.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

/// Gives a foreign error its sentence: `fs::read(p).doing("reading X")?`.
pub trait Doing<T> {
    /// `reading X failed: <the error>`, exit code 1.
    fn doing(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: std::error::Error> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::failed(format!("{what} failed: {error}")))
    }
}

impl<T> Doing<T> for Option<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Failure::failed(format!("{what} failed: there is none")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let codes = [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Missing, 3),
            (Exit::NothingMatched, 4),
            (Exit::TestsFailed, 100),
            (Exit::BuildFailed, 101),
            (Exit::Deadline, 124),
            (Exit::Interrupted, 130),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }

    #[test]
    fn a_failure_says_what_and_how_to_mend_it() {
        let failure = Failure::missing("gdb is not installed", "run:\ncargo xtask setup");
        assert_eq!(failure.exit, Exit::Missing);
        assert_eq!(
            failure.to_string(),
            "gdb is not installed\n  run:\n  cargo xtask setup"
        );
    }

    #[test]
    fn doing_names_the_work_and_the_cause() {
        let failure = std::fs::read("/nowhere/at/all").doing("reading /nowhere/at/all");
        let text = failure.expect_err("the file does not exist").to_string();
        assert!(
            text.starts_with("reading /nowhere/at/all failed: "),
            "{text}"
        );
    }
}
