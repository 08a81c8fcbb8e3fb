//! Memory of the kernel's that tasks may look at.
//!
//! Owns a page that the kernel writes to and tasks map: an object of its own, which
//! is never given back. Made by the layer of devices; mapped by `vm_map`.

use kernel_core::arena::NoMemory;
use kernel_core::vm::map::{Attributes, MapError, Place, Protection};
use kernel_core::vm::object::ObjectHandle;

use super::backing::Backing;
use super::pageout::Pin;
use super::space::{Region, Space};
use super::{MEMORY, settle, shortage};
use crate::mm::page::{self, LastingPage};

/// A page that tasks may look at, and nobody but the kernel writes to.
///
/// **Invariant**: has one of the object's references, for good.
#[derive(Debug)]
pub(crate) struct Published(ObjectHandle);

impl Published {
    /// A page of zeroes, and where the kernel writes to it.
    pub(crate) fn new() -> Result<(Published, LastingPage), MapError> {
        let (frame, words) = page::lasting().map_err(shortage)?;
        let mut guard = MEMORY.lock();
        let memory = &mut *guard;
        let object = memory.new_object(1)?;
        memory.objects.publish(object);
        let inserted = memory.pages.insert(object, 0, frame);
        // The frame is the kernel's too: it never goes out.
        let pinned = inserted.and_then(|()| memory.pages.pin(object, Pin::Wired));
        pinned.map_err(|NoMemory| MapError::ResourceShortage)?;
        Ok((Published(object), words))
    }

    /// Whether a region shows it.
    pub(crate) fn is_shown_in(&self, region: &Region) -> bool {
        region.object == Some(self.0.index())
    }
}

impl Space {
    /// `vm_map` of the page, which has the offset 0 there; for reading only.
    pub(crate) fn map_published(
        &self,
        place: Place,
        size: u32,
        attributes: Attributes,
        (published, offset): (&Published, u32),
    ) -> Result<u32, MapError> {
        if offset != 0 || size > page::SIZE {
            return Err(MapError::InvalidArgument);
        }
        let attributes = Attributes {
            protection: attributes.protection & Protection::READ,
            max_protection: attributes.max_protection & Protection::READ,
            ..attributes
        };
        let object = published.0;
        let entered = {
            let mut map = self.map.lock();
            let mut memory = MEMORY.lock();
            let backing = Backing::Object { object, offset: 0 };
            memory.reference(&backing);
            let entered = map.enter(place, size, attributes, backing, &mut *memory);
            entered.map(|range| range.start).map_err(|refused| {
                memory.release(refused.backing);
                refused.error
            })
        };
        settle();
        entered
    }
}
