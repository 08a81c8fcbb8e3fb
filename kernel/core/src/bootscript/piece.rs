//! A module's line, cut into pieces.
//!
//! Owns the syntax of one line; the script gives the pieces their meaning.

use core::fmt;

/// What a line consists of, behind its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// An argument as it stands; never empty.
    Text(&'a str),
    /// `text${name}`: an argument that ends in a value.
    Variable {
        /// What stands before it; often empty.
        text: &'a str,
        /// The variable.
        name: &'a str,
    },
    /// `$(function)` or `$(variable=function)`.
    Call {
        /// What the outcome is called.
        variable: Option<&'a str>,
        /// What to do.
        function: Function<'a>,
    },
}

/// What a `$(…)` does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function<'a> {
    /// `task-create`: the module becomes a task.
    TaskCreate,
    /// `task-resume`: the task runs once all are loaded.
    TaskResume,
    /// `prompt-task-resume`: as `task-resume`, but someone is asked first.
    PromptTaskResume,
    /// `ramdisk-create`: the module becomes a disk.
    RamDiskCreate,
    /// No function: a variable's name, or nothing's.
    Other(&'a str),
}

impl<'a> Function<'a> {
    fn named(name: &'a str) -> Self {
        match name {
            "task-create" => Self::TaskCreate,
            "task-resume" => Self::TaskResume,
            "prompt-task-resume" => Self::PromptTaskResume,
            "ramdisk-create" => Self::RamDiskCreate,
            _ => Self::Other(name),
        }
    }
}

/// What can be wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem<'a> {
    /// The line is blank.
    NoFile,
    /// `${` or `$(` with nothing that closes it.
    Unclosed,
    /// `${}`, `$()`, `$(=f)` or `$(v=)`.
    NoName,
    /// `${task-create}` and the like.
    NotAVariable(&'a str),
    /// `$(v=task-resume)`: nothing comes of it.
    NoValue(&'a str),
    /// A variable that nothing defines.
    Undefined(&'a str),
    /// Something is to be resumed, but the line creates no task.
    NoTask,
    /// More than [`MAX_COMMANDS`](super::MAX_COMMANDS) lines.
    TooManyCommands,
    /// More than [`MAX_VARIABLES`](super::MAX_VARIABLES) definitions.
    TooManyVariables,
    /// There is no memory for so many.
    NoMemory,
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("no file name"),
            Self::Unclosed => f.write_str("nothing closes what begins here"),
            Self::NoName => f.write_str("a name is missing"),
            Self::NotAVariable(name) => write!(f, "`{name}` is a function, not a variable"),
            Self::NoValue(name) => write!(f, "nothing comes of `{name}` that could be named"),
            Self::Undefined(name) => write!(f, "nothing defines `{name}`"),
            Self::NoTask => f.write_str("nothing to resume: this line creates no task"),
            Self::TooManyCommands => write!(f, "more than {} modules", super::MAX_COMMANDS),
            Self::TooManyVariables => write!(f, "more than {} variables", super::MAX_VARIABLES),
            Self::NoMemory => f.write_str("no memory for the script"),
        }
    }
}

/// The pieces of a line, each with the byte where it begins; ends with the
/// first problem.
#[derive(Clone, Copy, Debug)]
pub struct Pieces<'a> {
    line: &'a str,
    /// **Invariant**: a boundary between characters of `line`; only `next`
    /// moves it, over whole tokens. Broken, slicing would give nothing.
    at: usize,
}

/// The first word of a line.
pub(super) fn file(line: &str) -> Option<&str> {
    line.split(is_blank).find(|word| !word.is_empty())
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\0')
}

impl<'a> Pieces<'a> {
    /// The pieces behind the first word.
    pub(super) fn behind_file(line: &'a str) -> Self {
        let begin = line.find(|character| !is_blank(character));
        let begin = begin.unwrap_or(line.len());
        let word = line.get(begin..).unwrap_or("");
        let at = begin + word.find(is_blank).unwrap_or(word.len());
        Self { line, at }
    }

    fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or("")
    }

    /// What stands between an opening of two bytes and `close`.
    fn enclosed(&mut self, opening: usize, close: char) -> Result<&'a str, (usize, Problem<'a>)> {
        let inside = self.line.get(opening + 2..).unwrap_or("");
        let Some(length) = inside.find(close) else {
            self.at = self.line.len();
            return Err((opening, Problem::Unclosed));
        };
        self.at = opening + 2 + length + 1;
        match inside.get(..length) {
            Some("") | None => Err((opening, Problem::NoName)),
            Some(name) => Ok(name),
        }
    }

    fn piece(&mut self) -> Result<Piece<'a>, (usize, Problem<'a>)> {
        let start = self.at;
        if self.rest().starts_with("$(") {
            let inside = self.enclosed(start, ')')?;
            return call(inside).map_err(|problem| (start, problem));
        }
        let rest = self.rest();
        let word = rest.find(is_blank).unwrap_or(rest.len());
        let Some(length) = rest.get(..word).and_then(|word| word.find("${")) else {
            self.at = start + word;
            return Ok(Piece::Text(rest.get(..word).unwrap_or("")));
        };
        let opening = start + length;
        let text = rest.get(..length).unwrap_or("");
        let name = self.enclosed(opening, '}')?;
        match Function::named(name) {
            Function::Other(name) => Ok(Piece::Variable { text, name }),
            _ => Err((opening, Problem::NotAVariable(name))),
        }
    }
}

/// What stands in `$(…)`.
fn call(inside: &str) -> Result<Piece<'_>, Problem<'_>> {
    let (variable, function) = match inside.split_once('=') {
        Some(("", _) | (_, "")) => return Err(Problem::NoName),
        Some((variable, function)) => (Some(variable), function),
        None => (None, inside),
    };
    match (variable, Function::named(function)) {
        (Some(_), Function::TaskResume | Function::PromptTaskResume) => {
            Err(Problem::NoValue(function))
        }
        (variable, function) => Ok(Piece::Call { variable, function }),
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<(usize, Piece<'a>), (usize, Problem<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest();
        let skipped = rest.find(|character| !is_blank(character))?;
        self.at += skipped;
        let start = self.at;
        let piece = self.piece();
        if piece.is_err() {
            self.at = self.line.len();
        }
        Some(piece.map(|piece| (start, piece)))
    }
}
