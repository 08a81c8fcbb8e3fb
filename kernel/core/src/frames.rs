//! The physical frame allocator: which frames of RAM are free.
//!
//! Owns the book-keeping of up to 4 GiB, and no memory itself: the caller
//! keeps the one instance under a lock. Frames are named, never touched.
//!
//! A tree of bits, `tree`, holds the free frames. RAM handed over by
//! [`FrameAllocator::add`] is only noted down; it enters the tree a chunk at a
//! time when the tree runs dry, so that start-up costs the same with 8 MB and
//! with 3 GB, and metadata of unused RAM stays untouched.
//!
//! **Invariants**
//! - A frame is free exactly if it is in `tree` or in a `pending` range, never
//!   in both: `move_front` is the only one to move it from one to the other.
//!   Broken, a frame would be handed out twice.
//! - `owned` is sorted and disjoint; `add` keeps it so. `free` trusts it.
//! - No pending range straddles `low_limit`: `add` splits, and the limit can
//!   only change while nothing is owned. Broken, a request for high memory
//!   would have to seed all low memory first.

use core::fmt;

use crate::addr::{Frame, FrameRange, PAGES};

mod tree;

use tree::FrameTree;

/// How many separate ranges of RAM can be added.
pub const MAX_RANGES: usize = 64;

/// Frames that enter the tree at once: one word of the second level, so
/// seeding a chunk is at most 32 leaf words.
const CHUNK: u32 = 1024;

/// Runs are first looked for in the tree, but only this many gaps long: beyond
/// that it is cheaper to cut fresh memory.
const SHORT_SEARCH: u32 = 64;

/// Where an allocation may lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zone {
    /// Below the low limit: memory the kernel has mapped for good.
    Low,
    /// Anywhere; high memory is used up first, for it is good for less.
    Any,
    /// Below the given frame: for devices with short addresses and for code
    /// that starts in real mode.
    Below(Frame),
}

/// Why a range of RAM was not taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddError {
    /// Part of it had been added before.
    Overlap(FrameRange),
    /// [`MAX_RANGES`] are in use.
    TooManyRanges(FrameRange),
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(range) => write!(f, "memory {range} was added before"),
            Self::TooManyRanges(range) => {
                write!(f, "memory {range} is range {} or later", MAX_RANGES + 1)
            }
        }
    }
}

/// Why a frame was not taken back. Each is a bug of the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeError {
    /// It never belonged to the allocator.
    NeverOwned(Frame),
    /// It is free already.
    AlreadyFree(Frame),
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverOwned(frame) => write!(f, "frame {frame} was never the allocator's"),
            Self::AlreadyFree(frame) => write!(f, "frame {frame} is free already"),
        }
    }
}

/// The low limit was set after memory had been added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LowLimitTooLate;

/// Which frames of RAM are free. All zero when new, so a static lies in .bss.
pub struct FrameAllocator {
    tree: FrameTree,
    owned: [FrameRange; MAX_RANGES],
    owned_count: usize,
    /// One more than `owned`: the range across the low limit makes two.
    pending: [FrameRange; MAX_RANGES + 1],
    pending_count: usize,
    low_limit: u32,
    total: u32,
    free: u32,
    low_free: u32,
}

impl FrameAllocator {
    /// An allocator without memory, all bytes zero; [`Zone::Low`] is empty.
    pub const fn new() -> Self {
        Self {
            tree: FrameTree::new(),
            owned: [FrameRange::EMPTY; MAX_RANGES],
            owned_count: 0,
            pending: [FrameRange::EMPTY; MAX_RANGES + 1],
            pending_count: 0,
            low_limit: 0,
            total: 0,
            free: 0,
            low_free: 0,
        }
    }

    /// Makes `limit` the first frame above [`Zone::Low`]. Only before memory
    /// is added.
    pub fn set_low_limit(&mut self, limit: Frame) -> Result<(), LowLimitTooLate> {
        if self.owned_count != 0 {
            return Err(LowLimitTooLate);
        }
        self.low_limit = limit.number();
        Ok(())
    }

    /// Takes in free RAM. Costs the same for any size; an empty range is
    /// nothing.
    pub fn add(&mut self, range: FrameRange) -> Result<(), AddError> {
        if range.is_empty() {
            return Ok(());
        }
        let owned = &mut self.owned[..];
        let count = self.owned_count;
        let place = owned[..count]
            .iter()
            .position(|known| known.end() > range.start())
            .unwrap_or(count);
        if place < count && owned[place].start() < range.end() {
            return Err(AddError::Overlap(range));
        }
        if count == MAX_RANGES {
            return Err(AddError::TooManyRanges(range));
        }
        owned.copy_within(place..count, place + 1);
        owned[place] = range;
        self.owned_count = count + 1;

        let low = range.intersection(self.low_zone());
        let [below, above] = range.without(low);
        for part in [low, below, above] {
            self.add_pending(part);
        }
        self.total += range.len();
        self.free += range.len();
        self.low_free += low.len();
        Ok(())
    }

    /// A frame in `zone`, no longer free. The lowest that is quickly found.
    pub fn allocate(&mut self, zone: Zone) -> Option<Frame> {
        let (first, then) = self.windows(zone);
        let frame = match self.find_one(first) {
            Some(frame) => frame,
            None => self.find_one(then?)?,
        };
        self.take_run(frame, 1);
        Frame::new(frame)
    }

    /// `count` frames in a row in `zone`, the first at a multiple of
    /// `align_frames` (0 means 1), no longer free. `None` if there is no such
    /// run, and if `count` is 0.
    pub fn allocate_run(&mut self, count: u32, align_frames: u32, zone: Zone) -> Option<Frame> {
        if count == 0 || count > self.free {
            return None;
        }
        let align = align_frames.max(1);
        let (first, then) = self.windows(zone);
        let start = match self.find_run(count, align, first) {
            Some(start) => start,
            None => self.find_run(count, align, then?)?,
        };
        self.take_run(start, count);
        Frame::new(start)
    }

    /// Takes back a frame that [`allocate`](Self::allocate) or
    /// [`allocate_run`](Self::allocate_run) gave.
    pub fn free(&mut self, frame: Frame) -> Result<(), FreeError> {
        self.check_allocated(frame)?;
        let number = frame.number();
        self.tree.put(number, number + 1);
        self.free += 1;
        self.low_free += u32::from(number < self.low_limit);
        Ok(())
    }

    /// Takes back `count` frames from `first` on: all, or none on an error.
    pub fn free_run(&mut self, first: Frame, count: u32) -> Result<(), FreeError> {
        let range = FrameRange::from_first(first, count).ok_or(FreeError::NeverOwned(first))?;
        for number in range.start()..range.end() {
            if let Some(frame) = Frame::new(number) {
                self.check_allocated(frame)?;
            }
        }
        self.tree.put(range.start(), range.end());
        self.free += range.len();
        self.low_free += range.intersection(self.low_zone()).len();
        Ok(())
    }

    /// How many frames are free.
    pub const fn free_count(&self) -> u32 {
        self.free
    }

    /// How many frames of [`Zone::Low`] are free.
    pub const fn low_free(&self) -> u32 {
        self.low_free
    }

    /// How many frames have ever been added.
    pub const fn total(&self) -> u32 {
        self.total
    }

    /// The ranges that have been added, by address.
    pub fn ranges(&self) -> &[FrameRange] {
        &self.owned[..self.owned_count]
    }

    /// Whether `frame` has been added and is not free: a caller may hold it.
    pub fn is_allocated(&self, frame: Frame) -> bool {
        self.check_allocated(frame).is_ok()
    }

    fn check_allocated(&self, frame: Frame) -> Result<(), FreeError> {
        if !self.ranges().iter().any(|range| range.contains(frame)) {
            return Err(FreeError::NeverOwned(frame));
        }
        let number = frame.number();
        let in_tree = self.tree.contains(number);
        let pending = &self.pending[..self.pending_count];
        if in_tree || pending.iter().any(|range| range.contains(frame)) {
            return Err(FreeError::AlreadyFree(frame));
        }
        Ok(())
    }

    const fn low_zone(&self) -> FrameRange {
        match FrameRange::new(0, self.low_limit) {
            Some(range) => range,
            None => FrameRange::EMPTY,
        }
    }

    /// The part of memory to try, and what to try after it.
    fn windows(&self, zone: Zone) -> (FrameRange, Option<FrameRange>) {
        let window = |start, end| FrameRange::new(start, end).unwrap_or(FrameRange::EMPTY);
        match zone {
            Zone::Low => (self.low_zone(), None),
            Zone::Below(limit) => (window(0, limit.number()), None),
            Zone::Any => (window(self.low_limit, PAGES), Some(window(0, PAGES))),
        }
    }

    /// A free frame of `window`, in the tree but not yet taken from it.
    fn find_one(&mut self, window: FrameRange) -> Option<u32> {
        loop {
            if let Some(frame) = self.tree.next_free(window.start(), window.end()) {
                return Some(frame);
            }
            if !self.seed(window) {
                return None;
            }
        }
    }

    /// The start of a free run in `window`, in the tree but not yet taken.
    fn find_run(&mut self, count: u32, align: u32, window: FrameRange) -> Option<u32> {
        if let Some(start) = self.search_run(count, align, window, SHORT_SEARCH) {
            return Some(start);
        }
        if let Some(start) = self.carve(count, align, window) {
            return Some(start);
        }
        // What is left may be a run that only tree and pending make together.
        while self.seed(window) {}
        self.search_run(count, align, window, u32::MAX)
    }

    /// Looks through the tree for a run, at most `gaps` gaps long.
    fn search_run(&self, count: u32, align: u32, window: FrameRange, gaps: u32) -> Option<u32> {
        let mut from = window.start();
        for _ in 0..gaps {
            let start = self
                .tree
                .next_free(from, window.end())?
                .checked_next_multiple_of(align)?;
            let end = start.checked_add(count)?;
            if end > window.end() {
                return None;
            }
            match self.tree.first_taken(start, end) {
                None => return Some(start),
                Some(taken) => from = taken + 1,
            }
        }
        None
    }

    /// Moves a run from the front of a pending range into the tree, with what
    /// lies before it for the alignment's sake.
    fn carve(&mut self, count: u32, align: u32, window: FrameRange) -> Option<u32> {
        for index in 0..self.pending_count {
            let range = self.pending[index];
            // Either it begins in the window or none of it lies there.
            let inside = range.intersection(window);
            let Some(start) = range.start().checked_next_multiple_of(align) else {
                continue;
            };
            let Some(end) = start.checked_add(count) else {
                continue;
            };
            if end <= inside.end() {
                self.move_front(index, end);
                return Some(start);
            }
        }
        None
    }

    /// Moves one chunk that begins in `window` into the tree, if there is one.
    fn seed(&mut self, window: FrameRange) -> bool {
        for index in 0..self.pending_count {
            let range = self.pending[index];
            if window.start() <= range.start() && range.start() < window.end() {
                let chunk_end = (range.start() / CHUNK + 1) * CHUNK;
                self.move_front(index, chunk_end.min(range.end()));
                return true;
            }
        }
        false
    }

    /// Moves the frames of pending range `index` below `end` into the tree.
    fn move_front(&mut self, index: usize, end: u32) {
        let range = self.pending[index];
        self.tree.put(range.start(), end);
        match FrameRange::new(end, range.end()) {
            Some(rest) if !rest.is_empty() => self.pending[index] = rest,
            _ => {
                self.pending_count -= 1;
                self.pending[index] = self.pending[self.pending_count];
            }
        }
    }

    fn add_pending(&mut self, range: FrameRange) {
        if !range.is_empty() {
            self.pending[self.pending_count] = range;
            self.pending_count += 1;
        }
    }

    /// Takes frames found free out of the tree and the counts.
    fn take_run(&mut self, start: u32, count: u32) {
        let end = start + count;
        self.tree.take(start, end);
        self.free -= count;
        self.low_free -= end.min(self.low_limit).saturating_sub(start);
    }
}

impl Default for FrameAllocator {
    fn default() -> Self {
        Self::new()
    }
}
