//! What people see: lines on stderr, documents on stdout, progress.
//!
//! Owns both output streams. Commands never print by themselves: stdout carries
//! only what was asked for (`--json`, TAP, a table), everything else is stderr.
//!
//! **Invariants**: a line is written whole, progress bars are out of the way
//! while it is, and a reader that went away (`| head`) is not an error.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::Color;
use crate::failure::{Doing, Failure, Result};

/// How much a person wants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `-q`: the result and errors.
    Quiet,
    /// Neither.
    Normal,
    /// `-v`: every command line and its output.
    Verbose,
    /// `-vv`: everything.
    Everything,
}

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// The person in front of the tool.
#[derive(Debug)]
pub struct Ui {
    verbosity: Verbosity,
    choice: ColorChoice,
    bars: MultiProgress,
    // Keeps lines of different threads whole and in one order.
    writing: Mutex<()>,
}

impl Ui {
    /// A person who wants this much, in this colour.
    pub fn new(verbosity: Verbosity, color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        Ui {
            verbosity,
            choice,
            bars: MultiProgress::new(),
            writing: Mutex::new(()),
        }
    }

    /// How much the person wants to read.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether the lines of this Ui will be coloured.
    pub fn coloured(&self) -> bool {
        let stderr = std::io::stderr();
        AutoStream::new(stderr, self.choice).current_choice() != ColorChoice::Never
    }

    /// A line for everybody but the quiet.
    pub fn say(&self, line: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.line(format_args!("{line}"));
        }
    }

    /// A line for `-v`.
    pub fn detail(&self, line: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.line(format_args!("{DIM}{line}{PLAIN}"));
        }
    }

    /// Something that is not as it should be but does not stop the work.
    pub fn warn(&self, line: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.line(format_args!("{YELLOW}warning{PLAIN}: {line}"));
        }
    }

    /// The command line about to run, so that a person can run it as well.
    pub fn echo(&self, command: &Command) {
        if self.verbosity >= Verbosity::Normal {
            self.line(format_args!("{DIM}$ {}{PLAIN}", command_line(command)));
        }
    }

    /// A probe's command line: only for `-v`.
    pub fn echo_probe(&self, command: &Command) {
        self.detail(format_args!("$ {}", command_line(command)));
    }

    /// The one closing line: what was made and where. Shown even with `-q`.
    pub fn result(&self, line: impl Display) {
        self.line(format_args!("{BOLD}{line}{PLAIN}"));
    }

    /// Why it ended, shown always.
    pub fn failure(&self, failure: &Failure) {
        self.line(format_args!("{RED}error{PLAIN}: {failure}"));
    }

    /// Text that was asked for, on stdout, as it is.
    pub fn print(&self, text: impl Display) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.bars.suspend(|| {
            let mut out = AutoStream::new(std::io::stdout(), self.choice);
            // A reader that went away wants no more: not an error.
            let _ = write!(out, "{text}").and_then(|()| out.flush());
        });
    }

    /// The document that `--json` asked for, on stdout.
    pub fn json(&self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(document).doing("writing the JSON document")?;
        self.print(format_args!("{text}\n"));
        Ok(())
    }

    /// Shows that something with this title goes on, until dropped.
    pub fn progress(&self, title: impl Into<String>) -> Progress<'_> {
        let title = title.into();
        let shown = self.verbosity >= Verbosity::Normal && std::io::stderr().is_terminal();
        if !shown {
            self.say(format_args!("{title} ..."));
            return Progress {
                ui: self,
                bar: None,
            };
        }
        let style = ProgressStyle::with_template("{spinner} {prefix} [{elapsed}] {msg}");
        let bar = self.bars.add(ProgressBar::new_spinner().with_prefix(title));
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress {
            ui: self,
            bar: Some(bar),
        }
    }

    fn line(&self, text: std::fmt::Arguments<'_>) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.bars.suspend(|| {
            // Formatted first, so that it reaches the stream in one write.
            let text = format!("{text}\n");
            let mut err = AutoStream::new(std::io::stderr(), self.choice);
            // Nowhere is left to complain to when stderr is gone.
            let _ = err.write_all(text.as_bytes());
        });
    }
}

/// Something that goes on: a moving line on a terminal, one plain line elsewhere.
#[derive(Debug)]
pub struct Progress<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
}

impl Progress<'_> {
    /// From now on there are `count` steps.
    pub fn steps(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(count);
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {prefix} {pos}/{len} [{elapsed}] {msg}")
            {
                bar.set_style(style);
            }
        }
    }

    /// One step further.
    pub fn step(&self, text: impl Display) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(text.to_string());
                bar.inc(1);
            }
            None => self.ui.detail(text),
        }
    }

    /// What is going on right now.
    pub fn now(&self, text: impl Display) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_string()),
            None => self.ui.detail(text),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A word as a POSIX shell must read it.
pub fn quote(word: impl AsRef<OsStr>) -> String {
    let text = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%^".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command as one line for a POSIX shell: folder, variables, words.
///
/// Variables taken out of the environment are not shown: they are cargo's own,
/// and a person's shell does not have them.
pub fn command_line(command: &Command) -> String {
    let mut line = String::new();
    if let Some(dir) = command.get_current_dir() {
        line.push_str(&format!("cd {} && ", quote(dir)));
    }
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            line.push_str(&format!("{}={} ", name.to_string_lossy(), quote(value)));
        }
    }
    line.push_str(&quote(command.get_program()));
    for word in command.get_args() {
        line.push(' ');
        line.push_str(&quote(word));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for (word, quoted) in [
            ("plain-1.2/x=y", "plain-1.2/x=y"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$HOME;`ls`", "'$HOME;`ls`'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words = ["a b", "it's", "\"q\"", "$x", "*", "\\", "#", "~", "-n"];
        let line: Vec<_> = words.iter().map(quote).collect();
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("printf '%s\\n' {}", line.join(" ")))
            .output();
        let output = output.expect("sh is on every machine this runs on");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{}\n", words.join("\n"))
        );
    }

    #[test]
    fn a_command_shows_folder_variables_and_words() {
        let mut command = Command::new("cargo");
        command
            .args(["build", "-p", "a b"])
            .env("X", "1 2")
            .env_remove("Y")
            .current_dir("/tmp");
        assert_eq!(
            command_line(&command),
            "cd /tmp && X='1 2' cargo build -p 'a b'"
        );
    }

    #[test]
    fn verbosity_is_ordered() {
        assert!(Verbosity::Quiet < Verbosity::Normal && Verbosity::Verbose < Verbosity::Everything);
    }
}
