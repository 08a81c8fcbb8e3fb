//! Chains of shadows: how they are linked, and kept short.
//!
//! An object that only its shadow refers to becomes one with it (collapse); a shadow
//! that has all that can be seen behind it lets go of that (bypass), if need be once
//! pages were copied up. The invariants are those of the module above.

use super::{Behind, Found, MAX_CHAIN, ObjectHandle, Objects, Pages, Progress, Source};
use crate::arena::NoMemory;

impl Objects {
    /// The only one that refers to the object, if that is a shadow.
    pub(super) fn only_shadow(&self, object: ObjectHandle) -> Option<ObjectHandle> {
        let object = self.objects.at(object)?;
        if object.references == 1 && object.source == Source::Kernel {
            object.first_shadow
        } else {
            None
        }
    }

    /// Makes the chain behind an object as short as it can be for now, by
    /// collapse and bypass, and down to [`MAX_CHAIN`] by copying. Looks at and
    /// moves `budget` pages at most.
    ///
    /// # Errors
    /// [`NoMemory`] from `pages`; what was done stays done.
    pub fn shorten(
        &mut self,
        object: ObjectHandle,
        budget: u32,
        pages: &mut impl Pages,
    ) -> Result<Progress, NoMemory> {
        let mut left = budget;
        let mut at = object;
        let mut position = 1;
        while let Some(behind) = self.behind(at) {
            if self.only_shadow(behind.object) == Some(at) {
                if self.collapse(at, behind, &mut left, pages)? == Progress::More {
                    return Ok(Progress::More);
                }
                continue;
            }
            position += 1;
            at = behind.object;
        }
        if position <= MAX_CHAIN {
            return Ok(Progress::Done);
        }
        self.copy_up(object, &mut left, pages)
    }

    /// Takes all pages that `at` sees in the object behind it, of which it is
    /// the only user, and puts what is behind that in its place.
    fn collapse(
        &mut self,
        at: ObjectHandle,
        behind: Behind,
        left: &mut u32,
        pages: &mut impl Pages,
    ) -> Result<Progress, NoMemory> {
        let size = self.objects.at(at).map_or(0, |object| object.size_pages);
        while let Some(page) = pages.first_from(behind.object, 0) {
            if *left == 0 {
                return Ok(Progress::More);
            }
            *left -= 1;
            let seen = page.checked_sub(behind.offset_pages);
            match seen.filter(|seen| *seen < size && !pages.has(at, *seen)) {
                Some(seen) => pages.shift((behind.object, page), (at, seen))?,
                None => pages.free(behind.object, page),
            }
        }
        self.unlink(at);
        let further = self.unlink(behind.object);
        self.objects.remove(behind.object);
        pages.gone(behind.object);
        // The reference of what is gone becomes that of the shadow.
        if let Some(further) = further {
            let offset_pages = further.offset_pages.saturating_add(behind.offset_pages);
            self.link(
                at,
                Behind {
                    offset_pages,
                    ..further
                },
            );
        }
        if let Some(object) = self.objects.at_mut(at) {
            object.cursor = 0;
        }
        Ok(Progress::Done)
    }

    /// Copies what an object sees behind it, page by page, until it has all
    /// and lets go of the rest; down to what stands before a pager's object.
    fn copy_up(
        &mut self,
        object: ObjectHandle,
        left: &mut u32,
        pages: &mut impl Pages,
    ) -> Result<Progress, NoMemory> {
        let Some((size, mut cursor)) = self.objects.at(object).map(|o| (o.size_pages, o.cursor))
        else {
            return Ok(Progress::Done);
        };
        while cursor < size {
            if *left == 0 {
                return Ok(Progress::More);
            }
            *left -= 1;
            if !pages.has(object, cursor) {
                if let Found::Page(from, page) = self.find(object, cursor, pages) {
                    if self.source(from) == Some(Source::Kernel) {
                        pages.copy((from, page), (object, cursor))?;
                    }
                }
            }
            cursor += 1;
            if let Some(object) = self.objects.at_mut(object) {
                object.cursor = cursor;
            }
        }
        self.let_go(object);
        Ok(Progress::Done)
    }

    /// Takes an object that has all pages of its chain off it. What stands right
    /// before a pager's object stays behind it: that gets what is written over.
    fn let_go(&mut self, object: ObjectHandle) {
        let Some(first) = self.behind(object) else {
            return;
        };
        let mut last = first;
        let mut kept = None;
        while let Some(further) = self.behind(last.object) {
            if self.source(further.object) == Some(Source::Pager) {
                kept = Some(last);
            }
            last = Behind {
                object: further.object,
                offset_pages: last.offset_pages.saturating_add(further.offset_pages),
            };
        }
        let is_pagers = self.source(first.object) == Some(Source::Pager);
        if is_pagers || kept.is_some_and(|kept| kept.object == first.object) {
            return;
        }
        if kept.is_some_and(|kept| self.reference(kept.object).is_err()) {
            return;
        }
        self.unlink(object);
        // Others refer to it as well, or it would have been collapsed.
        if let Some(first) = self.objects.at_mut(first.object) {
            first.references -= 1;
        }
        if let Some(kept) = kept {
            self.link(object, kept);
        }
    }

    /// Puts an object behind another; the reference is passed on to it.
    pub(super) fn link(&mut self, shadow: ObjectHandle, behind: Behind) {
        let Some(object) = self.objects.at_mut(behind.object) else {
            return;
        };
        object.shadows += 1;
        let next = object.first_shadow.replace(shadow);
        if let Some(next) = next.and_then(|next| self.objects.at_mut(next)) {
            next.previous = Some(shadow);
        }
        if let Some(object) = self.objects.at_mut(shadow) {
            object.behind = Some(behind);
            object.next = next;
            object.previous = None;
            object.cursor = 0;
        }
    }

    /// Takes away what is behind an object; the reference is the caller's.
    pub(super) fn unlink(&mut self, shadow: ObjectHandle) -> Option<Behind> {
        let object = self.objects.at_mut(shadow)?;
        let behind = object.behind.take()?;
        let (next, previous) = (object.next.take(), object.previous.take());
        if let Some(next) = next.and_then(|next| self.objects.at_mut(next)) {
            next.previous = previous;
        }
        match previous.and_then(|previous| self.objects.at_mut(previous)) {
            Some(previous) => previous.next = next,
            None => {
                if let Some(object) = self.objects.at_mut(behind.object) {
                    object.first_shadow = next;
                }
            }
        }
        if let Some(object) = self.objects.at_mut(behind.object) {
            object.shadows -= 1;
        }
        Some(behind)
    }
}
