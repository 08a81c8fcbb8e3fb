//! The promises about jobs that belong together. Pure.
//!
//! Owns: the matrix covers what it should, the summary hears of everything,
//! only a release is attested, and an action is the same commit everywhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::commands;
use crate::model::{Job, Workflow};
use crate::rules::{ATTEST, JOBS, is_use, wants};

/// Both platforms build and boot; the parts of the tests are all there are.
pub(crate) fn matrix(workflow: &Workflow<'_>) -> Vec<String> {
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
pub(crate) fn summary(workflow: &Workflow<'_>) -> Vec<String> {
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

/// A release, and nothing else, is built from nothing and signed at the end.
pub(crate) fn attestation(workflow: &Workflow<'_>) -> Vec<String> {
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
pub(crate) fn pins(workflow: &Workflow<'_>) -> Vec<String> {
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
