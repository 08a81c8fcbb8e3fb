//! What is in a frame: zeroes, copies, bytes in and out.
//!
//! Owns no memory: the frames are the caller's, and may be mapped by tasks that
//! write to them at the same time. What a reader sees then is some mixture; the
//! kernel holds no reference to any of it.

use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::{Frame, FrameRange, PAGE_SIZE};
use kernel_core::frames::Zone;

use super::kernel_map::{Mapping, Use};
use super::{OutOfMemory, direct, frames};

const PAGE: usize = PAGE_SIZE as usize;
/// Bytes of a page.
pub(crate) const SIZE: u32 = PAGE_SIZE;

/// The words of a page that the kernel has for good.
pub(crate) type LastingPage = &'static [AtomicU32; PAGE / size_of::<u32>()];

/// A page of zeroes that is never given back: its frame, for tasks to map, and
/// where the kernel may always reach it, in interrupt handlers too.
pub(crate) fn lasting() -> Result<(Frame, LastingPage), OutOfMemory> {
    let frame = frames::allocate(Zone::Low)?;
    zero(frame)?;
    let address = direct(frame.start()).ok_or(OutOfMemory)?;
    let words = address.as_usize() as *const [AtomicU32; PAGE / size_of::<u32>()];
    // SAFETY: the frame is nobody else's, and in the direct map for good; who maps
    // it reads and writes words, as atomic ones are.
    Ok((frame, unsafe { &*words }))
}

/// A frame within the kernel's reach.
struct Reached {
    bytes: *mut u8,
    /// If the direct map does not reach it.
    _mapping: Option<Mapping>,
}

impl Reached {
    fn new(frame: Frame) -> Result<Reached, OutOfMemory> {
        if let Some(address) = direct(frame.start()) {
            return Ok(Reached {
                bytes: address.as_usize() as *mut u8,
                _mapping: None,
            });
        }
        let range = FrameRange::from_first(frame, 1).ok_or(OutOfMemory)?;
        let mapping = Mapping::of(range, Use::Memory)?;
        Ok(Reached {
            bytes: mapping.address(0).as_usize() as *mut u8,
            _mapping: Some(mapping),
        })
    }
}

/// Fills a frame with zeroes.
pub(crate) fn zero(frame: Frame) -> Result<(), OutOfMemory> {
    let page = Reached::new(frame)?;
    // SAFETY: a whole page, mapped while `page` lives; no reference leads there.
    unsafe { ptr::write_bytes(page.bytes, 0, PAGE) };
    Ok(())
}

/// Makes `to` hold what `from` does.
pub(crate) fn copy(from: Frame, to: Frame) -> Result<(), OutOfMemory> {
    let (from, to) = (Reached::new(from)?, Reached::new(to)?);
    // SAFETY: two whole pages, mapped while both live; no reference leads there.
    unsafe { ptr::copy(from.bytes, to.bytes, PAGE) };
    Ok(())
}

/// Makes a part of `to` hold what that of `from` does.
pub(crate) fn copy_part(from: Frame, to: Frame, part: Range<usize>) -> Result<(), OutOfMemory> {
    let (from, to) = (Reached::new(from)?, Reached::new(to)?);
    let end = part.end.min(PAGE);
    let start = part.start.min(end);
    // SAFETY: within two pages, mapped while both live; no reference leads there.
    unsafe { ptr::copy(from.bytes.add(start), to.bytes.add(start), end - start) };
    Ok(())
}

/// Reads from `offset` on, as far as the page goes.
pub(crate) fn read(frame: Frame, offset: usize, into: &mut [u8]) -> Result<(), OutOfMemory> {
    let page = Reached::new(frame)?;
    let count = into.len().min(PAGE.saturating_sub(offset));
    // SAFETY: within the page; `into` is the kernel's.
    unsafe { ptr::copy_nonoverlapping(page.bytes.add(offset), into.as_mut_ptr(), count) };
    Ok(())
}

/// Writes from `offset` on, as far as the page goes.
pub(crate) fn write(frame: Frame, offset: usize, from: &[u8]) -> Result<(), OutOfMemory> {
    let page = Reached::new(frame)?;
    let count = from.len().min(PAGE.saturating_sub(offset));
    // SAFETY: within the page; no reference leads there.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), page.bytes.add(offset), count) };
    Ok(())
}

/// The word at `offset`, a multiple of 4 within the page, as some task left it.
pub(crate) fn word(frame: Frame, offset: usize) -> Result<u32, OutOfMemory> {
    with_word(frame, offset, |word| word.load(Ordering::SeqCst))
}

/// Replaces the word at `offset`, a multiple of 4 within the page.
pub(crate) fn set_word(frame: Frame, offset: usize, value: u32) -> Result<(), OutOfMemory> {
    with_word(frame, offset, |word| word.store(value, Ordering::SeqCst))
}

fn with_word<R>(
    frame: Frame,
    offset: usize,
    use_it: impl FnOnce(&AtomicU32) -> R,
) -> Result<R, OutOfMemory> {
    let page = Reached::new(frame)?;
    let offset = (offset % PAGE) & !(size_of::<u32>() - 1);
    // SAFETY: aligned and within the page, mapped while `page` lives; tasks that
    // write to it meanwhile make no difference to an atomic one.
    Ok(use_it(unsafe {
        AtomicU32::from_ptr(page.bytes.add(offset).cast())
    }))
}
