//! Reads what cargo and Rust's own test programs print.
//!
//! Owns the two foreign formats of the host ring: cargo's JSON messages, from
//! which the test programs are learnt, and libtest's lines, from which the
//! names and the result of one test are. Called by the host ring. Pure.

use std::path::PathBuf;

use serde::Deserialize;

use super::verdict::{Cause, Verdict};

/// One test program that cargo built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// `package`, or `package/target` for a file of `tests/`.
    pub group: String,
    /// The program.
    pub path: PathBuf,
    /// The package's folder, where its tests expect to run.
    pub folder: PathBuf,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    package_id: String,
    target: Option<Target>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The test programs named in the output of
/// `cargo test --no-run --message-format=json`, in an order that does not
/// depend on which was built first.
pub fn programs(cargo_output: &str) -> Vec<Program> {
    let mut programs: Vec<Program> = cargo_output.lines().filter_map(program).collect();
    programs.sort_by(|a, b| (&a.group, &a.path).cmp(&(&b.group, &b.path)));
    programs
}

fn program(line: &str) -> Option<Program> {
    let message: Message = serde_json::from_str(line).ok()?;
    let is_test = message.profile.is_some_and(|profile| profile.test);
    if message.reason != "compiler-artifact" || !is_test {
        return None;
    }
    let target = message.target?;
    let package = package_name(&message.package_id);
    let group = match target.kind.first().map(String::as_str) {
        Some("test") => format!("{package}/{}", target.name),
        Some("bin") if target.name == package => format!("{package}/bin"),
        Some("bin") => format!("{package}/bin/{}", target.name),
        _ => package.to_owned(),
    };
    let folder = message.manifest_path?.parent()?.to_owned();
    Some(Program {
        group,
        path: message.executable?,
        folder,
    })
}

/// The name in a package id: `path+file:///a/xtask#0.1.0`,
/// `path+file:///a/core#kernel-core@0.1.0`, or `xtask 0.1.0 (path+...)` from
/// cargo before 1.77.
fn package_name(id: &str) -> &str {
    let Some((url, fragment)) = id.rsplit_once('#') else {
        return id.split(' ').next().unwrap_or(id);
    };
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => url.rsplit('/').next().unwrap_or(url),
    }
}

/// The tests in the output of `program --list --format terse`.
pub fn tests(listing: &str) -> Vec<String> {
    let names = listing
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

/// What one test's own process ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// This exit status.
    Exited(i32),
    /// This signal.
    Signalled(i32),
    /// We ended it at its deadline.
    Deadline,
}

/// The status libtest leaves when a test failed.
const LIBTEST_FAILED: i32 = 101;

/// The verdict on a process that was to run exactly one test.
pub fn judge(output: &str, ended: Ended) -> Verdict {
    match ended {
        Ended::Deadline => return failed("hung: it did not end before its deadline"),
        Ended::Signalled(signal) => return failed(&format!("signal {signal} ended it")),
        Ended::Exited(_) => {}
    }
    let Some(summary) = output.lines().rev().find_map(summary) else {
        return failed("it ended without libtest's summary");
    };
    match (ended, summary) {
        (
            Ended::Exited(0),
            Summary {
                passed: 1,
                failed: 0,
            },
        ) => Verdict::Passed,
        (
            Ended::Exited(0),
            Summary {
                passed: 0,
                failed: 0,
            },
        ) => Verdict::Failed(Cause::ZeroTests),
        (Ended::Exited(LIBTEST_FAILED), Summary { failed: 1, .. }) => failed(&panic_of(output)),
        (ended, _) => failed(&format!("the summary and the exit disagree ({ended:?})")),
    }
}

fn failed(what: &str) -> Verdict {
    Verdict::Failed(Cause::Case(what.to_owned()))
}

#[derive(Clone, Copy)]
struct Summary {
    passed: u32,
    failed: u32,
}

/// `test result: ok. 1 passed; 0 failed; 0 ignored; ...`
fn summary(line: &str) -> Option<Summary> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, counts) = rest.split_once(". ")?;
    let count = |word: &str| {
        let mut counts = counts.split(';').map(str::trim);
        let count = counts.find_map(|count| count.strip_suffix(word))?;
        count.trim().parse().ok()
    };
    Some(Summary {
        passed: count("passed")?,
        failed: count("failed")?,
    })
}

/// The first panic's place and message, on one line.
fn panic_of(output: &str) -> String {
    let mut lines = output.lines();
    let Some(place) = lines.find_map(|line| Some(line.split_once("' panicked at ")?.1)) else {
        // Since 1.89 the thread's id stands between its name and the verb.
        let place = output
            .lines()
            .find_map(|line| Some(line.split_once(") panicked at ")?.1));
        let message = output
            .lines()
            .skip_while(|line| !line.contains(") panicked at "))
            .nth(1);
        return match (place, message) {
            (Some(place), Some(message)) => format!("{place} {message}"),
            _ => "failed".to_owned(),
        };
    };
    format!("{place} {}", lines.next().unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_come_from_cargos_messages() {
        let output = r#"
{"reason":"compiler-artifact","package_id":"path+file:///w/kernel/core#kernel-core@0.1.0","manifest_path":"/w/kernel/core/Cargo.toml","target":{"kind":["test"],"name":"addr"},"profile":{"test":true},"executable":"/w/target/debug/deps/addr-1"}
{"reason":"compiler-artifact","package_id":"path+file:///w/xtask#0.1.0","manifest_path":"/w/xtask/Cargo.toml","target":{"kind":["lib"],"name":"xtask"},"profile":{"test":true},"executable":"/w/target/debug/deps/xtask-1"}
{"reason":"compiler-artifact","package_id":"path+file:///w/xtask#0.1.0","manifest_path":"/w/xtask/Cargo.toml","target":{"kind":["bin"],"name":"xtask"},"profile":{"test":false},"executable":"/w/target/debug/xtask"}
{"reason":"build-finished","success":true}
not json"#;
        let programs = programs(output);
        let groups: Vec<&str> = programs
            .iter()
            .map(|program| program.group.as_str())
            .collect();
        assert_eq!(groups, ["kernel-core/addr", "xtask"]);
        assert_eq!(programs[1].folder, PathBuf::from("/w/xtask"));
    }

    #[test]
    fn package_names_of_old_and_new_cargo() {
        assert_eq!(package_name("path+file:///w/xtask#0.1.0"), "xtask");
        assert_eq!(
            package_name("path+file:///w/core#kernel-core@0.1.0"),
            "kernel-core"
        );
        assert_eq!(package_name("xtask 0.1.0 (path+file:///w/xtask)"), "xtask");
    }

    #[test]
    fn lists_name_tests_only() {
        assert_eq!(
            tests("a::b: test\nc: bench\n\n1 test, 1 benchmark\n"),
            ["a::b"]
        );
    }

    const GOOD: &str = "\nrunning 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.00s\n";
    const BAD: &str = "thread 'a' (12) panicked at src/x.rs:1:2:\nboom\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.00s\n";

    #[test]
    fn one_test_passes_only_with_summary_and_status() {
        assert_eq!(judge(GOOD, Ended::Exited(0)), Verdict::Passed);
        for ended in [
            Ended::Exited(101),
            Ended::Exited(1),
            Ended::Signalled(6),
            Ended::Deadline,
        ] {
            assert_ne!(judge(GOOD, ended), Verdict::Passed, "{ended:?}");
        }
        assert_ne!(judge("", Ended::Exited(0)), Verdict::Passed);
        assert_ne!(judge(BAD, Ended::Exited(0)), Verdict::Passed);
        let none = GOOD.replace("1 passed", "0 passed");
        assert_eq!(
            judge(&none, Ended::Exited(0)),
            Verdict::Failed(Cause::ZeroTests)
        );
    }

    #[test]
    fn a_failed_test_says_where_and_why() {
        assert_eq!(
            judge(BAD, Ended::Exited(101)).to_string(),
            "src/x.rs:1:2: boom"
        );
        let older = BAD.replace("'a' (12) panicked", "'a' panicked");
        assert_eq!(
            judge(&older, Ended::Exited(101)).to_string(),
            "src/x.rs:1:2: boom"
        );
    }
}
