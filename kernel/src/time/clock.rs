//! What time it is, for tasks.
//!
//! Owns the one clock of the machine: it goes on at every tick, and what has
//! passed since the last is read off the time stamp counter. Called by the tick
//! and by the host's routines.

use kernel_core::clock::{Clock, SECOND_NS};

use super::tsc_hz;
use crate::arch::{pit, rtc, tsc};
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
}

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
