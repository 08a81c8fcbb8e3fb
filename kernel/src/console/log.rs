//! Messages with a level, as `loglevel=` lets them through.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

/// How much a message matters; the numbers are syslog's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Level {
    /// Something may be wrong.
    Warning = 4,
    /// What every boot tells.
    Notice = 5,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Notice as u8);

/// Lets messages up to `level` through.
pub(crate) fn set_level(level: u8) {
    LEVEL.store(level, Ordering::Relaxed);
}

/// Prints a line if its level is let through.
pub(crate) fn log(level: Level, text: fmt::Arguments<'_>) {
    if level as u8 > LEVEL.load(Ordering::Relaxed) {
        return;
    }
    let mark = match level {
        Level::Warning => "warning: ",
        Level::Notice => "",
    };
    super::println!("{mark}{text}");
}
