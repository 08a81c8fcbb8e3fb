//! The kernel monitor: `kdb>`, a person's view into the running kernel.
//!
//! A thread of the kernel once the boot is over; or what comes after a panic
//! that asked for it (`panic=kdb`), then without interrupts. Commands only look,
//! but for those that end the machine.

mod commands;

use kernel_core::line::{Echo, Event, LineEditor};

use self::commands::Completion;
use crate::arch::processor;
use crate::console::{self, println};
use crate::device::is_console_open;
use crate::sched::event;
use crate::server::device;
use crate::sync::{TaskLock, rank};

const PROMPT: &str = "kdb> ";
/// Ctrl-\: from the tasks to the monitor and back.
const SWITCH: u8 = 0x1c;

/// The line editor, 4 KiB with its history: too large for a stack.
static EDITOR: TaskLock<rank::Monitor, LineEditor> = TaskLock::new(LineEditor::new());

/// Signalled when something is typed.
static TYPED: event::Event = event::Event::new();

/// How the monitor gets what is typed.
#[derive(Clone, Copy)]
enum Input {
    /// By interrupt; the thread waits in between.
    Interrupts,
    /// By asking the device, after a panic.
    Polling,
}

/// Reads and obeys commands for as long as the machine runs.
pub(crate) fn run() -> ! {
    serve(Input::Interrupts)
}

/// The same after a panic.
pub(crate) fn run_after_panic() -> ! {
    serve(Input::Polling)
}

/// Echo goes where everything else goes.
struct Terminal;

impl Echo for Terminal {
    fn echo(&mut self, bytes: &[u8]) {
        console::write_raw(bytes);
    }
}

fn serve(input: Input) -> ! {
    EDITOR.lock().show(PROMPT, &mut Terminal);
    // Whoever has the terminal open has the keyboard, until `SWITCH` is typed.
    let mut is_called = false;
    loop {
        let byte = next_byte(input);
        if matches!(input, Input::Interrupts) && is_console_open() {
            if byte == SWITCH {
                is_called = !is_called;
                let word = if is_called {
                    "\n"
                } else {
                    "\nback to the tasks\n"
                };
                console::write(format_args!("{word}"));
                if is_called {
                    EDITOR.lock().show(PROMPT, &mut Terminal);
                }
                continue;
            }
            if !is_called {
                device::typed(byte);
                continue;
            }
        }
        let mut editor = EDITOR.lock();
        match editor.feed(byte, &mut Terminal) {
            None => continue,
            Some(Event::Line(line)) => commands::obey(line),
            Some(Event::Interrupt) => {}
            Some(Event::EndOfInput) => println!("use `poweroff` to leave, `help` for more"),
            Some(Event::Complete) => {
                complete(&mut editor);
                continue;
            }
        }
        editor.show(PROMPT, &mut Terminal);
    }
}

/// Completes the command's name, or lists what it could become.
fn complete(editor: &mut LineEditor) {
    let start = editor.before_cursor();
    let typed = start.len();
    match commands::completion_of(start) {
        Completion::None => {}
        Completion::One(name) => {
            editor.insert(name.get(typed..).unwrap_or("").as_bytes(), &mut Terminal);
            editor.insert(b" ", &mut Terminal);
        }
        Completion::Many => {
            commands::print_beginning_with(start);
            editor.show(PROMPT, &mut Terminal);
        }
    }
}

/// Tells the monitor that something was typed; from the interrupt's handler.
pub(crate) fn on_typed() {
    TYPED.signal();
}

/// Returns when something was typed, which is lost.
pub(crate) fn wait_for_key() {
    next_byte(Input::Interrupts);
}

fn next_byte(input: Input) -> u8 {
    let mut typed = None;
    let mut has_come = || {
        typed = console::read_byte();
        typed.is_some()
    };
    match input {
        Input::Interrupts => TYPED.wait_until(has_come),
        Input::Polling => {
            while !has_come() {
                processor::relax();
            }
        }
    }
    typed.unwrap_or_default()
}
