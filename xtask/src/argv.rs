//! From the words somebody typed to words xflags understands, or to good advice.
//!
//! Pure. Adds what xflags leaves out: `--flag=value`, `-vq`, a bare `--gdb`,
//! help of one command, and errors that point at the word and say what was
//! probably meant.

use std::ffi::OsString;

use crate::failure::Failure;
use crate::grammar::{Command, Flag, Grammar, Repeats, nearest};
use crate::machine::Port;
use crate::ui;

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Print help: of one command, or of the tool.
    Help(Option<String>),
    /// Hand these words to xflags.
    Run(Vec<OsString>),
}

/// Understands the words after `cargo xtask`.
pub fn normalise(grammar: &Grammar, words: &[OsString]) -> Result<Invocation, Failure> {
    let mut walk = Walk {
        grammar,
        words,
        next: 0,
        command: None,
        positionals: 0,
        out: Vec::new(),
    };
    while walk.next < words.len() {
        let here = walk.next;
        walk.next += 1;
        match words[here].to_str() {
            Some("--") => {
                walk.out.extend_from_slice(&words[here..]);
                break;
            }
            Some("-h" | "--help") => {
                return Ok(Invocation::Help(walk.command.map(|c| c.name.clone())));
            }
            Some(word) if word.starts_with("--") => walk.long(here, word)?,
            Some(word) if word.starts_with('-') && word.len() > 1 => walk.short(here, word)?,
            Some("help") if walk.command.is_none() => {
                let command = words.get(walk.next).and_then(|word| word.to_str());
                let known = command.and_then(|name| grammar.command(name));
                return Ok(Invocation::Help(known.map(|command| command.name.clone())));
            }
            _ => walk.positional(here)?,
        }
    }
    if walk.command.is_none() {
        let names: Vec<_> = grammar
            .commands
            .iter()
            .map(|command| command.name.as_str())
            .collect();
        let mend = format!(
            "give one of: {}\nfor help: cargo xtask --help",
            names.join(", ")
        );
        return Err(Failure::usage("`cargo xtask` needs a command", mend));
    }
    Ok(Invocation::Run(walk.out))
}

/// A parse that xflags refused: its sentence, and where the word stands.
pub fn refused(grammar: &Grammar, words: &[OsString], error: &xflags::Error) -> Failure {
    let message = error.to_string();
    let named = message.split('`').nth(1).unwrap_or_default();
    let place = words.iter().rposition(|word| {
        word.to_str().is_some_and(|word| {
            !named.is_empty() && (word == named || word.starts_with(&format!("{named}=")))
        })
    });
    let what = match message
        .strip_prefix("can't parse ")
        .and_then(|rest| rest.split_once(", "))
    {
        Some((flag, why)) => format!("{}: {why}", flag.trim_matches('`')),
        None => message,
    };
    let what = match place {
        Some(place) => format!("{what}\n{}", pointer(words, place)),
        None => what,
    };
    // A flag's value may stand before the command: only a command's name is one.
    let command = words
        .iter()
        .filter_map(|word| grammar.command(word.to_str()?))
        .map(|command| command.name.as_str())
        .next();
    Failure::usage(what, help_of(command))
}

struct Walk<'a> {
    grammar: &'a Grammar,
    words: &'a [OsString],
    next: usize,
    command: Option<&'a Command>,
    positionals: usize,
    out: Vec<OsString>,
}

impl Walk<'_> {
    fn long(&mut self, here: usize, word: &str) -> Result<(), Failure> {
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let Some(flag) = self.grammar.flag(self.command, name) else {
            return Err(self.unknown_flag(here, name));
        };
        match (&flag.value, joined) {
            (None, None) => self.out.push(name.into()),
            (None, Some(_)) => return Err(self.usage(here, &format!("`{name}` takes no value"))),
            (Some(_), Some(value)) => self.out.extend([name.into(), value.into()]),
            (Some(_), None) => self.separate_value(here, flag)?,
        }
        Ok(())
    }

    fn separate_value(&mut self, here: usize, flag: &Flag) -> Result<(), Failure> {
        let value = self.words.get(self.next);
        self.out.push(flag.long.clone().into());
        if flag.long == "--gdb" {
            // The one flag whose value may be left out.
            let is_port = value
                .and_then(|word| word.to_str())
                .is_some_and(|word| word.parse::<u64>().is_ok());
            if !is_port {
                self.out.push(Port::GDB.to_string().into());
                return Ok(());
            }
        }
        let Some(value) = value else {
            let name = flag.value.as_deref().unwrap_or_default();
            let what = format!(
                "`{}` needs a <{name}>: {}",
                flag.long,
                flag.about.replace('\n', " ")
            );
            return Err(self.usage(here, &what));
        };
        self.next += 1;
        self.out.push(value.clone());
        Ok(())
    }

    /// `-v`, `-vv`, `-vq`: letters that each are a flag without a value.
    fn short(&mut self, here: usize, word: &str) -> Result<(), Failure> {
        for letter in word.chars().skip(1) {
            let name = format!("-{letter}");
            match self.grammar.flag(self.command, &name) {
                Some(flag) if flag.value.is_none() => self.out.push(name.into()),
                _ => return Err(self.unknown_flag(here, word)),
            }
        }
        Ok(())
    }

    fn positional(&mut self, here: usize) -> Result<(), Failure> {
        let word = &self.words[here];
        self.out.push(word.clone());
        let Some(command) = self.command else {
            let name = word.to_string_lossy();
            self.command = self.grammar.command(&name);
            if self.command.is_some() {
                return Ok(());
            }
            let names: Vec<_> = self
                .grammar
                .commands
                .iter()
                .map(|command| command.name.as_str())
                .collect();
            let mend = match nearest(&name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the commands are: {}", names.join(", ")),
            };
            return Err(Failure::usage(
                format!(
                    "there is no command `{name}`\n{}",
                    pointer(self.words, here)
                ),
                mend,
            ));
        };
        let shown = word.to_string_lossy();
        match command.args.get(self.positionals) {
            Some(arg) if arg.repeats == Repeats::Many => {
                let what = format!(
                    "`{shown}` must stand after `--`: {}",
                    arg.about.replace('\n', " ")
                );
                Err(self.usage(here, &what))
            }
            Some(_) => {
                self.positionals += 1;
                Ok(())
            }
            None => Err(self.usage(here, &format!("`{}` does not take `{shown}`", command.name))),
        }
    }

    fn unknown_flag(&self, here: usize, name: &str) -> Failure {
        let known: Vec<_> = self
            .grammar
            .flags_of(self.command)
            .map(|flag| flag.long.as_str())
            .collect();
        let owners: Vec<_> = self
            .grammar
            .commands
            .iter()
            .filter(|command| command.flags.iter().any(|flag| flag.is(name)))
            .map(|command| format!("`{}`", command.name))
            .collect();
        let mend = match (nearest(name, &known), owners.is_empty(), self.command) {
            (Some(near), _, _) => format!("did you mean `{near}`?"),
            (None, false, None) => format!(
                "`{name}` is a flag of {}: put it after the command",
                owners.join(", ")
            ),
            (None, false, Some(_)) => format!("`{name}` is a flag of {}", owners.join(", ")),
            (None, true, command) => help_of(command.map(|command| command.name.as_str())),
        };
        let of = self
            .command
            .map(|command| format!(" for `{}`", command.name))
            .unwrap_or_default();
        Failure::usage(
            format!(
                "there is no flag `{name}`{of}\n{}",
                pointer(self.words, here)
            ),
            mend,
        )
    }

    fn usage(&self, here: usize, what: &str) -> Failure {
        let command = self.command.map(|command| command.name.as_str());
        Failure::usage(
            format!("{what}\n{}", pointer(self.words, here)),
            help_of(command),
        )
    }
}

fn help_of(command: Option<&str>) -> String {
    match command {
        Some(command) => format!("for help: cargo xtask {command} --help"),
        _ => "for help: cargo xtask --help".to_owned(),
    }
}

/// The command line with the word at `place` underlined.
fn pointer(words: &[OsString], place: usize) -> String {
    let mut line = "  cargo xtask".to_owned();
    let mut marks = String::new();
    for (index, word) in words.iter().enumerate() {
        let quoted = ui::quote(word);
        line.push(' ');
        if index == place {
            marks = format!(
                "{}{}",
                " ".repeat(line.chars().count()),
                "^".repeat(quoted.chars().count())
            );
        }
        line.push_str(&quoted);
    }
    format!("{line}\n{marks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn run(line: &str) -> String {
        match normalise(&Grammar::of_this_tool(), &words(line)) {
            Ok(Invocation::Run(words)) => words
                .join(std::ffi::OsStr::new(" "))
                .into_string()
                .expect("all UTF-8"),
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    fn fails(line: &str) -> String {
        let failure = normalise(&Grammar::of_this_tool(), &words(line)).expect_err(line);
        assert_eq!(failure.exit, crate::failure::Exit::Usage);
        failure.to_string()
    }

    #[test]
    fn a_bare_gdb_means_the_usual_port() {
        assert_eq!(run("qemu --gdb"), "qemu --gdb 1234");
        assert_eq!(run("qemu --gdb --smp 2"), "qemu --gdb 1234 --smp 2");
        assert_eq!(run("qemu --gdb 2000 --smp 2"), "qemu --gdb 2000 --smp 2");
        assert_eq!(run("qemu --gdb=2000"), "qemu --gdb 2000");
        assert_eq!(run("qemu --gdb -- -s"), "qemu --gdb 1234 -- -s");
    }

    #[test]
    fn joined_values_and_letters_come_apart() {
        assert_eq!(
            run("-vv qemu --cpu=pentium --append=a=b -q"),
            "-v -v qemu --cpu pentium --append a=b -q"
        );
        assert_eq!(run("qemu --append --help"), "qemu --append --help");
        assert_eq!(run("qemu -- --help --cpu=x"), "qemu -- --help --cpu=x");
    }

    #[test]
    fn help_is_about_the_command_before_it() {
        let grammar = Grammar::of_this_tool();
        for (line, command) in [
            ("--help", None),
            ("-h", None),
            ("qemu --smp 2 --help", Some("qemu")),
            ("help build", Some("build")),
            ("help", None),
        ] {
            let expected = Invocation::Help(command.map(str::to_owned));
            assert_eq!(normalise(&grammar, &words(line)), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_slip_is_pointed_at_and_answered() {
        let text = fails("qemu --smp 2 --cp pentium");
        assert_eq!(
            text,
            "there is no flag `--cp` for `qemu`\n  \
               cargo xtask qemu --smp 2 --cp pentium\n                           ^^^^\n  \
             did you mean `--cpu`?"
        );
        assert!(fails("qmeu").contains("did you mean `qemu`?"));
        assert!(fails("frobnicate").contains("the commands are: setup, doctor"));
        assert!(fails("--smp 2 qemu").contains("put it after the command"));
        assert!(fails("build --expect x").contains("is a flag of `qemu`"));
        assert!(fails("").contains("needs a command"));
        assert!(fails("-v").contains("needs a command"));
        assert!(fails("build -x").contains("`-x`"));
        assert!(fails("-").contains("there is no command `-`"));
    }

    #[test]
    fn values_are_wanted_where_they_are_needed_only() {
        assert!(fails("qemu --cpu").contains("needs a <cpu>: pentium, pentium2"));
        assert!(fails("build --dev=yes").contains("takes no value"));
        assert!(fails("build kernel").contains("does not take `kernel`"));
        assert!(fails("qemu kernel").contains("must stand after `--`"));
    }

    #[test]
    fn the_value_of_a_global_flag_is_no_command() {
        let line = words("--color never qemu --cpu penitum");
        let error = crate::flags::Xtask::from_vec(line.clone()).expect_err("no such CPU");
        let failure = refused(&Grammar::of_this_tool(), &line, &error);
        assert!(
            failure
                .to_string()
                .ends_with("help: cargo xtask qemu --help"),
            "{failure}"
        );
    }

    #[test]
    fn what_xflags_refuses_is_pointed_at() {
        let line = words("qemu --cpu penitum");
        let error = crate::flags::Xtask::from_vec(line.clone()).expect_err("no such CPU");
        let failure = refused(&Grammar::of_this_tool(), &line, &error);
        assert_eq!(
            failure.to_string(),
            "--cpu: `penitum` is not one of pentium, pentium2, pentium3, qemu32; did you mean `pentium`?\n  \
               cargo xtask qemu --cpu penitum\n                   ^^^^^\n  \
             for help: cargo xtask qemu --help"
        );
    }
}
