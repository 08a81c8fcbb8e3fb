//! Ticks, and what a tick teaches about the processor's own clocks.
//!
//! Owns the 8254's tick and the per-processor timers. Nothing waits for a
//! calibration: the frequencies are measured between two early ticks, in the
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

/// Whether the processor's own timer runs; each changes its own.
static TIMER_RUNS: [AtomicBool; percpu::MAX_CPUS] =
    [const { AtomicBool::new(false) }; percpu::MAX_CPUS];

/// Upward calls, at every tick of the boot processor and of the others.
static AT_TICK: Once<[fn(); 2]> = Once::new();

/// Starts the tick; `at_tick` is called in its handler, `at_local_tick` in those
/// of the other processors.
pub(crate) fn init(at_tick: fn(), at_local_tick: fn()) -> Result<(), NotWired> {
    AT_TICK.call_once(|| [at_tick, at_local_tick]);
    clock::init();
    pit::start();
    irq::install(TIMER_VECTOR, on_local_tick);
    irq::install(WAKE_VECTOR, || {
        start_local_timer();
    });
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
    if let Some([at_tick, _]) = AT_TICK.get() {
        at_tick();
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
        start_local_timer();
        ipi::wake_others();
    }
}

/// Starts the timer of the processor that calls, once its frequency is known;
/// tells whether it runs. A processor asks after it has come up, and whenever it
/// is woken: it may have a thread to run from its first moment on, and never
/// sleep.
pub(crate) fn start_local_timer() -> bool {
    let interval = LOCAL_TICK.load(Ordering::SeqCst);
    let Some(runs) = TIMER_RUNS.get(percpu::current().id() as usize) else {
        return false;
    };
    if interval != 0 && !runs.swap(true, Ordering::Relaxed) {
        lapic::start_timer(interval);
    }
    interval != 0
}

fn on_local_tick() {
    let id = percpu::current().id();
    if let Some(ticks) = LOCAL_TICKS.get(id as usize) {
        ticks.fetch_add(1, Ordering::Relaxed);
    }
    // The boot processor has had this tick.
    if let (Some([_, at_local_tick]), true) = (AT_TICK.get(), id != 0) {
        at_local_tick();
    }
}
