//! What emulation costs by class of work: the same loop in guest and on host.
//!
//! Owns the timing of the loops. In the guest the time is between two lines
//! on the console; on the host it is a program's run less that of the same
//! program with one iteration.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::document::Work;
use super::machine_code::Class;
use super::machines::{self, Configuration};
use crate::context::Context;
use crate::emulator::End;
use crate::emulator::outcome::EXIT_SUCCESS;
use crate::emulator::session::{Limits, Session};
use crate::failure::{Doing, Failure, Result};
use crate::machine::Cpu;
use crate::project::Project;

/// How often each loop runs; the middle counts, for a late look at either
/// line of the console shortens the time as well as it lengthens it.
const REPEATS: usize = 3;
/// Native loops run this many times longer than the guest's.
const NATIVE_FACTOR: u32 = 5;

/// Times every class of work.
pub fn measure(cx: &Context, cpu: Cpu) -> Result<Vec<Work>> {
    let progress = cx.ui.progress("timing classes of work");
    Class::ALL
        .into_iter()
        .map(|class| {
            progress.now(class.name());
            let native_ns = native(class)?;
            Ok(Work {
                class: class.name().to_owned(),
                guest_ns: guest(cx, class, cpu)?,
                native_ns,
            })
        })
        .collect()
}

fn guest(cx: &Context, class: Class, cpu: Cpu) -> Result<f64> {
    let elf = class.guest(class.iterations());
    let name = format!("work-{}", class.name().replace(' ', "-"));
    let kernel = machines::write_tiny(cx, &name, &elf)?;
    let machine = Configuration::Qboot.machine(kernel, cpu);
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let outcome = Session::start(cx, &machine, Limits::default())?.finish();
        let at = |text: &str| {
            let line = outcome.serial.iter().find(|line| line.text == text);
            line.map(|line| line.at)
        };
        let (Some(begin), Some(end), End::Exited(EXIT_SUCCESS)) =
            (at("begin"), at("end"), outcome.end)
        else {
            let what = format!("the loop `{}` did not end", class.name());
            return Err(machines::no_sample(&what, &outcome));
        };
        times.push(per_iteration(end.saturating_sub(begin), class.iterations()));
    }
    middle(times).doing("timing a loop")
}

fn middle(mut times: Vec<f64>) -> Option<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

fn native(class: Class) -> Result<Option<f64>> {
    let iterations = class.iterations().saturating_mul(NATIVE_FACTOR);
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let (Some(whole), Some(one)) = (native_time(class, iterations)?, native_time(class, 1)?)
        else {
            return Ok(None);
        };
        times.push(per_iteration(whole.saturating_sub(one), iterations));
    }
    Ok(middle(times))
}

/// How long the host takes to run a loop, start and end of the program
/// included; `None` if it cannot run it.
pub(super) fn native_time(class: Class, iterations: u32) -> Result<Option<Duration>> {
    let Some(elf) = class.native(iterations) else {
        return Ok(None);
    };
    let folder = Project::find()?.target().join("bench");
    fs::create_dir_all(&folder).doing(format_args!("making {}", folder.display()))?;
    let name = format!("{class:?}-{iterations}-{}", std::process::id());
    let path = folder.join(name);
    let written = fs::write(&path, elf)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
    written.doing(format_args!("writing {}", path.display()))?;
    let started = Instant::now();
    let status = Command::new(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let time = started.elapsed();
    // What is left behind is overwritten by the next run.
    let _ = fs::remove_file(&path);
    match status {
        Ok(status) if status.success() => Ok(Some(time)),
        Ok(status) => {
            let what = format!(
                "the loop `{}` ended with {status} on this host",
                class.name()
            );
            Err(Failure::failed(what))
        }
        // Some containers allow no program below their own folders.
        Err(_) => Ok(None),
    }
}

fn per_iteration(time: Duration, iterations: u32) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(iterations.max(1))
}
