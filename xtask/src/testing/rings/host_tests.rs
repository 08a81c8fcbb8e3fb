//! Tests of the host ring with shell scripts in the place of test programs.

use std::os::unix::fs::PermissionsExt;

use super::*;

const GOOD: &str = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'";
/// Hangs, and so does a child that holds the same output.
const HANGS: &str = "echo began; tail -f /dev/null & wait";
const ENOUGH: Duration = Duration::from_secs(60);

fn report(name: &str, script: &str, limit: Duration) -> Report {
    let cx = crate::testing::test_context();
    let folder = cx.project.target().join("test-scripts");
    fs::create_dir_all(&folder).expect("target/ is writable");
    let path = folder.join(format!("{name}-{}", std::process::id()));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("target/ is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let program = Program {
        group: "script".to_owned(),
        path: path.clone(),
        folder,
    };
    let test = HostTest {
        label: [Label {
            name: format!("host::script::{name}"),
            ring: Ring::Host,
            machine: None,
        }],
        program: Arc::new(program),
        test: name.to_owned(),
        is_ignored: false,
        limit,
        extent: Extent::Default,
    };
    let mut reports = Vec::new();
    test.run(&cx, &[0], &mut |report| reports.push(report));
    fs::remove_file(path).expect("it is ours");
    reports.pop().expect("one report a test")
}

#[test]
fn a_good_program_passes_and_a_silent_one_does_not() {
    assert_eq!(report("good", GOOD, ENOUGH).status, Status::Passed);
    assert!(!report("silent", "exit 0", ENOUGH).status.is_good());
    let lying = format!("{GOOD}; exit 3");
    assert!(!report("lying", &lying, ENOUGH).status.is_good());
    let killed = format!("{GOOD}; kill -9 $$");
    assert!(!report("killed", &killed, ENOUGH).status.is_good());
}

#[test]
fn a_hanging_test_is_named_and_ended_with_its_children() {
    let started = Instant::now();
    let report = report("hanging", HANGS, Duration::from_millis(300));
    assert_eq!(report.name, "host::script::hanging");
    let reason = report.status.reason().expect("it hangs");
    assert!(reason.what.starts_with("hung"), "{reason:?}");
    assert_eq!(report.output, ["began"]);
    assert!(started.elapsed() < ENOUGH);
}

#[test]
fn the_output_of_a_failure_is_kept() {
    let script = "echo to stdout; echo to stderr >&2; exit 101";
    let report = report("failing", script, ENOUGH);
    assert_eq!(report.output, ["to stdout", "to stderr"]);
    assert!(report.log.is_some_and(|log| log.is_file()));
}
