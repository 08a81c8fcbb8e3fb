//! Kernel stacks with a guard page below each.
//!
//! A thread of control that uses too much stack hits the guard; the double
//! fault that follows runs on a stack of its own and reports it.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::{Frame, PAGE_SIZE};
use kernel_core::frames::Zone;

use super::kernel_map::{Mapping, Use};
use super::{OutOfMemory, frames};

/// Pages of a stack, without its guard.
pub(crate) const STACK_PAGES: usize = 4;
const STACK_SIZE: usize = STACK_PAGES * PAGE_SIZE as usize;

/// Bytes of memory that a stack has, and of addresses that it takes.
pub(crate) const RESIDENT: u32 = STACK_SIZE as u32;
pub(crate) const SPACE: u32 = RESIDENT + PAGE_SIZE;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// How many stacks there are.
pub(crate) fn count() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// A mapped stack; unmapped, and its frames given back, when dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The guard and the pages above it. Dropped before the frames are freed.
    mapping: Option<Mapping>,
    frames: [Option<Frame>; STACK_PAGES],
    /// The address above it.
    top: u32,
}

impl Stack {
    /// Maps a new stack.
    pub(crate) fn new() -> Result<Stack, OutOfMemory> {
        let mapping = Mapping::reserve(1 + STACK_PAGES)?;
        let top = mapping.address(mapping.pages() - 1).as_u32() + PAGE_SIZE;
        let mut stack = Stack {
            mapping: Some(mapping),
            frames: [None; STACK_PAGES],
            top,
        };
        COUNT.fetch_add(1, Ordering::Relaxed);
        for number in 0..STACK_PAGES {
            let frame = frames::allocate(Zone::Any)?;
            stack.frames[number] = Some(frame);
            if let Some(mapping) = &stack.mapping {
                mapping.put(1 + number, frame, Use::Memory)?;
            }
        }
        Ok(stack)
    }

    /// The address above the stack, where it starts.
    pub(crate) fn top(&self) -> u32 {
        self.top
    }

    /// Keeps it for as long as the machine runs; returns its top.
    pub(crate) fn leak(self) -> u32 {
        let top = self.top();
        core::mem::forget(self);
        top
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
        drop(self.mapping.take());
        for frame in self.frames.into_iter().flatten() {
            frames::free(frame);
        }
    }
}

/// A stack of the same size in the kernel's image, without a guard: where the
/// boot processor reports a double fault, before there is memory to map. A
/// report takes most of a page, and the monitor may follow it.
#[repr(align(16))]
pub(crate) struct StaticStack(UnsafeCell<[u8; STACK_SIZE]>);

// SAFETY: only the processor itself uses it, as a stack; nobody holds a
// reference to the bytes.
unsafe impl Sync for StaticStack {}

impl StaticStack {
    /// An unused stack.
    pub(crate) const fn new() -> StaticStack {
        StaticStack(UnsafeCell::new([0; STACK_SIZE]))
    }

    /// The address above it, where it starts.
    pub(crate) fn top(&self) -> u32 {
        (self.0.get().addr() + STACK_SIZE) as u32
    }
}
