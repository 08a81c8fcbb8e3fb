//! What can be typed, and what it does.
//!
//! Owns the table of commands, and what they have to work with.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kernel_core::line::LineEditor;
use user_rt::abi::message::{Bits, HEADER_BYTES, Header, MsgReturn, TypeName};
use user_rt::abi::port::PortName;
use user_rt::message::Exchange;
use user_rt::rpc::{mach, mach_host};
use user_rt::trap;

use super::archive::Archive;
use super::children::Children;
use super::console::Console;
use super::look::{self, Rights};
use super::start::{self, name_of};

/// `RB_HALT` of `sys/reboot.h`: stop, and do not start again.
const RB_HALT: i32 = 8;
/// Ctrl-C.
const INTERRUPT: u8 = 3;
/// How long to wait for a program before looking whether it is to be ended.
const LOOK_EVERY_MS: u32 = 50;
/// Words that a message may have behind its header.
const MOST_WORDS: usize = 32;

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
        name: "send",
        arguments: "NAME ID [WORD...]",
        about: "a message to a port of this task",
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
                let _ =
                    user_rt::rpc::mach_port::mach_port_mod_refs(trap::mach_task_self(), task, 0, 1);
                Ok(task)
            }
            _ => Err(Outcome::Usage),
        }
    }
}

fn failed(code: user_rt::abi::kern_return::KernReturn) -> Outcome {
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

fn run(shell: &mut Shell, words: &[&str]) -> Outcome {
    let (words, waits) = match words {
        [words @ .., "&"] => (words, false),
        words => (words, true),
    };
    let Some(&name) = words.first() else {
        return Outcome::Usage;
    };
    let Some(file) = shell.archive.file(name) else {
        let what = "no command and no file: see `help` and `ls`";
        return Outcome::Failed(what.to_owned());
    };
    let task = match start::start(file, words, &[shell.host, shell.devices]) {
        Ok(task) => task,
        Err(failure) => return Outcome::Failed(alloc::format!("{failure}")),
    };
    let Some(children) = &mut shell.children else {
        return Outcome::Done;
    };
    children.add(task, name.to_owned());
    if waits {
        wait(shell, task);
    }
    Outcome::Done
}

/// Waits until the task has ended, or Ctrl-C ends it.
fn wait(shell: &mut Shell, task: PortName) {
    loop {
        let ended = shell
            .children
            .as_mut()
            .and_then(|all| all.ended(LOOK_EVERY_MS));
        match ended {
            Some(child) if child.task == task => return,
            Some(child) => shell.say(format_args!("{} has ended", child.name)),
            None => {}
        }
        if shell.console.read_now().contains(&INTERRUPT) {
            let _ = mach::task_terminate(task);
        }
    }
}

fn ps(shell: &mut Shell, _: &[&str]) -> Outcome {
    let tasks = match Rights::of_tasks(shell.host) {
        Ok(tasks) => tasks,
        Err(code) => return failed(code),
    };
    shell.say(format_args!(
        "task threads   virtual  resident      user    system  name"
    ));
    let own = trap::mach_task_self();
    for (number, &task) in tasks.0.iter().enumerate() {
        let known = shell.children.as_ref().and_then(|all| all.name_of(task));
        let name = known.unwrap_or(if task == own { "sh" } else { "" });
        match look::task(task) {
            Ok(line) => shell.say(format_args!("{number:>4} {line}  {name}")),
            Err(code) => shell.say(format_args!("{number:>4} {}", name_of(code))),
        }
    }
    Outcome::Done
}

fn threads(shell: &mut Shell, words: &[&str]) -> Outcome {
    outcome(shell.task(words).and_then(|task| {
        let threads = Rights::of_threads(task).map_err(failed)?;
        shell.say(format_args!("priority  current      user    system  state"));
        for &thread in &threads.0 {
            match look::thread(thread) {
                Ok(line) => shell.say(format_args!("{line}")),
                Err(code) => shell.say(format_args!("{}", name_of(code))),
            }
        }
        Ok(())
    }))
}

fn ports(shell: &mut Shell, words: &[&str]) -> Outcome {
    outcome(shell.task(words).and_then(|task| {
        for (name, kinds) in look::ports(task).map_err(failed)? {
            shell.say(format_args!("{:>10} {}", name.0, look::kinds(kinds)));
        }
        Ok(())
    }))
}

fn mem(shell: &mut Shell, _: &[&str]) -> Outcome {
    let memory = match look::memory() {
        Ok(memory) => memory,
        Err(code) => return failed(code),
    };
    let kilobytes = |pages: i32| i64::from(pages) * i64::from(memory.pagesize) / 1024;
    shell.say(format_args!(
        "free      {:>9} K",
        kilobytes(memory.free_count)
    ));
    shell.say(format_args!(
        "active    {:>9} K",
        kilobytes(memory.active_count)
    ));
    shell.say(format_args!(
        "inactive  {:>9} K",
        kilobytes(memory.inactive_count)
    ));
    shell.say(format_args!(
        "wired     {:>9} K",
        kilobytes(memory.wire_count)
    ));
    shell.say(format_args!("faults    {:>9}", memory.faults));
    shell.say(format_args!("copied    {:>9}", memory.cow_faults));
    shell.say(format_args!("paged in  {:>9}", memory.pageins));
    shell.say(format_args!("paged out {:>9}", memory.pageouts));
    Outcome::Done
}

fn kill(shell: &mut Shell, words: &[&str]) -> Outcome {
    if words.is_empty() {
        return Outcome::Usage;
    }
    outcome(
        shell
            .task(words)
            .and_then(|task| mach::task_terminate(task).map_err(failed)),
    )
}

fn send(shell: &mut Shell, words: &[&str]) -> Outcome {
    let number = |word: &&str| match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    let numbers: Option<Vec<u32>> = words.iter().map(number).collect();
    let Some([name, id, rest @ ..]) = numbers.as_deref() else {
        return Outcome::Usage;
    };
    if rest.len() > MOST_WORDS {
        return Outcome::Failed(alloc::format!("{MOST_WORDS} words at most"));
    }
    let size = HEADER_BYTES + size_of_val(rest);
    let header = Header {
        bits: Bits::new(TypeName::COPY_SEND, TypeName(0)),
        size: size as u32,
        remote_port: *name,
        id: *id as i32,
        ..Header::default()
    };
    let mut message = user_rt::message::Buffer::<256>::new();
    message.0[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    for (place, word) in message.0[HEADER_BYTES..].chunks_exact_mut(4).zip(rest) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let sent = Exchange::send(size).within(1000).run(&mut message.0);
    match sent {
        MsgReturn::SUCCESS => {
            shell.say(format_args!("sent"));
            Outcome::Done
        }
        MsgReturn(code) => failed(user_rt::abi::kern_return::KernReturn(code as i32)),
    }
}

fn uname(shell: &mut Shell, _: &[&str]) -> Outcome {
    let mut room = user_rt::message::Buffer::<1024>::new();
    match mach_host::host_kernel_version(trap::mach_host_self(), &mut room.0) {
        Ok(reply) => {
            let text = reply.kernel_version.0;
            let end = text
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(text.len());
            shell.say(format_args!("{}", text[..end].escape_ascii()));
            Outcome::Done
        }
        Err(code) => failed(code),
    }
}

fn uptime(shell: &mut Shell, _: &[&str]) -> Outcome {
    match mach_host::host_get_uptime64(trap::mach_host_self()) {
        Ok(reply) => {
            let up = reply.uptime;
            let hundredths = up.nanoseconds / 10_000_000;
            shell.say(format_args!("{}.{hundredths:02} seconds", up.seconds));
            Outcome::Done
        }
        Err(code) => failed(code),
    }
}

fn reboot(shell: &mut Shell, _: &[&str]) -> Outcome {
    outcome(mach_host::host_reboot(shell.host, 0).map_err(failed))
}

fn halt(shell: &mut Shell, _: &[&str]) -> Outcome {
    outcome(mach_host::host_reboot(shell.host, RB_HALT).map_err(failed))
}

fn exit(_: &mut Shell, _: &[&str]) -> Outcome {
    Outcome::Leave
}
