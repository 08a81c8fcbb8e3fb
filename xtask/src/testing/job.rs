//! A piece of work that runs one or more cases.
//!
//! Owns the contract between the rings, which make jobs, and the runner, which
//! decides when each runs and how often.

use super::case::{Label, Report};
use crate::context::Context;
use crate::failure::Result;

/// Something the runner can run. Cases that share a boot share a job.
pub trait Job: Send + Sync {
    /// The cases, in the order they run.
    fn labels(&self) -> &[Label];

    /// Builds what the cases need, before any of them runs.
    ///
    /// # Errors
    /// When that cannot be built; no case of any job runs then.
    fn prepare(&self, _cx: &Context) -> Result<()> {
        Ok(())
    }

    /// Runs the cases at `chosen` and tells one report for each, as soon as
    /// it is known.
    fn run(&self, cx: &Context, chosen: &[usize], tell: &mut dyn FnMut(Report));
}
