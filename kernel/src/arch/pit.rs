//! The 8254 timer: the tick, and a clock of known frequency.
//!
//! Channel 0 interrupts [`TICKS_PER_SECOND`] times a second; its counter, read
//! back, measures what has no known frequency. Owned by the time layer.

use super::port::Port;

/// The 8254's clock: a third of the NTSC colour burst, in Hz.
pub(crate) const CLOCK_HZ: u32 = 1_193_182;
/// The kernel's tick: GNU Mach's, too.
pub(crate) const TICKS_PER_SECOND: u32 = 100;
/// ISA interrupt line of channel 0.
pub(crate) const PIT_IRQ: u8 = 0;

// SAFETY: the kernel owns the timer.
const CHANNEL_0: Port = unsafe { Port::new(0x40) };
// SAFETY: as above.
const COMMAND: Port = unsafe { Port::new(0x43) };

/// Channel 0, low byte then high byte, rate generator, binary.
const CHANNEL_0_RATE: u8 = 0b0011_0100;
/// Latches channel 0's count.
const LATCH_CHANNEL_0: u8 = 0;
/// What channel 0 counts down from.
const RELOAD: u16 = {
    let reload = (CLOCK_HZ + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;
    assert!(reload <= 0xffff);
    reload as u16
};

/// How long a tick takes, in nanoseconds.
pub(crate) const TICK_NS: u32 = (RELOAD as u64 * 1_000_000_000 / CLOCK_HZ as u64) as u32;

/// Starts the tick.
pub(crate) fn start() {
    let [low, high] = RELOAD.to_le_bytes();
    COMMAND.write8(CHANNEL_0_RATE);
    CHANNEL_0.write8(low);
    CHANNEL_0.write8(high);
}

/// Waits at least this long. For hardware that needs a pause and cannot say
/// when it is ready; the timer must have been started.
pub(crate) fn pause_us(microseconds: u32) {
    let mut left = u64::from(microseconds) * u64::from(CLOCK_HZ) / 1_000_000 + 1;
    let mut last = count();
    while left > 0 {
        let now = count();
        let passed = if now <= last {
            last - now
        } else {
            // A count above the reload value is from before the start.
            last + RELOAD.saturating_sub(now)
        };
        left = left.saturating_sub(u64::from(passed));
        last = now;
    }
}

fn count() -> u16 {
    COMMAND.write8(LATCH_CHANNEL_0);
    let low = CHANNEL_0.read8();
    let high = CHANNEL_0.read8();
    u16::from_le_bytes([low, high])
}
