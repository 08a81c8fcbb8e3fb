//! The command line as data: which commands there are, with which flags.
//!
//! Read back from the help text that xflags makes of `flags.rs`, so that help,
//! completions and did-you-mean cannot say anything the parser does not accept.

use crate::flags;

/// The commands of the tool and the flags that all of them take.
#[derive(Debug)]
pub struct Grammar {
    /// What the tool is, its example and its exit codes.
    pub about: String,
    /// Flags that every command takes.
    pub flags: Vec<Flag>,
    /// The commands, in help order.
    pub commands: Vec<Command>,
}

/// One command.
#[derive(Debug, Default)]
pub struct Command {
    /// The word people type.
    pub name: String,
    /// What it does, with its example.
    pub about: String,
    /// Its positional arguments, in order.
    pub args: Vec<Arg>,
    /// The flags only it takes.
    pub flags: Vec<Flag>,
}

/// One positional argument.
#[derive(Debug)]
pub struct Arg {
    /// Its name in help.
    pub name: String,
    /// What it is; the words it takes if there are few.
    pub about: String,
    /// How often it is given; any number of times means after `--`.
    pub repeats: Repeats,
}

/// How often an argument is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// Once.
    Once,
    /// Once or not at all.
    AtMostOnce,
    /// Any number of times.
    Many,
}

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// `--name`.
    pub long: String,
    /// `-n`, if it has one.
    pub short: Option<String>,
    /// The name of its value in help, if it takes one.
    pub value: Option<String>,
    /// What it does.
    pub about: String,
}

/// Which list the following lines of help belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    About,
    Args,
    Options,
    Between,
}

impl Grammar {
    /// The grammar of this tool.
    pub fn of_this_tool() -> Self {
        Self::parse(flags::HELP)
    }

    /// Takes an xflags help text apart.
    pub fn parse(help: &str) -> Self {
        let mut lines = help.lines();
        let tool = lines.next().unwrap_or_default();
        let prefix = format!("{tool} ");
        let mut commands = vec![Command::default()];
        let mut part = Part::About;
        for line in lines {
            let text = line.trim();
            let indent = line.len() - line.trim_start().len();
            let Some(command) = commands.last_mut() else {
                break;
            };
            match (indent, text) {
                (_, "OPTIONS:") => part = Part::Options,
                (_, "ARGS:") => part = Part::Args,
                (_, "SUBCOMMANDS:") => part = Part::Between,
                (0, _) if line.starts_with(&prefix) => {
                    let name = line[prefix.len()..].split(' ').next().unwrap_or_default();
                    commands.push(Command {
                        name: name.to_owned(),
                        ..Command::default()
                    });
                    part = Part::About;
                }
                (_, _) if part == Part::About => add_line(&mut command.about, text),
                (4, _) if part == Part::Args => command.args.push(Arg::parse(text)),
                (4, _) if part == Part::Options => command.flags.push(Flag::parse(text)),
                (_, _) if part == Part::Args => {
                    if let Some(arg) = command.args.last_mut() {
                        add_line(&mut arg.about, text);
                    }
                }
                (_, _) if part == Part::Options => {
                    if let Some(flag) = command.flags.last_mut() {
                        add_line(&mut flag.about, text);
                    }
                }
                _ => {}
            }
        }
        for command in &mut commands {
            command.trim();
        }
        let top = commands.remove(0);
        Grammar {
            about: top.about,
            flags: top.flags,
            commands,
        }
    }

    /// The command of this name.
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// The flag `word` means after `command`: its own or one for all.
    pub fn flag<'a>(&'a self, command: Option<&'a Command>, word: &str) -> Option<&'a Flag> {
        self.flags_of(command).find(|flag| flag.is(word))
    }

    /// Every flag that may follow `command`: its own, then those for all.
    pub fn flags_of<'a>(&'a self, command: Option<&'a Command>) -> impl Iterator<Item = &'a Flag> {
        command
            .map(|command| command.flags.as_slice())
            .unwrap_or_default()
            .iter()
            .chain(&self.flags)
    }
}

impl Command {
    fn trim(&mut self) {
        self.about.truncate(self.about.trim_end().len());
        for about in self
            .args
            .iter_mut()
            .map(|arg| &mut arg.about)
            .chain(self.flags.iter_mut().map(|flag| &mut flag.about))
        {
            about.truncate(about.trim_end().len());
        }
    }
}

impl Arg {
    /// `<name>`, `[name]` or `<name>...`.
    fn parse(text: &str) -> Self {
        let repeats = if text.ends_with("...") {
            Repeats::Many
        } else if text.starts_with('[') {
            Repeats::AtMostOnce
        } else {
            Repeats::Once
        };
        let name = text.trim_matches(['<', '>', '[', ']', '.']).to_owned();
        Arg {
            name,
            about: String::new(),
            repeats,
        }
    }
}

impl Flag {
    /// `-s, --long <value>`.
    fn parse(text: &str) -> Self {
        let (names, value) = match text.split_once(" <") {
            Some((names, value)) => (names, Some(value.trim_end_matches('>').to_owned())),
            None => (text, None),
        };
        let (short, long) = match names.split_once(", ") {
            Some((short, long)) => (Some(short.to_owned()), long),
            None => (None, names),
        };
        Flag {
            long: long.to_owned(),
            short,
            value,
            about: String::new(),
        }
    }

    /// Whether `word` is this flag, long or short.
    pub fn is(&self, word: &str) -> bool {
        self.long == word || self.short.as_deref() == Some(word)
    }
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// The candidate that `word` was probably meant to be, if any is close enough.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let bare = word.trim_start_matches('-');
    candidates
        .iter()
        .map(|candidate| {
            let other = candidate.trim_start_matches('-');
            // A prefix is what people type when they hope for abbreviation.
            let distance = if bare.len() >= 2 && other.starts_with(bare) {
                0
            } else {
                distance(bare, other)
            };
            (distance, *candidate)
        })
        .filter(|(distance, _)| *distance <= 1 + bare.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between words.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replace = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_flag_of_the_block_is_found() {
        let grammar = Grammar::of_this_tool();
        let names: Vec<_> = grammar
            .commands
            .iter()
            .map(|command| command.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "setup",
                "doctor",
                "build",
                "check-elf",
                "image",
                "qemu",
                "test",
                "gdb",
                "bench-boot",
                "bench-ipc",
                "reproduce",
                "tidy",
                "ci",
                "ci-summary",
                "docker-build",
                "docker-base",
                "docker-run",
                "docker-smoke",
                "docker-integration",
                "config",
                "completions"
            ]
        );
        let qemu = grammar.command("qemu").expect("listed above");
        assert_eq!(qemu.args.len(), 1);
        assert_eq!(qemu.args[0].repeats, Repeats::Many);
        let cpu = grammar.flag(Some(qemu), "--cpu").expect("qemu takes --cpu");
        assert_eq!(cpu.value.as_deref(), Some("cpu"));
        assert_eq!(cpu.about, "pentium, pentium2, pentium3, qemu32.");
        let verbose = grammar
            .flag(Some(qemu), "-v")
            .expect("every command takes -v");
        assert_eq!(
            (verbose.long.as_str(), verbose.value.as_deref()),
            ("--verbose", None)
        );
        assert!(grammar.flag(None, "--cpu").is_none());
        assert!(grammar.about.contains("Exit codes: 0 done"));
    }

    #[test]
    fn every_command_has_an_example() {
        for command in Grammar::of_this_tool().commands {
            let example = format!("Example: cargo xtask {}", command.name);
            assert!(
                command.about.contains(&example),
                "{} has no example in its help",
                command.name
            );
        }
    }

    #[test]
    fn nearest_forgives_a_slip_and_no_more() {
        let flags = ["--cpu", "--memory", "--smp"];
        assert_eq!(nearest("--cp", &flags), Some("--cpu"));
        assert_eq!(nearest("--memroy", &flags), Some("--memory"));
        assert_eq!(nearest("--mem", &flags), Some("--memory"));
        assert_eq!(nearest("--zebra", &flags), None);
        assert_eq!(nearest("", &flags), None);
    }

    #[test]
    fn a_swap_of_neighbours_is_one_slip() {
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("abcd", ""), 4);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
