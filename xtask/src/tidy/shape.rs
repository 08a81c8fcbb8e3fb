//! Rules about whole files: length, opening, name, and what manifests hold.

use super::tree::Tree;
use super::{Place, Severity};

const SMELL: usize = 400;
const LIMIT: usize = 600;
const TAGLINE: usize = 80;
const SHELL: usize = 20;
const DRAWERS: [&str; 7] = [
    "util", "utils", "common", "misc", "helper", "helpers", "stuff",
];

/// No source file is longer than a person reads at a time.
pub(super) fn length(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for file in tree.files.values() {
        let lines = file.text.lines().count();
        let is_source = [".rs", ".s", ".ld", ".sh", ".py"]
            .iter()
            .any(|ending| file.path.ends_with(ending));
        if is_source && lines > SMELL {
            let mut place = Place::new(file, 0, format!("{lines} lines"));
            if lines <= LIMIT {
                place.severity = Severity::Warning;
            }
            places.push(place);
        }
    }
    places
}

/// Every Rust file says first what it is.
pub(super) fn module_doc(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, _) in tree.rust() {
        let first = file.text.lines().next().unwrap_or_default();
        match first.strip_prefix("//!").map(str::trim) {
            None | Some("") => {
                places.push(Place::new(file, 1, "it does not open with a tagline"));
            }
            Some(tagline) if tagline.chars().count() > TAGLINE => {
                let length = tagline.chars().count();
                places.push(Place::new(
                    file,
                    1,
                    format!("the tagline has {length} characters"),
                ));
            }
            Some(_) => {}
        }
    }
    places
}

/// No file or folder is a drawer for whatever is left over.
pub(super) fn drawer(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for file in tree.files.values() {
        let parts = file.path.split('/').map(|part| part.split('.').next());
        for part in parts.flatten() {
            if DRAWERS.contains(&part) {
                places.push(Place::new(file, 0, format!("`{part}` says nothing")));
            }
        }
    }
    places
}

/// Shell files only find the tool.
pub(super) fn shell(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for file in tree.files.values() {
        if !file.is_shell() {
            continue;
        }
        let lines = file.text.lines().count();
        if lines > SHELL {
            places.push(Place::new(file, 0, format!("{lines} lines of shell")));
        }
        let last = file.text.lines().rfind(|line| !line.trim().is_empty());
        if !last.is_some_and(|line| hands_over(line.trim())) {
            places.push(Place::new(file, lines, "it does not end in the tool"));
        }
    }
    places
}

/// To the tool, or, in a container's wrapper, to the command it was given.
fn hands_over(line: &str) -> bool {
    line.starts_with("exec cargo xtask") || line == "exec \"$@\""
}

/// Each dependency has one version and one reason.
pub(super) fn dependencies(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for file in tree.files.values() {
        if file.name() != "Cargo.toml" {
            continue;
        }
        let mut section = "";
        for (number, line) in (1..).zip(file.text.lines()) {
            let line = line.trim();
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let name = name.trim();
            if line.starts_with('#') || !section.ends_with("dependencies") {
                continue;
            }
            if section == "workspace.dependencies" {
                if !value.contains('#') && !value.contains("path =") {
                    places.push(Place::new(file, number, format!("`{name}` has no reason")));
                }
            } else if !name.ends_with(".workspace")
                && !value.contains("workspace = true")
                && !value.contains("path =")
            {
                places.push(Place::new(
                    file,
                    number,
                    format!("`{name}` has a version of its own"),
                ));
            }
        }
    }
    places
}
