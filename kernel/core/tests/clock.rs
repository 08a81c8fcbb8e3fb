//! The clock: dates, ticks and adjustments.

use kernel_core::clock::{Clock, Date, SECOND_NS};
use proptest::prelude::*;

fn date(year: u16, month: u8, day: u8) -> Date {
    Date {
        year,
        month,
        day,
        hour: 0,
        minute: 0,
        second: 0,
    }
}

#[test]
fn dates_that_are_known() {
    let cases = [
        (date(1970, 1, 1), Some(0)),
        (date(2000, 3, 1), Some(951_868_800)),
        (date(2024, 2, 29), Some(1_709_164_800)),
        (date(2100, 3, 1), Some(4_107_542_400)),
        (date(2023, 2, 29), None),
        (date(2100, 2, 29), None),
        (date(2024, 13, 1), None),
        (date(2024, 0, 1), None),
        (date(2024, 4, 31), None),
        (date(2024, 4, 0), None),
        (date(1969, 12, 31), None),
    ];
    for (date, seconds) in cases {
        assert_eq!(date.since_1970(), seconds, "{date:?}");
    }
    let last = Date {
        hour: 23,
        minute: 59,
        second: 59,
        ..date(2023, 12, 31)
    };
    assert_eq!(last.since_1970(), Some(1_704_067_199));
    assert_eq!(Date { hour: 24, ..last }.since_1970(), None);
    assert_eq!(Date { second: 60, ..last }.since_1970(), None);
}

#[test]
fn every_day_is_a_day_later() {
    let mut before = -86_400;
    for year in 1970..2120 {
        for month in 1..=12 {
            for day in 1..=31 {
                if let Some(seconds) = date(year, month, day).since_1970() {
                    assert_eq!(seconds, before + 86_400, "{year}-{month}-{day}");
                    before = seconds;
                }
            }
        }
    }
}

#[test]
fn a_second_is_adjusted_in_two_minutes() {
    let mut clock = Clock::at_boot(0);
    assert_eq!(clock.adjust(SECOND_NS), 0);
    for _ in 0..119 {
        clock.tick(SECOND_NS as u32);
    }
    assert!(clock.wall_ns() < 120 * SECOND_NS);
    clock.tick(SECOND_NS as u32);
    clock.tick(SECOND_NS as u32);
    assert_eq!(clock.wall_ns(), 122 * SECOND_NS);
    assert_eq!(clock.up_ns(), 121 * SECOND_NS);
    assert_eq!(clock.adjust(0), 0);
}

proptest! {
    /// What is left and what was made up for are the whole adjustment, time
    /// never stands still, and uptime knows nothing of it.
    #[test]
    fn nothing_of_an_adjustment_is_lost(
        adjustment in -100 * SECOND_NS..100 * SECOND_NS,
        ticks in proptest::collection::vec(1_000_u32..20_000_000, 1..200),
    ) {
        let mut clock = Clock::at_boot(5);
        clock.adjust(adjustment);
        let mut passed = 0;
        for tick in ticks {
            let before = clock.wall_ns();
            clock.tick(tick);
            passed += i64::from(tick);
            prop_assert!(clock.wall_ns() > before);
            prop_assert_eq!(clock.up_ns(), passed);
        }
        let made_up = clock.wall_ns() - 5 - passed;
        prop_assert_eq!(made_up + clock.adjust(0), adjustment);
    }

    #[test]
    fn setting_ends_an_adjustment(to in 0..i64::MAX / 2, adjustment in any::<i32>()) {
        let mut clock = Clock::at_boot(0);
        clock.adjust(adjustment.into());
        clock.set(to);
        clock.tick(10);
        prop_assert_eq!(clock.wall_ns(), to + 10);
    }
}
