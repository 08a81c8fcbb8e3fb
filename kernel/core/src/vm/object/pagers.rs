//! Objects that pagers supply: copies of them, and when nobody uses them.
//!
//! Such an object is written to by all who map it, while others are to see what it
//! was: these look at a *copy*, which stands right before it and gets each page
//! before that is written to.
//!
//! **Invariants**: at most one shadow refers to a pager's object directly, the
//! newest copy. An object on the list `idle` has `is_idle`.

use super::{Behind, ObjectHandle, Objects, Pages, Source};
use crate::arena::NoMemory;

impl Objects {
    /// A reference to what a pager's object is now: to an object that shows it
    /// as long as nobody writes, and gets each page before somebody does. All
    /// shadows of the object are behind that one. Nobody may write to it.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn copy(
        &mut self,
        object: ObjectHandle,
        pages: &impl Pages,
    ) -> Result<ObjectHandle, NoMemory> {
        let (size, before) = {
            let object = self.objects.at(object).ok_or(NoMemory)?;
            (object.size_pages, object.first_shadow)
        };
        // Nothing was written since the last one.
        let is_same = |copy: &ObjectHandle| {
            let is_copy = self.objects.at(*copy).is_some_and(|copy| copy.is_copy);
            is_copy && pages.first_from(*copy, 0).is_none()
        };
        if let Some(copy) = before.filter(is_same) {
            self.reference(copy)?;
            return Ok(copy);
        }
        self.reference(object)?;
        let copy = match self.create(size, Source::Kernel) {
            Ok(copy) => copy,
            Err(error) => {
                // Others have one: it does not go.
                if let Some(object) = self.objects.at_mut(object) {
                    object.references -= 1;
                }
                return Err(error);
            }
        };
        while let Some(shadow) = self.objects.at(object).and_then(|o| o.first_shadow) {
            let Some(behind) = self.unlink(shadow) else {
                break;
            };
            let counts = [(copy, 1), (object, -1)];
            for (handle, by) in counts {
                if let Some(object) = self.objects.at_mut(handle) {
                    object.references = object.references.wrapping_add_signed(by);
                }
            }
            self.link(
                shadow,
                Behind {
                    object: copy,
                    ..behind
                },
            );
        }
        self.link(
            copy,
            Behind {
                object,
                offset_pages: 0,
            },
        );
        if let Some(copy) = self.objects.at_mut(copy) {
            copy.is_copy = true;
            copy.is_private = false;
        }
        Ok(copy)
    }

    /// What has to get a page of a pager's object before somebody writes to it,
    /// as which of its own pages.
    pub fn copy_of(&self, object: ObjectHandle, page: u32) -> Option<(ObjectHandle, u32)> {
        let pagers = self.objects.at(object)?;
        let copy = pagers
            .first_shadow
            .filter(|_| pagers.source == Source::Pager)?;
        let shadow = self.objects.at(copy)?;
        let page = page.checked_sub(shadow.behind?.offset_pages)?;
        (page < shadow.size_pages).then_some((copy, page))
    }

    /// Pages that it may have.
    pub fn size(&self, object: ObjectHandle) -> Option<u32> {
        self.objects.at(object).map(|object| object.size_pages)
    }

    /// Whether it is one that [`Objects::copy`] made.
    pub fn is_copy(&self, object: ObjectHandle) -> bool {
        self.objects.at(object).is_some_and(|object| object.is_copy)
    }

    /// A pager's object to which only its keeper refers; each is told once.
    pub fn take_idle(&mut self) -> Option<ObjectHandle> {
        while let Some(handle) = self.idle {
            let object = self.objects.at_mut(handle)?;
            self.idle = object.next_dying.take();
            object.is_idle = false;
            if object.references == 1 {
                return Some(handle);
            }
        }
        None
    }

    /// Tells of the object again, if only its keeper refers to it.
    pub fn note_idle(&mut self, handle: ObjectHandle) {
        let Some(object) = self.objects.at_mut(handle) else {
            return;
        };
        if object.source == Source::Pager && object.references == 1 && !object.is_idle {
            object.is_idle = true;
            object.next_dying = self.idle.replace(handle);
        }
    }

    /// Whether there may be one for [`Objects::take_idle`].
    pub const fn has_idle(&self) -> bool {
        self.idle.is_some()
    }
}
