//! The first serial port, by `uart_16550`.
//!
//! Owns COM1. [`Uart`] is held by the console; [`drain`] and [`emergency`] are
//! for the way out of the machine, when the console's lock may be lost.

use core::fmt;

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

    /// Sends one byte as it is; waits while the FIFO is full.
    pub(crate) fn send(&mut self, byte: u8) {
        self.0.send_raw(byte);
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
pub(crate) fn emergency() -> Option<Uart> {
    Uart::probe()
}

/// Waits until the last byte has left the shift register. An absent port reads
/// as empty, so this ends.
pub(crate) fn drain() {
    while LINE_STATUS.read8() & TRANSMITTER_EMPTY == 0 {}
}
