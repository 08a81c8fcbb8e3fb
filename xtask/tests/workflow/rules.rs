//! The promises of the workflow, each a function to complaints. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::commands;
use crate::model::{Job, Workflow, strings};

/// The jobs, and the one that runs for releases alone.
const JOBS: [&str; 4] = [
    "build-i386-docker",
    "qemu-docker-multiarch",
    "performance-test-i386",
    "ci-summary",
];
const ATTEST: &str = "attest-release";

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
    all.extend(matrix(workflow));
    all.extend(summary(workflow));
    all.extend(attestation(workflow));
    all.extend(pins(workflow));
    all
}

fn wants(complaints: &mut Vec<String>, holds: bool, complaint: impl Into<String>) {
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

fn is_use(step: &Value, action: &str) -> bool {
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

/// Both platforms build and boot; the parts of the tests are all there are.
fn matrix(workflow: &Workflow<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let Some(job) = workflow.job("qemu-docker-multiarch") else {
        return complaints;
    };
    let rows = job.rows();
    let column = |name: &str| -> Vec<&str> {
        rows.iter()
            .filter_map(|row| row.get(name)?.as_str())
            .collect()
    };
    let platforms = column("platform");
    wants(
        &mut complaints,
        platforms == ["linux/386", "linux/amd64"],
        format!("the platforms are {platforms:?}"),
    );
    let expected: Vec<String> = (1..=rows.len())
        .map(|index| format!("{index}/{}", rows.len()))
        .collect();
    let parts = column("part");
    wants(
        &mut complaints,
        parts == expected,
        format!("the parts are {parts:?}: together they are no whole"),
    );
    let slugs: Vec<String> = platforms
        .iter()
        .map(|platform| platform.replace('/', "-"))
        .collect();
    wants(
        &mut complaints,
        column("slug") == slugs,
        "an artifact is not named after its platform",
    );
    let is_thorough = job.value["strategy"]["fail-fast"] == json!(false);
    wants(
        &mut complaints,
        is_thorough,
        "one platform's failure hides the other",
    );
    let lines: Vec<String> = commands::lines(&job)
        .into_iter()
        .flatten()
        .map(|words| words.join(" "))
        .collect();
    for platform in platforms {
        for command in ["docker-build", "docker-smoke", "docker-integration"] {
            let line = format!("{command} --platform {platform}");
            let is_there = lines.iter().any(|found| found.starts_with(&line));
            wants(&mut complaints, is_there, format!("no `{line}`"));
        }
    }
    complaints
}

/// The summary waits for all, runs whatever became of them, and is told.
fn summary(workflow: &Workflow<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let Some(job) = workflow.job("ci-summary") else {
        return complaints;
    };
    let needs = job.needs();
    wants(
        &mut complaints,
        needs == JOBS[..3],
        format!("the summary waits for {needs:?}: a shard could be lost"),
    );
    wants(
        &mut complaints,
        job.value["if"] == "${{ always() }}",
        "there is no summary of a failure",
    );
    let downloads: Vec<&Value> = job
        .steps()
        .filter(|step| is_use(step, "actions/download-artifact"))
        .collect();
    let takes_all = |step: &&Value| {
        ["name", "pattern", "artifact-ids"]
            .iter()
            .all(|key| step["with"][*key].is_null())
    };
    wants(
        &mut complaints,
        downloads.len() == 1 && downloads.iter().all(takes_all),
        "the summary does not fetch all artifacts",
    );
    let lines = commands::lines(&job);
    let line = lines
        .iter()
        .flatten()
        .find(|words| words.first().is_some_and(|word| word == "ci-summary"));
    let words = line.cloned().unwrap_or_default();
    for needed in &JOBS[..3] {
        let told = words.contains(&format!("{needed}=success"));
        wants(
            &mut complaints,
            told,
            format!("the summary is not told how {needed} ended"),
        );
    }
    for kind in ["steps", "tests", "boot", "build"] {
        let is_required = words.windows(2).any(|pair| pair == ["--require", kind]);
        wants(
            &mut complaints,
            is_required,
            format!("a summary without {kind} would do"),
        );
    }
    let results: BTreeSet<&str> = ["BUILD", "TESTS", "PERFORMANCE"]
        .into_iter()
        .filter_map(|name| job.value["env"][name].as_str())
        .collect();
    let expected: Vec<String> = JOBS[..3]
        .iter()
        .map(|id| format!("${{{{ needs.{id}.result }}}}"))
        .collect();
    wants(
        &mut complaints,
        expected
            .iter()
            .all(|result| results.contains(result.as_str())),
        "a job's result is another job's",
    );
    complaints
}

fn attestation(workflow: &Workflow<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let Some(job) = workflow.job(ATTEST) else {
        return complaints;
    };
    let condition = job.value["if"].as_str().unwrap_or_default();
    let is_for_tags = condition == "${{ startsWith(github.ref, 'refs/tags/') }}";
    wants(
        &mut complaints,
        is_for_tags,
        "what is no release is attested",
    );
    wants(
        &mut complaints,
        job.needs().contains(&"ci-summary"),
        "it attests what nobody looked at",
    );
    let attests = job
        .steps()
        .any(|step| is_use(step, "actions/attest-build-provenance"));
    wants(&mut complaints, attests, "nothing is attested");
    // The attested build takes nothing that another run left behind.
    let build = workflow.job(JOBS[0]);
    let steps = build.iter().flat_map(Job::steps);
    let fresh = steps.filter(|step| step["if"] == "${{ startsWith(github.ref, 'refs/tags/') }}");
    let mut fresh = fresh.filter_map(|step| step["run"].as_str());
    let is_fresh = fresh.any(|run| {
        run.contains("docker-build") && run.contains("--no-cache") && !run.contains("--cache ")
    });
    wants(&mut complaints, is_fresh, "a release is built from a cache");
    complaints
}

/// Each action by its commit, with the version in a comment, the same everywhere.
fn pins(workflow: &Workflow<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut seen: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut count = 0;
    for line in workflow.text.lines() {
        let line = line.trim().trim_start_matches("- ");
        let Some(rest) = line.strip_prefix("uses:") else {
            continue;
        };
        count += 1;
        let (reference, comment) = rest.split_once('#').unwrap_or((rest, ""));
        let (action, commit) = reference.trim().split_once('@').unwrap_or((reference, ""));
        let is_commit = commit.len() == 40
            && commit
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        wants(
            &mut complaints,
            is_commit,
            format!("{action} is not pinned by its commit"),
        );
        let version = comment.trim().strip_prefix('v').unwrap_or_default();
        let is_version =
            !version.is_empty() && version.split('.').all(|part| part.parse::<u32>().is_ok());
        wants(
            &mut complaints,
            is_version,
            format!("{action} does not say its version"),
        );
        // actions/cache/save and /restore are one repository.
        let repository: Vec<&str> = action.split('/').take(2).collect();
        let here = (commit.to_owned(), version.to_owned());
        let before = seen
            .entry(repository.join("/"))
            .or_insert_with(|| here.clone());
        wants(
            &mut complaints,
            *before == here,
            format!("{action} has two versions"),
        );
    }
    let steps: usize = workflow
        .jobs()
        .map(|job| job.steps().filter(|step| !step["uses"].is_null()).count())
        .sum();
    wants(
        &mut complaints,
        steps == count,
        "a `uses:` is hidden from the text",
    );
    complaints
}
