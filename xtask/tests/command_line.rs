//! The program as people call it: exit codes, streams, help, settings.

use std::path::Path;
use std::process::{Command, Output};

fn xtask(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(words);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EXOV6_")) {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
    (
        status.code().expect("it exits by itself"),
        text(stdout),
        text(stderr),
    )
}

#[test]
fn help_is_on_stdout_and_succeeds() {
    for words in [&["--help"][..], &["-h"], &["help"]] {
        let (code, stdout, stderr) = run(&mut xtask(words));
        assert_eq!((code, stderr.as_str()), (0, ""), "{words:?}");
        assert!(stdout.contains("bench-boot"), "{stdout}");
    }
    let (code, stdout, _) = run(&mut xtask(&["build", "--help"]));
    assert_eq!(code, 0);
    assert!(
        stdout.contains("Example: cargo xtask build --dev"),
        "{stdout}"
    );
    assert!(
        !stdout.contains("--expect"),
        "help of build shows a flag of qemu"
    );
}

#[test]
fn wrong_usage_exits_with_two_and_advice_on_stderr() {
    for (words, advice) in [
        (&[][..], "needs a command"),
        (&["qmeu"], "did you mean `qemu`?"),
        (&["build", "--realease"], "did you mean `--release`?"),
        (&["build", "--target-cpu", "i486"], "is not one of pentium"),
        (&["build", "--release", "--dev"], "exclude each other"),
        (
            &["build", "--target-cpu", "qemu32"],
            "no code is made for `qemu32`",
        ),
        (
            &["build", "--toolchain", "/nowhere"],
            "name the folder above the bin/",
        ),
        (&["image"], "kind"),
        (
            &["config", "show", "--timeout", "90"],
            "is not a time like 90s",
        ),
        (
            &["config", "show", "--color", "always", "--color", "never"],
            "more than once",
        ),
    ] {
        let (code, stdout, stderr) = run(&mut xtask(words));
        assert_eq!((code, stdout.as_str()), (2, ""), "{words:?}: {stderr}");
        assert!(stderr.contains(advice), "{words:?} says\n{stderr}");
    }
}

#[test]
fn settings_come_from_the_environment_and_the_flags() {
    let (code, stdout, _) =
        run(xtask(&["config", "show", "--json", "--offline"]).env("EXOV6_SMP", "4"));
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&stdout).expect("JSON alone on stdout");
    assert_eq!(document["version"], 1);
    let row = |name: &str| {
        let rows = document["settings"].as_array().expect("a list");
        rows.iter()
            .find(|row| row["name"] == name)
            .expect(name)
            .clone()
    };
    assert_eq!(
        (
            row("smp")["value"].as_str(),
            row("smp")["source"]["variable"].as_str()
        ),
        (Some("4"), Some("EXOV6_SMP"))
    );
    assert_eq!(
        (
            row("offline")["value"].as_str(),
            row("offline")["source"]["flag"].as_str()
        ),
        (Some("true"), Some("--offline"))
    );

    let (code, _, stderr) = run(xtask(&["config", "show"]).env("EXOV6_SMP", "9"));
    assert_eq!(code, 2);
    assert!(
        stderr.contains("EXOV6_SMP: `smp`: `9` is not a number of processors from 1 to 8"),
        "{stderr}"
    );
}

#[test]
fn it_works_from_any_folder() {
    let (code, stdout, stderr) = run(xtask(&["config", "show"]).current_dir("/"));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("pentium3"), "{stdout}");
    let (code, _, stderr) = run(xtask(&["doctor"]).current_dir(std::env::temp_dir()));
    assert!(code == 0 || code == 3, "{code}: {stderr}");
}

#[test]
fn colour_is_for_those_who_want_it() {
    let (_, _, plain) = run(&mut xtask(&["config", "show"]));
    assert!(!plain.contains('\x1b'), "colour in a pipe: {plain:?}");
    let (_, _, forced) = run(&mut xtask(&["config", "show", "--color", "always"]));
    assert!(forced.contains('\x1b'), "no colour: {forced:?}");
    let (_, _, refused) = run(xtask(&["config", "show"])
        .env("NO_COLOR", "1")
        .env("CLICOLOR_FORCE", "0"));
    assert!(!refused.contains('\x1b'), "{refused:?}");
}

#[test]
fn the_doctor_writes_one_document_and_installs_nothing() {
    let (code, stdout, stderr) = run(&mut xtask(&["doctor", "--json", "-v"]));
    assert!(code == 0 || code == 3, "{code}: {stderr}");
    let document: serde_json::Value = serde_json::from_str(&stdout).expect("JSON alone on stdout");
    assert_eq!(document["version"], 1);
    assert_eq!(document["healthy"], code == 0);
    assert!(
        document["tools"]
            .as_array()
            .is_some_and(|tools| tools.len() >= 12)
    );
    // It may well name apt-get, as the mend of what is missing.
    let runs_apt = |line: &str| line.starts_with('$') && line.contains("apt-get");
    assert!(!stderr.lines().any(runs_apt), "it runs apt-get:\n{stderr}");
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let line = format!(
        "'{}' completions bash 2>&1 | head -n 1",
        env!("CARGO_BIN_EXE_xtask")
    );
    let (_, stdout, stderr) = run(Command::new("bash").args(["-c", &line]));
    assert_eq!(stdout.lines().count(), 1);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// A folder with programs of ours only, so that nothing else is found.
fn machine_without(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("exov6-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary folder");
    dir
}

#[test]
fn a_missing_tool_exits_with_three_and_the_command_that_installs_it() {
    let empty = machine_without("no-qemu");
    let words = ["doctor", "--json"];
    let nowhere = empty.join("qemu-system-i386");
    let (code, stdout, stderr) = run(xtask(&words).env("EXOV6_QEMU", &nowhere));
    std::fs::remove_dir_all(&empty).expect("it was made above");
    assert_eq!(code, 3, "{stderr}");
    let document: serde_json::Value = serde_json::from_str(&stdout).expect("JSON alone on stdout");
    let command = document["setup"]["command"].as_str().expect("a command");
    assert!(
        command.contains("apt-get install") && command.contains("qemu-system-x86"),
        "{command}"
    );
    assert!(
        stderr.contains("qemu") && stderr.contains("cargo xtask setup"),
        "{stderr}"
    );
}

#[test]
fn a_dry_run_of_build_prints_the_command_and_builds_nothing() {
    let target = machine_without("dry-target");
    let (code, stdout, stderr) =
        run(xtask(&["build", "--dry-run", "--dev"]).env("CARGO_TARGET_DIR", &target));
    let made = std::fs::read_dir(&target)
        .map(|entries| entries.count())
        .unwrap_or_default();
    std::fs::remove_dir_all(&target).expect("it was made above");
    if code == 3 {
        // No compiler on this machine: then it says so.
        assert!(stderr.contains("kernel-rust"), "{stderr}");
        return;
    }
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("-Zbuild-std=core,alloc"), "{stderr}");
    assert!(!Path::new(&target).join("exov6").exists());
    assert_eq!(made, 0, "it wrote into target/");
}
