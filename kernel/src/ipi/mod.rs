//! Messages between processors: drop TLB entries, wake up, stop.
//!
//! Sent through the local APIC; without one there is one processor and nothing
//! to send. Answered by the interrupt layer's dispatch.

pub(crate) mod shootdown;

use crate::arch::{lapic, percpu, trap};

/// Makes every other processor leave its `hlt`.
pub(crate) fn wake_others() {
    let own = percpu::current().id();
    for cpu in percpu::all().filter(|cpu| cpu.id() != own) {
        lapic::send(cpu.apic_id(), trap::WAKE_VECTOR);
    }
}
