//! TLB shootdown: no processor keeps a translation that the tables no longer
//! have.
//!
//! One request at a time, under a lock. The asker names the pages, interrupts
//! every other processor and waits until each has answered.
//!
//! **Invariants**: whoever calls [`flush`] with other processors running has
//! interrupts on and holds no [`IrqLock`](crate::sync::IrqLock): it must be
//! able to answer another's request while it waits for the lock, or both wait
//! for ever. Debug builds check it. `PENDING` has a bit set exactly for each
//! processor that has not answered the request in `FIRST` and `PAGES`.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use kernel_core::addr::{PAGE_SIZE, VirtAddr};

use crate::arch::{interrupts, lapic, paging, percpu, processor, trap};
use crate::sync::{TaskLock, rank};

/// Above this many pages the whole TLB goes: it has fewer entries than that.
const PAGES_WORTH_FLUSHING_ALONE: usize = 32;

static REQUEST: TaskLock<()> = TaskLock::new(rank::SHOOTDOWN, "shootdown", ());
static FIRST: AtomicU32 = AtomicU32::new(0);
static PAGES: AtomicUsize = AtomicUsize::new(0);
static PENDING: AtomicU32 = AtomicU32::new(0);

/// Drops `pages` translations from `first` on, on every processor.
pub(crate) fn flush(first: VirtAddr, pages: usize) {
    flush_here(first, pages);
    if percpu::online() == 1 {
        return;
    }
    debug_assert!(interrupts::enabled(), "a shootdown waits for others and must answer them");
    let _request = REQUEST.lock();
    let own = percpu::current().id();
    FIRST.store(first.as_u32(), Ordering::Relaxed);
    PAGES.store(pages, Ordering::Relaxed);
    let others = || percpu::all().filter(|cpu| cpu.id() != own);
    let mask = others().fold(0, |mask, cpu| mask | 1 << cpu.id());
    PENDING.store(mask, Ordering::Release);
    for cpu in others() {
        lapic::send(cpu.apic_id(), trap::SHOOTDOWN_VECTOR);
    }
    while PENDING.load(Ordering::Acquire) != 0 {
        processor::relax();
    }
}

/// Answers the request of another processor. From the interrupt dispatch.
pub(crate) fn answer() {
    let own = 1 << percpu::current().id();
    if PENDING.load(Ordering::Acquire) & own == 0 {
        return;
    }
    let first = VirtAddr::new(FIRST.load(Ordering::Relaxed));
    flush_here(first, PAGES.load(Ordering::Relaxed));
    PENDING.fetch_and(!own, Ordering::Release);
}

fn flush_here(first: VirtAddr, pages: usize) {
    if pages > PAGES_WORTH_FLUSHING_ALONE {
        paging::flush_everything();
        return;
    }
    for number in 0..pages as u32 {
        paging::flush_page(VirtAddr::new(first.as_u32() + number * PAGE_SIZE));
    }
}
