//! What is where in memory, for whoever debugs it.
//!
//! Owns nothing but references to the objects that are looked at. Called by the
//! routines of `mach_debug`; nothing here changes what a task sees.

use kernel_core::addr::{Frame, PAGE_SIZE};
use kernel_core::vm::map::{Attributes, Range};
use kernel_core::vm::object::{ObjectHandle, Pages as _};

use super::backing::Backing;
use super::space::Space;
use super::{MEMORY, Memory, settle};

/// A memory object, kept while somebody looks at it.
///
/// **Invariant**: has one of the object's references.
pub(crate) struct Looked(ObjectHandle);

/// What a region is (`mach_vm_region_info`).
pub(crate) struct Region {
    pub(crate) range: Range,
    pub(crate) attributes: Attributes,
    /// None if nobody has touched it.
    pub(crate) object: Option<Looked>,
    /// Where in its object it begins, in bytes.
    pub(crate) offset: u32,
    /// Regions that share it.
    pub(crate) sharers: u32,
}

/// What an object is (`mach_vm_object_info`).
pub(crate) struct About {
    /// Bytes.
    pub(crate) size: u32,
    /// Who refers to it, `Looked`s too.
    pub(crate) references: u32,
    /// Pages that it has itself.
    pub(crate) resident: u32,
    /// What it was copied from, and from which byte on.
    pub(crate) shadow: Option<(Looked, u32)>,
}

impl Space {
    /// The region with `address`, or the first one after it.
    pub(crate) fn look(&self, address: u32) -> Option<Region> {
        let map = self.map.lock();
        let entry = map.region(address)?;
        let mut memory = MEMORY.lock();
        let (object, offset, sharers) = match entry.backing {
            Backing::Nothing => (None, 0, 0),
            Backing::Object { object, offset } => (Some(object), offset, 0),
            Backing::Shared { cell, offset } => {
                let cell = memory.cells.at(cell)?;
                (cell.object, cell.offset + offset, cell.references)
            }
        };
        Some(Region {
            range: entry.range,
            attributes: entry.attributes,
            object: object.and_then(|object| memory.keep(object)),
            offset: offset.wrapping_mul(PAGE_SIZE),
            sharers,
        })
    }
}

impl Looked {
    /// A number that no other object has meanwhile.
    pub(crate) fn number(&self) -> u32 {
        self.0.index()
    }

    /// What it is.
    pub(crate) fn about(&self) -> About {
        let mut memory = MEMORY.lock();
        let (pages, references) = memory.objects.counts(self.0).unwrap_or((0, 0));
        let resident = memory.pages.count_of(self.0);
        let behind = memory.objects.behind(self.0);
        let shadow = behind.and_then(|behind| {
            let shadow = memory.keep(behind.object)?;
            Some((shadow, behind.offset_pages.wrapping_mul(PAGE_SIZE)))
        });
        About {
            size: pages.saturating_mul(PAGE_SIZE),
            references,
            resident,
            shadow,
        }
    }

    /// The pages that it has itself from number `from` on, as many as there is
    /// room for in `into`: how many there were, each with its number.
    pub(crate) fn pages(&self, from: u32, into: &mut [(u32, Option<Frame>)]) -> usize {
        let memory = MEMORY.lock();
        let mut next = Some(from);
        let mut count = 0;
        for place in into {
            let page = next.and_then(|from| memory.pages.first_from(self.0, from));
            let Some(page) = page else {
                break;
            };
            *place = (page, memory.pages.frame(self.0, page));
            next = page.checked_add(1);
            count += 1;
        }
        count
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        MEMORY.lock().abandon(self.0);
        settle();
    }
}

impl Memory {
    fn keep(&mut self, object: ObjectHandle) -> Option<Looked> {
        self.objects.reference(object).ok()?;
        Some(Looked(object))
    }
}
