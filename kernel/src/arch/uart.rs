//! The first serial port, by `uart_16550`.
//!
//! Owns COM1. [`Uart`] is held by the console; [`drain`] and [`emergency`] are
//! for the way out of the machine, when the console's lock may be lost.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use uart_16550::SerialPort;

use super::port::Port;

/// COM1's base; the interrupt is ISA IRQ 4.
const COM1: u16 = 0x3f8;
/// ISA interrupt line of COM1.
pub(crate) const COM1_IRQ: u8 = 4;

// SAFETY: COM1 belongs to the kernel.
const LINE_STATUS: Port = unsafe { Port::new(COM1 + 5) };
// SAFETY: as above.
const SCRATCH: Port = unsafe { Port::new(COM1 + 7) };
// SAFETY: as above.
const INTERRUPT_ENABLE: Port = unsafe { Port::new(COM1 + 1) };

const RECEIVED_DATA_INTERRUPT: u8 = 1;
const TRANSMITTER_EMPTY: u8 = 1 << 6;
/// What an absent device reads as.
const FLOATING: u8 = 0xff;

/// How often the transmitter is asked before it is taken for stuck: at a
/// microsecond each, ten thousand times what a byte takes at 38,400 baud. In
/// QEMU it is stuck while nobody reads its output: then this is half a second.
const PATIENCE: u32 = 2_000_000;
/// Whether it was stuck last time: then nobody waits for it again.
static STUCK: AtomicBool = AtomicBool::new(false);

/// COM1, set up at 38,400 baud, 8N1.
#[derive(Debug)]
pub(crate) struct Uart(SerialPort);

impl Uart {
    /// Sets the port up, with interrupts off; `None` if there is none.
    pub(crate) fn probe() -> Option<Uart> {
        const PATTERN: u8 = 0x5a;
        SCRATCH.write8(PATTERN);
        if SCRATCH.read8() != PATTERN || LINE_STATUS.read8() == FLOATING {
            return None;
        }
        // SAFETY: COM1 answers and belongs to the kernel.
        let mut port = unsafe { SerialPort::new(COM1) };
        port.init();
        INTERRUPT_ENABLE.write8(0);
        Some(Uart(port))
    }

    /// Lets received bytes raise [`COM1_IRQ`].
    pub(crate) fn enable_interrupt(&mut self) {
        INTERRUPT_ENABLE.write8(RECEIVED_DATA_INTERRUPT);
    }

    /// Sends one byte as it is; waits while the transmitter is busy. One that
    /// stays busy costs the kernel its output, but does not stop it.
    pub(crate) fn send(&mut self, byte: u8) {
        wait_until(|| self.0.try_send_raw(byte).is_ok());
    }
}

impl fmt::Write for Uart {
    /// Sends text; a line feed goes out as carriage return and line feed.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.send(b'\r');
            }
            self.send(byte);
        }
        Ok(())
    }
}

/// Takes one received byte. For the interrupt handler and for polling; reading
/// needs no state but the device's.
pub(crate) fn receive() -> Option<u8> {
    // SAFETY: COM1 belongs to the kernel; `new` touches nothing.
    let mut port = unsafe { SerialPort::new(COM1) };
    if LINE_STATUS.read8() == FLOATING {
        return None;
    }
    port.try_receive().ok()
}

/// A second hold on COM1 for a panic: whoever had the first will not go on.
/// What that one sent is let out first, for setting the port up clears it.
pub(crate) fn emergency() -> Option<Uart> {
    drain();
    Uart::probe()
}

/// Waits until the last byte has left the shift register. An absent port reads
/// as empty, and a stuck one is not waited for.
pub(crate) fn drain() {
    wait_until(|| LINE_STATUS.read8() & TRANSMITTER_EMPTY != 0);
}

/// Waits until the transmitter is where `is_done` wants it, unless it is stuck.
fn wait_until(mut is_done: impl FnMut() -> bool) {
    let was_stuck = STUCK.load(Ordering::Relaxed);
    let patience = if was_stuck { 1 } else { PATIENCE };
    let is_stuck = !(0..patience).any(|_| is_done());
    if is_stuck != was_stuck {
        STUCK.store(is_stuck, Ordering::Relaxed);
    }
}
