//! Ticks come, and teach the frequencies; every processor has its timer.

use crate::arch::{interrupts, lapic, percpu, tsc};
use crate::ktest::case;
use crate::time;

fn wait_until(done: impl Fn() -> bool) {
    // Without a tick this waits for ever, and the run's deadline says so.
    while !done() {
        // SAFETY: the kernel has started: every vector has its handler.
        unsafe { interrupts::enable_and_wait() };
    }
}

case! {
    fn passes_in_ticks() {
        let (tick, stamp) = (time::ticks(), tsc::now());
        wait_until(|| time::ticks() >= tick + 3);
        assert!(tsc::now() > stamp);
    }

    fn measures_the_time_stamps() {
        wait_until(|| time::tsc_hz().is_some());
        let hz = time::tsc_hz().expect("just waited for it");
        assert!((1_000_000..100_000_000_000).contains(&hz), "{hz} Hz");
    }

    fn ticks_on_every_processor() {
        if !lapic::is_in_use() {
            return;
        }
        wait_until(|| percpu::all().all(|cpu| time::local_ticks(cpu.id()) >= 2));
    }
}
