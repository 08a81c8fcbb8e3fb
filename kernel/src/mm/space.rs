//! The memory of one task.
//!
//! Owns the frames that its page tables name: for now memory is made at once,
//! zeroed, and belongs to one task alone.
//!
//! **Invariant**: every frame that `pmap` maps was taken here, and is given
//! back here, once nothing maps it.

use boot::layout::KERNEL_BASE;
use kernel_core::addr::{Frame, FrameRange, PAGE_SIZE, VirtAddr};
use kernel_core::frames::Zone;

use super::kernel_map::{Mapping, Use};
use super::pmap::{Access, Pmap};
use super::shared::Shared;
use super::{OutOfMemory, direct, frames};

/// First address after a task's memory.
pub(crate) const USER_END: u32 = KERNEL_BASE;

/// A task's memory.
pub(crate) struct Space {
    pmap: Shared<Pmap>,
}

impl Space {
    /// An empty one.
    pub(crate) fn new() -> Result<Space, OutOfMemory> {
        let pmap = Shared::try_new(Pmap::new()?)?;
        Ok(Space { pmap })
    }

    /// What the processor needs to see it.
    pub(crate) fn pmap(&self) -> &Shared<Pmap> {
        &self.pmap
    }

    /// Makes sure that there is memory at each of `pages` pages from `first`
    /// on, zeroed where it is new, to be used like `access` says.
    pub(crate) fn allocate(
        &self,
        first: VirtAddr,
        pages: u32,
        access: Access,
    ) -> Result<(), OutOfMemory> {
        for number in 0..pages {
            let page = first.checked_add(number * PAGE_SIZE).ok_or(OutOfMemory)?;
            let (frame, access) = match self.pmap.lookup(page) {
                Some((_, Access::Write)) => continue,
                Some((frame, Access::Read)) => (frame, access),
                None => (zeroed()?, access),
            };
            match self.pmap.enter(page, frame, access) {
                Ok(_) => {}
                Err(error) => {
                    frames::free(frame);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Copies `bytes` to `address`, where [`Space::allocate`] made memory,
    /// whatever the task itself may do with it.
    pub(crate) fn fill(&self, address: VirtAddr, bytes: &[u8]) -> Result<(), OutOfMemory> {
        let mut address = address;
        let mut left = bytes;
        while !left.is_empty() {
            let offset = address.offset_in_page();
            let (now, later) = left.split_at(left.len().min((PAGE_SIZE - offset) as usize));
            let (frame, _) = self.pmap.lookup(address.round_down()).ok_or(OutOfMemory)?;
            with_frame(frame, |page| {
                page[offset as usize..][..now.len()].copy_from_slice(now);
            })?;
            left = later;
            if !left.is_empty() {
                address = address.checked_add(now.len() as u32).ok_or(OutOfMemory)?;
            }
        }
        Ok(())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let pages = USER_END / PAGE_SIZE;
        self.pmap.remove(VirtAddr::new(0), pages, frames::free);
        self.pmap.end();
    }
}

fn zeroed() -> Result<Frame, OutOfMemory> {
    let frame = frames::allocate(Zone::Any)?;
    with_frame(frame, |page| page.fill(0)).inspect_err(|_| frames::free(frame))?;
    Ok(frame)
}

/// Lets `use_it` see the page in `frame`, wherever it is.
fn with_frame(
    frame: Frame,
    use_it: impl FnOnce(&mut [u8; PAGE_SIZE as usize]),
) -> Result<(), OutOfMemory> {
    let (address, _mapping) = match direct(frame.start()) {
        Some(address) => (address, None),
        None => {
            let range = FrameRange::from_first(frame, 1).ok_or(OutOfMemory)?;
            let mapping = Mapping::of(range, Use::Memory)?;
            (mapping.address(0), Some(mapping))
        }
    };
    // SAFETY: mapped for as long as `use_it` runs, and user memory: the kernel
    // holds no other reference to it. User programs may change it meanwhile,
    // but what is done to it here are plain copies.
    use_it(unsafe { &mut *(address.as_usize() as *mut [u8; PAGE_SIZE as usize]) });
    Ok(())
}
