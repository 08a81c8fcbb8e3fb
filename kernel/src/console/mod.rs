//! The console: what the kernel says, and what is typed at it.
//!
//! Owns the serial port and the screen. Output is for tasks, under the
//! console's lock; input comes from interrupts, through a queue. A panic has
//! the serial port to itself and comes here for the screen alone.
//!
//! **Invariants**: `CONSOLE` has the highest lock rank, so that anyone may
//! report. `INPUT` is filled under `RECEIVER` and emptied by whoever runs the
//! monitor: one producer, one consumer.

mod log;

use core::fmt::{self, Write};

use kernel_core::options;
use kernel_core::spsc::ByteQueue;
use spin::Once;

pub(crate) use log::{Level, log, set_level};

use crate::arch::uart::{self, Uart};
use crate::arch::vga::Screen;
use crate::irq::{self, NotWired};
use crate::sync::{IrqLock, TaskLock, rank};

/// Where output goes.
struct Console {
    uart: Option<Uart>,
    screen: Screen,
    has_screen: bool,
}

static CONSOLE: TaskLock<rank::Console, Console> = TaskLock::new(Console {
    uart: None,
    screen: Screen::new(),
    has_screen: false,
});

/// Bytes typed and not yet read; a person's line, or a script's.
static INPUT: ByteQueue<256> = ByteQueue::new();
/// Whoever takes bytes from the device.
static RECEIVER: IrqLock<rank::Receiver, ()> = IrqLock::new(());
/// An upward call, after bytes came by interrupt.
static ARRIVED: Once<fn()> = Once::new();

/// Finds the devices that `choice` asks for. Output before this is lost.
pub(crate) fn init(choice: options::Console) {
    use options::Console::{Both, Serial, Vga};
    let mut console = CONSOLE.lock();
    if matches!(choice, Serial | Both) {
        console.uart = Uart::probe();
    }
    if matches!(choice, Vga | Both) {
        console.has_screen = console.screen.probe();
    }
}

/// Lets typed bytes come in by interrupt; `arrived` is told, in the handler.
pub(crate) fn enable_input(arrived: fn()) -> Result<(), NotWired> {
    ARRIVED.call_once(|| arrived);
    irq::enable_isa(uart::COM1_IRQ, on_serial_interrupt)?;
    if let Some(uart) = &mut CONSOLE.lock().uart {
        uart.enable_interrupt();
    }
    Ok(())
}

/// Takes one typed byte, if there is any. Asks the device too, for an interrupt
/// may be lost, or off for good after a panic. By one thread at a time: it is
/// the queue's one consumer.
pub(crate) fn read_byte() -> Option<u8> {
    INPUT.pop().or_else(|| {
        receive();
        INPUT.pop()
    })
}

fn on_serial_interrupt() {
    receive();
    if let Some(arrived) = ARRIVED.get() {
        arrived();
    }
}

/// Takes in what the device has.
fn receive() {
    // More than the device holds: a broken one must not keep the processor
    // here. What is left over is found by `read_byte`.
    const AT_ONCE: u32 = 64;
    let _receiver = RECEIVER.lock();
    for byte in (0..AT_ONCE).map_while(|_| uart::receive()) {
        // A full queue drops the byte and counts it; the line editor's bell
        // has long told the typist.
        let _ = INPUT.push(byte);
    }
}

/// Writes text to every console device.
pub(crate) fn write(text: fmt::Arguments<'_>) {
    // The devices cannot fail; a formatter that does has nobody to tell.
    let _ = CONSOLE.lock().write_fmt(text);
}

/// Writes bytes as they are: a terminal's control sequences.
pub(crate) fn write_raw(bytes: &[u8]) {
    let mut console = CONSOLE.lock();
    if let Some(uart) = &mut console.uart {
        for &byte in bytes {
            uart.send(byte);
        }
    }
    if console.has_screen {
        console.screen.write(bytes);
    }
}

/// Shows text on the screen alone, if there is one: a panic's, which writes to
/// the serial port by itself.
pub(crate) fn show(text: &str) {
    let mut console = CONSOLE.lock();
    if console.has_screen {
        console.screen.write(text.as_bytes());
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(uart) = &mut self.uart {
            uart.write_str(text)?;
        }
        if self.has_screen {
            self.screen.write_str(text)?;
        }
        Ok(())
    }
}

/// Prints to the console.
macro_rules! print {
    ($($argument:tt)*) => { $crate::console::write(format_args!($($argument)*)) };
}

/// Prints a line to the console.
macro_rules! println {
    () => { $crate::console::write(format_args!("\n")) };
    ($($argument:tt)*) => {
        $crate::console::write(format_args!("{}\n", format_args!($($argument)*)))
    };
}

pub(crate) use {print, println};
