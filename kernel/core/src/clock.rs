//! What time it is: since the boot, and of the day.
//!
//! Pure: counts ticks that somebody else has, and knows what a date is. The
//! kernel keeps one [`Clock`] behind a lock.
//!
//! **Invariants**
//! - `up_ns` never goes back; `tick` alone changes it.
//! - `adjustment_ns` shrinks towards zero by what `tick` adds to `wall_ns`
//!   beyond a tick, and by nothing else.

/// Nanoseconds of a second.
pub const SECOND_NS: i64 = 1_000_000_000;

/// How fast a small adjustment is made: this part of the time that passes, as
/// `adjtime` has done it since 4.3BSD: 1 s in 2 minutes.
const SLEW_PART: i64 = 120;
/// Adjustments beyond this are made ten times as fast.
const LARGE_NS: i64 = SECOND_NS;

/// Time since the boot and of the day.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    up_ns: i64,
    wall_ns: i64,
    adjustment_ns: i64,
}

impl Clock {
    /// At the boot, which was at `wall_ns` after 1970 (UTC).
    pub const fn at_boot(wall_ns: i64) -> Self {
        Self {
            up_ns: 0,
            wall_ns,
            adjustment_ns: 0,
        }
    }

    /// So many nanoseconds have passed.
    pub fn tick(&mut self, passed_ns: u32) {
        let passed = i64::from(passed_ns);
        let part = match self.adjustment_ns.abs() > LARGE_NS {
            true => passed * 10 / SLEW_PART,
            false => passed / SLEW_PART,
        };
        let extra = self.adjustment_ns.clamp(-part, part);
        self.adjustment_ns -= extra;
        self.up_ns = self.up_ns.saturating_add(passed);
        self.wall_ns = self.wall_ns.saturating_add(passed + extra);
    }

    /// Nanoseconds since the boot.
    pub const fn up_ns(&self) -> i64 {
        self.up_ns
    }

    /// Nanoseconds since 1970, UTC.
    pub const fn wall_ns(&self) -> i64 {
        self.wall_ns
    }

    /// It is `wall_ns` after 1970 now; what was left to adjust is not any more.
    pub fn set(&mut self, wall_ns: i64) {
        self.wall_ns = wall_ns;
        self.adjustment_ns = 0;
    }

    /// From now on makes up for `adjustment_ns` little by little; gives what was
    /// left of the adjustment before.
    pub fn adjust(&mut self, adjustment_ns: i64) -> i64 {
        core::mem::replace(&mut self.adjustment_ns, adjustment_ns)
    }
}

/// A date and a time of day, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Date {
    /// With its century.
    pub year: u16,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
    /// Below 24.
    pub hour: u8,
    /// Below 60.
    pub minute: u8,
    /// Below 60.
    pub second: u8,
}

impl Date {
    /// Seconds since 1970 began; none for a date that there is not, or before.
    pub fn since_1970(self) -> Option<i64> {
        let is_date = self.year >= 1970
            && (1..=12).contains(&self.month)
            && (1..=days_of(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !is_date {
            return None;
        }
        let years = (1970..self.year).map(|year| if is_leap(year) { 366 } else { 365 });
        let months = (1..self.month).map(|month| i64::from(days_of(self.year, month)));
        let days = years.sum::<i64>() + months.sum::<i64>() + i64::from(self.day) - 1;
        let hours = days * 24 + i64::from(self.hour);
        let minutes = hours * 60 + i64::from(self.minute);
        Some(minutes * 60 + i64::from(self.second))
    }
}

const fn is_leap(year: u16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
