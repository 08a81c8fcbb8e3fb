//! A machine with user programs on it: under our kernel, or the reference.
//!
//! Owns how programs become boot modules and how their run is ended; what they
//! must print is in `trials` and `routines`.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::{Ktest, Profile};
use crate::context::Context;
use crate::emulator::console::Console;
use crate::emulator::session::{Heard, Limits, Session};
use crate::emulator::spec::{Boot, MachineSpec};
use crate::emulator::{End, Line, Outcome};
use crate::failure::{Failure, Result};
use crate::image::Module;
use crate::peer;
use crate::programs::Started;
use crate::testing::artifacts::Artifacts;
use crate::testing::matrix::Row;
use crate::testing::trials::{COMMAND_LINE, Kernel};
use crate::testing::verdict::{Cause, Fault, Verdict, judge};
use crate::tools::{self, Tool};

const LIMITS: Limits = Limits {
    boot: Duration::from_secs(30),
    silence: Duration::from_secs(60),
    total: USUAL,
    leave: Duration::from_secs(3),
};

/// Where programs run.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) kernel: Kernel,
    pub(super) row: Row,
    pub(super) profile: Profile,
    pub(super) artifacts: Arc<Artifacts>,
    /// How long a run may take.
    pub(super) total: Duration,
}

/// Enough for most.
pub(super) const USUAL: Duration = Duration::from_secs(300);

impl Stage {
    /// Builds the kernel and the programs of these tasks, or fetches it.
    pub(super) fn prepare(&self, cx: &Context, tasks: &[&str]) -> Result<()> {
        tools::require(cx, &[Tool::Qemu])?;
        self.boot(cx)?;
        self.modules(cx, tasks).map(drop)
    }

    fn boot(&self, cx: &Context) -> Result<Boot> {
        let file = match self.kernel {
            Kernel::Exov6 => self.artifacts.kernel(cx, self.profile, Ktest::Without),
            Kernel::Gnumach => peer::kernel(cx),
        };
        file.map(Boot::Kernel)
    }

    fn modules(&self, cx: &Context, tasks: &[&str]) -> Result<Vec<Module>> {
        let module = |task: &&str| {
            let started = task.parse::<Started>();
            let started = started.map_err(|error| Failure::failed(error.0))?;
            Ok(Module {
                file: self.artifacts.program(cx, self.profile, started.program)?,
                arguments: started.arguments,
            })
        };
        tasks.iter().map(module).collect()
    }

    /// Starts the tasks, waits until all is said, talks, and ends it.
    pub(super) fn run(
        &self,
        cx: &Context,
        tasks: &[&str],
        is_over: impl Fn(&[Line]) -> bool,
        talk: impl FnOnce(&mut Session),
    ) -> Result<Outcome> {
        let modules = self.modules(cx, tasks)?;
        self.run_modules(cx, modules, is_over, talk)
    }

    /// The same for modules that are there.
    pub(super) fn run_modules(
        &self,
        cx: &Context,
        modules: Vec<Module>,
        is_over: impl Fn(&[Line]) -> bool,
        talk: impl FnOnce(&mut Session),
    ) -> Result<Outcome> {
        let console = match self.kernel {
            Kernel::Exov6 => "",
            Kernel::Gnumach => "console=com0 ",
        };
        let machine = MachineSpec {
            append: Some(format!("{console}{COMMAND_LINE}")),
            modules,
            ..self.row.machine(self.boot(cx)?)
        };
        let limits = Limits {
            total: self.total,
            ..LIMITS
        };
        let mut session = Session::start(cx, &machine, limits)?;
        while !is_over(whole_lines(session.console())) {
            if let Heard::End(_) = session.wait() {
                return Ok(session.finish());
            }
        }
        // The reference has nobody to be asked to switch off.
        if self.kernel == Kernel::Gnumach {
            return Ok(session.stop());
        }
        talk(&mut session);
        session.send("poweroff");
        Ok(session.finish())
    }

    /// The verdict on the end of a run.
    pub(super) fn judge(&self, outcome: &Outcome) -> Verdict {
        match (self.kernel, outcome.end) {
            (Kernel::Exov6, _) => judge(outcome, self.row.leaves()),
            (Kernel::Gnumach, End::Stopped) => Verdict::Passed,
            (Kernel::Gnumach, End::Deadline(limit)) => Verdict::Failed(Cause::Hung(limit)),
            (Kernel::Gnumach, End::Interrupted(_)) => Verdict::Infrastructure(Fault::Interrupted),
            (Kernel::Gnumach, _) => Verdict::Failed(Cause::Stopped),
        }
    }
}

/// The lines that have ended.
pub(super) fn whole_lines(console: &Console) -> &[Line] {
    let lines = console.lines();
    let unfinished = usize::from(console.unfinished_line().is_some());
    &lines[..lines.len().saturating_sub(unfinished)]
}
