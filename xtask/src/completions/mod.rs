//! Completion scripts for shells, written from the grammar. Pure.
//!
//! Whatever `flags.rs` takes is completed, and nothing else. The scripts stand
//! on their own: they never start cargo to find out what to offer.

mod bash;
mod fish;
#[cfg(test)]
mod tests;
mod zsh;

use crate::cli::{Color, ConfigAction, ImageKind, Ring, Shell};
use crate::docker::choices::{Stage, Steps};
use crate::docker::engine::{Client, Platform};
use crate::grammar::{Command, Flag, Grammar};
use crate::machine::{Accel, Cpu, Display, Emulator, Firmware, Net, Pc, Vga};

/// The script for a shell.
pub fn script(grammar: &Grammar, shell: Shell) -> String {
    match shell {
        Shell::Bash => bash::script(grammar),
        Shell::Zsh => zsh::script(grammar),
        Shell::Fish => fish::script(grammar),
    }
}

/// How a person loads it, in one line.
pub fn how_to_load(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "source <(cargo xtask completions bash)",
        Shell::Zsh => "source <(cargo xtask completions zsh)  # after compinit",
        Shell::Fish => "cargo xtask completions fish | source",
    }
}

/// The one flag whose value may be left out: what follows it may be a flag too.
const OPTIONAL_VALUE: &str = "--gdb";

/// What can follow a flag or stand for an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A file.
    Files,
    /// A folder.
    Folders,
    /// Something nobody can guess.
    Free,
}

/// The values of what help calls by this name.
fn values(name: &str) -> Values {
    match name {
        "accel" => Values::Words(Accel::WORDS),
        "action" => Values::Words(ConfigAction::WORDS),
        "client" => Values::Words(Client::WORDS),
        "color" => Values::Words(Color::WORDS),
        "cpu" => Values::Words(Cpu::WORDS),
        "display" => Values::Words(Display::WORDS),
        "emulator" => Values::Words(Emulator::WORDS),
        "firmware" => Values::Words(Firmware::WORDS),
        "kind" => Values::Words(ImageKind::WORDS),
        "machine" => Values::Words(Pc::WORDS),
        "net" => Values::Words(Net::WORDS),
        "platform" | "platforms" => Values::Words(Platform::WORDS),
        "ring" => Values::Words(Ring::WORDS),
        "shell" => Values::Words(Shell::WORDS),
        "stage" => Values::Words(Stage::WORDS),
        "steps" => Values::Words(Steps::WORDS),
        "vga" => Values::Words(Vga::WORDS),
        "file" | "path" | "script" => Values::Files,
        "dir" => Values::Folders,
        _ => Values::Free,
    }
}

/// A flag that takes a value, the command it belongs to if any, and its values.
struct Valued<'a> {
    command: Option<&'a Command>,
    flag: &'a Flag,
    values: Values,
}

impl Valued<'_> {
    /// The shell pattern that fits `command:flag`, with its spellings joined by
    /// `or`.
    fn pattern(&self, or: &str) -> String {
        let command = self.command.map_or("*", |command| command.name.as_str());
        let names = std::iter::once(&self.flag.long).chain(&self.flag.short);
        let pattern: Vec<_> = names.map(|name| format!("{command}:{name}")).collect();
        pattern.join(or)
    }
}

/// Every flag that takes a value.
fn valued(grammar: &Grammar) -> Vec<Valued<'_>> {
    let mut all = collect(None, &grammar.flags);
    for command in &grammar.commands {
        all.extend(collect(Some(command), &command.flags));
    }
    all
}

fn collect<'a>(command: Option<&'a Command>, flags: &'a [Flag]) -> Vec<Valued<'a>> {
    let valued = |flag: &'a Flag| {
        if flag.long == OPTIONAL_VALUE {
            return None;
        }
        let values = values(flag.value.as_ref()?);
        Some(Valued {
            command,
            flag,
            values,
        })
    };
    flags.iter().filter_map(valued).collect()
}

/// The words for the first argument of a command, if there are such.
fn argument(command: &Command) -> Values {
    command
        .args
        .first()
        .map_or(Values::Free, |arg| values(&arg.name))
}

/// The names of all commands.
fn names(grammar: &Grammar) -> Vec<&str> {
    grammar
        .commands
        .iter()
        .map(|command| command.name.as_str())
        .collect()
}

/// What something does, without its example and in one line.
fn about(text: &str) -> String {
    text.split(" Example: ")
        .next()
        .unwrap_or_default()
        .replace('\n', " ")
}
