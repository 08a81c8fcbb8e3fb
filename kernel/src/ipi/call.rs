//! Runs a function on every other processor and waits until all have.
//!
//! One request at a time, under a lock: the asker publishes the function,
//! interrupts the others and waits for each to say it is done.
//!
//! **Invariants**: whoever calls [`on_others`] with other processors running
//! has interrupts on and holds no [`IrqLock`](crate::sync::IrqLock): it must be
//! able to answer another's request while it waits for its turn, or both wait
//! for ever. Every build checks the former. `PENDING` has a bit set exactly for
//! each processor that has not finished the request in the other statics.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::others;
use crate::arch::{interrupts, lapic, percpu, processor, trap};
use crate::sync::{TaskLock, rank};

/// What a processor can be asked to run: short, with interrupts off.
pub(crate) type Work = fn(u32, u32);

static TURN: TaskLock<rank::Call, ()> = TaskLock::new(());
static WORK: AtomicUsize = AtomicUsize::new(0);
static ARGUMENTS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static PENDING: AtomicU32 = AtomicU32::new(0);

/// Runs `work(a, b)` on every other processor; returns when all are done.
pub(crate) fn on_others(work: Work, a: u32, b: u32) {
    on_some(u32::MAX, work, a, b);
}

/// Runs `work(a, b)` on those other processors that have a bit in `mask`;
/// returns when all are done.
pub(crate) fn on_some(mask: u32, work: Work, a: u32, b: u32) {
    let chosen = || others().filter(|cpu| mask & 1 << cpu.id() != 0);
    if chosen().next().is_none() {
        return;
    }
    // Checked in every build: the call below waits for processors that may wait
    // for this one, and a report is better than silence.
    assert!(
        interrupts::enabled(),
        "a call waits for others and must answer them"
    );
    let _turn = TURN.lock();
    WORK.store(work as usize, Ordering::Relaxed);
    ARGUMENTS[0].store(a, Ordering::Relaxed);
    ARGUMENTS[1].store(b, Ordering::Relaxed);
    let all = chosen().fold(0, |mask, cpu| mask | 1 << cpu.id());
    PENDING.store(all, Ordering::Release);
    for cpu in chosen() {
        lapic::send(cpu.apic_id(), trap::CALL_VECTOR);
    }
    while PENDING.load(Ordering::Acquire) != 0 {
        processor::relax();
    }
}

/// Does what another processor asks for. From the interrupt dispatch.
pub(crate) fn answer() {
    let own = 1 << percpu::current().id();
    if PENDING.load(Ordering::Acquire) & own == 0 {
        return;
    }
    let work = WORK.load(Ordering::Relaxed);
    // SAFETY: `PENDING` was set after a `Work` had been stored, and the asker
    // stores no other before every bit is clear again.
    let work: Work = unsafe { core::mem::transmute(work) };
    work(
        ARGUMENTS[0].load(Ordering::Relaxed),
        ARGUMENTS[1].load(Ordering::Relaxed),
    );
    PENDING.fetch_and(!own, Ordering::Release);
}
