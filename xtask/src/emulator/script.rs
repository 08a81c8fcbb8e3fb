//! `--expect` and `--send`: a conversation with the guest, step by step.
//!
//! Owns the order of the steps and the patterns. The parser of the command
//! line gives repeated flags as separate lists, so the order among them is
//! read once more from the words themselves; that is pure and tested here.

use std::ffi::OsString;

use regex::{Regex, RegexBuilder};

use crate::failure::{Failure, Result};
use crate::grammar::{Command, Grammar};

use super::console::Match;
use super::outcome::End;
use super::session::Session;

/// One step of a conversation.
#[derive(Debug, Clone)]
pub enum Step {
    /// Wait until this appears on the console.
    Expect(Regex),
    /// Type this and a carriage return.
    Send(String),
}

/// A conversation that was not held to its end.
#[derive(Debug)]
pub struct Broken {
    /// The step at which it broke, counted from 0.
    pub step: usize,
    /// How the run ended instead.
    pub end: End,
    /// What had come before that.
    pub matches: Vec<Match>,
}

/// Compiles what a person wrote after `--expect`; `^` and `$` are the begin
/// and the end of a line.
pub fn pattern(text: &str) -> Result<Regex> {
    RegexBuilder::new(text)
        .multi_line(true)
        .build()
        .map_err(|error| {
            Failure::usage(
                format!("`{text}` is not a regular expression: {error}"),
                "write it as for `grep -E`",
            )
        })
}

/// The steps in the order in which somebody typed them. `words` are those
/// after `cargo xtask`, already normalised: every flag apart from its value.
pub fn steps(grammar: &Grammar, command: &Command, words: &[OsString]) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let word = word.to_string_lossy();
        let Some(flag) = grammar.flag(Some(command), &word) else {
            continue;
        };
        if flag.value.is_none() {
            continue;
        }
        // The value is consumed here, so `--append --expect` is no expect.
        let Some(value) = words.next() else { break };
        let value = value.to_string_lossy();
        match flag.long.as_str() {
            "--expect" => steps.push(Step::Expect(pattern(&value)?)),
            "--send" => steps.push(Step::Send(value.into_owned())),
            _ => {}
        }
    }
    if let Some(Step::Send(text)) = steps.first() {
        let what = format!(
            "`--send {text}` comes before any --expect, so nobody would be there to read it"
        );
        return Err(Failure::usage(
            what,
            "wait for the prompt first: --expect 'kdb>'",
        ));
    }
    Ok(steps)
}

/// Holds the conversation; the matches of all expects, in order.
pub fn hold(session: &mut Session, steps: &[Step]) -> Result<Result<Vec<Match>, Broken>> {
    let mut matches = Vec::new();
    for (step, what) in steps.iter().enumerate() {
        match what {
            Step::Expect(pattern) => match session.wait_for(pattern) {
                Ok(found) => matches.push(found),
                Err(end) => return Ok(Err(Broken { step, end, matches })),
            },
            Step::Send(text) => session.send(text),
        }
    }
    if let Some((step, Step::Send(_))) = steps.iter().enumerate().next_back() {
        // Nobody said what comes after it, but it should reach the guest:
        // wait until the guest has echoed it or has done what it says.
        if let Err(end @ (End::Deadline(_) | End::Interrupted(_))) =
            session.wait_for(&pattern("\\n")?)
        {
            return Ok(Err(Broken { step, end, matches }));
        }
    }
    Ok(Ok(matches))
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Expect(pattern) => write!(f, "--expect '{pattern}'"),
            Step::Send(text) => write!(f, "--send '{text}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Vec<String>> {
        let grammar = Grammar::of_this_tool();
        let command = grammar.command("qemu").expect("it has `qemu`");
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        let steps = steps(&grammar, command, &words)?;
        Ok(steps.iter().map(Step::to_string).collect())
    }

    #[test]
    fn the_order_between_expect_and_send_is_the_one_typed() {
        let words = [
            "qemu", "--expect", "ExoV6", "--expect", "kdb>", "--send", "cpus", "--expect", "cpu1",
        ];
        let expected = [
            "--expect 'ExoV6'",
            "--expect 'kdb>'",
            "--send 'cpus'",
            "--expect 'cpu1'",
        ];
        assert_eq!(read(&words), Ok(expected.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_value_that_looks_like_a_flag_is_a_value() {
        let words = [
            "-v", "qemu", "--append", "--expect", "--expect", "--send", "--send", "--expect", "--",
            "--expect", "x",
        ];
        assert_eq!(
            read(&words),
            Ok(vec![
                "--expect '--send'".to_owned(),
                "--send '--expect'".to_owned()
            ])
        );
        assert_eq!(read(&["qemu", "--expect"]), Ok(Vec::new()));
    }

    #[test]
    fn sending_before_anything_was_expected_is_refused() {
        let failure =
            read(&["qemu", "--send", "cpus", "--expect", "cpu1"]).expect_err("nobody listens");
        assert!(failure.to_string().contains("--send cpus"), "{failure}");
    }

    #[test]
    fn a_wrong_pattern_is_the_persons_mistake() {
        let failure = read(&["qemu", "--expect", "("]).expect_err("no such pattern");
        assert_eq!(failure.exit, crate::failure::Exit::Usage);
    }
}
