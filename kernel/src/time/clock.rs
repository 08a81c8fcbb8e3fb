//! What time it is, for tasks.
//!
//! Owns the one clock of the machine: it goes on at every tick, and what has
//! passed since the last is read off the time stamp counter. Called by the tick,
//! by the host's routines, and by the device that shows it to tasks.

use core::sync::atomic::Ordering;

use kernel_core::clock::{Clock, SECOND_NS};
use spin::Once;

use super::tsc_hz;
use crate::arch::{pit, rtc, tsc};
use crate::mm::page::LastingPage;
use crate::sync::{IrqLock, rank};

/// The clock, and what the counter said at its last tick.
struct State {
    clock: Clock,
    at_tick: u64,
}

static STATE: IrqLock<rank::Clock, State> = IrqLock::new(State {
    clock: Clock::at_boot(0),
    at_tick: 0,
});

/// Sets the clock by the battery-backed one; before the first tick.
pub(super) fn init() {
    let now = rtc::date().and_then(|date| date.since_1970()).unwrap_or(0);
    let mut state = STATE.lock();
    state.clock = Clock::at_boot(now * SECOND_NS);
    state.at_tick = tsc::now();
}

/// A tick has passed; from its handler.
pub(super) fn tick() {
    let mut state = STATE.lock();
    state.clock.tick(pit::TICK_NS);
    state.at_tick = tsc::now();
    if let Some(page) = PAGE.get() {
        show(&state.clock, page);
    }
}

/// From now on the time stands in `page` as well, as of the last tick.
pub(crate) fn show_in(page: LastingPage) {
    PAGE.call_once(|| page);
    show(&STATE.lock().clock, page);
}

/// Writes the time as `mapped_time_value_t`. Who reads it reads seconds, then the
/// rest, then the check: so that they agree, each is written the other way round.
fn show(clock: &Clock, page: LastingPage) {
    let put = |at: usize, value: i64| {
        page[at].store(value as u32, Ordering::SeqCst);
        page[at + 1].store((value >> 32) as u32, Ordering::SeqCst);
    };
    let parts = |ns: i64| (ns.div_euclid(SECOND_NS), ns.rem_euclid(SECOND_NS));
    let (seconds, ns) = parts(clock.wall_ns());
    let words = [seconds as u32, (ns / MICROSECOND_NS) as u32, seconds as u32];
    for (at, word) in words.into_iter().enumerate().rev() {
        page[at].store(word, Ordering::SeqCst);
    }
    for (at, (seconds, ns)) in [(WALL_AT, (seconds, ns)), (UP_AT, parts(clock.up_ns()))] {
        put(at + 4, seconds);
        put(at + 2, ns);
        put(at, seconds);
    }
}

/// The page that shows the time, if anybody wants it.
static PAGE: Once<LastingPage> = Once::new();
/// The words in it where `time_value` and `uptime_value` begin, each of seconds,
/// nanoseconds, and seconds to check.
const WALL_AT: usize = 3;
const UP_AT: usize = 9;
const MICROSECOND_NS: i64 = 1000;

/// Nanoseconds since the boot, and since 1970 (UTC).
pub(crate) fn now() -> (i64, i64) {
    let state = STATE.lock();
    let passed = i64::from(since(state.at_tick));
    (state.clock.up_ns() + passed, state.clock.wall_ns() + passed)
}

/// It is `wall_ns` after 1970 now (`host_set_time`).
pub(crate) fn set(wall_ns: i64) {
    let mut state = STATE.lock();
    let passed = i64::from(since(state.at_tick));
    state.clock.set(wall_ns - passed);
}

/// From now on makes up for `adjustment_ns`; gives what was left to make up for
/// (`host_adjust_time`).
pub(crate) fn adjust(adjustment_ns: i64) -> i64 {
    STATE.lock().clock.adjust(adjustment_ns)
}

/// Nanoseconds since the counter said `at_tick`, less than a tick: time does not
/// go back when the tick comes.
fn since(at_tick: u64) -> u32 {
    let passed = tsc::now().saturating_sub(at_tick);
    let Some(hz) = tsc_hz() else { return 0 };
    // No more than a second, whose product with a billion fits.
    let ns = passed.min(hz) * SECOND_NS as u64 / hz;
    ns.min(pit::TICK_NS.into()) as u32
}
