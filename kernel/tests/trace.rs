//! The trace keeps what happened last.

use core::fmt::Write;

use crate::ktest::case;
use crate::trace::{self, Kind};

/// A detail that no time stamp, which is decimal, can look like.
const MARK: u32 = 0xfeed_beef;
const MARK_DIGITS: &str = "feedbeef";

/// Counts what is written instead of keeping it.
struct Found {
    marks: u32,
}

impl Write for Found {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        if text.contains(MARK_DIGITS) {
            self.marks += 1;
        }
        Ok(())
    }
}

case! {
    fn shows_the_last_events() {
        for _ in 0..3 {
            trace::record(Kind::Boot, MARK, 0);
        }
        let mut found = Found { marks: 0 };
        trace::write_last(&mut found, 3).expect("counting cannot fail");
        assert_eq!(found.marks, 3);
    }
}
