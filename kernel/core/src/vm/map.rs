//! The address map of a task: which regions it has, and what backs each.
//!
//! Pure: the kernel keeps a [`Map`] under its task's lock, and page tables
//! and objects elsewhere. What backs a region is the caller's; the map asks a
//! [`Keeper`] to split and merge backings and hands it all that leave.
//!
//! Finding a region and finding a hole take logarithmic time, except that a
//! mask beyond the page size may have to try several holes. An operation on a
//! range takes that for each region in it. Whatever allocates does so before
//! it changes anything.
//!
//! **Invariants**
//! - The regions in `tree` are page-aligned, not empty, disjoint and within
//!   `bounds`: `enter`, `clip` and `coalesce` are the only ones to form them.
//! - `size` is the sum of their sizes; `enter` and `remove` keep it.

use core::{iter, mem};

mod attributes;
mod entry;
mod tree;

pub use attributes::Limit;
pub use entry::{Attributes, Entry, Inheritance, Keeper, MapError, PAGE, Protection, Range};

use tree::{Tree, Want};

/// Where a region is to lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// At this address, rounded down to a page.
    At(u32),
    /// In the first hole from an address on.
    Anywhere {
        /// Where the search begins.
        from: u32,
        /// Bits that the address must not have (`mask` of `vm_map`).
        mask: u32,
    },
}

/// A region could not be entered; its backing comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused<B> {
    /// Why.
    pub error: MapError,
    /// What was to back it.
    pub backing: B,
}

/// A task's address space.
pub struct Map<B> {
    bounds: Range,
    tree: Tree<B>,
    size: u32,
}

impl<B> Map<B> {
    /// A map without regions of the addresses in `bounds`, which are rounded
    /// inwards to pages.
    pub fn new(bounds: Range) -> Self {
        let start = bounds.start.checked_next_multiple_of(PAGE);
        let end = bounds.end & !(PAGE - 1);
        let start = start.map_or(end, |start| start.min(end));
        Self {
            bounds: Range { start, end },
            tree: Tree::new(),
            size: 0,
        }
    }

    /// The addresses that regions may have.
    pub const fn bounds(&self) -> Range {
        self.bounds
    }

    /// Bytes in all regions (`virtual_size` of `task_basic_info`).
    pub const fn size(&self) -> u32 {
        self.size
    }

    /// How many regions there are.
    pub const fn len(&self) -> u32 {
        self.tree.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Steps from the root of the tree to its farthest region.
    pub fn height(&self) -> u8 {
        self.tree.height()
    }

    /// Where `size` bytes, rounded up to pages, would go; and how many steps
    /// the search took.
    ///
    /// # Errors
    /// As [`Map::enter`].
    pub fn find_space(&self, place: Place, size: u32) -> Result<(Range, u32), MapError> {
        let bounds = self.bounds;
        let mut steps = 0;
        match place {
            Place::At(address) => {
                let start = address & !(PAGE - 1);
                let size = size.checked_next_multiple_of(PAGE);
                let size = size.ok_or(MapError::InvalidAddress)?;
                let end = start.checked_add(size).ok_or(MapError::InvalidAddress)?;
                if size == 0 {
                    return Err(MapError::InvalidArgument);
                }
                if start < bounds.start || end > bounds.end {
                    return Err(MapError::InvalidAddress);
                }
                let next = self.tree.ending_after(start);
                if next.is_some_and(|next| next.range.start < end) {
                    return Err(MapError::NoSpace);
                }
                Ok((Range { start, end }, steps))
            }
            Place::Anywhere { from, mask } => {
                let size = size.checked_next_multiple_of(PAGE);
                let size = size.ok_or(MapError::NoSpace)?;
                if size == 0 {
                    return Err(MapError::InvalidArgument);
                }
                let want = Want {
                    from,
                    size,
                    mask: mask | (PAGE - 1),
                };
                let found = self.tree.hole(bounds.start, bounds.end, &want, &mut steps);
                let start = found.ok_or(MapError::NoSpace)?;
                let end = start + size;
                Ok((Range { start, end }, steps))
            }
        }
    }

    /// Enters a region of `size` bytes, rounded up to pages (`vm_allocate`,
    /// `vm_map`; manual 5.1 and 5.5). It coalesces with neighbours that it
    /// continues.
    ///
    /// # Errors
    /// `InvalidAddress` outside of the bounds, `NoSpace` where something is or
    /// nothing fits, `InvalidArgument` for no bytes or a protection beyond the
    /// maximum, `ResourceShortage`.
    pub fn enter(
        &mut self,
        place: Place,
        size: u32,
        attributes: Attributes,
        backing: B,
        keeper: &mut impl Keeper<B>,
    ) -> Result<Range, Refused<B>> {
        let found = self.find_space(place, size);
        let within = attributes.max_protection.contains(attributes.protection);
        let range = match found {
            Ok((range, _)) if within => range,
            Ok(_) => {
                let error = MapError::InvalidArgument;
                return Err(Refused { error, backing });
            }
            Err(error) => return Err(Refused { error, backing }),
        };
        let entry = Entry {
            range,
            attributes,
            backing,
        };
        if let Err(entry) = self.tree.insert(entry) {
            return Err(Refused {
                error: MapError::ResourceShortage,
                backing: entry.backing,
            });
        }
        self.size += range.size();
        self.coalesce(range, keeper);
        Ok(range)
    }

    /// Takes all that lies in the range out, cutting regions at its ends, and
    /// hands it to the keeper in order of addresses (`vm_deallocate`, manual
    /// 5.2). How many bytes that were: none, where nothing was allocated.
    ///
    /// # Errors
    /// `InvalidAddress` outside of the bounds, `ResourceShortage`.
    pub fn remove(&mut self, range: Range, keeper: &mut impl Keeper<B>) -> Result<u32, MapError> {
        self.clip(range, keeper)?;
        let mut removed = 0;
        loop {
            let next = self.entries(range).next().map(|entry| entry.range.start);
            let Some(entry) = next.and_then(|start| self.tree.remove(start)) else {
                break;
            };
            removed += entry.range.size();
            self.size -= entry.range.size();
            keeper.removed(entry);
        }
        Ok(removed)
    }

    /// The region with this address.
    pub fn lookup(&self, address: u32) -> Option<&Entry<B>> {
        let entry = self.tree.ending_after(address)?;
        (entry.range.start <= address).then_some(entry)
    }

    /// The region for a fault: with this address, if it permits `access`. The
    /// page is `address - entry.range.start` bytes into its backing.
    ///
    /// # Errors
    /// `InvalidAddress` where nothing is allocated, `ProtectionFailure`.
    pub fn access(&self, address: u32, access: Protection) -> Result<&Entry<B>, MapError> {
        let entry = self.lookup(address).ok_or(MapError::InvalidAddress)?;
        if entry.attributes.protection.contains(access) {
            Ok(entry)
        } else {
            Err(MapError::ProtectionFailure)
        }
    }

    /// The region at the address or the first one after it (`vm_region`,
    /// manual 5.4); `None` is `KERN_NO_SPACE`.
    pub fn region(&self, address: u32) -> Option<&Entry<B>> {
        self.tree.ending_after(address)
    }

    /// The regions of which a part lies in the range, by address.
    pub fn entries(&self, range: Range) -> impl Iterator<Item = &Entry<B>> {
        let mut from = range.start;
        iter::from_fn(move || {
            if from >= range.end {
                return None;
            }
            let entry = self.tree.ending_after(from)?;
            from = entry.range.end;
            (entry.range.start < range.end).then_some(entry)
        })
    }

    /// Whether all of the range is allocated.
    pub fn is_allocated(&self, range: Range) -> bool {
        let mut reached = range.start;
        for entry in self.entries(range) {
            if entry.range.start > reached {
                return false;
            }
            reached = entry.range.end;
        }
        reached >= range.end
    }

    /// Swaps the backing of the region that begins at `start` and sets the
    /// flags that go with it, when a fault or a copy has changed what the
    /// region stands for.
    ///
    /// # Errors
    /// `InvalidAddress` where no region begins there; nothing is swapped.
    pub fn swap_backing(
        &mut self,
        start: u32,
        backing: &mut B,
        flags: CopyFlags,
    ) -> Result<(), MapError> {
        let begins = |entry: &Entry<B>| entry.range.start == start;
        if !self.lookup(start).is_some_and(begins) {
            return Err(MapError::InvalidAddress);
        }
        self.tree.change(start, |entry| {
            entry.attributes.needs_copy = flags == CopyFlags::NeedsCopy;
            entry.attributes.is_shared = flags == CopyFlags::Shared;
            mem::swap(&mut entry.backing, backing);
        });
        Ok(())
    }

    /// Cuts regions in two where the range begins and ends, so that each lies
    /// in it or does not.
    ///
    /// # Errors
    /// `InvalidArgument` if it is not one of pages, `InvalidAddress` if it is
    /// outside of the bounds, `ResourceShortage`.
    pub fn clip(&mut self, range: Range, keeper: &mut impl Keeper<B>) -> Result<(), MapError> {
        let Range { start, end } = range;
        if start % PAGE != 0 || end % PAGE != 0 || start > end {
            return Err(MapError::InvalidArgument);
        }
        if start < self.bounds.start || end > self.bounds.end {
            return Err(MapError::InvalidAddress);
        }
        if start == end {
            return Ok(());
        }
        let cuts = |address| {
            let entry = self.lookup(address);
            entry.is_some_and(|entry| entry.range.start < address)
        };
        let needed = u32::from(cuts(start)) + u32::from(cuts(end));
        let reserved = self.tree.reserve(needed);
        reserved.map_err(|_| MapError::ResourceShortage)?;
        self.cut(start, keeper);
        self.cut(end, keeper);
        Ok(())
    }

    /// Begins a region at the address, if it is inside of one. Memory for it
    /// must be reserved.
    fn cut(&mut self, address: u32, keeper: &mut impl Keeper<B>) {
        let Some(entry) = self.lookup(address) else {
            return;
        };
        let start = entry.range.start;
        if start == address {
            return;
        }
        let rest = self.tree.change(start, |entry| {
            let range = Range {
                start: address,
                end: entry.range.end,
            };
            entry.range.end = address;
            Entry {
                range,
                attributes: entry.attributes,
                backing: keeper.split(&entry.backing, address - start),
            }
        });
        if let Some(rest) = rest {
            let inserted = self.tree.insert(rest);
            debug_assert!(inserted.is_ok(), "a cut without reserved memory");
        }
    }

    /// Merges the regions in the range and beside it where they are equal and
    /// continue each other.
    pub fn coalesce(&mut self, range: Range, keeper: &mut impl Keeper<B>) {
        let before = self.tree.starting_before(range.start);
        let mut at = before.map_or(range.start, |entry| entry.range.start);
        while let Some(first) = self.tree.ending_after(at) {
            let Range { start, end } = first.range;
            if end > range.end {
                return;
            }
            let next = self.lookup(end).filter(|next| {
                next.attributes == first.attributes
                    && keeper.continues(&first.backing, end - start, &next.backing)
            });
            if next.is_none() {
                at = end;
                continue;
            }
            if let Some(next) = self.tree.remove(end) {
                self.tree.change(start, |first| {
                    first.range.end = next.range.end;
                    keeper.merge(&mut first.backing, next.backing);
                });
            }
            at = start;
        }
    }
}

/// How the pages of a region relate to those of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyFlags {
    /// They are the region's own.
    Own,
    /// A write must first put a copy in their place.
    NeedsCopy,
    /// Others are to see what is written.
    Shared,
}
