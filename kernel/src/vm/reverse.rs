//! Which tasks map a frame, and where.
//!
//! Owns the way back from a frame to page tables, so that a page can be hidden
//! or protected wherever it is seen. Kept under the lock of all memory, as every
//! change to a task's page tables is.
//!
//! **Invariant**: a mapping is here exactly while its page table has it.

use kernel_core::addr::{Frame, VirtAddr};
use kernel_core::arena::{Arena, Handle, NoMemory};
use kernel_core::radix::Radix;

use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;

struct Mapping {
    pmap: Shared<Pmap>,
    page: VirtAddr,
}

/// The first mapping of a frame, which has no other most of the time.
struct Mapped {
    first: Mapping,
    more: Option<Handle<More>>,
}

struct More {
    mapping: Mapping,
    next: Option<Handle<More>>,
}

/// All mappings, by frame.
pub(super) struct Reverse {
    frames: Radix<Mapped>,
    more: Arena<More>,
}

impl Reverse {
    pub(super) const fn new() -> Reverse {
        Reverse {
            frames: Radix::new(),
            more: Arena::new(),
        }
    }

    /// Notes that `pmap` will map `frame` at `page`.
    pub(super) fn link(
        &mut self,
        frame: Frame,
        pmap: &Shared<Pmap>,
        page: VirtAddr,
    ) -> Result<(), NoMemory> {
        let mapping = Mapping {
            pmap: pmap.clone(),
            page,
        };
        match self.frames.at_mut(frame.number()) {
            None => self.frames.insert(
                frame.number(),
                Mapped {
                    first: mapping,
                    more: None,
                },
            ),
            Some(mapped) => {
                let next = mapped.more;
                mapped.more = Some(self.more.insert(More { mapping, next })?);
                Ok(())
            }
        }
    }

    /// Notes that `pmap` maps `frame` at `page` no more.
    pub(super) fn unlink(&mut self, frame: Frame, pmap: &Shared<Pmap>, page: VirtAddr) {
        let is_it = |mapping: &Mapping| mapping.page == page && mapping.pmap.is_same(pmap);
        let Some(mapped) = self.frames.at_mut(frame.number()) else {
            return;
        };
        if is_it(&mapped.first) {
            match mapped.more.and_then(|more| self.more.remove(more)) {
                Some(second) => {
                    mapped.first = second.mapping;
                    mapped.more = second.next;
                }
                None => _ = self.frames.remove(frame.number()),
            }
            return;
        }
        let mut before = None;
        let mut at = mapped.more;
        while let Some(handle) = at {
            let Some(more) = self.more.at(handle) else {
                return;
            };
            let next = more.next;
            if !is_it(&more.mapping) {
                before = Some(handle);
                at = next;
                continue;
            }
            match before.and_then(|before| self.more.at_mut(before)) {
                Some(before) => before.next = next,
                None => mapped.more = next,
            }
            self.more.remove(handle);
            return;
        }
    }

    /// Takes a frame out of all page tables; no processor sees it any more.
    pub(super) fn unmap_all(&mut self, frame: Frame) {
        while let Some(mapped) = self.frames.at(frame.number()) {
            let (pmap, page) = (mapped.first.pmap.clone(), mapped.first.page);
            pmap.remove(page, 1, |_, _| ());
            self.unlink(frame, &pmap, page);
        }
    }

    /// Makes a frame read-only wherever it is mapped.
    pub(super) fn restrict_all(&self, frame: Frame) {
        let Some(mapped) = self.frames.at(frame.number()) else {
            return;
        };
        mapped.first.pmap.restrict(mapped.first.page, 1);
        let mut at = mapped.more;
        while let Some(more) = at.and_then(|handle| self.more.at(handle)) {
            more.mapping.pmap.restrict(more.mapping.page, 1);
            at = more.next;
        }
    }

    /// Whether anybody used the frame since this was last asked.
    pub(super) fn take_accessed(&self, frame: Frame) -> bool {
        let Some(mapped) = self.frames.at(frame.number()) else {
            return false;
        };
        let mut is_accessed = mapped.first.pmap.take_accessed(mapped.first.page);
        let mut at = mapped.more;
        while let Some(more) = at.and_then(|handle| self.more.at(handle)) {
            is_accessed |= more.mapping.pmap.take_accessed(more.mapping.page);
            at = more.next;
        }
        is_accessed
    }

    /// How many frames are mapped.
    #[cfg(feature = "ktest")]
    pub(super) const fn len(&self) -> u32 {
        self.frames.len()
    }
}
