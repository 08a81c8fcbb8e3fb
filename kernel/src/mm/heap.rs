//! The kernel heap: size classes in frames of the direct map.
//!
//! Owns every page it carves; whole pages come from and go back to
//! [`frames`]. Of each class one page at most is kept for what comes next, until
//! somebody asks for it by [`trim`] or there are no others. Kernel
//! code allocates by [`try_box`] or `try_reserve`, which can fail and say so.
//! Not for interrupt handlers.
//!
//! **Invariants**: a page of blocks ends with a [`Slab`] trailer, so a block's
//! page leads to its slab. A slab is on its class's list exactly while it has a
//! free block; one without a used block is the only one there.

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};
use core::mem::size_of;
use core::ptr;

use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::frames::Zone;
use kernel_core::heap::{self, CLASSES, Class, Plan, RUN_TRAILER, Usage};

use super::{OutOfMemory, direct, frames, physical};
use crate::sync::{TaskLock, rank};

/// A free block: the next one of its slab.
struct Block {
    next: *mut Block,
}

/// Trailer of a page of blocks.
struct Slab {
    next: *mut Slab,
    previous: *mut Slab,
    free: *mut Block,
    used: u32,
}

const _: () = assert!(size_of::<Slab>() <= RUN_TRAILER);

struct Heap {
    /// By class, the slabs that have a free object.
    partial: [*mut Slab; CLASSES],
    /// By class, all slabs.
    slabs: [u32; CLASSES],
    usage: Usage,
}

/// What is in use of a class of blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InUse {
    /// Bytes of a block, and what its address is a multiple of.
    pub(crate) size: u32,
    pub(crate) align: u32,
    pub(crate) per_slab: u32,
    /// Blocks in use.
    pub(crate) used: u32,
    /// Pages that are cut into such blocks.
    pub(crate) slabs: u32,
}

// SAFETY: the pointers lead to pages that the heap owns; no processor has any
// special claim on them.
unsafe impl Send for Heap {}

static HEAP: TaskLock<rank::Heap, Heap> = TaskLock::new(Heap {
    partial: [ptr::null_mut(); CLASSES],
    slabs: [0; CLASSES],
    usage: Usage::new(),
});

/// What `alloc` calls. Failures come back as null, never as a panic.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: `alloc` returns memory that nobody else has until `dealloc`, of the
// layout's size and alignment, which the plan guarantees.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let allocated = match heap::plan(layout.size(), layout.align()) {
            Some(Plan::Block(class)) => HEAP.lock().allocate(class),
            Some(plan @ Plan::Pages { count, align_pages }) => {
                allocate_pages(plan, count, align_pages)
            }
            None => Err(OutOfMemory),
        };
        allocated.unwrap_or(ptr::null_mut())
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        match heap::plan(layout.size(), layout.align()) {
            // SAFETY: the caller got it from `alloc` with the same layout.
            Some(Plan::Block(class)) => unsafe { HEAP.lock().free(address, class) },
            Some(plan @ Plan::Pages { count, .. }) => {
                HEAP.lock().note_freed(plan);
                frames::free_run(frame_of(address), count);
            }
            None => {}
        }
    }
}

/// Puts `value` on the heap, if there is room.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    // SAFETY: the size is not zero.
    let place = unsafe { alloc::alloc::alloc(layout) }.cast::<T>();
    if place.is_null() {
        return Err(OutOfMemory);
    }
    // SAFETY: the allocator made room for a `T`, and a box frees it with the
    // same layout.
    unsafe {
        place.write(value);
        Ok(Box::from_raw(place))
    }
}

/// Bytes in use, as rounded up to classes and pages.
pub(crate) fn used_bytes() -> usize {
    HEAP.lock().usage.bytes()
}

/// Gives back the pages that are kept without need.
pub(crate) fn trim() {
    HEAP.lock().trim();
}

/// Pages that are cut into blocks. How many that are for the same blocks depends
/// on the order in which others came and went.
#[cfg(feature = "ktest")]
pub(crate) fn slabs() -> u32 {
    HEAP.lock().slabs.iter().sum()
}

/// What is in use of each class.
pub(crate) fn classes() -> [InUse; CLASSES] {
    let heap = HEAP.lock();
    let mut classes = Class::all();
    core::array::from_fn(|_| {
        let class = classes.next().expect("there are as many classes");
        InUse {
            size: class.size() as u32,
            align: class.align() as u32,
            per_slab: class.blocks_per_run() as u32,
            used: heap.usage.blocks(class),
            slabs: heap.slabs[class.index()],
        }
    })
}

impl Heap {
    fn allocate(&mut self, class: Class) -> Result<*mut u8, OutOfMemory> {
        if self.partial[class.index()].is_null() {
            let slab = new_slab(class).or_else(|_| {
                self.trim();
                new_slab(class)
            })?;
            // SAFETY: the slab is new and on no list.
            unsafe { self.link(slab, class) };
            self.slabs[class.index()] += 1;
        }
        let slab = self.partial[class.index()];
        self.usage.allocated(Plan::Block(class));
        // SAFETY: slabs on the list are the heap's own pages and have a free
        // block (invariant); the lock is held.
        unsafe {
            let block = (*slab).free;
            (*slab).free = (*block).next;
            (*slab).used += 1;
            if (*slab).free.is_null() {
                self.unlink(slab, class);
            }
            Ok(block.cast())
        }
    }

    /// # Safety
    ///
    /// `address` is a block of `class` that is in use.
    unsafe fn free(&mut self, address: *mut u8, class: Class) {
        self.note_freed(Plan::Block(class));
        let page = address.map_addr(|address| address & !(PAGE_SIZE as usize - 1));
        let slab = slab_of(page);
        let block = address.cast::<Block>();
        // SAFETY: a block's page ends with its slab (invariant), and the block
        // is the heap's again.
        unsafe {
            let was_full = (*slab).free.is_null();
            (*block).next = (*slab).free;
            (*slab).free = block;
            (*slab).used -= 1;
            if was_full {
                self.trim_class(class);
                self.link(slab, class);
            }
            let is_alone = (*slab).next.is_null() && (*slab).previous.is_null();
            if (*slab).used == 0 && !is_alone {
                self.unlink(slab, class);
                self.slabs[class.index()] -= 1;
                frames::free(frame_of(page));
            }
        }
    }

    fn trim(&mut self) {
        for class in Class::all() {
            self.trim_class(class);
        }
    }

    /// Gives back the slab without a used block.
    fn trim_class(&mut self, class: Class) {
        let slab = self.partial[class.index()];
        // SAFETY: slabs on the list are the heap's own pages (invariant); one
        // without a used block is nobody else's.
        unsafe {
            if !slab.is_null() && (*slab).used == 0 {
                self.unlink(slab, class);
                self.slabs[class.index()] -= 1;
                let page = slab.map_addr(|slab| slab & !(PAGE_SIZE as usize - 1));
                frames::free(frame_of(page.cast()));
            }
        }
    }

    fn note_freed(&mut self, plan: Plan) {
        if let Err(error) = self.usage.freed(plan) {
            panic!("heap: freed what was not in use: {error:?}");
        }
    }

    /// # Safety
    ///
    /// `slab` is the heap's own and on no list.
    unsafe fn link(&mut self, slab: *mut Slab, class: Class) {
        let head = self.partial[class.index()];
        // SAFETY: the head, if any, is a slab on this list.
        unsafe {
            (*slab).previous = ptr::null_mut();
            (*slab).next = head;
            if !head.is_null() {
                (*head).previous = slab;
            }
        }
        self.partial[class.index()] = slab;
    }

    /// # Safety
    ///
    /// `slab` is on this class's list.
    unsafe fn unlink(&mut self, slab: *mut Slab, class: Class) {
        // SAFETY: its neighbours, if any, are slabs on the same list.
        unsafe {
            let (previous, next) = ((*slab).previous, (*slab).next);
            if previous.is_null() {
                self.partial[class.index()] = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
    }
}

/// A page cut into free blocks of `class`.
fn new_slab(class: Class) -> Result<*mut Slab, OutOfMemory> {
    let page = page_of(frames::allocate(Zone::Low)?);
    let mut free: *mut Block = ptr::null_mut();
    for number in (0..class.blocks_per_run()).rev() {
        // SAFETY: the page is new and nobody else's, and has room for this
        // many blocks before its trailer.
        unsafe {
            let block = page.add(number * class.size()).cast::<Block>();
            (*block).next = free;
            free = block;
        }
    }
    let slab = slab_of(page);
    // SAFETY: as above; no block overlaps the trailer.
    unsafe {
        slab.write(Slab {
            next: ptr::null_mut(),
            previous: ptr::null_mut(),
            free,
            used: 0,
        });
    }
    Ok(slab)
}

fn slab_of(page: *mut u8) -> *mut Slab {
    page.wrapping_add(PAGE_SIZE as usize - RUN_TRAILER).cast()
}

fn allocate_pages(plan: Plan, count: u32, align: u32) -> Result<*mut u8, OutOfMemory> {
    let first = frames::allocate_run(count, align, Zone::Low)?;
    HEAP.lock().usage.allocated(plan);
    Ok(page_of(first))
}

fn page_of(frame: Frame) -> *mut u8 {
    direct(frame.start())
        .expect("low frames are in the direct map")
        .as_usize() as *mut u8
}

fn frame_of(page: *mut u8) -> Frame {
    physical(VirtAddr::new(page.addr() as u32))
        .expect("the heap lives in the direct map")
        .frame()
}
