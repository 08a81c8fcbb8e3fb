//! The tasks of the boot script: from modules in memory to threads that run.
//!
//! Called once, by the first thread. A script that is wrong, or a module that is
//! no program, is told on the console, and the rest of the boot goes on.

use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::ops::Range;

use boot::loader::Module;
use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::bootscript::{Argument, Resume, Role, Script, Value};
use kernel_core::exec::{self, ExecError, Executable};
use kernel_core::firmware::PhysicalMemory;
use kernel_core::vm::map::{MapError, Protection};

use super::host::Host;
use super::{Name, Shortage, Task, UserThread};
use crate::console::{Level, log, println};
use crate::ipc::KernelPort;
use crate::mm::shared::Shared;
use crate::mm::window::PhysicalWindow;
use crate::vm::space::USER_END;

/// Bytes of the first thread's stack.
const STACK_SIZE: u32 = 64 << 10;
/// Bytes that its arguments may take of that.
const MOST_ARGUMENTS: usize = STACK_SIZE as usize / 2;

/// Why a module is not a task.
enum Failure {
    Shortage,
    NotLoaded(ExecError),
    /// Its memory cannot be had where it is to be.
    NoMemory(MapError),
    /// The module's bytes cannot be seen.
    Unreachable,
    ArgumentsTooLong,
    /// A port that its arguments name cannot be had.
    NoPort,
    /// Another task that has its port ended it.
    Ended,
}

impl From<Shortage> for Failure {
    fn from(_: Shortage) -> Failure {
        Failure::Shortage
    }
}

impl From<MapError> for Failure {
    fn from(error: MapError) -> Failure {
        Failure::NoMemory(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Shortage => Shortage.fmt(f),
            Failure::NotLoaded(error) => error.fmt(f),
            Failure::NoMemory(error) => write!(f, "no memory for it: {error:?}"),
            Failure::Unreachable => f.write_str("its bytes are not within reach"),
            Failure::ArgumentsTooLong => {
                write!(f, "its arguments take more than {MOST_ARGUMENTS} bytes")
            }
            Failure::NoPort => f.write_str("a port among its arguments does not exist"),
            Failure::Ended => f.write_str("somebody ended it"),
        }
    }
}

/// Loads what the modules' lines ask for; starts what is to run at once.
/// `ask` waits for a key, `make_disk` makes a disk of a module, told by its file and
/// its memory.
pub(crate) fn run_script(
    modules: &[Module],
    kernel_line: &str,
    ask: fn(),
    make_disk: fn(&str, Range<u64>),
) {
    let lines = modules.iter().map(|module| module.string.as_str());
    let script = match Script::parse(lines, kernel_line) {
        Ok(script) => script,
        Err(error) => {
            log(Level::Warning, format_args!("boot script: {error}"));
            return;
        }
    };
    for (number, at, name) in script.ignored() {
        log(
            Level::Warning,
            format_args!("boot script: line {number}, byte {at}: no function $({name})"),
        );
    }
    let mut tasks = Vec::new();
    if tasks.try_reserve(modules.len()).is_err() {
        log(Level::Warning, format_args!("boot script: {Shortage}"));
        return;
    }
    // All tasks first: the arguments of one may name another.
    for (command, module) in script.commands().iter().zip(modules) {
        if command.role() == Role::RamDisk {
            make_disk(command.file(), module.range());
        }
        let task = match command.role() {
            Role::Task(_) => {
                let name = Name::new(command.file().as_bytes());
                Task::new(name).map(Some)
            }
            Role::Data | Role::RamDisk => Ok(None),
        };
        tasks.push(task.unwrap_or_default());
    }
    let mut loaded: Vec<Option<Shared<Task>>> = Vec::new();
    if loaded.try_reserve(modules.len()).is_err() {
        log(Level::Warning, format_args!("boot script: {Shortage}"));
        return;
    }
    for (number, module) in modules.iter().enumerate() {
        let Some(Some(task)) = tasks.get(number) else {
            loaded.push(None);
            continue;
        };
        match load(module, task, &tasks, script.arguments(number)) {
            Ok(()) => loaded.push(Some(task.clone())),
            Err(failure) => {
                let name = task.name();
                log(
                    Level::Warning,
                    format_args!("module {number}, `{name}`: {failure}"),
                );
                loaded.push(None);
            }
        }
    }
    for (command, ready) in script.commands().iter().zip(loaded) {
        let Some(ready) = ready else { continue };
        let name = ready.name();
        match command.role() {
            Role::Task(Resume::AtOnce) => {}
            Role::Task(Resume::AfterPrompt) => {
                println!("press a key to start {name}");
                ask();
            }
            _ => {
                log(
                    Level::Warning,
                    format_args!("`{name}` is loaded, but nobody resumes it"),
                );
                continue;
            }
        }
        println!("start {name}:");
        // Nobody else had the time to resume it.
        let _ = ready.resume();
    }
}

fn load<'a>(
    module: &Module,
    task: &Shared<Task>,
    tasks: &[Option<Shared<Task>>],
    arguments: impl Iterator<Item = Argument<'a>>,
) -> Result<(), Failure> {
    let window = PhysicalWindow::new();
    let length = usize::try_from(module.end - module.start).map_err(|_| Failure::Unreachable)?;
    let file = window.bytes(module.start, length);
    let file = file.ok_or(Failure::Unreachable)?;
    let program = Executable::parse(file, VirtAddr::new(USER_END)).map_err(Failure::NotLoaded)?;
    let space = &task.space;
    for run in program.runs() {
        let size = run.count * PAGE_SIZE;
        space.allocate_at(run.first.start().as_u32(), size, protection(run.access))?;
    }
    for segment in program.segments() {
        space.fill(segment.start, segment.bytes)?;
    }
    space.allocate_at(USER_END - STACK_SIZE, STACK_SIZE, Protection::DEFAULT)?;
    let words = Words::gather(task, tasks, arguments)?;
    let stack = words.put(task)?;
    print_loaded(&words);
    let thread = Task::thread(task, program.entry(), stack)?.ok_or(Failure::Ended)?;
    // The task is what is resumed.
    task.suspend();
    if let Some(user) = thread.upper::<UserThread>() {
        let _ = user.resume(&thread);
    }
    Ok(())
}

fn protection(access: exec::Access) -> Protection {
    let parts = [
        (access.read, Protection::READ),
        (access.write, Protection::WRITE),
        (access.execute, Protection::EXECUTE),
    ];
    let allowed = parts.into_iter().filter(|(is_allowed, _)| *is_allowed);
    allowed.fold(Protection::NONE, |all, (_, part)| all | part)
}

fn print_loaded(words: &Words) {
    let text = words.text.split(|&byte| byte == 0);
    crate::console::print!("task loaded:");
    for word in text.take(words.count as usize) {
        crate::console::print!(" {}", word.escape_ascii());
    }
    println!();
}

/// A task's arguments, as its stack has them: each ends with a zero byte.
struct Words {
    text: Vec<u8>,
    count: u32,
}

impl Words {
    fn gather<'a>(
        task: &Task,
        tasks: &[Option<Shared<Task>>],
        arguments: impl Iterator<Item = Argument<'a>>,
    ) -> Result<Words, Failure> {
        let mut words = Words {
            text: Vec::new(),
            count: 0,
        };
        let text = &mut words.text;
        text.try_reserve_exact(MOST_ARGUMENTS)
            .map_err(|_| Shortage)?;
        for argument in arguments {
            let mut line = Bounded(text);
            line.write_str(argument.text)?;
            match argument.value {
                None => {}
                Some(Value::HostPort) => line.port(task, Host::Control.port())?,
                Some(Value::DevicePort) => line.port(task, Host::DeviceMaster.port())?,
                Some(Value::Task(number)) => {
                    let other = tasks.get(number).and_then(Option::as_ref);
                    line.port(task, other.map(|other| &other.port))?;
                }
                Some(Value::KernelTask) => return Err(Failure::NoPort),
                Some(Value::RamDisk(number)) => write!(line, "rd{number}")?,
                Some(Value::Text(value)) => line.write_str(value)?,
                Some(Value::Flags(flags)) => write!(line, "{flags}")?,
            }
            line.write_str("\0")?;
            words.count += 1;
        }
        Ok(words)
    }

    /// Puts them at the top of the stack, below them the vectors that point to
    /// them; the stack pointer of the first thread.
    fn put(&self, task: &Task) -> Result<VirtAddr, Failure> {
        let text_at = (USER_END - self.text.len() as u32) & !(size_of::<u32>() as u32 - 1);
        task.space.fill(VirtAddr::new(text_at), &self.text)?;
        // The count, the arguments, and the ends of these and of the
        // environment, which is empty.
        let vectors = self.count + 3;
        let stack = (text_at - vectors * size_of::<u32>() as u32) & !15;
        let mut at = stack;
        let mut push = |word: u32| {
            let address = VirtAddr::new(at);
            at += size_of::<u32>() as u32;
            task.space.fill(address, &word.to_le_bytes())
        };
        push(self.count)?;
        let mut word_at = text_at;
        for word in self.text.split_inclusive(|&byte| byte == 0) {
            push(word_at)?;
            word_at += word.len() as u32;
        }
        push(0)?;
        push(0)?;
        Ok(VirtAddr::new(stack))
    }
}

/// Text that does not grow beyond what was reserved for it.
struct Bounded<'a>(&'a mut Vec<u8>);

impl Bounded<'_> {
    /// The name under which the task has a send right to `port`.
    fn port(&mut self, task: &Task, port: Option<&KernelPort>) -> Result<(), Failure> {
        let port = port.ok_or(Failure::NoPort)?;
        let name = port.send_right(&task.names).map_err(Shortage::from)?;
        Ok(write!(self, "{name}")?)
    }
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.capacity() - self.0.len() < text.len() {
            return Err(fmt::Error);
        }
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl From<fmt::Error> for Failure {
    fn from(_: fmt::Error) -> Failure {
        Failure::ArgumentsTooLong
    }
}
