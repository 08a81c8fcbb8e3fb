//! The promises of the workflow, each a function to complaints. Pure.
//!
//! Owns those about one job or about when the workflow runs; those about how
//! jobs belong together are in `whole`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Job, Workflow, strings};
use crate::{commands, whole};

/// The jobs; one more runs for releases alone.
pub(crate) const JOBS: [&str; 4] = [
    "build-i386-docker",
    "qemu-docker-multiarch",
    "performance-test-i386",
    "ci-summary",
];
/// The job that signs.
pub(crate) const ATTEST: &str = "attest-release";

/// Everything that is not as promised.
pub(crate) fn complaints(workflow: &Workflow<'_>) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(triggers(&workflow.root));
    all.extend(top(&workflow.root));
    all.extend(jobs(workflow));
    for job in workflow.jobs() {
        let of_job = [
            run_lines(&job),
            limits(&job),
            permissions(&job),
            uploads(&job),
            checkouts(&job),
            shells(&job),
        ];
        let named = of_job.into_iter().flatten();
        all.extend(named.map(|complaint| format!("{}: {complaint}", job.id)));
    }
    all.extend(whole::matrix(workflow));
    all.extend(whole::summary(workflow));
    all.extend(whole::attestation(workflow));
    all.extend(whole::pins(workflow));
    all
}

/// Complains if something does not hold.
pub(crate) fn wants(complaints: &mut Vec<String>, holds: bool, complaint: impl Into<String>) {
    if !holds {
        complaints.push(complaint.into());
    }
}

fn triggers(root: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let on = &root["on"];
    let names: BTreeSet<&str> = on
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected = ["push", "pull_request", "workflow_dispatch"].into();
    wants(
        &mut complaints,
        names == expected,
        format!("it is triggered by {names:?}"),
    );
    let branches = strings(&on["push"]["branches"]);
    let expected = ["master", "main", "develop", "copilot/**"];
    wants(
        &mut complaints,
        branches == expected,
        format!("pushes to {branches:?} start it"),
    );
    wants(
        &mut complaints,
        strings(&on["push"]["tags"]) == ["v*"],
        "release tags do not start it",
    );
    let inputs = &on["workflow_dispatch"]["inputs"];
    let debug = &inputs["debug_enabled"];
    let is_switch = debug["type"] == "boolean" && debug["default"] == json!(false);
    wants(
        &mut complaints,
        is_switch,
        "debug_enabled is no switch that is off by default",
    );
    wants(
        &mut complaints,
        inputs["qemu_timeout"]["default"] == "120",
        "qemu_timeout is not 120 by default",
    );
    // The one place that turns the input into what the tool reads.
    let value = &root["env"]["QEMU_TIMEOUT"];
    let expected = "${{ inputs.qemu_timeout || '120' }}";
    wants(
        &mut complaints,
        value == expected,
        format!("QEMU_TIMEOUT is {value}, so qemu_timeout does nothing"),
    );
    complaints
}

fn top(root: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    wants(
        &mut complaints,
        root["permissions"] == json!({}),
        "the workflow itself has permissions",
    );
    let concurrency = &root["concurrency"];
    let group = concurrency["group"].as_str().unwrap_or_default();
    wants(
        &mut complaints,
        group.contains("github.ref"),
        "runs of one branch do not replace each other",
    );
    wants(
        &mut complaints,
        !concurrency["cancel-in-progress"].is_null(),
        "old runs go on",
    );
    complaints
}

fn jobs(workflow: &Workflow<'_>) -> Vec<String> {
    let found: BTreeSet<&str> = workflow
        .jobs()
        .map(|job| job.id)
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    let expected: BTreeSet<&str> = JOBS.into_iter().chain([ATTEST]).collect();
    match found == expected {
        true => Vec::new(),
        false => vec![format!(
            "its jobs are {found:?}, and should be {expected:?}"
        )],
    }
}

fn run_lines(job: &Job<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    for line in commands::lines(job) {
        match line {
            Err(complaint) => complaints.push(complaint),
            Ok(words) => {
                let why = commands::refused(&words);
                complaints
                    .extend(why.map(|why| format!("{words:?}: the tool does not take it: {why}")));
            }
        }
    }
    let odd = job
        .steps()
        .filter(|step| !step["shell"].is_null() || !step["working-directory"].is_null());
    complaints.extend(odd.map(|step| format!("{} is not run as others are", step["name"])));
    complaints
}

fn limits(job: &Job<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let minutes = job.value["timeout-minutes"].as_u64();
    let is_limited = minutes.is_some_and(|minutes| (1..=120).contains(&minutes));
    wants(
        &mut complaints,
        is_limited,
        format!("its timeout-minutes is {minutes:?}"),
    );
    let runner = job.value["runs-on"].as_str().unwrap_or_default();
    wants(
        &mut complaints,
        runner == "ubuntu-24.04",
        format!("it runs on {runner:?}, which changes by itself"),
    );
    complaints
}

fn permissions(job: &Job<'_>) -> Vec<String> {
    let expected = match job.id {
        ATTEST => json!({"id-token": "write", "attestations": "write"}),
        _ => json!({"contents": "read"}),
    };
    let found = &job.value["permissions"];
    match *found == expected {
        true => Vec::new(),
        false => vec![format!(
            "its permissions are {found}, and should be {expected}"
        )],
    }
}

/// Whether a step is this action.
pub(crate) fn is_use(step: &Value, action: &str) -> bool {
    let uses = step["uses"].as_str().unwrap_or_default();
    uses.starts_with(&format!("{action}@"))
}

fn uploads(job: &Job<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    for step in job
        .steps()
        .filter(|step| is_use(step, "actions/upload-artifact"))
    {
        let name = step["with"]["name"].as_str().unwrap_or_default();
        let days = step["with"]["retention-days"].as_u64();
        let expected = if name.starts_with("kernel") { 14 } else { 7 };
        wants(
            &mut complaints,
            days == Some(expected),
            format!("{name} is kept {days:?} days"),
        );
        let condition = step["if"].as_str().unwrap_or_default();
        wants(
            &mut complaints,
            condition == "${{ always() }}",
            format!("{name} is uploaded on success only"),
        );
    }
    let count = |prefix: &str| {
        let uploads = job
            .steps()
            .filter(|step| is_use(step, "actions/upload-artifact"));
        uploads
            .filter(|step| {
                step["with"]["name"]
                    .as_str()
                    .is_some_and(|name| name.starts_with(prefix))
            })
            .count()
    };
    if ["build-i386-docker", "qemu-docker-multiarch"].contains(&job.id) {
        wants(
            &mut complaints,
            count("kernel-") == 1,
            "the kernel is not kept",
        );
        wants(
            &mut complaints,
            count("results-") == 1,
            "reports and logs are not kept",
        );
    }
    complaints
}

fn checkouts(job: &Job<'_>) -> Vec<String> {
    let checkouts = job.steps().filter(|step| is_use(step, "actions/checkout"));
    let bad = checkouts.filter(|step| step["with"]["persist-credentials"] != json!(false));
    bad.map(|_| "the checkout leaves its token behind".to_owned())
        .collect()
}

/// A shell is for whoever started the run, asked for, and ends.
fn shells(job: &Job<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let shells: Vec<&Value> = job
        .steps()
        .filter(|step| is_use(step, "mxschmitt/action-tmate"))
        .collect();
    for step in &shells {
        let condition = step["if"].as_str().unwrap_or_default();
        let is_asked_for = condition
            == "${{ always() && github.event_name == 'workflow_dispatch' && inputs.debug_enabled }}";
        wants(&mut complaints, is_asked_for, "a shell opens unasked");
        let is_limited = step["with"]["limit-access-to-actor"] == json!(true);
        wants(&mut complaints, is_limited, "a shell is open to anybody");
        let minutes = step["timeout-minutes"].as_u64();
        wants(
            &mut complaints,
            minutes.is_some_and(|minutes| minutes <= 30),
            "a shell stays open",
        );
    }
    let expected = usize::from(JOBS[..3].contains(&job.id));
    wants(
        &mut complaints,
        shells.len() == expected,
        format!("debug_enabled opens {} shells", shells.len()),
    );
    complaints
}
