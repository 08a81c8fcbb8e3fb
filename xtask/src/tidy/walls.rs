//! Rules about who may name what: the arch wall, the hand-off, the layers.
//!
//! The order of layers is the list in the documentation of kernel/src/main.rs:
//! what people read is what is checked.

use super::Place;
use super::source::Source;
use super::tree::{File, Tree};

const ARCH: [&str; 5] = [
    "boot/",
    "kernel/src/arch/",
    "user/rt/src/arch/",
    "user/tests/arch/",
    "user/c/arch/",
];
/// Words that reach the processor or its ports.
const MACHINE_WORDS: [&str; 6] = [
    "asm!",
    "global_asm!",
    "naked_asm!",
    "core::arch",
    "std::arch",
    "x86::",
];
const HAND_OFF: [&str; 2] = ["boot/src/hand_off.rs", "kernel/src/hand_off.rs"];
/// The crates of pure logic, tested on the host.
const PURE: [&str; 2] = ["kernel/abi/src/lib.rs", "kernel/core/src/lib.rs"];
const KERNEL: &str = "kernel/src/";
const ROOT: &str = "kernel/src/main.rs";

/// The processor is reached from one place.
pub(super) fn arch(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    let outside = |path: &str| !ARCH.iter().any(|inside| path.starts_with(inside));
    for (file, source) in tree.rust().filter(|(file, _)| outside(&file.path)) {
        for (number, line) in source.lines() {
            for word in MACHINE_WORDS {
                if has_word(line, word) {
                    places.push(Place::new(
                        file,
                        number,
                        format!("`{word}` outside of boot/ and the arch folders"),
                    ));
                }
            }
        }
    }
    for file in tree.files.values() {
        let is_assembly = file.path.ends_with(".s") || file.path.ends_with(".S");
        if is_assembly && outside(&file.path) {
            places.push(Place::new(
                file,
                0,
                "assembly outside of boot/ and the arch folders",
            ));
        }
    }
    places
}

/// Crates of pure logic have no unsafe code.
pub(super) fn pure_crates(tree: &Tree) -> Vec<Place> {
    PURE.iter()
        .filter_map(|path| tree.files.get(*path))
        .filter(|file| {
            let source = file.source.as_ref();
            source.is_some_and(|source| !source.code.contains("#![forbid(unsafe_code)]"))
        })
        .map(|file| Place::new(file, 0, "it does not forbid unsafe code"))
        .collect()
}

/// The loader's types go no further than to the two ends of the hand-off.
pub(super) fn hand_off(tree: &Tree) -> Vec<Place> {
    let mut places = Vec::new();
    for (file, source) in tree.rust() {
        // Tests of the hand-off have to look at it.
        if HAND_OFF.contains(&file.path.as_str()) || file.is_test() {
            continue;
        }
        for (number, line) in source.lines() {
            if has_word(line, "bootloader_api") {
                places.push(Place::new(file, number, "it names bootloader_api"));
            }
        }
    }
    places
}

/// A module names only what is above it in the list.
pub(super) fn layers(tree: &Tree) -> Vec<Place> {
    let Some(root) = tree.files.get(ROOT) else {
        return Vec::new();
    };
    let order = listed(&root.text);
    let mut places = declared_but_not_listed(root, &order);
    let rank = |module: &str| order.iter().position(|listed| listed == module);
    for (file, source) in tree.rust() {
        let Some(inside) = file.path.strip_prefix(KERNEL) else {
            continue;
        };
        let module = inside.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = rank(module) else {
            continue;
        };
        for (number, named) in named_modules(inside, source) {
            if rank(&named).is_some_and(|other| other > own) {
                places.push(Place::new(
                    file,
                    number,
                    format!("`{module}` names `{named}`, which is below it in the list"),
                ));
            }
        }
    }
    places
}

/// The modules in the list of the crate's documentation, top first.
fn listed(text: &str) -> Vec<String> {
    let doc = text.lines().map_while(|line| line.strip_prefix("//!"));
    doc.skip_while(|line| !line.trim().starts_with("```"))
        .skip(1)
        .take_while(|line| !line.trim().starts_with("```"))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn declared_but_not_listed(root: &File, order: &[String]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut declared = Vec::new();
    for (number, line) in root.source.iter().flat_map(Source::lines) {
        let Some((_, name)) = line.trim_end().trim_end_matches(';').split_once("mod ") else {
            continue;
        };
        if line.trim_end().ends_with(';') && !order.iter().any(|listed| listed == name) {
            places.push(Place::new(
                root,
                number,
                format!("module `{name}` has no place in the list above"),
            ));
        }
        declared.push(name);
    }
    for module in order
        .iter()
        .filter(|name| !declared.contains(&name.as_str()))
    {
        places.push(Place::new(
            root,
            1,
            format!("the list names `{module}`, and there is no such module"),
        ));
    }
    places
}

/// The top modules that a file of the kernel names, with the lines.
fn named_modules(inside: &str, source: &Source) -> Vec<(usize, String)> {
    // kernel/src/mm/heap.rs is crate::mm::heap: two `super` lead to the crate.
    let path = inside.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let supers = "super::".repeat(path.split('/').count());
    let mut named = Vec::new();
    let code = source.code.as_str();
    for prefix in ["crate::", supers.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' {
                continue;
            }
            let line = 1 + code[..at].matches('\n').count();
            let after = &code[at + prefix.len()..];
            match after.strip_prefix('{') {
                None => named.extend(word_at(after).map(|word| (line, word))),
                Some(group) => named.extend(heads(group).map(|word| (line, word))),
            }
        }
    }
    named
}

fn word_at(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// The first words of a `{a::x, b::{c, d}}`, without its opening brace.
fn heads(group: &str) -> impl Iterator<Item = String> {
    let mut depth = 0_usize;
    let mut starts = vec![0];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts
        .into_iter()
        .filter_map(|at| word_at(group[at..].trim_start()))
}

/// Whether `word` stands in `line` with nothing alphanumeric before it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && before != '_'
    })
}
