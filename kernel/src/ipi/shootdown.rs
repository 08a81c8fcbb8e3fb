//! TLB shootdown: no processor keeps a translation that the tables lost.
//!
//! Called by whoever took something out of the kernel's tables, after it did
//! and before the frames or addresses are used again. The rules of
//! [`call::on_others`] apply.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};

use super::call;
use crate::arch::{paging, percpu};
use crate::trace::{self, Kind};

/// Above this many pages the whole TLB goes: a Pentium's has 64 entries.
const PAGES_WORTH_FLUSHING_ALONE: u32 = 32;

/// Drops `pages` translations from `first` on, on every processor.
pub(crate) fn flush(first: VirtAddr, pages: usize) {
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    trace::record(Kind::Shootdown, first.as_u32(), pages);
    flush_here(first.as_u32(), pages);
    call::on_others(flush_here, first.as_u32(), pages);
}

/// Drops `pages` translations of user memory from `first` on, on the
/// processors with a bit in `mask`.
pub(crate) fn flush_on(mask: u32, first: VirtAddr, pages: usize) {
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    if mask & 1 << percpu::current().id() != 0 {
        flush_here(first.as_u32(), pages);
    }
    call::on_some(mask, flush_here, first.as_u32(), pages);
}

fn flush_here(first: u32, pages: u32) {
    if pages > PAGES_WORTH_FLUSHING_ALONE {
        paging::flush_everything();
        return;
    }
    for number in 0..pages {
        paging::flush_page(VirtAddr::new(first + number * PAGE_SIZE));
    }
}
