//! Copy-on-write: which memory object stands behind which, and for how long.
//!
//! A graph of objects in which a copy costs one object, and pages are found by
//! walking from a *shadow* to the object it was copied from. The kernel keeps
//! the pages elsewhere, by handle and number ([`Pages`]), all under one lock,
//! and does here what Mach does: once nobody else refers to the object behind
//! a shadow, the two become one (collapse). Where many do refer to them, the
//! length of a chain is limited to [`MAX_CHAIN`]: pages are copied up, and the
//! shadow, which then has all that could be seen behind it, lets go (bypass).
//!
//! Each operation takes a bounded number of steps: what moves pages has a
//! budget and is called again until it says [`Progress::Done`]. Between the
//! calls everything can be used.
//!
//! **Invariants**
//! - `references` counts map entries and other holders, and the shadows of the
//!   object as well; `shadows` counts the latter alone. An object without
//!   references does not exist. `reference`, `shadow`, `release` and `unlink`
//!   keep it.
//! - `first_shadow`, `next` and `previous` link all shadows of one object; `link`
//!   and `unlink` do.
//! - An object with a shadow never changes what its pages hold: only those
//!   that see it last, through a copy of their own, write. The caller writes
//!   to an object only where [`Objects::is_writable`] says so.

use crate::arena::{Arena, Handle, NoMemory};

mod chain;
mod pagers;

/// Objects on the way from a shadow to the last one behind it, itself counted.
pub const MAX_CHAIN: u32 = 8;

/// Names an object.
pub type ObjectHandle = Handle<Object>;

/// Who supplies the pages that an object does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nobody: they are what is behind, at last zero.
    Kernel,
    /// A pager. The object is never collapsed, and is always last; whoever keeps
    /// it has a reference of its own, and learns when that is the only one
    /// ([`Objects::take_idle`]).
    Pager,
}

/// One memory object.
#[derive(Debug)]
pub struct Object {
    references: u32,
    shadows: u32,
    size_pages: u32,
    source: Source,
    behind: Option<Behind>,
    first_shadow: Option<ObjectHandle>,
    next: Option<ObjectHandle>,
    previous: Option<ObjectHandle>,
    /// How far a collapse or a copy of the pages behind has come.
    cursor: u32,
    /// Only regions of one map have ever referred to it: what leaves that map is
    /// seen by nobody.
    is_private: bool,
    /// The next of those whose last reference is given up, or of those that only
    /// their keepers refer to; never both.
    next_dying: Option<ObjectHandle>,
    is_idle: bool,
    /// Shows what a pager's object was when it was copied ([`Objects::copy`]).
    is_copy: bool,
}

/// What a shadow shows where it has no page of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behind {
    /// The object it was copied from.
    pub object: ObjectHandle,
    /// The page there that the shadow's page 0 shows.
    pub offset_pages: u32,
}

/// Where the kernel keeps the pages of objects, resident or paged out.
pub trait Pages {
    /// Whether the object has the page itself.
    fn has(&self, object: ObjectHandle, page: u32) -> bool;

    /// The first page from `page` on that the object has itself.
    fn first_from(&self, object: ObjectHandle, page: u32) -> Option<u32>;

    /// Moves a page; the other object has none there.
    ///
    /// # Errors
    /// [`NoMemory`]; the page stays where it is.
    fn shift(&mut self, from: (ObjectHandle, u32), to: (ObjectHandle, u32))
    -> Result<(), NoMemory>;

    /// Copies a page; the other object has none there.
    ///
    /// # Errors
    /// [`NoMemory`].
    fn copy(&mut self, from: (ObjectHandle, u32), to: (ObjectHandle, u32)) -> Result<(), NoMemory>;

    /// Frees a page.
    fn free(&mut self, object: ObjectHandle, page: u32);

    /// The object, which has no pages, is no more.
    fn gone(&mut self, object: ObjectHandle);
}

/// Whether work is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// None.
    Done,
    /// The budget is used up: call again.
    More,
}

/// What a page is to be read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// This object's page.
    Page(ObjectHandle, u32),
    /// The pager of this object has to be asked for its page.
    Ask(ObjectHandle, u32),
    /// Nobody has it: zeroes.
    Zero,
}

/// All objects.
#[derive(Default)]
pub struct Objects {
    objects: Arena<Object>,
    /// Objects whose last reference nobody has any more, and whose pages are
    /// still to be freed.
    dying: Option<ObjectHandle>,
    /// Objects of pagers that may have no reference but their keeper's.
    idle: Option<ObjectHandle>,
}

impl Objects {
    /// None.
    pub const fn new() -> Self {
        Self {
            objects: Arena::new(),
            dying: None,
            idle: None,
        }
    }

    /// How many there are.
    pub const fn len(&self) -> u32 {
        self.objects.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// An object with one reference, the caller's.
    ///
    /// # Errors
    /// [`NoMemory`].
    pub fn create(&mut self, size_pages: u32, source: Source) -> Result<ObjectHandle, NoMemory> {
        self.objects.insert(Object {
            references: 1,
            shadows: 0,
            size_pages,
            source,
            behind: None,
            first_shadow: None,
            next: None,
            previous: None,
            cursor: 0,
            is_private: true,
            next_dying: None,
            is_idle: false,
            is_copy: false,
        })
    }

    /// Whether only regions of one map have ever referred to the object.
    pub fn is_private(&self, object: ObjectHandle) -> bool {
        self.objects
            .at(object)
            .is_some_and(|object| object.is_private)
    }

    /// Others refer to the object from now on.
    pub fn publish(&mut self, object: ObjectHandle) {
        if let Some(object) = self.objects.at_mut(object) {
            object.is_private = false;
        }
    }

    /// Gives up a reference; what there is to free of the object is left for
    /// [`Objects::bury`].
    pub fn abandon(&mut self, object: ObjectHandle, pages: &mut impl Pages) {
        if let Released::More(rest) = self.release(object, 0, pages) {
            let next = self.dying.replace(rest);
            if let Some(rest) = self.objects.at_mut(rest) {
                rest.next_dying = next;
            }
        }
    }

    /// Frees `budget` pages, or objects, of what was abandoned.
    pub fn bury(&mut self, budget: u32, pages: &mut impl Pages) -> Progress {
        let Some(object) = self.dying else {
            return Progress::Done;
        };
        let next = self.objects.at_mut(object);
        self.dying = next.and_then(|object| object.next_dying.take());
        match self.release(object, budget, pages) {
            Released::More(rest) => {
                let next = self.dying.replace(rest);
                if let Some(rest) = self.objects.at_mut(rest) {
                    rest.next_dying = next;
                }
                Progress::More
            }
            // What it had been copied from may have one user left.
            Released::Done(Some(shadow)) => {
                let _ = self.shorten(shadow, budget, pages);
                Progress::More
            }
            Released::Done(None) => Progress::More,
        }
    }

    /// One more reference, as for each copy that shares the object until one
    /// side writes.
    ///
    /// # Errors
    /// [`NoMemory`], if the object is gone or has 2³² - 1 references.
    pub fn reference(&mut self, object: ObjectHandle) -> Result<(), NoMemory> {
        let object = self.objects.at_mut(object).ok_or(NoMemory)?;
        object.references = object.references.checked_add(1).ok_or(NoMemory)?;
        Ok(())
    }

    /// Turns the caller's reference to an object into one to a new shadow of
    /// it: what a write to memory that needs a copy begins with. The pages it
    /// shows must lie within the object's size.
    ///
    /// # Errors
    /// [`NoMemory`]; the reference stays what it was.
    pub fn shadow(
        &mut self,
        object: ObjectHandle,
        offset_pages: u32,
        size_pages: u32,
    ) -> Result<ObjectHandle, NoMemory> {
        if self.objects.at(object).is_none() {
            return Err(NoMemory);
        }
        let shadow = self.create(size_pages, Source::Kernel)?;
        self.link(
            shadow,
            Behind {
                object,
                offset_pages,
            },
        );
        Ok(shadow)
    }

    /// Whether a holder may write to its pages: nobody sees them through it.
    pub fn is_writable(&self, object: ObjectHandle) -> bool {
        self.objects
            .at(object)
            .is_some_and(|object| object.shadows == 0)
    }

    /// Whether one holder alone refers to it, so that a copy that is due can
    /// be left out.
    pub fn is_sole(&self, object: ObjectHandle) -> bool {
        self.objects
            .at(object)
            .is_some_and(|object| object.references == 1)
    }

    /// An object's size in pages, and how many refer to it.
    pub fn counts(&self, object: ObjectHandle) -> Option<(u32, u32)> {
        let object = self.objects.at(object)?;
        Some((object.size_pages, object.references))
    }

    /// What stands behind an object.
    pub fn behind(&self, object: ObjectHandle) -> Option<Behind> {
        self.objects.at(object)?.behind
    }

    /// The number of objects from this one to the last behind it.
    pub fn chain(&self, object: ObjectHandle) -> u32 {
        let mut length = 1;
        let mut at = object;
        while let Some(behind) = self.behind(at) {
            length += 1;
            at = behind.object;
        }
        length
    }

    /// Where a page of an object is to be read.
    pub fn find(&self, object: ObjectHandle, page: u32, pages: &impl Pages) -> Found {
        let (mut at, mut page) = (object, page);
        loop {
            if pages.has(at, page) {
                return Found::Page(at, page);
            }
            let Some(object) = self.objects.at(at) else {
                return Found::Zero;
            };
            if page >= object.size_pages {
                return Found::Zero;
            }
            if object.source == Source::Pager {
                return Found::Ask(at, page);
            }
            let next = object.behind.and_then(|behind| {
                let page = page.checked_add(behind.offset_pages)?;
                Some((behind.object, page))
            });
            match next {
                Some(next) => (at, page) = next,
                None => return Found::Zero,
            }
        }
    }

    /// Gives up a reference. Where that was the last one, the object's pages
    /// are freed, at most `budget` of them at a time, and then it goes, and so
    /// on behind it. The object to call [`Objects::shorten`] for, which has
    /// become the only one to see what is behind it.
    ///
    /// `More` names what to call `release` for again: the reference is still
    /// there, and nobody else's.
    pub fn release(
        &mut self,
        object: ObjectHandle,
        budget: u32,
        pages: &mut impl Pages,
    ) -> Released {
        let mut at = object;
        let mut left = budget;
        loop {
            let Some(object) = self.objects.at_mut(at) else {
                return Released::Done(None);
            };
            if object.references > 1 {
                object.references -= 1;
                self.note_idle(at);
                return Released::Done(self.only_shadow(at));
            }
            while let Some(page) = pages.first_from(at, 0) {
                if left == 0 {
                    return Released::More(at);
                }
                left -= 1;
                pages.free(at, page);
            }
            let behind = self.unlink(at);
            self.objects.remove(at);
            pages.gone(at);
            match behind {
                Some(behind) if left > 0 => {
                    left -= 1;
                    at = behind.object;
                }
                Some(behind) => return Released::More(behind.object),
                None => return Released::Done(None),
            }
        }
    }

    fn source(&self, object: ObjectHandle) -> Option<Source> {
        self.objects.at(object).map(|object| object.source)
    }
}

/// What giving up a reference led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Released {
    /// It is gone, and this object can now be shortened.
    Done(Option<ObjectHandle>),
    /// The budget is used up: release this object next.
    More(ObjectHandle),
}
