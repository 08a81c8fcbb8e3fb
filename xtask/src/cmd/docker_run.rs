//! `cargo xtask docker-run`: any command of this tool, inside a container.
//!
//! Owns the meaning of its flags. What is wrong with the command inside is
//! said before a container is made.

use std::ffi::OsString;

use crate::argv;
use crate::context::Context;
use crate::docker::engine::{Engine, Platform};
use crate::docker::running::Io;
use crate::docker::session::{self, Kvm, Session};
use crate::failure::{Failure, Result};
use crate::flags;
use crate::grammar::Grammar;

/// Runs the command.
pub fn run(cx: &Context, flags: flags::DockerRun) -> Result<()> {
    let words: Vec<OsString> = flags.words.into_iter().map(OsString::from).collect();
    check(&words)?;
    let engine = Engine::find(cx, flags.engine)?;
    let session = Session {
        purpose: "run",
        platform: flags.platform.unwrap_or(Platform::Linux386),
        kvm: if flags.kvm { Kvm::Given } else { Kvm::Withheld },
        kernel: None,
        words,
    };
    match session.run(cx, &engine, Io::Ours, None)? {
        Some(ended) => session::pass_on(&ended),
        None => Ok(()),
    }
}

/// Whether the tool inside would understand these words.
fn check(words: &[OsString]) -> Result<()> {
    let grammar = Grammar::of_this_tool();
    if words.is_empty() {
        return Err(Failure::usage(
            "docker-run needs a command to run inside",
            "for example: cargo xtask docker-run -- test",
        ));
    }
    argv::normalise(&grammar, words)?;
    let command = words
        .iter()
        .filter_map(|word| word.to_str())
        .find(|word| grammar.command(word).is_some());
    match command {
        Some(command) if command.starts_with("docker-") => Err(Failure::usage(
            format!("`{command}` needs an engine, and there is none in the container"),
            format!("run it here: cargo xtask {command}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(words: &[&str]) -> Result<()> {
        check(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_tool_inside_takes_goes_in() {
        for words in [
            &["test"][..],
            &["-v", "qemu", "--cpu", "pentium3", "--", "-d", "int"],
            &["bench-boot", "--count"],
            &["--help"],
        ] {
            checked(words).expect("the tool takes it");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_here() {
        for (words, why) in [
            (&[][..], "needs a command"),
            (&["tset"], "did you mean"),
            (&["qemu", "--nope"], "--nope"),
            (&["docker-run", "--", "test"], "needs an engine"),
        ] {
            let failure = checked(words).expect_err(why);
            assert_eq!(failure.exit, crate::failure::Exit::Usage);
            assert!(failure.to_string().contains(why), "{failure}");
        }
    }
}
