//! The system's prompt: an interactive shell on the console.
//!
//! Reads lines and obeys them: starts programs out of the boot's archive, and
//! looks at tasks, threads, ports and memory. It is a task like others: all it can
//! do comes from the ports that it is started with, `sh HOST DEVICE [DISK]`.
//!
//! ```text
//! console   the device that lines come from
//! archive   the files on a disk in memory
//! start     a program out of a file into a task
//! children  the tasks that were started here
//! commands  what can be typed
//! look      what the kernel tells of itself
//! ```

#![no_std]
#![no_main]

extern crate alloc;

mod archive;
mod children;
mod commands;
mod console;
mod look;
mod start;

use alloc::boxed::Box;

use kernel_core::line::{Event, LineEditor};
use user_rt::abi::port::PortName;
use user_rt::{Arguments, println};

use self::archive::Archive;
use self::commands::Shell;
use self::console::Console;

user_rt::program!(main);

const PROMPT: &str = "exov6$ ";

fn main(arguments: Arguments) {
    let port = |place| arguments.port(place).unwrap_or(PortName::NULL);
    let (host, devices) = (port(1), port(2));
    let console = match Console::open(devices) {
        Ok(console) => console,
        Err(code) => {
            println!("sh: the console cannot be opened: {code:?}");
            return;
        }
    };
    let disk = arguments.word(3).map_or(&b""[..], |word| word.to_bytes());
    let archive = Archive::open(devices, disk);
    let mut shell = Shell::new(host, devices, console, archive);
    // A console may show a line of the kernel's that has no end.
    shell.console.write(b"\n");
    let mut editor = Box::new(LineEditor::new());
    editor.show(PROMPT, &mut shell.console);
    while let Ok(bytes) = shell.console.read() {
        for &byte in bytes.as_slice() {
            match editor.feed(byte, &mut shell.console) {
                None => continue,
                Some(Event::Line(line)) => {
                    if !shell.obey(line) {
                        return;
                    }
                }
                Some(Event::Interrupt) => {}
                Some(Event::EndOfInput) => shell.say(format_args!("`exit` leaves")),
                Some(Event::Complete) => {
                    shell.complete(&mut editor);
                    continue;
                }
            }
            editor.show(PROMPT, &mut shell.console);
        }
    }
}
