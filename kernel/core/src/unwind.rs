//! A walk up the stack by frame pointers, over memory that may be damaged.
//!
//! Owns the rules of when to stop. The panic report and the monitor's `bt` use
//! it with a reader that never faults. It reads within the given stack only,
//! always upwards, and at most [`MAX_FRAMES`] frames: it ends on any memory.
//!
//! A frame as compiled code leaves it, `EBP` pointing at the saved one:
//!
//! ```text
//! EBP + 4   return address into the caller
//! EBP       the caller's EBP; 0 in the outermost function
//! ```

use core::fmt;

use crate::addr::VirtAddr;

/// Most frames that are walked.
pub const MAX_FRAMES: u32 = 32;

/// Why a walk ended, with the frame pointer that ended it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At the outermost function: all is well.
    Outermost,
    /// [`MAX_FRAMES`] were walked.
    TooDeep,
    /// Not a multiple of four.
    Misaligned(VirtAddr),
    /// Not inside the stack.
    OutsideStack(VirtAddr),
    /// Not above the frame before it.
    NotUpwards(VirtAddr),
    /// The memory could not be read.
    Unreadable(VirtAddr),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frame, what) = match self {
            Self::Outermost => return f.write_str("outermost frame"),
            Self::TooDeep => return write!(f, "more than {MAX_FRAMES} frames"),
            Self::Misaligned(frame) => (frame, "is misaligned"),
            Self::OutsideStack(frame) => (frame, "is outside the stack"),
            Self::NotUpwards(frame) => (frame, "does not lead upwards"),
            Self::Unreadable(frame) => (frame, "cannot be read"),
        };
        write!(f, "frame pointer {frame} {what}")
    }
}

/// A walk in progress: an iterator over return addresses, innermost first.
pub struct Walk<R> {
    read_u32: R,
    stack_start: VirtAddr,
    stack_end: VirtAddr,
    frame: VirtAddr,
    below: Option<VirtAddr>,
    walked: u32,
    end: Option<End>,
}

impl<R: Fn(VirtAddr) -> Option<u32>> Walk<R> {
    /// A walk from the frame pointer `frame` over the stack from `stack_start`
    /// up to, not including, `stack_end`. `read_u32` gives the word at an
    /// address in it, or `None` if that would fault.
    pub const fn new(
        frame: VirtAddr,
        stack_start: VirtAddr,
        stack_end: VirtAddr,
        read_u32: R,
    ) -> Self {
        Self {
            read_u32,
            stack_start,
            stack_end,
            frame,
            below: None,
            walked: 0,
            end: None,
        }
    }

    /// Why the walk ended; `None` while it has not.
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    fn step(&mut self) -> Result<VirtAddr, End> {
        let frame = self.frame;
        if frame == VirtAddr::new(0) {
            return Err(End::Outermost);
        }
        if frame.as_u32() % 4 != 0 {
            return Err(End::Misaligned(frame));
        }
        let after = frame.checked_add(8).ok_or(End::OutsideStack(frame))?;
        if frame < self.stack_start || after > self.stack_end {
            return Err(End::OutsideStack(frame));
        }
        if self.below.is_some_and(|below| frame <= below) {
            return Err(End::NotUpwards(frame));
        }
        if self.walked == MAX_FRAMES {
            return Err(End::TooDeep);
        }
        let word = |offset| {
            let address = frame.checked_add(offset)?;
            (self.read_u32)(address)
        };
        let caller = word(0).ok_or(End::Unreadable(frame))?;
        let return_address = word(4).ok_or(End::Unreadable(frame))?;
        if return_address == 0 {
            return Err(End::Outermost);
        }
        self.below = Some(frame);
        self.frame = VirtAddr::new(caller);
        self.walked += 1;
        Ok(VirtAddr::new(return_address))
    }
}

impl<R: Fn(VirtAddr) -> Option<u32>> Iterator for Walk<R> {
    type Item = VirtAddr;

    fn next(&mut self) -> Option<VirtAddr> {
        if self.end.is_some() {
            return None;
        }
        self.step().map_err(|end| self.end = Some(end)).ok()
    }
}
