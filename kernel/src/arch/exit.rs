//! Ways out of the machine: QEMU's exit device, ACPI power off, reset.
//!
//! Called by the end of a test run, the monitor and the panic path. Nothing
//! here returns, takes a lock or needs anything to be initialised.

use kernel_core::acpi_power::SoftOff;

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
pub(crate) fn leave(verdict: Verdict, off: Option<SoftOff>) -> ! {
    uart::drain();
    DEBUG_EXIT.write8(verdict as u8);
    // The write takes effect asynchronously: do nothing that could be seen.
    if let Some(how) = off {
        power_off(how);
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

/// Switches the machine off by ACPI; returns if that does nothing.
fn power_off(how: SoftOff) {
    for (number, value) in [Some(how.pm1a), how.pm1b].into_iter().flatten() {
        // SAFETY: the FADT says that a power management control register is
        // here, and the kernel owns power management.
        let port = unsafe { Port::new(number) };
        port.write16(value);
    }
}
