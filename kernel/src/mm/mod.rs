//! Memory of the kernel itself: frames, the direct map, mappings, heap.
//!
//! The layers above ask here for memory; every request can fail and says so.

pub(crate) mod frames;
pub(crate) mod heap;
pub(crate) mod kernel_map;
pub(crate) mod page;
pub(crate) mod pmap;
pub(crate) mod shared;
pub(crate) mod stack;
pub(crate) mod window;

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use boot::layout::{DIRECT_MAP_SIZE, KERNEL_BASE};
use kernel_core::addr::{Frame, FrameRange, PhysAddr, VirtAddr};

/// There was not enough memory, or not enough address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

/// Where physical `address` is in the direct map, if it is there.
pub(crate) fn direct(address: PhysAddr) -> Option<VirtAddr> {
    if address.as_u32() < DIRECT_MAP_SIZE {
        Some(VirtAddr::new(KERNEL_BASE + address.as_u32()))
    } else {
        None
    }
}

/// The physical address behind a direct-map address.
pub(crate) fn physical(address: VirtAddr) -> Option<PhysAddr> {
    let offset = address.as_u32().checked_sub(KERNEL_BASE)?;
    (offset < DIRECT_MAP_SIZE).then_some(PhysAddr::new(offset))
}

/// Takes over the machine's memory: `usable` is free RAM in whole frames,
/// `end` is the end of RAM that the direct map should reach.
pub(crate) fn init(usable: impl Iterator<Item = FrameRange> + Clone) {
    let end = usable.clone().map(FrameRange::end).max().unwrap_or(0);
    MEMORY_END.store(end, Ordering::Relaxed);
    kernel_map::init(end);
    frames::init(usable);
}

/// Counts the frames, when the heap has given back what it keeps without need.
pub(crate) fn counts() -> frames::Counts {
    heap::trim();
    frames::counts()
}

/// Whether `frame` lies where the machine has its RAM, or among it. What the
/// firmware calls device registers must not: it could be the kernel's text.
pub(crate) fn is_memory(frame: Frame) -> bool {
    frame.number() < MEMORY_END.load(Ordering::Relaxed)
}

/// First frame above all RAM.
static MEMORY_END: AtomicU32 = AtomicU32::new(0);
/// First frame that the direct map does not reach.
pub(crate) const DIRECT_MAP_END: Frame = PhysAddr::new(DIRECT_MAP_SIZE).frame();
