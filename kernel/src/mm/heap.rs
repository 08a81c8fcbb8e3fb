//! The kernel heap: size classes in frames of the direct map.
//!
//! Owns every page it carves; whole pages come from and go back to
//! [`frames`](super::frames), so that an empty heap holds no memory. Kernel
//! code allocates by [`try_box`] or `try_reserve`, which can fail and say so.
//! Not for interrupt handlers.
//!
//! **Invariants**: a slab page starts with a [`Slab`] header; objects of its
//! class follow at multiples of their size, so an object's page start is its
//! slab. A slab is on its class's list exactly while it has a free object, and
//! goes back to the frames when it has no used one.

use alloc::boxed::Box;
use core::alloc::{GlobalAlloc, Layout};
use core::mem::size_of;
use core::ptr;

use kernel_core::addr::{Frame, PAGE_SIZE, VirtAddr};
use kernel_core::frames::Zone;

use super::{OutOfMemory, direct, frames, physical};
use crate::sync::{TaskLock, rank};

/// Object sizes are powers of two from 16 bytes to 1 KiB; more takes pages.
const SMALLEST_SHIFT: u32 = 4;
const CLASSES: usize = 7;
const LARGEST: usize = 1 << (SMALLEST_SHIFT as usize + CLASSES - 1);

struct Object {
    next: *mut Object,
}

/// Header of a page of objects.
struct Slab {
    next: *mut Slab,
    previous: *mut Slab,
    free: *mut Object,
    used: u32,
}

const _: () = assert!(size_of::<Slab>() <= 1 << SMALLEST_SHIFT);

struct Heap {
    /// By class, the slabs that have a free object.
    partial: [*mut Slab; CLASSES],
    used_bytes: usize,
}

// SAFETY: the pointers lead to pages that the heap owns; no processor has any
// special claim on them.
unsafe impl Send for Heap {}

static HEAP: TaskLock<rank::Heap, Heap> = TaskLock::new(Heap {
    partial: [ptr::null_mut(); CLASSES],
    used_bytes: 0,
});

/// What `alloc` calls. Failures come back as null, never as a panic.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: `allocate` returns memory that nobody else has until `free`, of the
// layout's size and alignment: objects and pages are aligned to their size,
// which is at least the alignment.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(layout) {
            Some(class) => HEAP.lock().allocate(class),
            None => allocate_pages(layout),
        }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        match class_of(layout) {
            // SAFETY: the caller got it from `alloc` with the same layout.
            Some(class) => unsafe { HEAP.lock().free(address, class) },
            None => free_pages(address, layout),
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
    HEAP.lock().used_bytes
}

/// The class whose objects hold `layout`; `None` for whole pages.
fn class_of(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(1 << SMALLEST_SHIFT);
    if size > LARGEST {
        return None;
    }
    Some((size.next_power_of_two().trailing_zeros() - SMALLEST_SHIFT) as usize)
}

fn object_size(class: usize) -> usize {
    1 << (SMALLEST_SHIFT as usize + class)
}

impl Heap {
    fn allocate(&mut self, class: usize) -> *mut u8 {
        if self.partial[class].is_null() {
            match new_slab(class) {
                // SAFETY: the slab is new and on no list.
                Ok(slab) => unsafe { self.link(slab, class) },
                Err(OutOfMemory) => return ptr::null_mut(),
            }
        }
        let slab = self.partial[class];
        self.used_bytes += object_size(class);
        // SAFETY: slabs on the list are the heap's own pages and have a free
        // object (invariant); the lock is held.
        unsafe {
            let object = (*slab).free;
            (*slab).free = (*object).next;
            (*slab).used += 1;
            if (*slab).free.is_null() {
                self.unlink(slab, class);
            }
            object.cast()
        }
    }

    /// # Safety
    ///
    /// `address` is an object of `class` that is in use.
    unsafe fn free(&mut self, address: *mut u8, class: usize) {
        self.used_bytes -= object_size(class);
        let slab = address.map_addr(|a| a & !(PAGE_SIZE as usize - 1)).cast::<Slab>();
        let object = address.cast::<Object>();
        // SAFETY: an object's page starts with its slab (invariant), and the
        // object is the heap's again.
        unsafe {
            let was_full = (*slab).free.is_null();
            (*object).next = (*slab).free;
            (*slab).free = object;
            (*slab).used -= 1;
            if was_full {
                self.link(slab, class);
            }
            if (*slab).used == 0 {
                self.unlink(slab, class);
                frames::free(frame_of(slab.cast()));
            }
        }
    }

    /// # Safety
    ///
    /// `slab` is the heap's own and on no list.
    unsafe fn link(&mut self, slab: *mut Slab, class: usize) {
        let head = self.partial[class];
        // SAFETY: the head, if any, is a slab on this list.
        unsafe {
            (*slab).previous = ptr::null_mut();
            (*slab).next = head;
            if !head.is_null() {
                (*head).previous = slab;
            }
        }
        self.partial[class] = slab;
    }

    /// # Safety
    ///
    /// `slab` is on this class's list.
    unsafe fn unlink(&mut self, slab: *mut Slab, class: usize) {
        // SAFETY: its neighbours, if any, are slabs on the same list.
        unsafe {
            let (previous, next) = ((*slab).previous, (*slab).next);
            if previous.is_null() {
                self.partial[class] = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
    }
}

/// A page cut into free objects of `class`.
fn new_slab(class: usize) -> Result<*mut Slab, OutOfMemory> {
    let frame = frames::allocate(Zone::Low)?;
    let page = page_of(frame);
    let size = object_size(class);
    let mut free: *mut Object = ptr::null_mut();
    let mut offset = PAGE_SIZE as usize - size;
    while offset >= size_of::<Slab>() {
        // SAFETY: the page is new and nobody else's; offsets stay inside it
        // and are multiples of the object size.
        unsafe {
            let object = page.add(offset).cast::<Object>();
            (*object).next = free;
            free = object;
        }
        offset -= size;
    }
    let slab = page.cast::<Slab>();
    // SAFETY: as above; no object overlaps the header.
    unsafe {
        slab.write(Slab { next: ptr::null_mut(), previous: ptr::null_mut(), free, used: 0 });
    }
    Ok(slab)
}

fn allocate_pages(layout: Layout) -> *mut u8 {
    // More than a page of alignment is nothing the kernel asks for.
    if layout.align() > PAGE_SIZE as usize {
        return ptr::null_mut();
    }
    let pages = pages_of(layout);
    match frames::allocate_run(pages, Zone::Low) {
        Ok(first) => {
            HEAP.lock().used_bytes += (pages * PAGE_SIZE) as usize;
            page_of(first)
        }
        Err(OutOfMemory) => ptr::null_mut(),
    }
}

fn free_pages(address: *mut u8, layout: Layout) {
    let pages = pages_of(layout);
    HEAP.lock().used_bytes -= (pages * PAGE_SIZE) as usize;
    frames::free_run(frame_of(address), pages);
}

fn pages_of(layout: Layout) -> u32 {
    (layout.size() as u32).div_ceil(PAGE_SIZE)
}

fn page_of(frame: Frame) -> *mut u8 {
    direct(frame.start()).expect("low frames are in the direct map").as_usize() as *mut u8
}

fn frame_of(page: *mut u8) -> Frame {
    physical(VirtAddr::new(page.addr() as u32))
        .expect("the heap lives in the direct map")
        .frame()
}
