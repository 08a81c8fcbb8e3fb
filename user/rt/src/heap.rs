//! The program's heap, from `vm_allocate`.
//!
//! Owns the allocator of `alloc`: lists of free blocks for sizes up to half a
//! page, and pages of their own for more. Blocks never go back to the kernel,
//! pages do. Programs that allocate nothing are linked without it.
//!
//! **Invariants**: stated beside the fields of [`Lists`].

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::layout::vm::PAGE_SIZE;

use crate::trap;

/// The smallest block, and the largest, as powers of two.
const LEAST: u32 = 4;
const MOST: u32 = 11;
const CLASSES: usize = (MOST - LEAST + 1) as usize;

#[global_allocator]
static HEAP: Heap = Heap {
    locked: AtomicBool::new(false),
    lists: UnsafeCell::new(Lists {
        free: [ptr::null_mut(); CLASSES],
    }),
};

struct Heap {
    locked: AtomicBool,
    /// Looked at only by who made `locked` true.
    lists: UnsafeCell<Lists>,
}

struct Lists {
    /// The first free block of each size, whose first word points to the next.
    /// Nobody else uses what is in a list: a block is taken off before it is
    /// given out, and put back by its owner once.
    free: [*mut Block; CLASSES],
}

struct Block {
    next: *mut Block,
}

// SAFETY: the lists are behind the lock.
unsafe impl Sync for Heap {}

impl Heap {
    fn with_lists<R>(&self, use_them: impl FnOnce(&mut Lists) -> R) -> R {
        while self.locked.swap(true, Ordering::Acquire) {
            trap::swtch();
        }
        // SAFETY: `locked` was false: nobody else is here.
        let result = use_them(unsafe { &mut *self.lists.get() });
        self.locked.store(false, Ordering::Release);
        result
    }
}

impl Lists {
    fn take(&mut self, class: usize) -> *mut u8 {
        if self.free[class].is_null() {
            self.fill(class);
        }
        let block = self.free[class];
        if !block.is_null() {
            // SAFETY: a block of the list, which is as large as its head at least.
            self.free[class] = unsafe { (*block).next };
        }
        block.cast()
    }

    fn put(&mut self, class: usize, block: *mut Block) {
        // SAFETY: a block of this size that nobody uses, by the caller.
        unsafe {
            block.write(Block {
                next: self.free[class],
            })
        };
        self.free[class] = block;
    }

    /// Cuts a new page into blocks.
    fn fill(&mut self, class: usize) {
        let page = pages(PAGE_SIZE);
        if page.is_null() {
            return;
        }
        let size = 1 << (class as u32 + LEAST);
        for at in (0..PAGE_SIZE as usize).step_by(size) {
            // SAFETY: the page is new, and `at` within it, at a multiple of 16.
            self.put(class, unsafe { page.add(at) }.cast());
        }
    }
}

/// The list for blocks of this layout; `None` if it is pages.
fn class(layout: &Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(1 << LEAST);
    let power = size.checked_next_power_of_two()?.trailing_zeros();
    (power <= MOST).then_some((power - LEAST) as usize)
}

fn pages(bytes: u32) -> *mut u8 {
    match trap::vm_allocate(trap::mach_task_self(), bytes) {
        Ok(address) => ptr::with_exposed_provenance_mut(address as usize),
        Err(_) => ptr::null_mut(),
    }
}

// SAFETY: blocks do not overlap and stay until they are given back; they are
// aligned to their size, and pages to a page.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class(&layout) {
            Some(class) => self.with_lists(|lists| lists.take(class)),
            None if layout.align() <= PAGE_SIZE as usize => match u32::try_from(layout.size()) {
                Ok(bytes) => pages(bytes),
                Err(_) => ptr::null_mut(),
            },
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class(&layout) {
            Some(class) => self.with_lists(|lists| lists.put(class, block.cast())),
            None => {
                let address = block.expose_provenance() as u32;
                let bytes = layout.size() as u32;
                // SAFETY: these pages were allocated for this block alone.
                let _ = unsafe { trap::vm_deallocate(trap::mach_task_self(), address, bytes) };
            }
        }
    }
}
