//! Memory on its way from one task to another.
//!
//! Owns the pages of what a message carries out of line, until a receiver has
//! them. For now each page is copied when it is sent.

use alloc::vec::Vec;

use kernel_core::addr::{Frame, PAGE_SIZE};
use kernel_core::frames::Zone;

use super::space::with_frame;
use super::{OutOfMemory, frames};

/// What becomes of memory that was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Its task keeps it.
    Keep,
    /// Its task loses it, in whole pages.
    Deallocate,
}

/// Bytes in pages that nobody else has; freed when dropped.
#[derive(Debug)]
pub(crate) struct Copy {
    /// None where all is zero.
    pub(super) pages: Vec<Option<Frame>>,
    /// Where in the first page they begin.
    pub(super) first: u32,
}

impl Copy {
    /// Zeroes.
    pub(super) fn zeroes(first: u32, size: u32) -> Result<Copy, OutOfMemory> {
        let count = (u64::from(first) + u64::from(size)).div_ceil(PAGE_SIZE.into()) as usize;
        let mut pages = Vec::new();
        pages.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        pages.resize(count, None);
        Ok(Copy { pages, first })
    }

    /// The kernel's own bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Copy, OutOfMemory> {
        let mut copy = Copy::zeroes(0, bytes.len() as u32)?;
        for (page, part) in copy.pages.iter_mut().zip(bytes.chunks(PAGE_SIZE as usize)) {
            let frame = *page.insert(frames::allocate(Zone::Any)?);
            with_frame(frame, |page| {
                page.fill(0);
                page[..part.len()].copy_from_slice(part);
            })?;
        }
        Ok(copy)
    }

    /// Copies from `offset` on to the kernel's own `into`; what is beyond the end
    /// is zero.
    pub(crate) fn read(&self, offset: u32, into: &mut [u8]) -> Result<(), OutOfMemory> {
        let mut at = (self.first + offset) as usize;
        let mut rest = into;
        while !rest.is_empty() {
            let (number, start) = (at / PAGE_SIZE as usize, at % PAGE_SIZE as usize);
            let length = rest.len().min(PAGE_SIZE as usize - start);
            let (now, later) = rest.split_at_mut(length);
            match self.pages.get(number).copied().flatten() {
                Some(frame) => with_frame(frame, |page| {
                    now.copy_from_slice(&page[start..][..length]);
                })?,
                None => now.fill(0),
            }
            at += length;
            rest = later;
        }
        Ok(())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.pages.iter().copied().flatten().for_each(frames::free);
    }
}
