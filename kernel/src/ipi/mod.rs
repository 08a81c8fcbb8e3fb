//! Messages between processors: run this, wake up.
//!
//! Sent through the local APIC; without one there is one processor and nothing
//! to send. Answered by the interrupt layer's dispatch.

pub(crate) mod call;
pub(crate) mod shootdown;

use crate::arch::percpu::{self, PerCpu};
use crate::arch::{lapic, trap};

/// Makes every other processor leave its `hlt`.
pub(crate) fn wake_others() {
    for cpu in others() {
        lapic::send(cpu.apic_id(), trap::WAKE_VECTOR);
    }
}

/// The processors that run, but for the one that calls.
fn others() -> impl Iterator<Item = &'static PerCpu> {
    let own = percpu::current().id();
    let running = if percpu::is_alone() {
        0
    } else {
        percpu::MAX_CPUS
    };
    percpu::all()
        .take(running)
        .filter(move |cpu| cpu.id() != own)
}
