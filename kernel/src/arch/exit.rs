//! Ways out of the machine: QEMU's exit device, ACPI power off, reset.
//!
//! Called by the end of a test run, the monitor and the panic path. Nothing
//! here returns, takes a lock or needs anything to be initialised.

use super::interrupts;
use super::port::Port;
use super::uart;

/// QEMU's isa-debug-exit device, as xtask puts it there. A value v ends QEMU
/// with the status `(v << 1) | 1`.
// SAFETY: nothing else is at 0xf4 on a PC; without QEMU the write is ignored.
const DEBUG_EXIT: Port = unsafe { Port::new(0xf4) };

/// The keyboard controller's command port, whose pulse command resets the CPU.
// SAFETY: the kernel owns the keyboard controller.
const KEYBOARD_COMMAND: Port = unsafe { Port::new(0x64) };
const PULSE_RESET: u8 = 0xfe;

/// The PIIX3's and ICH9's reset control register.
// SAFETY: the kernel owns the chipset.
const RESET_CONTROL: Port = unsafe { Port::new(0xcf9) };
const HARD_RESET: u8 = 0x06;

/// How the machine ends, as the one who started it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything asked for was done: QEMU's status 33.
    Success = 0x10,
    /// Tests failed, or a panic: QEMU's status 35.
    Failure = 0x11,
}

/// Tells QEMU to end with `verdict`, after the last serial byte has left.
/// Elsewhere tries to power off; stays halted if nothing works.
pub(crate) fn leave(verdict: Verdict, power: Option<PowerOff>) -> ! {
    uart::drain();
    DEBUG_EXIT.write8(verdict as u8);
    // The write takes effect asynchronously: do nothing that could be seen.
    if let Some(power) = power {
        power.write();
    }
    interrupts::halt_forever()
}

/// Resets the machine; stays halted if nothing works.
pub(crate) fn reset() -> ! {
    uart::drain();
    KEYBOARD_COMMAND.write8(PULSE_RESET);
    RESET_CONTROL.write8(HARD_RESET);
    interrupts::halt_forever()
}

/// What ACPI says about switching the machine off: PM1a control block and the
/// sleep type of S5 (ACPI 6.5 4.8.3.2.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct PowerOff {
    port: Port,
    sleep_type: u8,
}

impl PowerOff {
    /// From the firmware's tables.
    pub(crate) fn new(control_block: u16, sleep_type: u8) -> PowerOff {
        // SAFETY: the FADT says that the power management control register is
        // here, and the kernel owns power management.
        let port = unsafe { Port::new(control_block) };
        PowerOff { port, sleep_type }
    }

    fn write(self) {
        const SLEEP_ENABLE: u16 = 1 << 13;
        const SLEEP_TYPE_SHIFT: u32 = 10;
        self.port
            .write16(u16::from(self.sleep_type & 0b111) << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
    }
}
