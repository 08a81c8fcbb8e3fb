//! Interrupts: they come, they nest as they should, the flag is kept.

use crate::arch::{interrupts, percpu};
use crate::ktest::case;
use crate::{irq, time};

case! {
    fn are_on_and_stay_on() {
        assert!(interrupts::enabled());
        let outer = interrupts::disable();
        let inner = interrupts::disable();
        interrupts::restore(inner);
        assert!(!interrupts::enabled(), "restored too early");
        interrupts::restore(outer);
        assert!(interrupts::enabled());
    }

    fn are_counted_by_vector() {
        let count = || irq::counts().map(|(.., count)| count).sum::<u32>();
        let before = (count(), percpu::current().interrupts());
        let tick = time::ticks();
        while time::ticks() == tick {
            // SAFETY: the kernel has started: every vector has its handler.
            unsafe { interrupts::enable_and_wait() };
        }
        assert!(count() > before.0 && percpu::current().interrupts() > before.1);
        assert!(!percpu::current().in_interrupt());
    }
}
