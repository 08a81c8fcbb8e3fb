//! What every command is given: the person, the project, the settings, the time.
//!
//! Made once by `cmd::main` from the command line, the environment and
//! `exov6.toml`; commands only read it.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::settings::Settings;
use crate::ui::Ui;

/// The circumstances of one run of the tool.
#[derive(Debug)]
pub struct Context {
    /// The person to talk to.
    pub ui: Ui,
    /// Where things are.
    pub project: Project,
    /// What the person prefers.
    pub settings: Settings,
    /// When everything must be over, if `--timeout` said so.
    pub deadline: Option<Instant>,
    /// `--dry-run`: print the command lines, run nothing.
    pub dry_run: bool,
    /// `--offline`: never touch the network.
    pub offline: bool,
    /// Not `--no-setup`: missing tools may be installed.
    pub setup_allowed: bool,
}

impl Context {
    /// How much time is left; `None` without a deadline.
    ///
    /// # Errors
    /// [`Exit::Deadline`](crate::failure::Exit::Deadline) once it has passed.
    pub fn remaining(&self) -> Result<Option<Duration>> {
        let Some(deadline) = self.deadline else {
            return Ok(None);
        };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => {
                let timeout = self
                    .settings
                    .timeout
                    .value
                    .map(|timeout| timeout.to_string())
                    .unwrap_or_default();
                Err(
                    Failure::deadline(format!("the deadline of {timeout} passed"))
                        .mend("give more with --timeout"),
                )
            }
        }
    }
}

#[cfg(test)]
impl Context {
    /// The circumstances of a unit test: defaults, no output, no network, and
    /// a deadline if there is one to test.
    pub(crate) fn of_a_test(timeout: Option<Duration>) -> Self {
        use crate::cli::{Color, Timeout};
        use crate::settings::GlobalFlags;
        use crate::ui::Verbosity;

        let flags = GlobalFlags {
            timeout: timeout.map(Timeout),
            ..GlobalFlags::default()
        };
        let (settings, _) =
            Settings::resolve("/p/exov6.toml".as_ref(), "", [], flags).expect("defaults");
        Context {
            ui: Ui::new(Verbosity::Quiet, Color::Never),
            project: Project::at("/p"),
            settings,
            deadline: timeout.map(|timeout| Instant::now() + timeout),
            dry_run: false,
            offline: true,
            setup_allowed: false,
        }
    }
}
