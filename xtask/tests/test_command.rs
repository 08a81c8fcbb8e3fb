//! `cargo xtask test` from outside: what it selects, prints and exits with.
//!
//! Only what needs no build: the system ring is listed from its table, and
//! saved logs are judged again.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn xtask(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("EXOV6_") {
            command.env_remove(name);
        }
    }
    command.arg("test").args(words).stdin(Stdio::null());
    command.output().expect("cargo built it")
}

fn names(words: &[&str]) -> Vec<String> {
    let output = xtask(words);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// A saved log of a run that ended like this.
fn log(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("exov6-{name}-{}.log", std::process::id()));
    fs::write(&path, text).expect("the temporary folder is writable");
    path
}

fn judged(name: &str, text: &str, more: &[&str]) -> Output {
    let path = log(name, text);
    let mut words = vec!["--from-log", path.to_str().expect("a plain path")];
    words.extend(more);
    let output = xtask(&words);
    fs::remove_file(path).expect("it was just written");
    output
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn a_filter_that_matches_nothing_exits_4_and_names_what_is_near() {
    let output = xtask(&["--ring", "system", "system::bot::pentium-smp1-8M-seabios"]);
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("nothing matched"), "{stderr}");
    assert!(
        stderr.contains("system::boot::pentium-smp1-8M-seabios"),
        "{stderr}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn values_that_mean_nothing_exit_2() {
    for words in [
        ["--smp", "9"],
        ["--partition", "3/2"],
        ["--ring", "outer"],
        ["--cpu", "486"],
    ] {
        assert_eq!(xtask(&words).status.code(), Some(2), "{words:?}");
    }
    assert_eq!(xtask(&["--tap", "--json", "-"]).status.code(), Some(2));
}

#[test]
fn names_are_listed_alone_unique_and_the_same_twice() {
    let all = names(&["--list", "--ring", "system"]);
    assert_eq!(all, names(&["--list", "--ring", "system"]));
    let unique: BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), all.len());
    assert!(
        all.iter().all(|name| name.starts_with("system::")),
        "{all:?}"
    );
    for cpu in ["pentium", "pentium2", "pentium3", "qemu32"] {
        let some = names(&["--list", "--ring", "system", "--cpu", cpu]);
        assert!(!some.is_empty() && some.len() < all.len(), "{cpu}");
    }
}

#[test]
fn parts_are_disjoint_and_together_all() {
    let all = names(&["--list", "--ring", "system"]);
    let mut together: Vec<String> = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        together.extend(names(&["--list", "--ring", "system", "--partition", part]));
    }
    together.sort();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(together, sorted);
}

const HEAD: &str = "# exov6 test log 1\n# case: ktest::m::boot1\n# end: exited 33\n# console\n";

#[test]
fn a_good_log_passes_and_its_last_line_stands_alone() {
    let console = "0.1 ktest: plan 1\n0.2 ktest: run a\n0.3 ktest: ok a\n0.4 exov6: done ok\n";
    let output = judged("good", &format!("{HEAD}{console}"), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "2 passed, 0 failed\n"
    );
}

#[test]
fn zero_tests_fail() {
    let console = "0.1 ktest: plan 0\n0.4 exov6: done ok\n";
    let output = judged("zero", &format!("{HEAD}{console}"), &[]);
    assert_eq!(output.status.code(), Some(100));
    assert!(String::from_utf8_lossy(&output.stderr).contains("[zero-tests]"));
}

#[test]
fn a_panic_in_a_plain_log_fails_and_is_the_last_thing_said_but_the_counts() {
    let output = judged("panic", "ExoV6\nexov6: panic: boom\n", &[]);
    assert_eq!(output.status.code(), Some(100));
    assert_eq!(last_line(&output.stdout), "0 passed, 1 failed");
    assert!(String::from_utf8_lossy(&output.stderr).contains("boom"));
}

#[test]
fn what_is_infrastructures_fault_exits_1() {
    let text = HEAD.replace("exited 33", "signalled 9") + "0.1 hello\n";
    let output = judged("killed", &text, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("infrastructure"));
    assert_eq!(last_line(&output.stdout), "0 passed, 1 failed");
}

#[test]
fn a_document_on_stdout_is_alone_there() {
    let plain = "exov6: panic: boom\n";
    let output = judged("json", plain, &["--json", "-"]);
    assert_eq!(output.status.code(), Some(100));
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("nothing but JSON on stdout");
    assert_eq!(document["schema"], "exov6.test/1");
    assert_eq!(document["cases"][0]["kind"], "panicked");
    assert_eq!(last_line(&output.stderr), "0 passed, 1 failed");

    let output = judged("tap", plain, &["--tap"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("TAP version 14\n1..1\nnot ok 1 - log\n"),
        "{text}"
    );
    assert_eq!(last_line(&output.stderr), "0 passed, 1 failed");
}
