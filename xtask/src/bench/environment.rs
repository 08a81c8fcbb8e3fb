//! Where a measurement was made, so that it can be compared or not.
//!
//! Reads the host; called once a measurement.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::document::Environment;
use crate::context::Context;
use crate::failure::Result;
use crate::git;
use crate::machine::{Accel, Cpu};
use crate::run;

/// What is known about this host, this tree and this guest.
pub fn read(cx: &Context, cpu: Cpu) -> Result<Environment> {
    let qemu = run::output(cx, Command::new(&cx.settings.qemu.value).arg("--version"))?.stdout;
    Ok(Environment {
        qemu: first_line(&qemu),
        accelerator: Accel::Tcg.to_string(),
        cpu: cpu.to_string(),
        host_cpu: host_cpu(),
        host_cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        host_kernel: host_kernel(),
        commit: commit(cx),
        date: now(),
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("unknown").to_owned()
}

fn host_cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    });
    model.unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH))
}

fn host_kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    match release.trim() {
        "" => "unknown".to_owned(),
        release => release.to_owned(),
    }
}

/// The commit and whether the tree differs from it; a tree without git has none.
fn commit(cx: &Context) -> String {
    let Some(head) = git::read(cx, &["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let dirty = git::read(cx, &["status", "--porcelain", "--untracked-files=no"]);
    let dirty = dirty.is_none_or(|changes| !changes.trim().is_empty());
    format!("{}{}", head.trim(), if dirty { "-dirty" } else { "" })
}

fn now() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    utc(seconds)
}

/// Seconds since 1970 as `2026-01-02T03:04:05Z`. Years begin in March here, so
/// that the leap day is the last of its year.
fn utc(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_known_seconds() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }

    #[test]
    fn this_host_is_described() {
        assert!(!host_cpu().is_empty());
        assert!(now().starts_with("20"));
    }
}
