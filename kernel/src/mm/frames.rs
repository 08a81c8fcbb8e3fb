//! The machine's free frames, behind one lock.
//!
//! Owns the only [`FrameAllocator`]. Frames are handed out uninitialised; who
//! takes one gives it back exactly once, which the allocator checks.

use kernel_core::addr::{Frame, FrameRange};
use kernel_core::frames::{FrameAllocator, Zone};

use super::{DIRECT_MAP_END, OutOfMemory};
use crate::sync::{TaskLock, rank};

static FRAMES: TaskLock<rank::Frames, FrameAllocator> = TaskLock::new(FrameAllocator::new());

/// Takes in the free RAM that the boot layer found.
pub(crate) fn init(usable: impl Iterator<Item = FrameRange>) {
    let mut frames = FRAMES.lock();
    frames
        .set_low_limit(DIRECT_MAP_END)
        .expect("no memory has been added before");
    for range in usable {
        // More ranges than fit would only lose memory, not break anything; the
        // boot layer hands over fewer.
        let _ = frames.add(range);
    }
}

/// One frame in `zone`.
pub(crate) fn allocate(zone: Zone) -> Result<Frame, OutOfMemory> {
    FRAMES.lock().allocate(zone).ok_or(OutOfMemory)
}

/// One frame in any zone, if that leaves `kept` others; how many are left.
pub(crate) fn allocate_but(kept: u32) -> Result<(Frame, u32), OutOfMemory> {
    let mut frames = FRAMES.lock();
    if frames.free_count() <= kept {
        return Err(OutOfMemory);
    }
    let frame = frames.allocate(Zone::Any).ok_or(OutOfMemory)?;
    Ok((frame, frames.free_count()))
}

/// `count` frames in a row in `zone`, the first a multiple of `align`.
pub(crate) fn allocate_run(count: u32, align: u32, zone: Zone) -> Result<Frame, OutOfMemory> {
    FRAMES
        .lock()
        .allocate_run(count, align, zone)
        .ok_or(OutOfMemory)
}

/// Gives frames back.
///
/// # Panics
///
/// If one of them was not taken: then two owners believe in it.
pub(crate) fn free_run(first: Frame, count: u32) {
    if let Err(error) = FRAMES.lock().free_run(first, count) {
        panic!("frame {first}: {error}");
    }
}

/// Gives one frame back; panics as [`free_run`] does.
pub(crate) fn free(frame: Frame) {
    free_run(frame, 1);
}

/// How much memory there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Frames that the kernel was given at start.
    pub(crate) total: u32,
    /// Frames free now.
    pub(crate) free: u32,
    /// Of those, frames in the direct map.
    pub(crate) low_free: u32,
}

/// Counts the frames.
pub(crate) fn counts() -> Counts {
    let frames = FRAMES.lock();
    Counts {
        total: frames.total(),
        free: frames.free_count(),
        low_free: frames.low_free(),
    }
}
