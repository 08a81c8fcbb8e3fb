//! What a pager was asked for, and what it said of each page of its object.
//!
//! Pure: the kernel keeps a [`Ledger`] for each object that a pager supplies, the
//! frames elsewhere, and tells the one what becomes of the other. A ledger says
//! whether a page may be used, or what is to be asked of the pager first; never
//! twice for the same. Whatever walks over many pages has a budget.
//!
//! **Invariants**
//! - A page is `resident` exactly while the object has a frame for it.
//! - `waiting` counts the threads that [`Ledger::want`] made wait and that did
//!   not [`Ledger::leave`] yet; an error stays until the last of them has seen it.
//! - A page of which there is nothing to know is not in `pages`: what a pager
//!   says of pages that nobody asked for takes no memory.

use super::map::Protection;
use crate::arena::NoMemory;
use crate::radix::Radix;

mod terms;

pub use terms::{Ask, Due, Left, Return, Strategy, Supplied, Want};

/// What is known of one page.
#[derive(Clone, Copy, Debug)]
struct Page {
    resident: bool,
    /// Written to since the pager had it last.
    dirty: bool,
    /// The pager wants it back, written to or not.
    precious: bool,
    /// The pager has none: it is zeroes, when somebody touches it.
    zero: bool,
    /// The pager could not supply it to those who wait.
    failed: bool,
    /// The kernel gave it to the pager, and nobody else has it but a frame.
    given: bool,
    /// What must not be done with it.
    locked: Protection,
    /// What the pager was asked for and did not answer.
    asked: Protection,
    waiting: u32,
}

impl Page {
    const NEW: Self = Self {
        resident: false,
        dirty: false,
        precious: false,
        zero: false,
        failed: false,
        given: false,
        locked: Protection::NONE,
        asked: Protection::NONE,
        waiting: 0,
    };

    const fn is_nothing(&self) -> bool {
        !self.resident && !self.zero && !self.given && self.waiting == 0 && self.asked.bits() == 0
    }

    const fn permits(&self, access: Protection) -> bool {
        self.locked.bits() & access.bits() == 0
    }
}

/// All that is known of an object's pages.
#[derive(Default)]
pub struct Ledger {
    pages: Radix<Page>,
    attributes: Option<(bool, Strategy)>,
    is_over: bool,
}

impl Ledger {
    /// Of an object whose pager is not ready.
    pub const fn new() -> Self {
        Self {
            pages: Radix::new(),
            attributes: None,
            is_over: false,
        }
    }

    /// Whether it may be kept when nobody maps it, and how it is copied; nothing
    /// before the pager is ready.
    pub const fn attributes(&self) -> Option<(bool, Strategy)> {
        self.attributes
    }

    /// The pager is ready, and wants it so.
    pub fn set_attributes(&mut self, may_cache: bool, strategy: Strategy) {
        self.attributes = Some((may_cache, strategy));
    }

    /// The pager is no more, or wants no more of it: what is resident stays, and
    /// can be used in every way.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether it was ended.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// A thread wants a page so. One that is to wait is counted until
    /// [`Ledger::leave`].
    ///
    /// # Errors
    /// [`NoMemory`]; nobody waits then.
    pub fn want(&mut self, number: u32, access: Protection) -> Result<Want, NoMemory> {
        if self.pages.at(number).is_none() {
            if self.is_over {
                return Ok(Want::Over);
            }
            self.pages.insert(number, Page::NEW)?;
        }
        let page = self.pages.at_mut(number).ok_or(NoMemory)?;
        if page.resident && (self.is_over || page.permits(access)) {
            return Ok(Want::Use);
        }
        if page.zero {
            return Ok(Want::Zero);
        }
        if self.is_over {
            return Ok(Want::Over);
        }
        page.waiting += 1;
        if self.attributes.is_none() || page.failed || page.asked.contains(access) {
            return Ok(Want::Wait(None));
        }
        page.asked = page.asked | access;
        Ok(Want::Wait(Some(match page.resident {
            true => Ask::Unlock(access),
            false => Ask::Data(access),
        })))
    }

    /// Whether a thread that waits has to go on waiting for it.
    pub fn must_wait(&self, number: u32, access: Protection) -> bool {
        self.pages.at(number).is_some_and(|page| {
            let is_asked = page.asked.contains(access) || self.attributes.is_none();
            let is_there = page.zero || page.resident && page.permits(access);
            is_asked && !is_there && !page.failed && !self.is_over
        })
    }

    /// A thread does not wait for the page any more.
    pub fn leave(&mut self, number: u32) -> Left {
        let Some(page) = self.pages.at_mut(number) else {
            return Left::LookAgain;
        };
        let failed = page.failed;
        page.waiting = page.waiting.saturating_sub(1);
        if page.waiting == 0 {
            page.failed = false;
            self.forget_nothing(number);
        }
        match failed {
            true => Left::Failed,
            false => Left::LookAgain,
        }
    }

    /// A page comes, with what must not be done with it.
    ///
    /// # Errors
    /// [`NoMemory`]; it is not taken.
    pub fn supply(
        &mut self,
        number: u32,
        locked: Protection,
        precious: bool,
    ) -> Result<Supplied, NoMemory> {
        let before = self.pages.at(number);
        if before.is_some_and(|page| page.resident) {
            return Ok(Supplied::Present);
        }
        let waiting = before.map_or(0, |page| page.waiting);
        let page = Page {
            resident: true,
            locked,
            precious,
            waiting,
            ..Page::NEW
        };
        self.pages.insert(number, page)?;
        Ok(Supplied::Taken)
    }

    /// A page that was taken cannot be kept: those who wait for it learn of it.
    pub fn refuse(&mut self, number: u32) {
        if let Some(page) = self.pages.at_mut(number) {
            *page = Page {
                waiting: page.waiting,
                failed: page.waiting > 0,
                given: page.given,
                ..Page::NEW
            };
        }
        self.forget_nothing(number);
    }

    /// A page of zeroes was made.
    ///
    /// # Errors
    /// As [`Ledger::supply`].
    pub fn made_zero(&mut self, number: u32) -> Result<Supplied, NoMemory> {
        self.supply(number, Protection::NONE, false)
    }

    /// The pager has nothing for the pages from `next` to `end` that it was asked
    /// for; where to go on, if there are more than `budget`.
    pub fn unavailable(&mut self, next: u32, end: u32, budget: u32) -> Option<u32> {
        self.answer(next, end, budget, |page| page.zero = true)
    }

    /// The pager cannot supply the pages from `next` to `end`: those who wait for
    /// them learn of it. As [`Ledger::unavailable`].
    pub fn fail(&mut self, next: u32, end: u32, budget: u32) -> Option<u32> {
        self.answer(next, end, budget, |page| page.failed = page.waiting > 0)
    }

    fn answer(
        &mut self,
        next: u32,
        end: u32,
        budget: u32,
        answer: impl Fn(&mut Page),
    ) -> Option<u32> {
        let mut at = next;
        for _ in 0..budget {
            let found = self.pages.first_from(at).map(|(number, _)| number);
            let number = found.filter(|number| *number < end)?;
            if let Some(page) = self.pages.at_mut(number) {
                if !page.resident && page.asked != Protection::NONE {
                    page.asked = Protection::NONE;
                    answer(page);
                }
            }
            self.forget_nothing(number);
            at = number.checked_add(1)?;
        }
        Some(at)
    }

    /// The next resident page from `next` to before `end`, with what is due to it
    /// if the pager asks for that; it is locked so from now on, unless that is
    /// nothing.
    pub fn lock(
        &mut self,
        next: u32,
        end: u32,
        locked: Option<Protection>,
        asks: Return,
    ) -> Option<Due> {
        let mut at = next;
        loop {
            let (number, page) = self.pages.first_from(at)?;
            if number >= end {
                return None;
            }
            if !page.resident {
                at = number.checked_add(1)?;
                continue;
            }
            let page = self.pages.at_mut(number)?;
            if let Some(locked) = locked {
                page.locked = locked;
                // What it still does not permit is asked for again.
                page.asked = Protection::NONE;
            }
            return Some(Due {
                page: number,
                returned: match asks {
                    Return::None => false,
                    Return::Dirty => page.dirty,
                    Return::All => page.dirty || page.precious,
                },
                dirty: page.dirty,
            });
        }
    }

    /// Whether a resident page may be written to without asking, and was already.
    pub fn is_dirty(&self, number: u32) -> bool {
        self.pages.at(number).is_some_and(|page| page.dirty)
    }

    /// What must not be done with a page.
    pub fn locked(&self, number: u32) -> Protection {
        let page = self.pages.at(number);
        page.map_or(Protection::NONE, |page| page.locked)
    }

    /// A resident page is written to.
    pub fn write(&mut self, number: u32) {
        if let Some(page) = self.pages.at_mut(number) {
            page.dirty = true;
        }
    }

    /// The pager has what is in the page now.
    pub fn clean(&mut self, number: u32) {
        if let Some(page) = self.pages.at_mut(number) {
            page.dirty = false;
        }
    }

    /// The page is resident no more.
    pub fn flush(&mut self, number: u32) {
        if let Some(page) = self.pages.at_mut(number) {
            *page = Page {
                waiting: page.waiting,
                ..Page::NEW
            };
        }
        self.forget_nothing(number);
    }

    fn forget_nothing(&mut self, number: u32) {
        if self.pages.at(number).is_some_and(Page::is_nothing) {
            self.pages.remove(number);
        }
    }

    /// The default pager gets a page of the kernel's own, which has no frame then.
    /// Nothing else of such pages is known here: they are the kernel's.
    ///
    /// # Errors
    /// [`NoMemory`]; it must not go.
    pub fn give(&mut self, number: u32) -> Result<(), NoMemory> {
        if self.pages.at(number).is_none() {
            self.pages.insert(number, Page::NEW)?;
        }
        if let Some(page) = self.pages.at_mut(number) {
            page.given = true;
        }
        Ok(())
    }

    /// Whether the default pager was given the page.
    pub fn was_given(&self, number: u32) -> bool {
        self.pages.at(number).is_some_and(|page| page.given)
    }

    /// The first page from `next` on that it was given.
    pub fn first_given(&self, next: u32) -> Option<u32> {
        let mut at = next;
        loop {
            let (number, page) = self.pages.first_from(at)?;
            if page.given {
                return Some(number);
            }
            at = number.checked_add(1)?;
        }
    }

    /// A page that was given has a frame again.
    pub fn came_back(&mut self, number: u32) {
        if let Some(page) = self.pages.at_mut(number) {
            *page = Page {
                waiting: page.waiting,
                given: page.given,
                ..Page::NEW
            };
        }
        self.forget_nothing(number);
    }

    /// How many pages something is known of.
    pub const fn len(&self) -> u32 {
        self.pages.len()
    }

    /// Whether nothing is known of any.
    pub const fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }
}
