//! Commands about tasks: starting, looking, ending.

use alloc::borrow::ToOwned;

use user_programs::names;
use user_rt::abi::port::PortName;
use user_rt::rpc::mach;
use user_rt::trap;

use super::super::look::{self, Rights};
use super::super::start::{self, name_of};
use super::{Outcome, Shell, failed, naming, outcome};

/// Ctrl-C.
const INTERRUPT: u8 = 3;
/// How long to wait for a program before looking whether it is to be ended.
const LOOK_EVERY_MS: u32 = 50;

pub(super) fn run(shell: &mut Shell, words: &[&str]) -> Outcome {
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
    let is_names = name == names::PROGRAM;
    if is_names && naming::is_served(shell) {
        return Outcome::Failed("there is one already".to_owned());
    }
    let ports = [shell.host, shell.devices];
    let prepare = |task| match is_names {
        true => naming::serve(&mut shell.names, task),
        false => Ok(()),
    };
    let task = match start::start(file, words, &ports, prepare) {
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

pub(super) fn ps(shell: &mut Shell, _: &[&str]) -> Outcome {
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

pub(super) fn threads(shell: &mut Shell, words: &[&str]) -> Outcome {
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

pub(super) fn ports(shell: &mut Shell, words: &[&str]) -> Outcome {
    outcome(shell.task(words).and_then(|task| {
        for (name, kinds) in look::ports(task).map_err(failed)? {
            shell.say(format_args!("{:>10} {}", name.0, look::kinds(kinds)));
        }
        Ok(())
    }))
}

pub(super) fn kill(shell: &mut Shell, words: &[&str]) -> Outcome {
    if words.is_empty() {
        return Outcome::Usage;
    }
    outcome(
        shell
            .task(words)
            .and_then(|task| mach::task_terminate(task).map_err(failed)),
    )
}
