//! Rules about words of Rust: what must not be written, and SAFETY comments.

use super::Place;
use super::source::Source;
use super::tree::{File, Tree};

/// Files that may sleep, each with the reason.
const MAY_SLEEP: &[(&str, &str)] = &[];

/// Reports each line outside of tests on which `bad` finds something.
fn each_line(tree: &Tree, bad: fn(&str) -> Option<String>) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust().filter(|(file, _)| !file.is_test()) {
        for (number, line) in source.lines_outside_tests() {
            places.extend(bad(line).map(|message| Place::new(file, number, message)));
        }
    }
    places
}

/// `allow` silences a lint for ever.
pub(super) fn allow(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust() {
        for (number, line) in source.lines() {
            let attribute = line.find("#[").or_else(|| line.find("#!["));
            let allows = attribute.is_some_and(|at| {
                let inside = &line[at..];
                ["[allow(", " allow("]
                    .iter()
                    .any(|word| inside.contains(word))
            });
            if allows {
                places.push(Place::new(file, number, "an allow attribute"));
            }
        }
    }
    places
}

/// Nobody owns a `static mut`.
pub(super) fn static_mut(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust() {
        for (number, line) in source.lines() {
            // `&'static mut` is a reference, and fine.
            let found = line.match_indices("static mut ").any(|(at, _)| {
                let before = line[..at].chars().next_back().unwrap_or(' ');
                before != '\'' && !before.is_alphanumeric() && before != '_'
            });
            if found {
                places.push(Place::new(file, number, "a static mut"));
            }
        }
    }
    places
}

/// An unwrap says nothing when it fails.
pub(super) fn unwrap(tree: &Tree) -> Vec<Place> {
    each_line(tree, |line| {
        let found = line.contains(".unwrap()") || line.contains("::unwrap)");
        found.then(|| "an unwrap outside of tests".to_owned())
    })
}

/// `get_` is noise.
pub(super) fn getter(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust() {
        for (number, line) in source.lines() {
            if let Some((_, name)) = line.split_once("fn get_") {
                let end = name.find(['(', '<']).unwrap_or(name.len());
                let message = format!("`get_{}`", &name[..end]);
                places.push(Place::new(file, number, message));
            }
        }
    }
    places
}

/// A sleep is too short on a slow machine and too long on a fast one; in tests
/// as well.
pub(super) fn sleeps(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust() {
        if MAY_SLEEP.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for (number, line) in source.lines() {
            if line.contains("thread::sleep") || line.contains(" sleep(") {
                places.push(Place::new(file, number, "it sleeps"));
            }
        }
    }
    places
}

/// Every unsafe block and impl says why it is sound; clippy finds the same, but
/// only in code that this build compiles.
pub(super) fn safety(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust() {
        let code: Vec<_> = source.code.lines().collect();
        let comments: Vec<_> = source.comments.lines().collect();
        for (index, line) in code.iter().enumerate() {
            let what = if opens_block(line, code.get(index + 1)) {
                "an unsafe block"
            } else if line.contains("unsafe impl") {
                "an unsafe impl"
            } else {
                continue;
            };
            if !explained(&code, &comments, index) {
                places.push(without_reason(file, index + 1, what));
            }
        }
    }
    places
}

fn without_reason(file: &File, line: usize, what: &str) -> Place {
    Place::new(file, line, format!("{what} without a SAFETY comment"))
}

fn opens_block(line: &str, next: Option<&&str>) -> bool {
    let Some((_, after)) = line.rsplit_once("unsafe") else {
        return false;
    };
    let after = after.trim_start();
    after.starts_with('{')
        || after.is_empty() && next.is_some_and(|next| next.trim_start().starts_with('{'))
}

/// Whether a SAFETY comment stands on this line or above its statement.
fn explained(code: &[&str], comments: &[&str], index: usize) -> bool {
    let says = |index: usize| {
        comments
            .get(index)
            .is_some_and(|comment| comment.contains("SAFETY:"))
    };
    if says(index) || says(index + 1) {
        return true;
    }
    for above in (0..index).rev() {
        if says(above) {
            return true;
        }
        let line = code.get(above).copied().unwrap_or_default().trim();
        let comment = comments.get(above).copied().unwrap_or_default().trim();
        // Up through the comment, attributes and the lines of this statement.
        let ends = line.ends_with([';', '}', '{']) || line.ends_with("},");
        if (line.is_empty() && comment.is_empty()) || (ends && comment.is_empty()) {
            return false;
        }
    }
    false
}

/// Unsafe blocks, functions, traits and impls of a file.
pub(super) fn count_unsafe(source: &Source) -> usize {
    let words = source
        .code
        .split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| *word == "unsafe").count()
}
