//! The `cargo xtask` command lines in a document, as the words a shell makes.
//!
//! Pure. Understands as much of a shell as documents use: quotes, comments,
//! pipes and lines that go on after a backslash.

use std::ffi::OsString;

use crate::argv::{self, Invocation};
use crate::flags::Xtask;
use crate::grammar::Grammar;

const TOOL: &str = "cargo xtask";

/// A command line, and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// The line, from one.
    pub(super) line: usize,
    /// The words after `cargo xtask`.
    pub(super) words: Vec<String>,
}

/// The command lines in a line of code or in a span of it.
pub(super) fn in_code(line: usize, text: &str) -> Vec<CommandLine> {
    text.match_indices(TOOL)
        .filter_map(|(at, _)| {
            let rest = &text[at + TOOL.len()..];
            // `cargo xtask` alone is the tool's name.
            let begins = rest.starts_with(' ');
            let words = words(rest);
            let placeholder = |word: &String| word.contains(['…', '<', '[']) || word == "...";
            let is_line = begins && !words.is_empty() && !words.iter().any(placeholder);
            is_line.then_some(CommandLine { line, words })
        })
        .collect()
}

/// Why the tool would refuse these words.
pub(super) fn refused(grammar: &Grammar, words: &[String]) -> Option<String> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let failure = match argv::normalise(grammar, &words) {
        Ok(Invocation::Help(_)) => return None,
        Ok(Invocation::Run(normal)) => match Xtask::from_vec(normal) {
            Ok(_) => return None,
            Err(error) => argv::refused(grammar, &words, &error),
        },
        Err(failure) => failure,
    };
    failure.what.lines().next().map(str::to_owned)
}

/// The words of one simple command.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') if chars.peek() == Some(&'\n') => {
                chars.next();
                words.extend(word.take());
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '\n' | '|' | ';' | '&' | '>' | ')' | '`') => break,
            (None, '#') if word.is_none() => break,
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_a_shells() {
        for (text, expected) in [
            (" qemu --send 'a b' # why", vec!["qemu", "--send", "a b"]),
            (" test | head", vec!["test"]),
            (" test && echo", vec!["test"]),
            (" qemu \\\n  --smp 2\nnext", vec!["qemu", "--smp", "2"]),
            (" a \"b \\\" c\" ''", vec!["a", "b \" c", ""]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn names_and_patterns_are_no_command_lines() {
        for text in [
            "cargo xtask",
            "cargo xtask.",
            "cargo xtask <command>",
            "cargo xtask qemu …",
        ] {
            assert_eq!(in_code(1, text), [], "{text}");
        }
        assert_eq!(in_code(3, "$ cargo xtask test; cargo xtask ci").len(), 2);
    }

    #[test]
    fn the_tool_is_asked() {
        let grammar = Grammar::of_this_tool();
        let ask = |text: &str| refused(&grammar, &words(text));
        assert_eq!(ask("check-elf --cpu pentium"), None);
        assert_eq!(ask("qemu --help"), None);
        assert!(ask("frobnicate").is_some_and(|why| why.contains("frobnicate")));
        assert!(ask("check-elf --cpu i486").is_some_and(|why| why.contains("i486")));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = words(&text);
            let _ = in_code(1, &format!("cargo xtask {text}"));
        }
    }
}
