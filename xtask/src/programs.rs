//! The programs of user mode: which there are, and in which package.
//!
//! The one list of them. `cmd/build` builds them, `cmd/qemu` runs one by its
//! name, the tests boot them.

use std::str::FromStr;

use crate::cli::Invalid;

/// A program of user mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Program {
    /// The name of its executable.
    pub name: &'static str,
    /// Whom it is for.
    pub audience: Audience,
}

/// Whom a program is for; each has a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Everybody: they are part of a build.
    People,
    /// The tests: they are built when these are run.
    Tests,
}

/// Every program.
pub const ALL: &[Program] = &[
    people("hello"),
    people("map"),
    people("names"),
    people("pager"),
    people("ping"),
    people("pong"),
    people("sh"),
    test("traps"),
    test("pointers"),
    test("crimes"),
    test("fpu"),
    test("spin"),
    test("routines"),
    test("fuzz"),
    test("stress"),
    test("pagers"),
    test("paging"),
    test("naming"),
    test("bench"),
];

/// What a boot runs if nobody says otherwise.
pub const SHELL: Program = people("sh");

const fn test(name: &'static str) -> Program {
    Program {
        name,
        audience: Audience::Tests,
    }
}

const fn people(name: &'static str) -> Program {
    Program {
        name,
        audience: Audience::People,
    }
}

impl Program {
    /// The program of this name.
    pub fn named(name: &str) -> Result<Program, Invalid> {
        let found = ALL.iter().find(|program| program.name == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = ALL.iter().map(|program| program.name).collect();
            Invalid::word(name, &names)
        })
    }

    /// The package that it is in.
    pub fn package(self) -> &'static str {
        match self.audience {
            Audience::People => "user-programs",
            Audience::Tests => "user-tests",
        }
    }
}

/// A program and the rest of its line in the boot script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The program.
    pub program: Program,
    /// What follows its file's name.
    pub arguments: String,
}

impl FromStr for Started {
    type Err = Invalid;

    /// `NAME args`, as `--program` takes it. A name alone gets both ports of the
    /// host, as a lone module does; all are started unless their line says by
    /// itself what is to become of them.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let (name, words) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let program = Program::named(name)?;
        let words = match words.trim() {
            "" => "${host-port} ${device-port}",
            words => words,
        };
        Ok(Started {
            program,
            arguments: with_start(words),
        })
    }
}

/// The words of a task's line, which starts it unless it says by itself what is to
/// become of it.
pub fn with_start(words: &str) -> String {
    let start = match words.contains("task-create)") {
        true => "",
        false => " $(task-create) $(task-resume)",
    };
    format!("{words}{start}")
}

/// The programs that are part of a build.
pub fn for_people() -> impl Iterator<Item = Program> {
    let all = ALL.iter().copied();
    all.filter(|program| program.audience == Audience::People)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_gets_ports_and_is_started() {
        let arguments = |text: &str| text.parse::<Started>().expect(text).arguments;
        let start = "$(task-create) $(task-resume)";
        assert_eq!(
            arguments(" hello "),
            format!("${{host-port}} ${{device-port}} {start}")
        );
        assert_eq!(arguments("hello  a b"), format!("a b {start}"));
        for whole in ["a $(task-create)", "$(x=task-create) $(task-resume)"] {
            assert_eq!(arguments(&format!("hello {whole}")), whole);
        }
        assert!("".parse::<Started>().is_err());
    }

    #[test]
    fn a_program_is_found_by_its_name() {
        for program in ALL {
            assert_eq!(Program::named(program.name), Ok(*program));
        }
        let error = Program::named("helo").expect_err("no such program");
        assert!(error.0.contains("did you mean `hello`?"), "{error}");
    }
}
