//! `cargo xtask ci-summary`: one page about what several jobs found.
//!
//! Owns the meaning of its flags and where the page goes; what it says is in
//! `summary`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::compile::write_whole;
use crate::context::Context;
use crate::failure::{Doing, Exit, Failure, Result};
use crate::flags;
use crate::summary::numbers::{Document, SCHEMA};
use crate::summary::{Findings, folder, html, markdown};

/// Runs the command.
pub fn run(cx: &Context, flags: flags::CiSummary) -> Result<()> {
    if flags.input.is_empty() {
        let mend = "name the folder of the other jobs' reports: cargo xtask ci-summary --input DIR";
        return Err(Failure::usage("ci-summary needs an --input", mend));
    }
    let place = Place::of(flags.output);
    if cx.dry_run {
        cx.ui
            .result(format_args!("would write the summary to {}", place.shown()));
        return Ok(());
    }
    let mut findings = Findings::new(folder::read(&flags.input), flags.job, &flags.require);
    if let Some(baseline) = flags.baseline {
        findings.compare(match baseline.is_dir() {
            true => folder::read(&[baseline]),
            // The first run of a branch has none.
            false => folder::Contents::default(),
        });
    }
    let page = findings.page();
    place.write(cx, |limit| markdown::render(&page, limit))?;
    if let Some(file) = &flags.html {
        write_whole(file, html::render(&page).as_bytes())?;
    }
    if let Some(file) = &flags.json {
        let document = Document {
            schema: SCHEMA.to_owned(),
            numbers: findings.numbers.clone(),
        };
        let text = serde_json::to_string_pretty(&document).doing("writing the JSON document")?;
        write_whole(file, (text + "\n").as_bytes())?;
    }
    for trouble in &findings.troubles {
        cx.ui.say(format_args!("trouble: {trouble}"));
    }
    let mut last = findings.headline();
    if let Some(file) = &flags.html {
        last.push_str(&format!("; the report is {}", cx.project.shown(file)));
    }
    cx.ui.result(last);
    match findings.exit() {
        Exit::Done => Ok(()),
        exit => Err(Failure::told(exit)),
    }
}

/// Where the Markdown goes.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// A file of its own.
    File(PathBuf),
    /// The end of a file that other steps write to as well.
    Step(PathBuf),
    /// Standard output.
    Stdout,
}

impl Place {
    fn of(output: Option<PathBuf>) -> Self {
        let step = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|value| !value.is_empty());
        match (output, step) {
            (Some(file), _) if file == Path::new("-") => Place::Stdout,
            (Some(file), _) => Place::File(file),
            (None, Some(file)) => Place::Step(file.into()),
            (None, None) => Place::Stdout,
        }
    }

    fn shown(&self) -> String {
        match self {
            Place::File(file) | Place::Step(file) => file.display().to_string(),
            Place::Stdout => "standard output".to_owned(),
        }
    }

    fn write(&self, cx: &Context, page: impl Fn(usize) -> String) -> Result<()> {
        match self {
            Place::File(file) => write_whole(file, page(markdown::LIMIT).as_bytes()),
            Place::Step(file) => {
                let doing = || format!("writing {}", file.display());
                // The limit is the file's, and it may have been written to.
                let there = fs::metadata(file).map_or(0, |meta| meta.len());
                let there = usize::try_from(there).unwrap_or(usize::MAX);
                let limit = markdown::LIMIT.saturating_sub(there);
                let mut file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(file)
                    .doing(doing())?;
                file.write_all(page(limit).as_bytes()).doing(doing())
            }
            Place::Stdout => {
                cx.ui.print(page(markdown::LIMIT));
                Ok(())
            }
        }
    }
}
