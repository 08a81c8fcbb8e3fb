//! The kernel's command line: the words meant for the kernel, and the rest.
//!
//! Owns the spelling of every option. Read once, early in the start of the
//! kernel. Words the kernel does not know are for user space and stay as they
//! are, the boot script's `${name}` and `$(function)` above all. A value that
//! makes no sense never stops a boot: the default stays and a warning says
//! what would have been valid. Of an option given twice, the last counts.

use core::fmt;

/// Where the kernel's messages go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Console {
    /// The first serial port.
    Serial,
    /// The VGA text screen.
    Vga,
    /// Both, as far as they exist.
    #[default]
    Both,
}

/// What follows a panic's report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AfterPanic {
    /// Stop all processors.
    Halt,
    /// Leave the emulator with the failure code; halt where there is none.
    #[default]
    Exit,
    /// Enter the kernel monitor.
    Monitor,
}

/// What to do with the test cases inside the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tests {
    /// Boot as usual.
    #[default]
    Off,
    /// Run those that match, then leave.
    Run,
    /// Name those that match, then leave.
    List,
}

/// How much is logged: 0 is nothing but panics, 7 everything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LogLevel(u8);

impl LogLevel {
    /// The highest level.
    pub const EVERYTHING: Self = Self(7);

    /// The level's number, 0 to 7.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        Self(6)
    }
}

/// What a command line asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options<'a> {
    /// `console=serial|vga|both`; `com0` is GNU Mach's word for serial.
    pub console: Console,
    /// `panic=halt|exit|kdb`.
    pub after_panic: AfterPanic,
    /// `loglevel=0..7`.
    pub log_level: LogLevel,
    /// `ktest`, `ktest=FILTER`, `ktest-list`.
    pub tests: Tests,
    /// Part of the names of the test cases that are meant; empty means all.
    pub test_filter: &'a str,
    /// `ktest-skip=N`: how many of these to pass over.
    pub test_skip: u32,
    /// `misdeed=NAME`: the crime this boot is to commit.
    pub misdeed: Option<&'a str>,
    line: &'a str,
}

impl<'a> Options<'a> {
    /// Reads a command line. Never fails: see [`Options::warnings`].
    pub fn parse(line: &'a str) -> Self {
        let mut options = Self {
            line,
            ..Self::default()
        };
        for word in words(line) {
            if let Meaning::Set(setting) = meaning(word) {
                options.apply(setting);
            }
        }
        options
    }

    /// The whole line, as it came.
    pub const fn line(&self) -> &'a str {
        self.line
    }

    /// The words that are not the kernel's, in order.
    pub fn user_words(&self) -> impl Iterator<Item = &'a str> {
        words(self.line).filter(|word| matches!(meaning(word), Meaning::Foreign))
    }

    /// What was asked for but could not be done.
    pub fn warnings(&self) -> impl Iterator<Item = Warning<'a>> {
        words(self.line).filter_map(|word| match meaning(word) {
            Meaning::Invalid { valid } => Some(Warning { word, valid }),
            Meaning::Set(_) | Meaning::Foreign => None,
        })
    }

    fn apply(&mut self, setting: Setting<'a>) {
        match setting {
            Setting::Console(console) => self.console = console,
            Setting::AfterPanic(after_panic) => self.after_panic = after_panic,
            Setting::LogLevel(log_level) => self.log_level = log_level,
            Setting::ListTests => self.tests = Tests::List,
            Setting::SkipTests(count) => self.test_skip = count,
            Setting::Misdeed(name) => self.misdeed = Some(name),
            Setting::Tests { filter } => {
                self.test_filter = filter;
                // `ktest-list` only changes what is done with the same cases.
                if self.tests == Tests::Off {
                    self.tests = Tests::Run;
                }
            }
        }
    }
}

/// A word that names an option of ours with a value that is not one of its.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Warning<'a> {
    /// The word.
    pub word: &'a str,
    /// What could have stood there.
    pub valid: &'static str,
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "option `{}` ignored; valid: {}", self.word, self.valid)
    }
}

#[derive(Clone, Copy)]
enum Setting<'a> {
    Console(Console),
    AfterPanic(AfterPanic),
    LogLevel(LogLevel),
    Tests { filter: &'a str },
    ListTests,
    SkipTests(u32),
    Misdeed(&'a str),
}

#[derive(Clone, Copy)]
enum Meaning<'a> {
    Set(Setting<'a>),
    Invalid { valid: &'static str },
    Foreign,
}

/// What one word means to the kernel.
fn meaning(word: &str) -> Meaning<'_> {
    let mut pairs = word.as_bytes().windows(2);
    if pairs.any(|pair| pair == b"${" || pair == b"$(") {
        return Meaning::Foreign;
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let (setting, valid) = match name {
        "console" => {
            let console = match value {
                Some("serial" | "com0") => Some(Console::Serial),
                Some("vga") => Some(Console::Vga),
                Some("both") => Some(Console::Both),
                _ => None,
            };
            let valid = "console=serial, console=vga, console=both";
            (console.map(Setting::Console), valid)
        }
        "panic" => {
            let after = match value {
                Some("halt") => Some(AfterPanic::Halt),
                Some("exit") => Some(AfterPanic::Exit),
                Some("kdb") => Some(AfterPanic::Monitor),
                _ => None,
            };
            let valid = "panic=halt, panic=exit, panic=kdb";
            (after.map(Setting::AfterPanic), valid)
        }
        "loglevel" => {
            let level = value.and_then(decimal).and_then(|n| u8::try_from(n).ok());
            let level = level.map(LogLevel).filter(|&n| n <= LogLevel::EVERYTHING);
            (level.map(Setting::LogLevel), "loglevel=0 to loglevel=7")
        }
        "ktest" => {
            let filter = value.unwrap_or("");
            (Some(Setting::Tests { filter }), "")
        }
        "ktest-list" => {
            let listed = value.is_none().then_some(Setting::ListTests);
            (listed, "ktest-list, and ktest=FILTER beside it")
        }
        "ktest-skip" => {
            let count = value.and_then(decimal);
            (count.map(Setting::SkipTests), "ktest-skip=NUMBER")
        }
        "misdeed" => {
            let name = value.filter(|name| !name.is_empty());
            (name.map(Setting::Misdeed), "misdeed=NAME")
        }
        _ => return Meaning::Foreign,
    };
    match setting {
        Some(setting) => Meaning::Set(setting),
        None => Meaning::Invalid { valid },
    }
}

/// A number in decimal digits alone.
fn decimal(text: &str) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0u32, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u32::from(digit))
    })
}

/// The words of a line. Blanks inside `${…}` and `$(…)` do not end a word.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return None;
        }
        let (word, tail) = rest.split_at(word_length(rest));
        rest = tail;
        Some(word)
    })
}

/// Bytes up to the blank that ends the word `text` begins with.
fn word_length(text: &str) -> usize {
    let mut closing = None;
    let mut previous = '\0';
    for (at, character) in text.char_indices() {
        match closing {
            Some(close) if character == close => closing = None,
            Some(_) => {}
            None if is_blank(character) => return at,
            None if previous == '$' && character == '{' => closing = Some('}'),
            None if previous == '$' && character == '(' => closing = Some(')'),
            None => {}
        }
        previous = character;
    }
    // An opening that nothing closes must not swallow the options behind it.
    match closing {
        Some(_) => text.find(is_blank).unwrap_or(text.len()),
        None => text.len(),
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}
