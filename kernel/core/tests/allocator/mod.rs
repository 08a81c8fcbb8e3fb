//! The tests' allocator: says how much is in use, and refuses on request.
//!
//! One count a thread, for tests of one program run side by side.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static ALLOWED: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all memory is the system's; what is refused is null, as the trait
// says.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ALLOWED.get() == 0 {
            return std::ptr::null_mut();
        }
        if ALLOWED.get() != usize::MAX {
            ALLOWED.set(ALLOWED.get() - 1);
        }
        IN_USE.set(IN_USE.get() + layout.size() as isize);
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.set(IN_USE.get() - layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Runs `work` with at most `allowed` allocations; the next ones are refused.
pub(crate) fn with_allocations<R>(allowed: usize, work: impl FnOnce() -> R) -> R {
    ALLOWED.set(allowed);
    let result = work();
    ALLOWED.set(usize::MAX);
    result
}

/// Bytes that `work` allocated and did not free, and its largest allocation.
pub(crate) fn measured(work: impl FnOnce()) -> (isize, usize) {
    let before = IN_USE.get();
    LARGEST.set(0);
    work();
    (IN_USE.get() - before, LARGEST.get())
}
