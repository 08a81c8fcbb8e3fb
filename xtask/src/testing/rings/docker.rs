//! The docker ring: tests that need a real container engine.
//!
//! Owns when they are skipped: where no engine can be had, every case says so
//! and why, and is counted. They are one test program of this package, run as
//! the host ring runs its own, one after the other: they share the engine.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::host::{self, LibTest};
use crate::cli::{Profile, Ring};
use crate::context::Context;
use crate::docker::engine::Engine;
use crate::failure::Result;
use crate::testing::case::{Label, Report, Status};
use crate::testing::job::Job;
use crate::testing::matrix::Extent;

/// The test program: `xtask/tests/docker/`.
pub(super) const GROUP: &str = "xtask/docker";
/// How long one test may take: the first one builds the images, from packages
/// that have to be fetched.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Builds the test program and asks it what it holds.
pub(super) fn jobs(cx: &Context, profile: Profile, extent: Extent) -> Result<Vec<Box<dyn Job>>> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    let programs = host::build(cx, profile)?;
    for program in programs
        .into_iter()
        .filter(|program| program.group == GROUP)
    {
        let program = Arc::new(program);
        let ignored = host::list(cx, &program, &["--ignored"])?;
        for test in host::list(cx, &program, &[])? {
            jobs.push(Box::new(DockerTest {
                label: [Label {
                    name: format!("docker::{test}"),
                    ring: Ring::Docker,
                    machine: None,
                }],
                test: LibTest {
                    program: Arc::clone(&program),
                    is_ignored: ignored.contains(&test),
                    limit: LIMIT,
                    extent,
                    test,
                },
            }));
        }
    }
    Ok(jobs)
}

struct DockerTest {
    label: [Label; 1],
    test: LibTest,
}

impl Job for DockerTest {
    fn labels(&self) -> &[Label] {
        &self.label
    }

    fn run(&self, cx: &Context, _chosen: &[usize], tell: &mut dyn FnMut(Report)) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        // What a panic left behind is no test's state: each is a process.
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &self.label[0].name;
        tell(match why_not(cx) {
            Some(why) => Report::new(name, Status::Skipped(why), Duration::ZERO),
            None => self.test.run(cx, name),
        });
    }
}

/// Why there is no engine, if there is none; asked once. Where setup is allowed
/// it is tried first.
fn why_not(cx: &Context) -> Option<String> {
    static ANSWER: OnceLock<Option<String>> = OnceLock::new();
    ANSWER
        .get_or_init(|| Engine::find(cx, None).err().map(|failure| failure.what))
        .clone()
}
