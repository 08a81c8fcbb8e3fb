//! The workflow does what it promises: each promise is a rule, each rule proven.
//!
//! Reads `.github/workflows/qemu-docker-i386.yml` as YAML. `rules` and `whole`
//! are pure functions from a workflow to complaints; `faults` breaks the file in one
//! place after the other and wants the right complaint each time.

mod commands;
mod faults;
mod model;
mod rules;
mod whole;

use model::Workflow;

/// The file's text.
fn text() -> String {
    let project = xtask::project::Project::find().expect("tests run inside the work tree");
    let file = project
        .root()
        .join(".github/workflows/qemu-docker-i386.yml");
    std::fs::read_to_string(&file).expect("the workflow is there")
}

#[test]
fn the_workflow_keeps_every_promise() {
    let text = text();
    let workflow = Workflow::read(&text).expect("it is YAML");
    let complaints = rules::complaints(&workflow);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn something_is_checked() {
    let text = text();
    let workflow = Workflow::read(&text).expect("it is YAML");
    let lines: Vec<String> = workflow
        .jobs()
        .flat_map(|job| commands::lines(&job))
        .map(|line| line.expect("no complaint, as the other test says"))
        .map(|words| words.join(" "))
        .collect();
    for line in [
        "ci --only lint --report target/ci/lint.json",
        "docker-build --platform linux/386 --cache gha",
        "docker-run --platform linux/amd64 -- test --partition 2/2 --json target/test.json --junit target/test.xml",
        "docker-smoke --platform linux/amd64",
    ] {
        assert!(
            lines.iter().any(|found| found == line),
            "no `{line}` in\n{}",
            lines.join("\n")
        );
    }
}
