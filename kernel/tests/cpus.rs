//! The processors: all there, all different, all listening.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::percpu;
use crate::ipi::call;
use crate::ktest::case;

static RAN: [AtomicU32; percpu::MAX_CPUS] = [const { AtomicU32::new(0) }; percpu::MAX_CPUS];

fn add(amount: u32, _: u32) {
    RAN[percpu::current().id() as usize].fetch_add(amount, Ordering::Relaxed);
}

case! {
    fn have_numbers_of_their_own() {
        assert_eq!(percpu::all().count(), percpu::online());
        for cpu in percpu::all() {
            let twins = percpu::all().filter(|other| other.apic_id() == cpu.apic_id()).count();
            assert_eq!(twins, 1, "apic id {} twice", cpu.apic_id());
            assert!(percpu::by_id(cpu.id() as usize).is_some_and(|area| core::ptr::eq(area, cpu)));
        }
    }

    fn each_run_a_call_once() {
        const CALLS: u32 = 500;
        for ran in &RAN {
            ran.store(0, Ordering::Relaxed);
        }
        for _ in 0..CALLS {
            call::on_others(add, 1, 0);
        }
        // Nothing else is ready, so this thread stays where it is.
        let own = percpu::current().id();
        for cpu in percpu::all() {
            let expected = if cpu.id() == own { 0 } else { CALLS };
            assert_eq!(RAN[cpu.id() as usize].load(Ordering::Relaxed), expected, "cpu{}", cpu.id());
        }
    }
}
