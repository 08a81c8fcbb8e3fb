//! Locks: exclusive between processors, and what they do with interrupts.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::{interrupts, percpu};
use crate::ipi::call;
use crate::ktest::case;
use crate::sync::{IrqLock, rank};

static COUNTER: IrqLock<rank::InterruptController, [u32; 2]> = IrqLock::new([0; 2]);
static INSIDE: AtomicU32 = AtomicU32::new(0);
const ROUNDS: u32 = 2_000;

/// Counts twice under the lock; both must always agree.
fn count_up(_: u32, _: u32) {
    for _ in 0..ROUNDS {
        let mut counter = COUNTER.lock();
        assert_eq!(INSIDE.fetch_add(1, Ordering::Relaxed), 0, "two inside");
        counter[0] += 1;
        assert_eq!(counter[0], counter[1] + 1);
        counter[1] += 1;
        INSIDE.fetch_sub(1, Ordering::Relaxed);
    }
}

case! {
    fn keeps_processors_apart() {
        *COUNTER.lock() = [0; 2];
        call::on_others(count_up, 0, 0);
        count_up(0, 0);
        assert_eq!(COUNTER.lock()[0], ROUNDS * percpu::online() as u32);
    }

    fn an_irq_lock_holds_interrupts_off() {
        let guard = COUNTER.lock();
        assert!(!interrupts::enabled());
        drop(guard);
        assert!(interrupts::enabled());
    }
}
