//! Times as Mach passes them.
//!
//! Pure values, for anyone. Source: `mach/time_value.h`.

use super::plain;

plain! {
    /// `time_value_t`.
    TimeValue {
        /// Whole seconds.
        seconds: i32,
        /// Below 1,000,000.
        microseconds: i32,
    }
}

plain! {
    /// `time_value64_t`.
    TimeValue64 {
        /// Whole seconds.
        seconds: i64,
        /// Below 1,000,000,000.
        nanoseconds: i64,
    }
}

plain! {
    /// `mapped_time_value_t`: the page of the `time` device. A reader reads
    /// seconds, the rest, and the check value last: a time is valid when its
    /// seconds equal that.
    MappedTimeValue {
        /// Since the epoch.
        seconds: i32,
        /// Below 1,000,000.
        microseconds: i32,
        /// Written before `seconds`.
        check_seconds: i32,
        /// Since the epoch.
        time_value: TimeValue64,
        /// Written before `time_value`.
        check_seconds64: i64,
        /// Since the boot.
        uptime_value: TimeValue64,
        /// Written before `uptime_value`.
        check_upseconds64: i64,
    }
}
