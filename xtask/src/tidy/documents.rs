//! Rules about documents: they name what exists and say who checks them.

use super::tree::{File, Tree};
use super::{Place, commands};
use crate::grammar::Grammar;

/// Endings of names that are files, without a folder before them.
const FILE_ENDINGS: [&str; 8] = [".rs", ".toml", ".json", ".ld", ".s", ".md", ".list", ".yml"];
/// Names of files that people or tools make; they need not exist.
const MADE: [&str; 6] = [
    "target/",
    "exov6.toml",
    "kernel.elf",
    "kernel.debug",
    "sizes.json",
    "manifest.json",
];

/// The documents: README and everything below docs/.
fn documents(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.values().filter(|file| {
        file.path == "README.md" || file.path.starts_with("docs/") && file.path.ends_with(".md")
    })
}

/// Each page ends with who checks it.
pub(super) fn ending(tree: &Tree) -> Vec<Place> {
    let pages = documents(tree).filter(|file| file.path.starts_with("docs/"));
    pages
        .filter_map(|file| {
            let last = file.text.lines().rfind(|line| !line.trim().is_empty());
            let ends = last.is_some_and(|line| {
                let rest = line.trim().strip_prefix("Checked by:");
                rest.is_some_and(|who| !who.trim().is_empty())
            });
            let lines = file.text.lines().count();
            (!ends).then(|| Place::new(file, lines, "it does not say who checks it"))
        })
        .collect()
}

/// Each path in a span of code exists.
pub(super) fn paths(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for file in documents(tree) {
        for piece in pieces(&file.text).filter(|piece| piece.kind == Kind::Span) {
            if let Some(path) = missing(tree, piece.text) {
                let message = format!("`{path}` does not exist");
                places.push(Place::new(file, piece.line, message));
            }
        }
    }
    places
}

/// The path a span names, if it looks like one and is not there.
fn missing<'a>(tree: &Tree, span: &'a str) -> Option<&'a str> {
    let path = span.trim();
    // `kernel/src/main.rs:12` names the file.
    let path = match path.rsplit_once(':') {
        Some((path, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => path,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if path.is_empty() || !path.chars().all(plain) || MADE.iter().any(|made| path.starts_with(made))
    {
        return None;
    }
    let (first, inside) = match path.split_once('/') {
        Some((first, _)) => (first, true),
        None => (path, false),
    };
    let exists = |path: &str| tree.paths.contains(path.trim_end_matches('/'));
    let looks_like_a_path = if inside {
        // Something/else in general is not a path: it must begin in the tree.
        exists(first)
    } else {
        FILE_ENDINGS.iter().any(|ending| path.ends_with(ending)) && path.len() > 4
    };
    if !looks_like_a_path || exists(path) {
        return None;
    }
    // A bare name is a file somewhere.
    let somewhere = tree.paths.iter().any(|known| {
        let name = known.rsplit('/').next().unwrap_or_default();
        name == path
    });
    (inside || !somewhere).then_some(path)
}

/// Each link to a file of ours leads somewhere.
pub(super) fn links(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for file in documents(tree) {
        for piece in pieces(&file.text).filter(|piece| piece.kind == Kind::Prose) {
            for (_, rest) in piece
                .text
                .match_indices("](")
                .map(|(at, _)| piece.text.split_at(at + 2))
            {
                let Some((target, _)) = rest.split_once(')') else {
                    continue;
                };
                let target = target.split('#').next().unwrap_or_default();
                if target.is_empty() || target.contains(':') {
                    continue;
                }
                let path = resolved(&file.path, target);
                if !tree.paths.contains(path.trim_end_matches('/')) {
                    places.push(Place::new(
                        file,
                        piece.line,
                        format!("`{target}` leads nowhere"),
                    ));
                }
            }
        }
    }
    places
}

/// A path as a document in another folder means it.
fn resolved(document: &str, target: &str) -> String {
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Each command line is one that the tool takes.
pub(super) fn commands(tree: &Tree) -> Vec<Place> {
    let grammar = Grammar::of_this_tool();
    let mut places = Vec::new();
    for file in documents(tree) {
        for piece in pieces(&file.text).filter(|piece| piece.kind != Kind::Prose) {
            for command in commands::in_code(piece.line, piece.text) {
                if let Some(why) = commands::refused(&grammar, &command.words) {
                    let line = command.words.join(" ");
                    let message = format!("`cargo xtask {line}`: {why}");
                    places.push(Place::new(file, command.line, message));
                }
            }
        }
    }
    places
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text for people.
    Prose,
    /// `code` in a line.
    Span,
    /// A line of a fenced or indented block, with those that continue it.
    Block,
}

#[derive(Debug)]
struct Piece<'a> {
    line: usize,
    kind: Kind,
    text: &'a str,
}

/// A document in pieces of one kind each.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut pieces = Vec::new();
    let mut fence: Option<&str> = None;
    let mut start = 0;
    let mut continued: Option<(usize, usize)> = None;
    for (line, content) in (1..).zip(text.split('\n')) {
        let begin = start;
        start += content.len() + 1;
        let trimmed = content.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) if !content.starts_with("    ") => prose(line, content, &mut pieces),
            _ => {
                let (first, from) = continued.take().unwrap_or((line, begin));
                if content.ends_with('\\') {
                    continued = Some((first, from));
                } else {
                    pieces.push(Piece {
                        line: first,
                        kind: Kind::Block,
                        text: text.get(from..begin + content.len()).unwrap_or_default(),
                    });
                }
            }
        }
    }
    pieces.into_iter()
}

fn prose<'a>(line: usize, content: &'a str, pieces: &mut Vec<Piece<'a>>) {
    for (index, part) in content.split('`').enumerate() {
        pieces.push(Piece {
            line,
            kind: if index % 2 == 0 {
                Kind::Prose
            } else {
                Kind::Span
            },
            text: part,
        });
    }
}
