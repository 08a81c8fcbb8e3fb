//! Settings: flag over `EXOV6_*` over `exov6.toml` over default.
//!
//! Owns the list of settings, their defaults and where each value came from.
//! A key nobody knows is an error, for a typing mistake that is silently
//! ignored costs an afternoon.

mod given;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use given::{Given, read_environment, read_file};

use crate::cli::{Color, Invalid, Timeout};
use crate::failure::{Failure, Result};
use crate::machine::{self, Accel, Cpu, Firmware, Memory};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The settings file.
    File {
        /// Its path.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line.
    Flag {
        /// The flag.
        flag: &'static str,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { path, line } => write!(f, "{}:{line}", path.display()),
            Source::Environment { variable } => f.write_str(variable),
            Source::Flag { flag } => f.write_str(flag),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

impl<T: Clone> Setting<T> {
    /// The flag if one was given, else the setting: `settings.cpu.or(flags.cpu)`.
    pub fn or(&self, flag: Option<T>) -> T {
        flag.unwrap_or_else(|| self.value.clone())
    }
}

/// What the flags of every command say about settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct GlobalFlags {
    /// `--color`.
    pub color: Option<Color>,
    /// `--timeout`.
    pub timeout: Option<Timeout>,
    /// `--offline`, if given.
    pub offline: Option<bool>,
}

/// Every setting.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The machine's CPU model.
    pub cpu: Setting<Cpu>,
    /// The machine's memory.
    pub memory: Setting<Memory>,
    /// The machine's processors.
    pub smp: Setting<u32>,
    /// Who executes guest code.
    pub accel: Setting<Accel>,
    /// The machine's firmware.
    pub firmware: Setting<Firmware>,
    /// The emulator: a name on PATH or a path.
    pub qemu: Setting<PathBuf>,
    /// The deadline of a whole command.
    pub timeout: Setting<Option<Timeout>>,
    /// Colour.
    pub color: Setting<Color>,
    /// Never touch the network.
    pub offline: Setting<bool>,
    /// The kernel's compiler: the folder above its `bin/`.
    pub kernel_toolchain: Setting<Option<PathBuf>>,
    /// How often a failed test runs again.
    pub retries: Setting<u32>,
}

/// The names of all settings, as in `exov6.toml`; `EXOV6_` and upper case as
/// variables.
pub const NAMES: [&str; 11] = [
    "cpu",
    "memory",
    "smp",
    "accel",
    "firmware",
    "qemu",
    "timeout",
    "color",
    "offline",
    "kernel_toolchain",
    "retries",
];

/// One line of `config show`.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The setting.
    pub name: &'static str,
    /// Its value; `None` where there is none.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
}

impl Settings {
    /// Reads the settings of this machine and person.
    pub fn load(file: &Path, flags: GlobalFlags) -> Result<(Self, Vec<String>)> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Failure::failed(format!(
                    "reading {} failed: {error}",
                    file.display()
                )));
            }
        };
        Self::resolve(file, &text, std::env::vars_os(), flags)
    }

    /// The pure part of [`load`](Self::load); also returns warnings.
    pub fn resolve(
        file: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: GlobalFlags,
    ) -> Result<(Self, Vec<String>)> {
        let mut given = read_file(file, text)?;
        let warnings = read_environment(&mut given, environment)?;
        let base = file.parent().unwrap_or(Path::new("."));
        let words = Words { given, base };
        let settings = Settings {
            cpu: words.value("cpu", Cpu::Pentium3)?,
            memory: words.value("memory", Memory::from_mib(256))?,
            smp: words.checked("smp", 2, processors)?,
            accel: words.value("accel", Accel::Tcg)?,
            firmware: words.value("firmware", Firmware::Seabios)?,
            qemu: words.program("qemu", "qemu-system-i386"),
            timeout: flag(
                "--timeout",
                flags.timeout.map(Some),
                words.optional("timeout")?,
            ),
            color: flag("--color", flags.color, words.value("color", Color::Auto)?),
            offline: flag(
                "--offline",
                flags.offline,
                words.checked("offline", false, yes_or_no)?,
            ),
            kernel_toolchain: words.folder("kernel_toolchain"),
            retries: words.checked("retries", 0, number)?,
        };
        Ok((settings, warnings))
    }

    /// Every setting as `config show` prints it.
    pub fn rows(&self) -> Vec<Row> {
        fn row<T>(
            name: &'static str,
            setting: &Setting<T>,
            show: impl Fn(&T) -> Option<String>,
        ) -> Row {
            Row {
                name,
                value: show(&setting.value),
                source: setting.source.clone(),
            }
        }
        fn text<T: ToString>(value: &T) -> Option<String> {
            Some(value.to_string())
        }
        vec![
            row("cpu", &self.cpu, text),
            row("memory", &self.memory, text),
            row("smp", &self.smp, text),
            row("accel", &self.accel, text),
            row("firmware", &self.firmware, text),
            row("qemu", &self.qemu, |path| Some(path.display().to_string())),
            row("timeout", &self.timeout, |timeout| {
                timeout.map(|timeout| timeout.to_string())
            }),
            row("color", &self.color, text),
            row("offline", &self.offline, text),
            row("kernel_toolchain", &self.kernel_toolchain, |path| {
                path.as_ref().map(|path| path.display().to_string())
            }),
            row("retries", &self.retries, text),
        ]
    }
}

fn flag<T>(name: &'static str, given: Option<T>, otherwise: Setting<T>) -> Setting<T> {
    match given {
        Some(value) => Setting {
            value,
            source: Source::Flag { flag: name },
        },
        None => otherwise,
    }
}

struct Words<'a> {
    given: Given,
    base: &'a Path,
}

impl Words<'_> {
    fn checked<T>(
        &self,
        name: &str,
        default: T,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Setting<T>> {
        let Some((text, source)) = self.given.get(name) else {
            return Ok(Setting {
                value: default,
                source: Source::Default,
            });
        };
        match parse(text) {
            Ok(value) => Ok(Setting {
                value,
                source: source.clone(),
            }),
            Err(error) => Err(Failure::usage(
                format!("{source}: `{name}`: {error}"),
                "cargo xtask config show lists every setting once they are right",
            )),
        }
    }

    fn value<T: FromStr<Err = Invalid>>(&self, name: &str, default: T) -> Result<Setting<T>> {
        self.checked(name, default, |text| text.parse())
    }

    fn optional<T: FromStr<Err = Invalid>>(&self, name: &str) -> Result<Setting<Option<T>>> {
        self.checked(name, None, |text| text.parse().map(Some))
    }

    /// A name stays one for PATH to find; a path in the file is relative to it.
    fn program(&self, name: &str, default: &str) -> Setting<PathBuf> {
        match self.given.get(name) {
            Some((text, source)) if text.contains('/') => Setting {
                value: self.path(text, source),
                source: source.clone(),
            },
            Some((text, source)) => Setting {
                value: text.into(),
                source: source.clone(),
            },
            None => Setting {
                value: default.into(),
                source: Source::Default,
            },
        }
    }

    fn folder(&self, name: &str) -> Setting<Option<PathBuf>> {
        match self.given.get(name) {
            Some((text, source)) => Setting {
                value: Some(self.path(text, source)),
                source: source.clone(),
            },
            None => Setting {
                value: None,
                source: Source::Default,
            },
        }
    }

    fn path(&self, text: &str, source: &Source) -> PathBuf {
        match source {
            Source::File { .. } => self.base.join(text),
            _ => std::path::absolute(text).unwrap_or_else(|_| text.into()),
        }
    }
}

fn processors(text: &str) -> Result<u32, Invalid> {
    machine::processors(number(text)?)
}

fn number(text: &str) -> Result<u32, Invalid> {
    text.parse()
        .map_err(|_| Invalid(format!("`{text}` is not a whole number")))
}

fn yes_or_no(text: &str) -> Result<bool, Invalid> {
    match text {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(Invalid(format!("`{text}` is not true or false"))),
    }
}
