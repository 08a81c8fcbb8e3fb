//! What can be typed, and what it does.
//!
//! Owns the table of commands, and what they have to work with; what they do is in
//! the files beside this one.

mod machine;
mod messages;
mod naming;
mod tasks;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kernel_core::line::LineEditor;
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::port::PortName;
use user_rt::rpc::mach_port;
use user_rt::trap;

use self::machine::{halt, mem, reboot, uname, uptime};
use self::messages::send;
use self::naming::lookup;
use self::tasks::{kill, ports, ps, run, threads};
use super::archive::Archive;
use super::children::Children;
use super::console::Console;
use super::look::Rights;
use super::start::name_of;

/// One of them.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    does: fn(&mut Shell, &[&str]) -> Outcome,
}

/// What comes of one.
enum Outcome {
    /// It did what it should.
    Done,
    /// It is used like this.
    Usage,
    /// What went wrong.
    Failed(String),
    /// There is nothing more to do here.
    Leave,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        arguments: "",
        about: "this list",
        does: help,
    },
    Command {
        name: "echo",
        arguments: "[WORD...]",
        about: "the words",
        does: echo,
    },
    Command {
        name: "ls",
        arguments: "",
        about: "the files of the boot",
        does: ls,
    },
    Command {
        name: "run",
        arguments: "FILE [WORD...] [&]",
        about: "start a program; so does its name alone",
        does: run,
    },
    Command {
        name: "ps",
        arguments: "",
        about: "the tasks",
        does: ps,
    },
    Command {
        name: "threads",
        arguments: "[TASK]",
        about: "the threads of a task",
        does: threads,
    },
    Command {
        name: "ports",
        arguments: "[TASK]",
        about: "what a task's names denote",
        does: ports,
    },
    Command {
        name: "mem",
        arguments: "",
        about: "memory and what became of it",
        does: mem,
    },
    Command {
        name: "kill",
        arguments: "TASK",
        about: "end a task",
        does: kill,
    },
    Command {
        name: "lookup",
        arguments: "[NAME]",
        about: "the names of ports, or the port of one",
        does: lookup,
    },
    Command {
        name: "send",
        arguments: "PORT ID [WORD...]",
        about: "a message to a port, by name or number",
        does: send,
    },
    Command {
        name: "uname",
        arguments: "",
        about: "which kernel this is",
        does: uname,
    },
    Command {
        name: "uptime",
        arguments: "",
        about: "for how long it has run",
        does: uptime,
    },
    Command {
        name: "reboot",
        arguments: "",
        about: "start the machine again",
        does: reboot,
    },
    Command {
        name: "halt",
        arguments: "",
        about: "switch the machine off",
        does: halt,
    },
    Command {
        name: "exit",
        arguments: "",
        about: "end the shell",
        does: exit,
    },
];

/// All that commands have.
pub(crate) struct Shell {
    host: PortName,
    devices: PortName,
    pub(crate) console: Console,
    archive: Archive,
    children: Option<Children>,
    /// The port that the name server serves, since one was started.
    names: Option<PortName>,
}

impl Shell {
    /// With these ports; without an archive there are no programs.
    pub(crate) fn new(
        host: PortName,
        devices: PortName,
        console: Console,
        archive: trap::Result<Archive>,
    ) -> Shell {
        let mut shell = Shell {
            host,
            devices,
            console,
            archive: Archive::default(),
            children: Children::new().ok(),
            names: None,
        };
        match archive {
            Ok(archive) => shell.archive = archive,
            Err(code) => shell.say(format_args!("no files: {}", name_of(code))),
        }
        shell
    }

    /// Writes a line.
    pub(crate) fn say(&self, line: fmt::Arguments<'_>) {
        self.console.write(alloc::format!("{line}\n").as_bytes());
    }

    /// Does what a line says; tells whether to go on.
    pub(crate) fn obey(&mut self, line: &str) -> bool {
        self.tell_of_ended();
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let Some((&name, rest)) = words.split_first() else {
            return true;
        };
        let command = COMMANDS.iter().find(|command| command.name == name);
        let outcome = match command {
            Some(command) => (command.does)(self, rest),
            None => run(self, &words),
        };
        match outcome {
            Outcome::Done => {}
            Outcome::Leave => return false,
            Outcome::Failed(why) => self.say(format_args!("{name}: {why}")),
            Outcome::Usage => {
                let arguments = command.map_or("", |command| command.arguments);
                self.say(format_args!("usage: {name} {arguments}"));
            }
        }
        true
    }

    /// Completes the word before the cursor, if it is the first.
    pub(crate) fn complete(&mut self, editor: &mut LineEditor) {
        let typed = editor.before_cursor().to_owned();
        let mut names: Vec<String> = COMMANDS
            .iter()
            .map(|command| command.name.to_owned())
            .collect();
        names.extend(self.archive.files().into_iter().map(|(name, _)| name));
        names.retain(|name| name.starts_with(&typed));
        if let [only] = names.as_slice() {
            let rest = alloc::format!("{} ", &only[typed.len()..]);
            editor.insert(rest.as_bytes(), &mut self.console);
        }
    }

    /// Says which programs in the background have ended.
    fn tell_of_ended(&mut self) {
        while let Some(child) = self.children.as_mut().and_then(|all| all.ended(0)) {
            self.say(format_args!("{} has ended", child.name));
        }
    }

    fn task(&self, words: &[&str]) -> Result<PortName, Outcome> {
        match words {
            [] => Ok(trap::mach_task_self()),
            [number] => {
                let tasks = Rights::of_tasks(self.host).map_err(failed)?;
                let number: usize = number.parse().map_err(|_| Outcome::Usage)?;
                let task = tasks.0.get(number).copied();
                let task = task.ok_or_else(|| {
                    Outcome::Failed(alloc::format!("there is no task {number}: see `ps`"))
                })?;
                // One reference stays with the caller, the others go.
                let _ = mach_port::mach_port_mod_refs(trap::mach_task_self(), task, 0, 1);
                Ok(task)
            }
            _ => Err(Outcome::Usage),
        }
    }
}

fn failed(code: KernReturn) -> Outcome {
    Outcome::Failed(name_of(code))
}

fn outcome<T>(result: Result<T, Outcome>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(outcome) => outcome,
    }
}

fn help(shell: &mut Shell, _: &[&str]) -> Outcome {
    for command in COMMANDS {
        let Command {
            name,
            arguments,
            about,
            ..
        } = command;
        shell.say(format_args!("{name:<8} {arguments:<19} {about}"));
    }
    shell.say(format_args!(
        "Ctrl-C ends a program, Ctrl-\\ goes to the kernel's monitor"
    ));
    Outcome::Done
}

fn echo(shell: &mut Shell, words: &[&str]) -> Outcome {
    shell.say(format_args!("{}", words.join(" ")));
    Outcome::Done
}

fn ls(shell: &mut Shell, _: &[&str]) -> Outcome {
    for (name, bytes) in shell.archive.files() {
        shell.say(format_args!("{:>9} {name}", bytes.len()));
    }
    Outcome::Done
}

fn exit(_: &mut Shell, _: &[&str]) -> Outcome {
    Outcome::Leave
}
