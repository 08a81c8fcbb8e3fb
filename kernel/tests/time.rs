//! Ticks come where something runs, and teach the frequencies.

use super::schedule::{crowd, end, pause};
use super::user::resume;
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

    fn ticks_on_every_processor_that_runs_somebody() {
        let others = || percpu::all().filter(|cpu| cpu.id() != 0);
        if !lapic::is_in_use() {
            assert_eq!(others().count(), 0);
            return;
        }
        let threads = crowd();
        for (_, thread) in threads.iter().flatten() {
            resume(thread);
        }
        for cpu in others() {
            let before = time::local_ticks(cpu.id());
            while time::local_ticks(cpu.id()).wrapping_sub(before) < 5 {
                pause(1);
            }
        }
        end(&threads);
    }

    fn does_not_tick_where_nothing_runs() {
        const TICKS: u32 = 60;
        let ticks = || (1..percpu::online() as u32).map(time::local_ticks);
        // What ended last may still be cleaned up.
        pause(20);
        let mut before = [0; percpu::MAX_CPUS];
        for (place, ticks) in before.iter_mut().zip(ticks()) {
            *place = ticks;
        }
        pause(TICKS);
        // Now and then there may be something to do.
        for (before, now) in before.into_iter().zip(ticks()) {
            let came = now.wrapping_sub(before);
            assert!(came < TICKS / 2, "{came} ticks in the time of {TICKS}");
        }
    }
}
