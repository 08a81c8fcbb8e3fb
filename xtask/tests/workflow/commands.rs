//! Each `run:` is one call of the tool, and the tool takes it.
//!
//! Owns as much of a shell as the workflow may use: words, quotes, and
//! variables that stand in `env:`. All else is a complaint, for logic belongs
//! into the tool, where a laptop has it too.

use std::ffi::OsString;

use serde_json::{Map, Value};
use xtask::argv::{self, Invocation};
use xtask::flags::{Xtask, XtaskCmd};
use xtask::grammar::Grammar;

use crate::model::Job;

/// The words after `cargo xtask` of each `run:`, for each row of the matrix, or
/// what is wrong with it.
pub(crate) fn lines(job: &Job<'_>) -> Vec<Result<Vec<String>, String>> {
    let mut lines = Vec::new();
    for step in job.steps() {
        let Some(run) = step["run"].as_str() else {
            continue;
        };
        for row in job.rows() {
            let value = |name: &str| evaluated(job.variable(step, name)?, &row);
            lines.push(words(run.trim_end(), value).map_err(|why| format!("{run:?}: {why}")));
        }
    }
    lines
}

/// Why the tool would refuse these words.
pub(crate) fn refused(words: &[String]) -> Option<String> {
    let grammar = Grammar::of_this_tool();
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let parsed = match argv::normalise(&grammar, &words) {
        Ok(Invocation::Help(_)) => return Some("it only asks for help".to_owned()),
        Ok(Invocation::Run(normal)) => {
            Xtask::from_vec(normal).map_err(|error| argv::refused(&grammar, &words, &error))
        }
        Err(failure) => Err(failure),
    };
    match parsed {
        // What runs in the container is a command line of the tool as well.
        Ok(flags) => match flags.subcommand {
            XtaskCmd::DockerRun(inside) => refused(&inside.words),
            _ => None,
        },
        Err(failure) => Some(failure.what),
    }
}

/// The value of an entry of `env:` that a `run:` may use.
fn evaluated(value: &str, row: &Map<String, Value>) -> Option<String> {
    let Some(expression) = value
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
    else {
        return Some(value.to_owned());
    };
    let expression = expression.trim();
    if let Some(column) = expression.strip_prefix("matrix.") {
        return row.get(column)?.as_str().map(str::to_owned);
    }
    let job = expression.strip_prefix("needs.")?.strip_suffix(".result")?;
    (!job.contains(' ')).then(|| "success".to_owned())
}

/// The words of a command line, without `cargo xtask`.
fn words(line: &str, value: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '$' => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                if !is_quoted {
                    return Err(format!("${name} stands without quotes"));
                }
                let text = value(&name)
                    .ok_or_else(|| format!("${name} has no value that is known here"))?;
                word.get_or_insert_default().push_str(&text);
            }
            ' ' if !is_quoted => words.extend(word.take()),
            c if c.is_ascii_alphanumeric() || "-_./=:,".contains(c) || is_quoted && c == ' ' => {
                word.get_or_insert_default().push(c);
            }
            c => return Err(format!("{c:?} is more than a call of the tool")),
        }
    }
    if is_quoted {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    match words.as_slice() {
        [cargo, xtask, rest @ ..] if cargo == "cargo" && xtask == "xtask" => Ok(rest.to_vec()),
        _ => Err("it is no call of `cargo xtask`".to_owned()),
    }
}
