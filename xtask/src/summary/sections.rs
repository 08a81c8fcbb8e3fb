//! From what was read to the sections of a page, the most important first.
//!
//! Owns what a summary shows and in which order; Markdown that is too long
//! loses the last ones. Pure.

use std::time::Duration;

use super::input::{Case, Counts, Image, Images, Report, Step};
use super::numbers::{Comparison, Number, Weight};
use super::page::{Block, Cell, Section, Status};
use super::shards::Merged;
use super::{Findings, Job, JobResult};
use crate::testing::report::text::time;

/// How many lines of a failed case's output are shown.
const LAST_LINES: usize = 50;
/// How many of the slowest cases are named.
const SLOWEST: usize = 20;

/// All sections that have something to say.
pub(super) fn of(findings: &Findings) -> Vec<Section> {
    let all = [
        troubles(&findings.troubles),
        jobs(&findings.jobs),
        failed_cases(&findings.tests),
        steps(findings),
        changes(findings.comparison.as_ref(), &findings.notes),
        runs(&findings.tests),
        numbers(&findings.numbers),
        files(findings),
        images(findings),
        not_simply_passed(&findings.tests),
        slowest(&findings.tests),
        all_cases(&findings.tests),
    ];
    all.into_iter().flatten().collect()
}

fn troubles(troubles: &[String]) -> Option<Section> {
    let rows = troubles.iter().map(|text| vec![Cell::Text(text.clone())]);
    let table = table(
        vec!["what keeps this summary from being whole"],
        rows.collect(),
    )?;
    Some(Section::open("Trouble", vec![table]))
}

fn jobs(jobs: &[Job]) -> Option<Section> {
    let rows = jobs.iter().map(|job| {
        let status = match job.result {
            JobResult::Success => Status::Passed,
            JobResult::Failure => Status::Failed,
            JobResult::Cancelled | JobResult::Skipped => Status::Skipped,
        };
        vec![
            Cell::Code(job.name.clone()),
            Cell::Status(status),
            Cell::Text(job.result.to_string()),
        ]
    });
    let table = table(vec!["job", "", "result"], rows.collect())?;
    Some(Section::open("Jobs", vec![table]))
}

fn failed_cases(tests: &Merged) -> Option<Section> {
    let bad: Vec<&Case> = tests.cases.iter().filter(|case| case.is_bad()).collect();
    if bad.is_empty() {
        return None;
    }
    let title = format!("Failed: {} of {} cases", bad.len(), tests.cases.len());
    Some(Section::open(
        title,
        bad.into_iter().map(failed_case).collect(),
    ))
}

fn failed_case(case: &Case) -> Block {
    let kind = case.kind.as_deref().unwrap_or(&case.status);
    let reason = case.reason.as_deref().unwrap_or("it says no reason");
    let again = case
        .rerun
        .as_deref()
        .map(|rerun| format!(" Again: {rerun}"));
    let mut lines: Vec<String> = Vec::new();
    let from = case.output.len().saturating_sub(LAST_LINES);
    if from > 0 {
        lines.push(format!("... {from} lines before"));
    }
    lines.extend(case.output[from..].iter().cloned());
    lines.extend(
        case.registers
            .iter()
            .flat_map(|text| text.lines())
            .map(str::to_owned),
    );
    Block::Output {
        title: case.name.clone(),
        note: format!("{kind}: {reason}{}", again.unwrap_or_default()),
        lines,
    }
}

fn steps(findings: &Findings) -> Option<Section> {
    let of_input = findings
        .inputs
        .iter()
        .filter_map(|input| match &input.report {
            Report::Steps(steps) => Some((input, steps)),
            _ => None,
        });
    let mut rows = Vec::new();
    for (input, steps) in of_input {
        rows.extend(steps.steps.iter().map(|step| step_row(step, &input.name)));
        rows.extend(steps.not_run.iter().map(|name| {
            vec![
                Cell::Code(name.clone()),
                Cell::Status(Status::Failed),
                Cell::Number("-".to_owned()),
                Cell::Text("the run was ended before it".to_owned()),
                Cell::Text(input.name.clone()),
            ]
        }));
    }
    let table = table(vec!["step", "", "time", "why", "from"], rows)?;
    Some(Section::open("Steps", vec![table]))
}

fn step_row(step: &Step, from: &str) -> Vec<Cell> {
    let status = match step.status.as_str() {
        "passed" => Status::Passed,
        "skipped" => Status::Skipped,
        _ => Status::Failed,
    };
    vec![
        Cell::Code(step.name.clone()),
        Cell::Status(status),
        Cell::Number(seconds(step.seconds)),
        Cell::Text(step.reason.clone().unwrap_or_default()),
        Cell::Text(from.to_owned()),
    ]
}

fn changes(comparison: Option<&Comparison>, notes: &[String]) -> Option<Section> {
    let mut blocks = Vec::new();
    if let Some(comparison) = comparison {
        blocks.extend(change_table(comparison));
        let list = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!(" {what}: {}.", names.join(", ")),
        };
        let text = format!(
            "{} numbers are as they were.{}{}",
            comparison.same,
            list("New", &comparison.new),
            list("Gone", &comparison.gone)
        );
        blocks.push(Block::Text(text));
    }
    blocks.extend(notes.iter().cloned().map(Block::Text));
    (!blocks.is_empty()).then(|| Section::open("Against the base branch", blocks))
}

fn change_table(comparison: &Comparison) -> Option<Block> {
    let mut changes: Vec<_> = comparison.changes.iter().collect();
    // Noise last: it is there to be seen, not to be read.
    changes.sort_by_key(|change| match change.weight {
        Weight::Worse => 0,
        Weight::Better => 1,
        Weight::Noise => 2,
    });
    let rows = changes.into_iter().map(|change| {
        let status = match change.weight {
            Weight::Worse => Status::Worse,
            Weight::Better => Status::Better,
            Weight::Noise => Status::Noise,
        };
        vec![
            Cell::Text(change.now.name.clone()),
            Cell::Number(change.before_shown()),
            Cell::Number(change.now.shown()),
            Cell::Number(change.percent()),
            Cell::Status(status),
        ]
    });
    table(
        vec!["number", "before", "now", "change", ""],
        rows.collect(),
    )
}

fn runs(tests: &Merged) -> Option<Section> {
    if tests.runs.is_empty() {
        return None;
    }
    let row = |name: Cell, part: String, counts: Counts, time: f64| {
        let status = match counts.failed + counts.infrastructure {
            0 => Status::Passed,
            _ => Status::Failed,
        };
        let count = |count: usize| Cell::Number(count.to_string());
        vec![
            name,
            Cell::Text(part),
            Cell::Status(status),
            count(counts.passed),
            count(counts.flaky),
            count(counts.failed),
            count(counts.infrastructure),
            count(counts.skipped),
            Cell::Number(seconds(time)),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = tests
        .runs
        .iter()
        .map(|run| {
            let part = run
                .part
                .as_ref()
                .map(|part| format!("{} of {}", part.index, part.count));
            row(
                Cell::Text(run.name.clone()),
                part.unwrap_or_default(),
                run.counts,
                run.seconds,
            )
        })
        .collect();
    if tests.runs.len() > 1 {
        let total = tests.runs.iter().map(|run| run.seconds).sum();
        rows.push(row(
            Cell::Text("together".to_owned()),
            String::new(),
            tests.counts(),
            total,
        ));
    }
    let head = vec![
        "run",
        "part",
        "",
        "passed",
        "flaky",
        "failed",
        "not judged",
        "skipped",
        "time",
    ];
    Some(Section::open("Tests", vec![table(head, rows)?]))
}

fn numbers(numbers: &[Number]) -> Option<Section> {
    let rows = numbers.iter().map(|number| {
        let interval = number
            .interval
            .map(|(low, high)| format!("{low:.2} to {high:.2}"));
        vec![
            Cell::Text(number.name.clone()),
            Cell::Number(number.shown()),
            Cell::Text(number.unit.to_string()),
            Cell::Text(interval.unwrap_or_default()),
        ]
    });
    let table = table(
        vec!["number", "value", "unit", "95 % interval"],
        rows.collect(),
    )?;
    Some(Section::open("Numbers", vec![table]))
}

fn files(findings: &Findings) -> Option<Section> {
    let manifests = findings
        .inputs
        .iter()
        .filter_map(|input| match &input.report {
            Report::Manifest(manifest) => Some((input, manifest)),
            _ => None,
        });
    let rows = manifests.flat_map(|(input, manifest)| {
        manifest.files.iter().map(|file| {
            vec![
                Cell::Code(file.name.clone()),
                Cell::Number(file.bytes.to_string()),
                Cell::Code(file.sha256.clone()),
                Cell::Text(format!("rustc {}", manifest.facts.compiler)),
                Cell::Text(input.name.clone()),
            ]
        })
    });
    let table = table(
        vec!["file", "bytes", "SHA-256", "by", "from"],
        rows.collect(),
    )?;
    Some(Section::open("Files", vec![table]))
}

fn images(findings: &Findings) -> Option<Section> {
    let images = findings
        .inputs
        .iter()
        .filter_map(|input| match &input.report {
            Report::Images(images) => Some(images),
            _ => None,
        });
    let rows = images.flat_map(image_rows).collect();
    let head = vec![
        "image",
        "platform",
        "bytes",
        "layers cached",
        "built",
        "digest",
    ];
    Some(Section::open("Images", vec![table(head, rows)?]))
}

fn image_rows(images: &Images) -> Vec<Vec<Cell>> {
    let number = |number: Option<u64>| {
        Cell::Number(number.map_or("-".to_owned(), |number| number.to_string()))
    };
    let row = |row: &Image| {
        let identity = row.image.as_ref();
        let layers = row.layers.as_ref();
        vec![
            Cell::Code(identity.map_or_else(|| images.stage.clone(), |image| image.tag.clone())),
            Cell::Text(row.platform.clone()),
            number(identity.map(|image| image.bytes)),
            number(layers.map(|layers| layers.cached)),
            number(layers.map(|layers| layers.built)),
            Cell::Code(identity.map_or_else(String::new, |image| image.digest.clone())),
        ]
    };
    images.builds.iter().map(row).collect()
}

fn not_simply_passed(tests: &Merged) -> Option<Section> {
    let cases = tests.cases.iter();
    let odd = cases.filter(|case| ["flaky", "skipped"].contains(&case.status.as_str()));
    let rows: Vec<Vec<Cell>> = odd
        .map(|case| {
            vec![
                Cell::Code(case.name.clone()),
                Cell::Text(case.status.clone()),
                Cell::Text(case.reason.clone().unwrap_or_default()),
            ]
        })
        .collect();
    let title = format!("Skipped and flaky: {}", rows.len());
    Some(Section::folded(
        title,
        vec![table(vec!["case", "", "why"], rows)?],
    ))
}

fn slowest(tests: &Merged) -> Option<Section> {
    let mut cases: Vec<&Case> = tests.cases.iter().collect();
    cases.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    let longest = cases.first().map_or(0.0, |case| case.seconds);
    let rows = cases.iter().take(SLOWEST).map(|case| {
        let share = if longest > 0.0 {
            case.seconds / longest
        } else {
            0.0
        };
        vec![
            Cell::Code(case.name.clone()),
            Cell::Bar(seconds(case.seconds), share),
        ]
    });
    let table = table(vec!["case", "time"], rows.collect())?;
    Some(Section::folded("The slowest cases", vec![table]))
}

fn all_cases(tests: &Merged) -> Option<Section> {
    let rows = tests.cases.iter().map(|case| {
        let status = match case.status.as_str() {
            "passed" | "flaky" => Status::Passed,
            "skipped" => Status::Skipped,
            _ => Status::Failed,
        };
        vec![
            Cell::Code(case.name.clone()),
            Cell::Status(status),
            Cell::Number(seconds(case.seconds)),
        ]
    });
    let table = table(vec!["case", "", "time"], rows.collect())?;
    let title = format!("All cases: {}", tests.cases.len());
    Some(Section::folded(title, vec![table]))
}

/// A table, unless it were empty.
fn table(head: Vec<&'static str>, rows: Vec<Vec<Cell>>) -> Option<Block> {
    (!rows.is_empty()).then_some(Block::Table { head, rows })
}

/// A time from outside, which may be no time at all.
fn seconds(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or("-".to_owned(), time)
}
