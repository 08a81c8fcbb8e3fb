//! The rules of the house that a program can check, in one table.
//!
//! Each rule is a pure function over a [`Tree`]; each has a sample in
//! `samples.rs` that breaks it. All violations are reported at once.

mod code;
mod commands;
mod documents;
mod history;
#[cfg(test)]
mod samples;
mod shape;
pub mod source;
pub mod tree;
mod walls;

use std::fmt;

use serde::Serialize;
use tree::{File, Tree};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It fails the run.
    Violation,
    /// It is worth a thought.
    Warning,
}

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name in the table.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The file, from the root; `git` for a commit.
    pub path: String,
    /// The line, from one; 0 for the file as a whole.
    pub line: usize,
    /// What is there.
    pub message: String,
    /// What to do about it.
    pub mend: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self.line {
            0 => String::new(),
            line => format!(":{line}"),
        };
        let severity = match self.severity {
            Severity::Violation => "",
            Severity::Warning => "warning: ",
        };
        write!(
            f,
            "{}{line}: {severity}{}: {}\n  {}",
            self.path, self.rule, self.message, self.mend
        )
    }
}

/// A place, before the rule's name and advice are added.
#[derive(Debug)]
struct Place {
    path: String,
    line: usize,
    message: String,
    severity: Severity,
}

impl Place {
    fn new(file: &File, line: usize, message: impl Into<String>) -> Self {
        Place {
            path: file.path.clone(),
            line,
            message: message.into(),
            severity: Severity::Violation,
        }
    }
}

/// A rule of the house.
#[derive(Debug)]
pub struct Rule {
    /// What it is called in reports.
    pub name: &'static str,
    /// How to mend a violation; says what the rule wants.
    pub mend: &'static str,
    check: fn(&Tree) -> Vec<Place>,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule {
        name: "file-length",
        mend: "split it by what its parts own: 400 lines are a smell, 600 the limit",
        check: shape::length,
    },
    Rule {
        name: "module-doc",
        mend: "begin with `//! ` and a tagline of at most 80 characters, then what it owns and who may call it",
        check: shape::module_doc,
    },
    Rule {
        name: "drawer",
        mend: "name it after what it owns; no util, common, misc, helpers",
        check: shape::drawer,
    },
    Rule {
        name: "shell-length",
        mend: "at most 20 lines that end in `exec cargo xtask …` or `exec \"$@\"`: the tool is the one door",
        check: shape::shell,
    },
    Rule {
        name: "dependency-reason",
        mend: "versions stand in the root manifest alone, each line with its reason after #",
        check: shape::dependencies,
    },
    Rule {
        name: "pure-crate",
        mend: "write #![forbid(unsafe_code)] at its top: what needs unsafe belongs into kernel/src/arch/",
        check: walls::pure_crates,
    },
    Rule {
        name: "arch-wall",
        mend: "give it a function in the arch folder of its crate (or boot/) and call that",
        check: walls::arch,
    },
    Rule {
        name: "hand-off",
        mend: "bootloader_api is named in boot/src/hand_off.rs and kernel/src/hand_off.rs; use the kernel's own types",
        check: walls::hand_off,
    },
    Rule {
        name: "layers",
        mend: "name only modules above it in the list of kernel/src/main.rs; pass a function down instead",
        check: walls::layers,
    },
    Rule {
        name: "safety-comment",
        mend: "say above it in `// SAFETY:` what makes it sound and who keeps that so",
        check: code::safety,
    },
    Rule {
        name: "allow",
        mend: "write #[expect(lint, reason = \"…\")]: it complains when it is no longer needed",
        check: code::allow,
    },
    Rule {
        name: "static-mut",
        mend: "use an atomic, a lock, or a cell with a documented owner",
        check: code::static_mut,
    },
    Rule {
        name: "unwrap",
        mend: "return the error, or expect(\"why it cannot fail\") where it cannot",
        check: code::unwrap,
    },
    Rule {
        name: "getter",
        mend: "name it after what it returns",
        check: code::getter,
    },
    Rule {
        name: "sleep",
        mend: "wait for a line or an event with a deadline",
        check: code::sleeps,
    },
    Rule {
        name: "document-end",
        mend: "end with a line `Checked by: …` that names the command or test",
        check: documents::ending,
    },
    Rule {
        name: "document-path",
        mend: "name a file or folder that exists, from the root",
        check: documents::paths,
    },
    Rule {
        name: "document-link",
        mend: "link to a file that exists, from the document's folder",
        check: documents::links,
    },
    Rule {
        name: "document-command",
        mend: "write a command line that `cargo xtask` takes",
        check: documents::commands,
    },
    Rule {
        name: "commit-subject",
        mend: "an imperative subject of at most 72 characters without a full stop",
        check: history::subjects,
    },
];

/// Checks a tree by every rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        findings.extend((rule.check)(tree).into_iter().map(|place| Finding {
            rule: rule.name,
            severity: place.severity,
            path: place.path,
            line: place.line,
            message: place.message,
            mend: rule.mend,
        }));
    }
    findings
}

/// How much of the code is unsafe: blocks, functions, traits and impls.
pub fn count_unsafe(tree: &Tree) -> (usize, usize) {
    let counts = tree.rust().map(|(_, source)| code::count_unsafe(source));
    counts
        .filter(|count| *count > 0)
        .fold((0, 0), |(total, files), count| (total + count, files + 1))
}
