//! What variables stand for, and those that the kernel itself defines.
//!
//! Owns their names and what is taken from the kernel's command line.

use core::fmt::{self, Write};

use crate::options;

/// What a variable stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// A send right to the host's control port.
    HostPort,
    /// A send right to the device master port.
    DevicePort,
    /// A send right to the kernel's task port.
    KernelTask,
    /// A send right to the task that this module became.
    Task(usize),
    /// The name of the disk that this module became: `rd0`, `rd1`, …
    RamDisk(usize),
    /// Text.
    Text(&'a str),
    /// The flags among the kernel's words, as one word.
    Flags(Flags<'a>),
}

/// The flags of the kernel's command line as one: `-s -f` gives `-sf`, and
/// `-x` stands for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags<'a>(&'a str);

impl fmt::Display for Flags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = options::words(self.0).filter_map(|word| word.strip_prefix('-'));
        let mut letters = flags.flat_map(str::chars);
        f.write_char('-')?;
        f.write_char(letters.next().unwrap_or('x'))?;
        letters.try_for_each(|letter| f.write_char(letter))
    }
}

/// The value of a variable that no line defines.
pub(super) fn of_kernel<'a>(name: &str, kernel_line: &'a str) -> Option<Value<'a>> {
    match name {
        "host-port" => Some(Value::HostPort),
        "device-port" => Some(Value::DevicePort),
        "kernel-task" => Some(Value::KernelTask),
        "kernel-command-line" => Some(Value::Text(kernel_line)),
        "boot-args" => Some(Value::Flags(Flags(kernel_line))),
        "root-device" => {
            let root = word_value("root", kernel_line).unwrap_or("UNKNOWN");
            Some(Value::Text(root.strip_prefix("/dev/").unwrap_or(root)))
        }
        _ => word_value(name, kernel_line).map(Value::Text),
    }
}

/// What stands behind `name=` in the first word that begins so.
fn word_value<'a>(name: &str, line: &'a str) -> Option<&'a str> {
    options::words(line).find_map(|word| {
        let (found, value) = word.split_once('=')?;
        (found == name).then_some(value)
    })
}
