//! Which objects are managed, and those that are no more.
//!
//! **Invariants**: `of` leads from an object's index to what is known of it,
//! exactly while it is managed; what ended is on the list `ended`, so that an
//! object can end where nothing may be dropped.

use kernel_core::arena::{Arena, Handle, NoMemory};
use kernel_core::radix::Radix;

use super::Managed;

/// By object.
pub(in crate::vm) struct Table {
    of: Radix<Handle<Managed>>,
    all: Arena<Managed>,
    ended: Option<Handle<Managed>>,
}

impl Table {
    pub(in crate::vm) const fn new() -> Table {
        Table {
            of: Radix::new(),
            all: Arena::new(),
            ended: None,
        }
    }

    pub(in crate::vm) fn at(&self, object: u32) -> Option<&Managed> {
        self.all.at(*self.of.at(object)?)
    }

    pub(in crate::vm) fn at_mut(&mut self, object: u32) -> Option<&mut Managed> {
        self.all.at_mut(*self.of.at(object)?)
    }

    /// What does not fit is dropped: its caller has its manager as well.
    pub(super) fn insert(&mut self, object: u32, managed: Managed) -> Result<(), NoMemory> {
        let handle = self.all.insert(managed)?;
        let inserted = self.of.insert(object, handle);
        if inserted.is_err() {
            self.all.remove(handle);
        }
        inserted
    }

    /// What is known of an object that is managed no more.
    pub(super) fn remove(&mut self, object: u32) -> Option<Managed> {
        self.all.remove(self.of.remove(object)?)
    }

    /// The object is no more; [`Table::take_ended`] gives what was known of it.
    pub(in crate::vm) fn end(&mut self, object: u32) {
        if let Some(handle) = self.of.remove(object) {
            let next = self.ended.replace(handle);
            if let Some(managed) = self.all.at_mut(handle) {
                managed.next_ended = next;
            }
        }
    }

    /// Whether something ended.
    pub(in crate::vm) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// One that ended.
    pub(super) fn take_ended(&mut self) -> Option<Managed> {
        let managed = self.all.remove(self.ended?)?;
        self.ended = managed.next_ended;
        Some(managed)
    }
}
