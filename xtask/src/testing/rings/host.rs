//! The host ring: the workspace's own tests, each in a process of its own.
//!
//! Owns how they are built, listed and run. A process a test costs a few
//! milliseconds and buys a deadline for each, the exact name of one that
//! hangs, and no test that depends on another's leavings.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::not_started;
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::failure::{Doing, Failure, Result};
use crate::process::{self, Group};
use crate::run;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::libtest::{self, Ended, Program};
use crate::testing::logs;
use crate::testing::matrix::Extent;
use crate::testing::verdict::{Fault, Verdict};
use crate::tools::{self, Tool};
use crate::{interrupt, ui};

/// The packages that build for the host.
pub const HOST_PACKAGES: [&str; 4] = ["xtask", "boot", "abi", "kernel-core"];

/// How long one test may take: property tests in a dev build on a loaded
/// machine need some of it.
const LIMIT: Duration = Duration::from_secs(180);

/// How often `--nightly` tries a property that names no number of its own;
/// proptest's default is 256.
const NIGHTLY_PROPERTY_CASES: &str = "4096";

/// What a release build leaves out here: link-time optimisation makes the
/// kernel small, but takes minutes for each test program.
const QUICKER_RELEASE: [&str; 6] = [
    "--config",
    "profile.release.lto=\"off\"",
    "--config",
    "profile.release.codegen-units=16",
    "--config",
    "profile.release.debug=false",
];

/// What the group of a test program begins with that runs the whole tool.
const WHOLE_TOOL: &str = "xtask/";
/// The programs that the tool drives, and so its tests.
const DRIVEN: [Tool; 9] = [
    Tool::Qemu,
    Tool::Gdb,
    Tool::Bochs,
    Tool::GrubMkrescue,
    Tool::Xorriso,
    Tool::Mtools,
    Tool::Mke2fs,
    Tool::E2fsck,
    Tool::Debugfs,
];

/// Builds the test programs and asks each what it holds.
pub(super) fn jobs(cx: &Context, profile: Profile, extent: Extent) -> Result<Vec<Box<dyn Job>>> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for program in build(cx, profile)? {
        let program = Arc::new(program);
        let ignored = list(cx, &program, &["--ignored"])?;
        for test in list(cx, &program, &[])? {
            let group = match profile {
                Profile::Dev => program.group.clone(),
                Profile::Release => format!("{}@release", program.group),
            };
            let name = format!("host::{group}::{test}");
            jobs.push(Box::new(HostTest {
                label: [Label {
                    name,
                    ring: Ring::Host,
                    machine: None,
                }],
                program: Arc::clone(&program),
                is_ignored: ignored.contains(&test),
                limit: LIMIT,
                extent,
                test,
            }));
        }
    }
    Ok(jobs)
}

/// Prints the command that would build the test programs.
pub(super) fn dry_run(cx: &Context, profile: Profile) {
    cx.ui.echo(&build_command(cx, profile));
}

fn build_command(cx: &Context, profile: Profile) -> Command {
    let mut command = host_cargo(cx, "test");
    command.args(
        HOST_PACKAGES
            .iter()
            .flat_map(|package| ["--package", package]),
    );
    command.args(["--no-run", "--message-format=json-render-diagnostics"]);
    if profile == Profile::Release {
        command.arg("--release").args(QUICKER_RELEASE);
    }
    command
}

fn build(cx: &Context, profile: Profile) -> Result<Vec<Program>> {
    let mut command = build_command(cx, profile);
    let _progress = cx
        .ui
        .progress(format!("building the host tests ({profile})"));
    let output = run::output(cx, &mut command)?;
    if !output.status.success() {
        cx.ui.say(output.stderr.trim_end());
        let what = format!("`{}` failed", ui::command_line(&command));
        return Err(Failure::build_failed(what).mend("the compiler's messages are above"));
    }
    let programs = libtest::programs(&output.stdout);
    if programs.is_empty() {
        return Err(Failure::build_failed("cargo built no test program at all"));
    }
    Ok(programs)
}

/// A command of the cargo that runs us, so that nothing is built twice.
pub fn host_cargo(cx: &Context, subcommand: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg(subcommand).current_dir(cx.project.root());
    if cx.offline && subcommand != "fmt" {
        command.arg("--offline");
    }
    command
}

fn list(cx: &Context, program: &Program, more: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new(&program.path);
    command
        .args(["--list", "--format", "terse"])
        .args(more)
        .current_dir(&program.folder);
    let output = run::output(cx, &mut command)?;
    if !output.status.success() {
        let what = format!("`{}` failed: {}", ui::command_line(&command), output.stderr);
        return Err(Failure::failed(what));
    }
    Ok(libtest::tests(&output.stdout))
}

struct HostTest {
    label: [Label; 1],
    program: Arc<Program>,
    test: String,
    is_ignored: bool,
    limit: Duration,
    extent: Extent,
}

enum Event {
    Ended(ExitStatus),
    Signal,
}

impl Job for HostTest {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn prepare(&self, cx: &Context) -> Result<()> {
        // Looking for the programs once is enough for all tests.
        static THERE: OnceLock<()> = OnceLock::new();
        if self.program.group.starts_with(WHOLE_TOOL) && THERE.get().is_none() {
            tools::require(cx, &DRIVEN)?;
            THERE.get_or_init(|| ());
        }
        Ok(())
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        let name = &self.label[0].name;
        if self.is_ignored {
            let why = "marked #[ignore] in the source".to_owned();
            return tell(Report::new(name, Status::Skipped(why), Duration::ZERO));
        }
        tell(
            self.report(cx)
                .unwrap_or_else(|failure| not_started(name, &failure)),
        );
    }
}

impl HostTest {
    fn report(&self, cx: &Context) -> Result<Report> {
        let name = &self.label[0].name;
        let log = logs::path(cx, name)?;
        let started = Instant::now();
        let ended = self.process(cx, &log, started)?;
        let bytes = fs::read(&log).doing(format_args!("reading {}", log.display()))?;
        let output = String::from_utf8_lossy(&bytes);
        let verdict = match ended {
            Some(ended) => libtest::judge(&output, ended),
            None => Verdict::Infrastructure(Fault::Interrupted),
        };
        let mut report = Report::new(name, Status::of(&verdict), started.elapsed());
        report.output = output.lines().map(str::to_owned).collect();
        report.log = Some(log);
        Ok(report)
    }

    /// Runs the test; `None` if a signal asked us to end meanwhile.
    fn process(&self, cx: &Context, log: &PathBuf, started: Instant) -> Result<Option<Ended>> {
        let file = File::create(log).doing(format_args!("making {}", log.display()))?;
        let copy = file.try_clone().doing("copying a file descriptor")?;
        let mut command = Command::new(&self.program.path);
        command
            .args(["--exact", &self.test, "--test-threads=1", "--nocapture"])
            .current_dir(&self.program.folder)
            .env("CARGO_MANIFEST_DIR", &self.program.folder)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy);
        if self.extent == Extent::Nightly {
            command.env("PROPTEST_CASES", NIGHTLY_PROPERTY_CASES);
        }
        cx.ui.echo_probe(&command);
        let left = cx.remaining()?;
        let limit = left.map_or(self.limit, |left| left.min(self.limit));
        let (send, receive) = mpsc::channel();
        let on_end = send.clone();
        // Sending fails only when nobody waits any more.
        let _subscription = interrupt::subscribe(move |_| drop(send.send(Event::Signal)))?;
        let mut child = process::spawn(command, Group::Own, Vec::new(), move |status| {
            drop(on_end.send(Event::Ended(status)));
        })
        .doing(format_args!("starting {}", self.program.path.display()))?;
        let left = (started + limit).saturating_duration_since(Instant::now());
        match receive.recv_timeout(left) {
            Ok(Event::Ended(status)) => Ok(Some(ended(status))),
            Ok(Event::Signal) => {
                child.end(process::GRACE);
                Ok(None)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                child.end(process::GRACE);
                Ok(Some(Ended::Deadline))
            }
        }
    }
}

fn ended(status: ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, signal) => Ended::Signalled(signal.unwrap_or_default()),
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
