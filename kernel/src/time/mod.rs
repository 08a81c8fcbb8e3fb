//! Ticks, and what a tick teaches about the processor's own clocks.
//!
//! Owns the 8254's tick, which comes to the boot processor and counts time, and the
//! timers of the others, which tick only while a thread runs there. Nothing waits
//! for a calibration: the frequencies are measured between two early ticks, in the
//! tick's handler, and are unknown until then.
//!
//! **Invariants**: `TICKS` counts on the boot processor only. `TSC_HZ` and
//! `LOCAL_TICK` are zero until measured and never change afterwards.

pub(crate) mod clock;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use spin::Once;

use crate::arch::trap::{TIMER_VECTOR, WAKE_VECTOR};
use crate::arch::{lapic, percpu, pit, tsc};
use crate::ipi;
use crate::irq::{self, NotWired};

/// The ticks between which the clocks are measured.
const MEASURE_FROM: u32 = 1;
const MEASURE_TO: u32 = 11;

static TICKS: AtomicU32 = AtomicU32::new(0);
static TSC_HZ: Once<u64> = Once::new();
static LOCAL_TICK: AtomicU32 = AtomicU32::new(0);
static MEASURE_START: Once<(u64, u32)> = Once::new();
static LOCAL_TICKS: [AtomicU32; percpu::MAX_CPUS] = [const { AtomicU32::new(0) }; percpu::MAX_CPUS];

/// Whether the processor's own timer runs; each changes its own, with interrupts
/// off.
static TIMER_RUNS: [AtomicBool; percpu::MAX_CPUS] =
    [const { AtomicBool::new(false) }; percpu::MAX_CPUS];

/// Upward calls.
struct AtTick {
    boot: fn(),
    /// Tells whether the processor runs anybody.
    other: fn() -> bool,
}

static AT_TICK: Once<AtTick> = Once::new();

/// Starts the tick; `at_tick` is called in its handler, `at_local_tick` in those
/// of the other processors: it tells whether the ticks are to go on there.
pub(crate) fn init(at_tick: fn(), at_local_tick: fn() -> bool) -> Result<(), NotWired> {
    AT_TICK.call_once(|| AtTick {
        boot: at_tick,
        other: at_local_tick,
    });
    clock::init();
    pit::start();
    irq::install(TIMER_VECTOR, on_local_tick);
    irq::install(WAKE_VECTOR, start_local_timer);
    irq::enable_isa(pit::PIT_IRQ, on_tick)
}

/// Ticks since start, [`pit::TICKS_PER_SECOND`] a second.
pub(crate) fn ticks() -> u32 {
    TICKS.load(Ordering::Relaxed)
}

/// Whether the tick `deadline` has come. Ticks count on for ever, and wrap: one
/// is either less than half of their range ago, or to come.
pub(crate) fn is_over(deadline: u32) -> bool {
    ticks().wrapping_sub(deadline) <= u32::MAX / 2
}

/// The time stamp counter's frequency in Hz, once it is measured.
pub(crate) fn tsc_hz() -> Option<u64> {
    TSC_HZ.get().copied()
}

/// Ticks of the local timer of processor `id`.
pub(crate) fn local_ticks(id: u32) -> u32 {
    LOCAL_TICKS
        .get(id as usize)
        .map_or(0, |ticks| ticks.load(Ordering::Relaxed))
}

fn on_tick() {
    clock::tick();
    let ticks = TICKS.fetch_add(1, Ordering::Relaxed) + 1;
    if ticks == MEASURE_FROM {
        lapic::free_run_timer();
        MEASURE_START.call_once(|| (tsc::now(), lapic::timer_count()));
    } else if ticks == MEASURE_TO {
        measure();
    }
    if let Some(at_tick) = AT_TICK.get() {
        (at_tick.boot)();
    }
}

fn measure() {
    let Some(&(start, local_start)) = MEASURE_START.get() else {
        return;
    };
    let intervals = MEASURE_TO - MEASURE_FROM;
    let per_tick = (tsc::now() - start) / u64::from(intervals);
    TSC_HZ.call_once(|| per_tick * u64::from(pit::TICKS_PER_SECOND));
    if lapic::is_in_use() {
        let local = local_start.wrapping_sub(lapic::timer_count()) / intervals;
        // Before the message, for whoever it wakes; and ordered with the list
        // of processors that it goes to: one that is not on the list yet sees
        // the value.
        LOCAL_TICK.store(local.max(1), Ordering::SeqCst);
        ipi::wake_others();
    }
}

/// Starts the timer of the processor that calls, if that is known to tick and is not
/// the boot processor's. A processor does whenever it is woken, and before it runs
/// anybody after it idled. Interrupts are off.
pub(crate) fn start_local_timer() {
    let id = percpu::current().id() as usize;
    let interval = LOCAL_TICK.load(Ordering::SeqCst);
    let Some(runs) = TIMER_RUNS.get(id).filter(|_| id != 0 && interval != 0) else {
        return;
    };
    if !runs.load(Ordering::Relaxed) {
        runs.store(true, Ordering::Relaxed);
        lapic::start_timer(interval);
    }
}

/// A processor that meets nobody at a tick stops its timer: until it runs somebody
/// there is nothing to count.
fn on_local_tick() {
    let id = percpu::current().id() as usize;
    if let Some(ticks) = LOCAL_TICKS.get(id) {
        ticks.fetch_add(1, Ordering::Relaxed);
    }
    let goes_on = AT_TICK.get().is_some_and(|at_tick| (at_tick.other)());
    if let Some(runs) = TIMER_RUNS.get(id).filter(|_| !goes_on) {
        lapic::stop_timer();
        runs.store(false, Ordering::Relaxed);
    }
}
