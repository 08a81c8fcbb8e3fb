//! What a region of a map stands for.
//!
//! Owns the references that regions have to objects and cells: this is where
//! they are counted when regions are cut, merged and removed.
//!
//! **Invariants**: a region that names an object, or a cell, has one reference
//! to it. `references` of a cell counts those; a cell without is not there.

use kernel_core::addr::PAGE_SIZE;
use kernel_core::arena::{Handle, NoMemory};
use kernel_core::vm::map::{Entry, Keeper};
use kernel_core::vm::object::{ObjectHandle, Pages as _};

use super::Memory;

/// What the first page of a region stands for, and by counting on all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    /// Memory that nobody has touched.
    Nothing,
    /// Pages of an object, from `offset` on.
    Object { object: ObjectHandle, offset: u32 },
    /// Pages of what several maps share, from `offset` on.
    Shared { cell: Handle<Cell>, offset: u32 },
}

/// What several maps share: they see each other's writes, whichever object these
/// go to.
#[derive(Debug)]
pub(super) struct Cell {
    /// The object, if anybody has touched it; one reference is the cell's.
    pub(super) object: Option<ObjectHandle>,
    /// The object's page that is the first of the cell.
    pub(super) offset: u32,
    /// Its pages.
    pub(super) pages: u32,
    /// A write must first put a copy in the place of the object.
    pub(super) needs_copy: bool,
    /// No other cell has had it.
    pub(super) serial: u64,
    pub(super) references: u32,
}

impl Memory {
    /// What two regions share from now on: pages of an object, if anybody has
    /// touched them. Takes the object's reference over.
    pub(super) fn new_cell(
        &mut self,
        object: Option<(ObjectHandle, u32)>,
        pages: u32,
        needs_copy: bool,
    ) -> Result<Handle<Cell>, NoMemory> {
        let cell = self.cells.insert(Cell {
            object: object.map(|(object, _)| object),
            offset: object.map_or(0, |(_, offset)| offset),
            pages,
            needs_copy,
            serial: self.serial,
            references: 2,
        })?;
        self.serial += 1;
        Ok(cell)
    }

    /// One more reference to whatever `backing` names.
    pub(super) fn reference(&mut self, backing: &Backing) {
        match *backing {
            Backing::Nothing => {}
            Backing::Object { object, .. } => {
                let counted = self.objects.reference(object);
                debug_assert!(counted.is_ok(), "more references than memory could hold");
            }
            Backing::Shared { cell, .. } => {
                if let Some(cell) = self.cells.at_mut(cell) {
                    cell.references += 1;
                }
            }
        }
    }

    /// Gives up a reference.
    pub(super) fn release(&mut self, backing: Backing) {
        match backing {
            Backing::Nothing => {}
            Backing::Object { object, .. } => self.abandon(object),
            Backing::Shared { cell: handle, .. } => {
                let Some(cell) = self.cells.at_mut(handle) else {
                    return;
                };
                cell.references -= 1;
                if cell.references == 0 {
                    let object = self.cells.remove(handle).and_then(|cell| cell.object);
                    if let Some(object) = object {
                        self.abandon(object);
                    }
                }
            }
        }
    }
}

impl Keeper<Backing> for Memory {
    fn split(&mut self, backing: &Backing, at: u32) -> Backing {
        self.reference(backing);
        let pages = at / PAGE_SIZE;
        match *backing {
            Backing::Nothing => Backing::Nothing,
            Backing::Object { object, offset } => Backing::Object {
                object,
                offset: offset + pages,
            },
            Backing::Shared { cell, offset } => Backing::Shared {
                cell,
                offset: offset + pages,
            },
        }
    }

    fn continues(&self, first: &Backing, size: u32, next: &Backing) -> bool {
        let pages = size / PAGE_SIZE;
        match (*first, *next) {
            (Backing::Nothing, Backing::Nothing) => true,
            (
                Backing::Object { object, offset },
                Backing::Object {
                    object: other,
                    offset: next,
                },
            ) => object == other && offset + pages == next,
            (
                Backing::Shared { cell, offset },
                Backing::Shared {
                    cell: other,
                    offset: next,
                },
            ) => cell == other && offset + pages == next,
            _ => false,
        }
    }

    fn merge(&mut self, _: &mut Backing, next: Backing) {
        self.release(next);
    }

    fn removed(&mut self, entry: Entry<Backing>) {
        if let Backing::Object { object, offset } = entry.backing {
            // Others of the same map may keep the object; nobody sees these.
            if self.objects.is_private(object) {
                let end = offset + entry.range.size() / PAGE_SIZE;
                let mut at = offset;
                while let Some(page) = self.pages.first_from(object, at).filter(|page| *page < end)
                {
                    self.pages.free(object, page);
                    at = page + 1;
                }
            }
        }
        self.release(entry.backing);
    }
}
