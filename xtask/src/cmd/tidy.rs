//! `cargo xtask tidy`: the rules of the house that a program can check.
//!
//! Owns the words; the rules are in `tidy/`.

use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::flags;
use crate::tidy::tree::Tree;
use crate::tidy::{self, Finding, RULES, Severity};

/// The document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    files: usize,
    rules: Vec<&'static str>,
    r#unsafe: usize,
    findings: &'a [Finding],
}

/// Runs the command.
pub fn run(cx: &Context, flags: flags::Tidy) -> Result<()> {
    let tree = Tree::read(cx)?;
    let findings = tidy::check(&tree);
    let (count, files) = tidy::count_unsafe(&tree);
    if flags.json {
        cx.ui.json(&Document {
            version: 1,
            files: tree.files.len(),
            rules: RULES.iter().map(|rule| rule.name).collect(),
            r#unsafe: count,
            findings: &findings,
        })?;
    }
    for finding in &findings {
        match finding.severity {
            Severity::Violation => cx.ui.say(finding),
            Severity::Warning => cx.ui.detail(finding),
        }
    }
    let violations = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Violation)
        .count();
    let warnings = findings.len() - violations;
    cx.ui.say(format_args!(
        "unsafe: {count} blocks, functions and impls in {files} files"
    ));
    if warnings > 0 {
        cx.ui
            .say(format_args!("warnings: {warnings}; -v shows them"));
    }
    let closing = format!(
        "tidy: {} files, {} rules, {violations} violations",
        tree.files.len(),
        RULES.len()
    );
    if violations == 0 {
        cx.ui.result(closing);
        Ok(())
    } else {
        Err(Failure::failed(closing))
    }
}
