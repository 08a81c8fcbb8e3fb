//! Threads of the kernel: they run, wait, are woken, and leave nothing.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::ktest::case;
use crate::mm::kernel_map;
use crate::sched::event::Event;
use crate::sched::{self, Thread, Wake};
use crate::time;

/// Pages of kernel memory that are mapped: stacks, above all.
pub(super) fn mapped() -> usize {
    kernel_map::region_usage().0
}

/// Returns when as many pages are mapped as `before`: every thread that was
/// started since has ended, and its stack is gone.
pub(super) fn until_ended(before: usize) {
    const PATIENCE: u32 = 500;
    for _ in 0..PATIENCE {
        if mapped() == before {
            return;
        }
        sched::assert_wait();
        sched::block_for(1);
    }
    panic!("{} pages are mapped, {before} were", mapped());
}

static ENDED: AtomicU32 = AtomicU32::new(0);

fn count_and_end() -> ! {
    ENDED.fetch_add(1, Ordering::Relaxed);
    sched::exit()
}

static BALL: AtomicU32 = AtomicU32::new(0);
static TO_PONG: Event = Event::new();
static TO_PING: Event = Event::new();
const ROUNDS: u32 = 200;

fn pong() -> ! {
    for round in 0..ROUNDS {
        TO_PONG.wait_until(|| BALL.load(Ordering::Acquire) == 2 * round + 1);
        BALL.store(2 * round + 2, Ordering::Release);
        TO_PING.signal();
    }
    sched::exit()
}

case! {
    fn run_end_and_leave_nothing() {
        const COUNT: u32 = 24;
        let before = mapped();
        ENDED.store(0, Ordering::Relaxed);
        for _ in 0..COUNT {
            let thread = Thread::for_kernel(count_and_end).expect("there is memory");
            sched::start(&thread);
        }
        until_ended(before);
        assert_eq!(ENDED.load(Ordering::Relaxed), COUNT);
    }

    fn that_never_start_leave_nothing() {
        drop(Thread::for_kernel(count_and_end).expect("there is memory"));
    }

    fn wake_each_other() {
        let before = mapped();
        BALL.store(0, Ordering::Relaxed);
        let other = Thread::for_kernel(pong).expect("there is memory");
        sched::start(&other);
        drop(other);
        for round in 0..ROUNDS {
            BALL.store(2 * round + 1, Ordering::Release);
            TO_PONG.signal();
            TO_PING.wait_until(|| BALL.load(Ordering::Acquire) == 2 * round + 2);
        }
        until_ended(before);
    }

    fn wait_no_longer_than_asked() {
        let start = time::ticks();
        sched::assert_wait();
        assert_eq!(sched::block_for(3), Wake::TimedOut);
        let waited = time::ticks().wrapping_sub(start);
        assert!((3..100).contains(&waited), "{waited} ticks instead of 3");
    }

    fn are_woken_before_they_wait() {
        sched::assert_wait();
        let woken = sched::with_current(|own| sched::wake(own, Wake::Event));
        assert_eq!(woken, Some(true));
        assert_eq!(sched::block(), Wake::Event);
        let again = sched::with_current(|own| sched::wake(own, Wake::Event));
        assert_eq!(again, Some(false));
    }
}
