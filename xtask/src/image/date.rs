//! The one date every image carries: fixed, or SOURCE_DATE_EPOCH.
//!
//! Pure but for [`epoch`], which reads the environment.

use crate::failure::{Failure, Result};

/// Seconds since 1970, of the kind every file system of ours can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u32);

/// 2000-01-01 00:00:00 UTC: recognisably no real date.
const FIXED: Epoch = Epoch(946_684_800);

/// The date images get: `SOURCE_DATE_EPOCH`, or a fixed one without it.
///
/// # Errors
/// A usage failure if the variable is no number of seconds before 2038.
pub fn epoch() -> Result<Epoch> {
    match std::env::var_os("SOURCE_DATE_EPOCH") {
        None => Ok(FIXED),
        Some(text) => Epoch::parse(&text.to_string_lossy()),
    }
}

impl Epoch {
    fn parse(text: &str) -> Result<Self> {
        // ISO 9660 begins in 1900, ext2 ends in 2038; we stay inside both.
        text.parse::<i32>()
            .ok()
            .and_then(|seconds| u32::try_from(seconds).ok())
            .map(Epoch)
            .ok_or_else(|| {
                Failure::usage(
                    format!(
                        "SOURCE_DATE_EPOCH is `{text}`, not a number of seconds from 1970 to 2038"
                    ),
                    "unset it, or set it to the output of: git log -1 --format=%ct",
                )
            })
    }

    /// This many seconds after 1970 began.
    pub fn of_seconds(seconds: u32) -> Self {
        Epoch(seconds)
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// `YYYY-MM-DDThh:mm:ssZ`, as documents have it.
    pub fn rfc3339(self) -> String {
        let (year, month, day) = civil(self.0 / 86_400);
        let seconds = self.0 % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// `YYYYMMDDhhmmss` and two digits of hundredths, as xorriso wants it.
    pub fn digits(self) -> String {
        let days = self.0 / 86_400;
        let seconds = self.0 % 86_400;
        let (year, month, day) = civil(days);
        format!(
            "{year:04}{month:02}{day:02}{:02}{:02}{:02}00",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: u32) -> (u32, u32, u32) {
    let mut left = days;
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

fn is_leap(year: u32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_calendars_have_them() {
        for (seconds, digits) in [
            (0, "1970010100000000"),
            (951_782_399, "2000022823595900"),
            (951_782_400, "2000022900000000"),
            (951_868_800, "2000030100000000"),
            (1_709_210_096, "2024022912345600"),
            (i32::MAX as u32, "2038011903140700"),
        ] {
            assert_eq!(Epoch(seconds).digits(), digits, "{seconds}");
        }
        assert_eq!(FIXED.digits(), "2000010100000000");
        assert_eq!(FIXED.rfc3339(), "2000-01-01T00:00:00Z");
        assert_eq!(Epoch(1_709_210_096).rfc3339(), "2024-02-29T12:34:56Z");
    }

    #[test]
    fn only_seconds_a_file_system_holds_are_taken() {
        assert_eq!(Epoch::parse("12").map(Epoch::seconds), Ok(12));
        for text in ["", "-1", "yesterday", "2147483648", "1.5"] {
            let failure = Epoch::parse(text).expect_err(text);
            assert_eq!(failure.exit, crate::failure::Exit::Usage);
        }
    }
}
