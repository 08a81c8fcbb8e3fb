//! Pages of objects, each a number: what the tests of copies hold them in.
//!
//! Owns the numbers, and what moving them costs.

use std::collections::BTreeMap;

use kernel_core::arena::NoMemory;
use kernel_core::vm::object::{ObjectHandle, Pages};

#[derive(Default)]
pub(crate) struct Store {
    /// What each page holds.
    pub(crate) pages: BTreeMap<(ObjectHandle, u32), u32>,
    /// Pages that were moved, copied or freed since somebody set this to 0.
    pub(crate) touched: u32,
    /// Pages that can still be moved or copied, if that is limited.
    pub(crate) allowed: Option<u32>,
}

impl Store {
    fn allow(&mut self) -> Result<(), NoMemory> {
        match &mut self.allowed {
            None => Ok(()),
            Some(allowed) => {
                *allowed = allowed.checked_sub(1).ok_or(NoMemory)?;
                Ok(())
            }
        }
    }
}

impl Pages for Store {
    fn has(&self, object: ObjectHandle, page: u32) -> bool {
        self.pages.contains_key(&(object, page))
    }

    fn first_from(&self, object: ObjectHandle, page: u32) -> Option<u32> {
        let mut from = self.pages.range((object, page)..=(object, u32::MAX));
        from.next().map(|((_, page), _)| *page)
    }

    fn shift(
        &mut self,
        from: (ObjectHandle, u32),
        to: (ObjectHandle, u32),
    ) -> Result<(), NoMemory> {
        self.allow()?;
        self.touched += 1;
        let page = self.pages.remove(&from).expect("a page to shift");
        assert_eq!(self.pages.insert(to, page), None);
        Ok(())
    }

    fn copy(&mut self, from: (ObjectHandle, u32), to: (ObjectHandle, u32)) -> Result<(), NoMemory> {
        self.allow()?;
        self.touched += 1;
        let page = self.pages[&from];
        assert_eq!(self.pages.insert(to, page), None);
        Ok(())
    }

    fn free(&mut self, object: ObjectHandle, page: u32) {
        self.touched += 1;
        assert!(self.pages.remove(&(object, page)).is_some());
    }

    fn gone(&mut self, object: ObjectHandle) {
        assert_eq!(self.first_from(object, 0), None);
    }
}
