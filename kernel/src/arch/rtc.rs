//! The battery-backed clock of the PC (MC146818A): the date at boot.
//!
//! Read once, by the time layer, on the boot processor.

use kernel_core::clock::Date;

use super::port::Port;

// SAFETY: the kernel owns the clock; reading changes nothing that anybody else
// relies on.
const INDEX: Port = unsafe { Port::new(0x70) };
// SAFETY: as above.
const DATA: Port = unsafe { Port::new(0x71) };

const SECOND: u8 = 0x00;
const MINUTE: u8 = 0x02;
const HOUR: u8 = 0x04;
const DAY: u8 = 0x07;
const MONTH: u8 = 0x08;
const YEAR: u8 = 0x09;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
/// Where PCs keep the century, by custom.
const CENTURY: u8 = 0x32;

/// Of status A: the registers are about to change.
const IN_UPDATE: u8 = 1 << 7;
/// Of status B: numbers are binary, not two decimal digits.
const BINARY: u8 = 1 << 2;
/// Of status B: hours count to 24, not twice to 12.
const HOURS_24: u8 = 1 << 1;
/// Of the hour, when it counts to 12.
const AFTERNOON: u8 = 1 << 7;

/// Attempts at a reading that no update falls into; an update takes 2 ms of a
/// second, so that more than a few mean there is no clock.
const ATTEMPTS: u32 = 100_000;

/// The date now, UTC, if the clock has a sensible one.
pub(crate) fn date() -> Option<Date> {
    let mut before = None;
    for _ in 0..ATTEMPTS {
        if register(STATUS_A) & IN_UPDATE != 0 {
            continue;
        }
        let now = read();
        if before == Some(now) {
            return Some(now);
        }
        before = Some(now);
    }
    None
}

fn read() -> Date {
    let status = register(STATUS_B);
    let number = |value: u8| match status & BINARY {
        0 => (value >> 4) * 10 + (value & 0xf),
        _ => value,
    };
    let hour = register(HOUR);
    let hour = match (status & HOURS_24, hour & AFTERNOON) {
        (0, 0) => number(hour) % 12,
        (0, _) => number(hour & !AFTERNOON) % 12 + 12,
        _ => number(hour),
    };
    let century = match u16::from(number(register(CENTURY))) {
        century @ 19..=25 => century,
        _ => 20,
    };
    Date {
        year: century * 100 + u16::from(number(register(YEAR))),
        month: number(register(MONTH)),
        day: number(register(DAY)),
        hour,
        minute: number(register(MINUTE)),
        second: number(register(SECOND)),
    }
}

fn register(number: u8) -> u8 {
    INDEX.write8(number);
    DATA.read8()
}
