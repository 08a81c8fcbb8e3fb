//! Memory as others are to see it: inherited, shared, or as it is now.
//!
//! Owns what `task_create` makes of each region, and the copy-on-write that
//! messages begin with as well.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::arena::NoMemory;
use kernel_core::vm::ledger::Strategy;
use kernel_core::vm::map::{
    Attributes, CopyFlags, Inheritance, Map, MapError, Place, Protection, Range,
};
use kernel_core::vm::object::ObjectHandle;

use super::backing::Backing;
use super::fault::Who;
use super::space::{BOUNDS, Space};
use super::{MEMORY, Memory, settle, shortage};

impl Space {
    /// Memory for a child task, as each region is to be inherited
    /// (`task_create`). Both see what they share; what is copied is copied when
    /// one of them writes.
    pub(crate) fn fork(&self) -> Result<Space, MapError> {
        let mut child = Map::new(BOUNDS);
        let forked = self.fork_regions(&mut child);
        // As much as it has is given up with it.
        let child = Space::with(child).map_err(shortage)?;
        settle();
        forked.map(|()| child)
    }

    fn fork_regions(&self, child: &mut Map<Backing>) -> Result<(), MapError> {
        let mut from = 0;
        loop {
            let mut map = self.map.lock();
            let mut guard = MEMORY.lock();
            let memory = &mut *guard;
            let Some(entry) = map.region(from) else {
                return Ok(());
            };
            let range = entry.range;
            let attributes = Attributes {
                wired: Protection::NONE,
                holds: 0,
                ..entry.attributes
            };
            let backing = entry.backing;
            let is_wired = entry.attributes.is_wired();
            if attributes.inheritance == Inheritance::Copy
                && memory.is_copied_at_once(&backing, is_wired)
            {
                drop(guard);
                drop(map);
                self.fork_at_once(child, range, attributes)?;
                from = range.end;
                continue;
            }
            let copy = match attributes.inheritance {
                Inheritance::None => None,
                Inheritance::Share => Some(self.share(&mut map, memory, range)?),
                Inheritance::Copy => Some(self.see(&mut map, memory, range, backing)?),
            };
            if let Some((backing, flags)) = copy {
                let attributes = Attributes {
                    needs_copy: flags == CopyFlags::NeedsCopy,
                    is_shared: flags == CopyFlags::Shared,
                    ..attributes
                };
                let place = Place::At(range.start);
                let entered = child.enter(place, range.size(), attributes, backing, memory);
                if let Err(refused) = entered {
                    memory.release(refused.backing);
                    return Err(refused.error);
                }
            }
            from = range.end;
        }
    }

    /// A region that is to be copied at once.
    fn fork_at_once(
        &self,
        child: &mut Map<Backing>,
        range: Range,
        attributes: Attributes,
    ) -> Result<(), MapError> {
        let copy = match self.capture_for(range.start, range.size(), Who::Kernel) {
            Ok(copy) => copy,
            // It has gone meanwhile.
            Err(MapError::InvalidAddress) => return Ok(()),
            Err(error) => return Err(error),
        };
        copy.enter_at(child, &mut MEMORY.lock(), range, attributes)
    }

    /// Makes a region one that other maps share; another reference to what it
    /// stands for then.
    pub(super) fn share(
        &self,
        map: &mut Map<Backing>,
        memory: &mut Memory,
        range: Range,
    ) -> Result<(Backing, CopyFlags), MapError> {
        let entry = map.lookup(range.start).ok_or(MapError::InvalidAddress)?;
        let needs_copy = entry.attributes.needs_copy;
        let object = match entry.backing {
            Backing::Shared { .. } => {
                memory.reference(&entry.backing);
                return Ok((entry.backing, CopyFlags::Shared));
            }
            Backing::Nothing => None,
            // Who maps a pager's object sees what others write.
            Backing::Object { object, .. } if memory.strategy(object).is_some() => {
                memory.reference(&entry.backing);
                return Ok((entry.backing, CopyFlags::Own));
            }
            Backing::Object { object, offset } => Some((object, offset)),
        };
        let pages = range.size() / PAGE_SIZE;
        let cell = memory.new_cell(object, pages, needs_copy);
        let cell = cell.map_err(|NoMemory| MapError::ResourceShortage)?;
        if let Some((object, _)) = object {
            memory.objects.publish(object);
        }
        let backing = Backing::Shared { cell, offset: 0 };
        // The region's reference to the object is the cell's from now on.
        map.swap_backing(range.start, &mut backing.clone(), CopyFlags::Shared)?;
        Ok((backing, CopyFlags::Shared))
    }

    /// What a region, or whole pages of it, show now, with a reference; a write
    /// to either side is one to a copy from now on.
    pub(super) fn see(
        &self,
        map: &mut Map<Backing>,
        memory: &mut Memory,
        range: Range,
        backing: Backing,
    ) -> Result<(Backing, CopyFlags), MapError> {
        let pages = range.size() / PAGE_SIZE;
        match backing {
            Backing::Nothing => Ok((Backing::Nothing, CopyFlags::Own)),
            Backing::Object { object, offset } if memory.strategy(object).is_some() => {
                let copy = memory.copy_managed(object, offset, pages)?;
                Ok((copy, CopyFlags::NeedsCopy))
            }
            Backing::Object { object, .. } => {
                memory.reference(&backing);
                memory.objects.publish(object);
                map.swap_backing(range.start, &mut backing.clone(), CopyFlags::NeedsCopy)
                    .inspect_err(|_| memory.release(backing))?;
                self.pmap.restrict(VirtAddr::new(range.start), pages);
                Ok((backing, CopyFlags::NeedsCopy))
            }
            Backing::Shared { cell, offset } => {
                let cell = memory.cells.at_mut(cell).ok_or(MapError::InvalidAddress)?;
                let Some(object) = cell.object else {
                    return Ok((Backing::Nothing, CopyFlags::Own));
                };
                let offset = cell.offset + offset;
                cell.needs_copy = true;
                let seen = Backing::Object { object, offset };
                memory.reference(&seen);
                memory.restrict(object, offset, pages);
                Ok((seen, CopyFlags::NeedsCopy))
            }
        }
    }
}

impl Memory {
    /// Whether what a region shows cannot be copied by whoever writes to it later:
    /// its pager wants none of that, or it is wired, and no write to it is to need
    /// memory.
    pub(super) fn is_copied_at_once(&self, backing: &Backing, is_wired: bool) -> bool {
        match *backing {
            Backing::Nothing => false,
            Backing::Object { object, .. } => {
                let strategy = self.strategy(object);
                is_wired || matches!(strategy, Some(Strategy::None | Strategy::Call))
            }
            Backing::Shared { .. } => is_wired,
        }
    }

    /// What pages of a pager's object are now, with a reference.
    pub(super) fn copy_managed(
        &mut self,
        object: ObjectHandle,
        offset: u32,
        pages: u32,
    ) -> Result<Backing, MapError> {
        let copy = self.objects.copy(object, &self.pages);
        let copy = copy.map_err(|NoMemory| MapError::ResourceShortage)?;
        // Who writes has to say so first.
        self.restrict(object, offset, pages);
        Ok(Backing::Object {
            object: copy,
            offset,
        })
    }

    /// Makes an object's own pages read-only wherever they are mapped.
    fn restrict(&mut self, object: ObjectHandle, first: u32, pages: u32) {
        use kernel_core::vm::object::Pages as _;
        let end = first.saturating_add(pages);
        let mut at = first;
        while let Some(page) = self.pages.first_from(object, at).filter(|page| *page < end) {
            if let Some(frame) = self.pages.frame(object, page) {
                self.pages.reverse.restrict_all(frame);
            }
            at = page + 1;
        }
    }
}
