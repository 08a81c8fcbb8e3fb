//! The boot script: what the modules' lines ask for, and in which order.
//!
//! Owns the spelling of module lines, in GNU Mach's syntax (NEWS of 1.2, manual
//! 3.2; what these leave open is as its kernel behaves). The start of the
//! kernel parses all lines at once, then creates what [`Script::commands`]
//! names, loads each task with its [`Script::arguments`], and last lets those
//! go that are to run. Nothing is allocated and nothing is changed by looking.
//!
//! ```text
//! line     = file, then pieces, between blanks
//! ${name}  = a variable's value; ends the argument it stands in
//! $(f)     = does f: task-create, task-resume, prompt-task-resume
//! $(v=f)   = does f and names what comes of it: task-create, ramdisk-create,
//!            or another variable
//! else     = an argument as it stands; `$(` inside of one means nothing
//! ```
//!
//! Variables are those of the lines; `host-port`, `device-port`, `kernel-task`,
//! `kernel-command-line`, `root-device` and `boot-args`; and each `name=value`
//! of the kernel's command line. A line may use what a later one defines. A
//! lone module whose line is but a file gets a task, and both ports as
//! arguments.

use alloc::vec::Vec;
use core::fmt;

mod piece;
mod value;

use piece::Function;
pub use piece::{Piece, Pieces, Problem};
pub use value::{Flags, Value};

/// Lines that a script may have: as many as the loader's modules.
pub const MAX_COMMANDS: usize = 64;

/// Variables that all lines together may define.
pub const MAX_VARIABLES: usize = 128;

/// The line of which a lone module that says nothing has the pieces.
const LONE: &str = "file ${host-port} ${device-port} $(task-create) $(task-resume)";

/// A line that is wrong, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScriptError<'a> {
    /// Number of the line, from 0 on.
    pub command: usize,
    /// Byte of the line, from 0 on.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem<'a>,
}

impl fmt::Display for ScriptError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            at,
            problem,
        } = self;
        write!(f, "module {command}, column {}: {problem}", at + 1)
    }
}

/// What to do with a task once all are loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// Nothing: another task resumes it.
    Never,
    /// Let it run.
    AtOnce,
    /// Ask on the console for a key first.
    AfterPrompt,
}

/// What a module becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Nothing: its line asks for nothing.
    Data,
    /// A task.
    Task(Resume),
    /// A disk in memory, for the device interface.
    RamDisk,
}

/// One module's line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command<'a> {
    line: &'a str,
    file: &'a str,
    role: Role,
}

impl<'a> Command<'a> {
    /// The line, as it came.
    pub const fn line(&self) -> &'a str {
        self.line
    }

    /// The file's name: the first word.
    pub const fn file(&self) -> &'a str {
        self.file
    }

    /// What to make of the module.
    pub const fn role(&self) -> Role {
        self.role
    }
}

/// `$(name=function)` of a line.
#[derive(Clone, Copy)]
struct Definition<'a> {
    name: &'a str,
    function: Function<'a>,
    command: usize,
    at: usize,
}

/// An argument of a task: `text`, and behind it the value, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argument<'a> {
    /// What stands there.
    pub text: &'a str,
    /// What the variable behind it stands for; a port becomes a right of the
    /// task, and the argument ends in its name, in decimal digits.
    pub value: Option<Value<'a>>,
}

/// All lines, understood and checked.
///
/// **Invariants**: every `${name}` of a command that makes a task, and every
/// definition, has a value: [`Script::parse`] refuses others. Broken, a task
/// would miss an argument.
pub struct Script<'a> {
    /// [`MAX_COMMANDS`] at most.
    commands: Vec<Command<'a>>,
    /// [`MAX_VARIABLES`] at most.
    definitions: Vec<Definition<'a>>,
    kernel_line: &'a str,
    /// Whose pieces the only module has, or nothing: its own.
    lone: &'static str,
}

/// Appends an item, if there are fewer than `most`; the problem, if it is another.
fn push<T>(list: &mut Vec<T>, most: usize, item: T) -> Result<(), Option<Problem<'static>>> {
    if list.len() >= most {
        return Err(None);
    }
    list.try_reserve(1).map_err(|_| Some(Problem::NoMemory))?;
    list.push(item);
    Ok(())
}

impl<'a> Script<'a> {
    /// Reads the lines of all modules, in the loader's order; `kernel_line` is
    /// the kernel's own command line.
    ///
    /// # Errors
    /// The first line that is wrong; nothing of a script with one is done.
    pub fn parse(
        lines: impl IntoIterator<Item = &'a str>,
        kernel_line: &'a str,
    ) -> Result<Self, ScriptError<'a>> {
        let mut script = Self {
            commands: Vec::new(),
            definitions: Vec::new(),
            kernel_line,
            lone: "",
        };
        for line in lines {
            script.add(line)?;
        }
        if let [only] = *script.commands.as_slice() {
            if only.file == only.line.trim_matches(piece::is_blank) {
                script.lone = LONE;
                let role = Role::Task(Resume::AtOnce);
                script.commands.clear();
                script.push(Command { role, ..only })?;
            }
        }
        script.check()?;
        Ok(script)
    }

    /// The commands, in the order of the modules.
    pub fn commands(&self) -> &[Command<'a>] {
        self.commands.as_slice()
    }

    /// The arguments of the task that module number `command` becomes, its
    /// file's name first.
    pub fn arguments(&self, command: usize) -> impl Iterator<Item = Argument<'a>> {
        let file = self.commands.get(command).map(|command| command.file);
        let file = file.map(|text| Argument { text, value: None });
        let pieces = file.is_some().then(|| self.pieces(command));
        let rest = pieces.into_iter().flatten().filter_map(|piece| {
            let (text, value) = match piece.ok()?.1 {
                Piece::Text(text) => (text, None),
                Piece::Variable { text, name } => (text, Some(self.value(name)?)),
                Piece::Call { .. } => return None,
            };
            Some(Argument { text, value })
        });
        file.into_iter().chain(rest)
    }

    /// What a variable stands for.
    pub fn value(&self, name: &str) -> Option<Value<'a>> {
        let mut name = name;
        // Each definition is followed once at most, unless they form a circle.
        for _ in 0..=self.definitions.len() {
            let defined = self.definitions.iter().rev();
            let Some(defined) = defined.into_iter().find(|known| known.name == name) else {
                return value::of_kernel(name, self.kernel_line);
            };
            match defined.function {
                Function::TaskCreate => return Some(Value::Task(defined.command)),
                Function::RamDiskCreate => {
                    return Some(Value::RamDisk(self.ram_disks_before(defined.command)));
                }
                Function::TaskResume | Function::PromptTaskResume => return None,
                Function::Other(other) if other == name => {
                    return value::of_kernel(name, self.kernel_line);
                }
                Function::Other(other) => name = other,
            }
        }
        None
    }

    /// How many disks in memory the lines before `command` make: they are numbered
    /// as they come.
    pub fn ram_disks_before(&self, command: usize) -> usize {
        let before = self.commands.iter().take(command);
        before
            .filter(|command| command.role == Role::RamDisk)
            .count()
    }

    /// `$(name)` that do nothing, since there is no such function: the number
    /// of the line, the byte, the name.
    pub fn ignored(&self) -> impl Iterator<Item = (usize, usize, &'a str)> {
        (0..self.commands.len()).flat_map(|number| {
            self.pieces(number).filter_map(move |piece| {
                let (at, piece) = piece.ok()?;
                match piece {
                    Piece::Call {
                        variable: None,
                        function: Function::Other(name),
                    } => Some((number, at, name)),
                    _ => None,
                }
            })
        })
    }

    /// The pieces behind the file of a line.
    fn pieces(&self, command: usize) -> Pieces<'a> {
        let line = self.commands.get(command).map_or("", Command::line);
        match self.lone {
            "" => Pieces::behind_file(line),
            lone => Pieces::behind_file(lone),
        }
    }

    fn add(&mut self, line: &'a str) -> Result<(), ScriptError<'a>> {
        let number = self.commands.len();
        let wrong = |at, problem| ScriptError {
            command: number,
            at,
            problem,
        };
        let file = piece::file(line).ok_or(wrong(0, Problem::NoFile))?;
        let mut role = Role::Data;
        let mut resumed = None;
        for piece in Pieces::behind_file(line) {
            let (at, piece) = piece.map_err(|(at, problem)| wrong(at, problem))?;
            let Piece::Call { variable, function } = piece else {
                continue;
            };
            match function {
                Function::TaskCreate => role = Role::Task(Resume::Never),
                Function::RamDiskCreate => role = Role::RamDisk,
                Function::TaskResume => resumed = Some((at, Resume::AtOnce)),
                Function::PromptTaskResume => resumed = Some((at, Resume::AfterPrompt)),
                Function::Other(_) => {}
            }
            if let Some(name) = variable {
                let definition = Definition {
                    name,
                    function,
                    command: number,
                    at,
                };
                let pushed = push(&mut self.definitions, MAX_VARIABLES, definition);
                let too_many = Problem::TooManyVariables;
                pushed.map_err(|why| wrong(at, why.unwrap_or(too_many)))?;
            }
        }
        if let Some((at, resume)) = resumed {
            let Role::Task(_) = role else {
                return Err(wrong(at, Problem::NoTask));
            };
            role = Role::Task(resume);
        }
        self.push(Command { line, file, role })
    }

    fn push(&mut self, command: Command<'a>) -> Result<(), ScriptError<'a>> {
        let number = self.commands.len();
        let pushed = push(&mut self.commands, MAX_COMMANDS, command);
        pushed.map_err(|why| ScriptError {
            command: number,
            at: 0,
            problem: why.unwrap_or(Problem::TooManyCommands),
        })
    }

    /// Whether all that is used has a value.
    fn check(&self) -> Result<(), ScriptError<'a>> {
        for definition in self.definitions.iter() {
            if let (None, Function::Other(name)) =
                (self.value(definition.name), definition.function)
            {
                return Err(ScriptError {
                    command: definition.command,
                    at: definition.at,
                    problem: Problem::Undefined(name),
                });
            }
        }
        for (number, command) in self.commands.iter().enumerate() {
            let Role::Task(_) = command.role else {
                continue;
            };
            for (at, piece) in self.pieces(number).flatten() {
                match piece {
                    Piece::Variable { name, .. } if self.value(name).is_none() => {
                        return Err(ScriptError {
                            command: number,
                            at,
                            problem: Problem::Undefined(name),
                        });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
