//! A table from 32-bit keys to values, dense or sparse, that allocates little.
//!
//! Where a name space finds a right by its name, and a name by its port; where an
//! object finds its pages. A tree of nodes with 32 slots: small keys lie one or
//! two steps from the root, any key at most seven. Finding, inserting, removing and
//! the lowest free key cost that many steps.
//!
//! **Invariants**
//! - A bit of `present` is set exactly if the slot has a child (a value, at the
//!   lowest level). A node without any is on the way to `vacant`, or about to be
//!   freed: `put` and `prune` keep it.
//! - A bit of `full` is set exactly if no key is free under the slot. Broken,
//!   a name in use would be given out again.
//! - All paths are `levels` nodes long, and the last has values.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::arena::NoMemory;

const BITS: u32 = 5;
const SLOTS: usize = 1 << BITS;
const MASK: u32 = SLOTS as u32 - 1;

struct Node<T> {
    slots: Slots<T>,
    present: u32,
    full: u32,
}

/// `SLOTS` of them.
enum Slots<T> {
    Nodes(Box<[Option<Node<T>>]>),
    Values(Box<[Option<T>]>),
}

/// The table.
pub struct Radix<T> {
    root: Option<Node<T>>,
    levels: u32,
    length: u32,
    /// A key whose last node may be empty.
    vacant: Option<u32>,
}

impl<T> Radix<T> {
    /// An empty table, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            root: None,
            levels: 0,
            length: 0,
            vacant: None,
        }
    }

    /// How many keys have a value.
    pub const fn len(&self) -> u32 {
        self.length
    }

    /// Whether none has.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The value of `key`.
    #[inline]
    pub fn at(&self, key: u32) -> Option<&T> {
        let mut shift = self.shift_of_root(key)?;
        let mut node = self.root.as_ref()?;
        loop {
            let slot = (key >> shift & MASK) as usize;
            match &node.slots {
                Slots::Nodes(nodes) => node = nodes.get(slot)?.as_ref()?,
                Slots::Values(values) => return values.get(slot)?.as_ref(),
            }
            shift -= BITS;
        }
    }

    /// The value of `key`, to be changed.
    #[inline]
    pub fn at_mut(&mut self, key: u32) -> Option<&mut T> {
        let mut shift = self.shift_of_root(key)?;
        let mut node = self.root.as_mut()?;
        loop {
            let slot = (key >> shift & MASK) as usize;
            match &mut node.slots {
                Slots::Nodes(nodes) => node = nodes.get_mut(slot)?.as_mut()?,
                Slots::Values(values) => return values.get_mut(slot)?.as_mut(),
            }
            shift -= BITS;
        }
    }

    /// The lowest node on the way to `key`.
    #[inline]
    fn leaf_mut(&mut self, key: u32) -> Option<&mut Node<T>> {
        let mut shift = self.shift_of_root(key)?;
        let mut node = self.root.as_mut()?;
        while shift > 0 {
            let slot = (key >> shift & MASK) as usize;
            match &mut node.slots {
                Slots::Nodes(nodes) => node = nodes.get_mut(slot)?.as_mut()?,
                Slots::Values(_) => return None,
            }
            shift -= BITS;
        }
        Some(node)
    }

    /// How far a key is shifted at the root; `None` for one that has no place.
    #[inline(always)]
    fn shift_of_root(&self, key: u32) -> Option<u32> {
        let shift = (self.levels * BITS).checked_sub(BITS)?;
        (key >> shift <= MASK).then_some(shift)
    }

    /// Gives a key without one a value; the value of a key that has one is
    /// replaced.
    ///
    /// # Errors
    /// [`NoMemory`]; nothing has changed.
    pub fn insert(&mut self, key: u32, value: T) -> Result<(), NoMemory> {
        if let Some(leaf) = self.leaf_mut(key) {
            let bit = 1 << slot(key, 0);
            // Where it makes the node full, those above must know.
            if leaf.full | bit != u32::MAX || leaf.full & bit != 0 {
                let is_new = leaf.place(key, value).is_none();
                self.length += u32::from(is_new);
                return Ok(());
            }
        }
        self.insert_with_path(key, value)
    }

    fn insert_with_path(&mut self, key: u32, value: T) -> Result<(), NoMemory> {
        let levels = needed_levels(key);
        if self.root.is_none() {
            self.root = Some(Node::path(levels - 1, key, value)?);
            self.levels = levels;
            self.length = 1;
            return Ok(());
        }
        while self.levels < levels {
            // Above the old root, whose keys begin with a zero there.
            let mut above = Node::with_nodes()?;
            if let Slots::Nodes(nodes) = &mut above.slots {
                above.full = u32::from(self.root.as_ref().is_some_and(Node::is_full));
                above.present = 1;
                nodes[0] = self.root.take();
            }
            self.root = Some(above);
            self.levels += 1;
        }
        let root = self.root.as_mut().ok_or(NoMemory)?;
        root.put(self.levels - 1, key, value)?;
        self.length += 1;
        Ok(())
    }

    /// Gives the lowest key without a value this one, if that needs no memory, nor
    /// a look at more than one path; which it is.
    pub fn insert_lowest_in_place(&mut self, value: T) -> Option<u32> {
        let mut level = self.levels;
        let mut node = self.root.as_mut()?;
        let mut key = 0;
        loop {
            level = level.checked_sub(1)?;
            let slot = (!node.full).trailing_zeros() & MASK;
            key |= slot << (BITS * level);
            match &mut node.slots {
                Slots::Nodes(nodes) => node = nodes.get_mut(slot as usize)?.as_mut()?,
                Slots::Values(values) => {
                    let bit = 1 << slot;
                    if node.full | bit == u32::MAX {
                        return None;
                    }
                    *values.get_mut(slot as usize)? = Some(value);
                    node.present |= bit;
                    node.full |= bit;
                    self.length += 1;
                    return Some(key);
                }
            }
        }
    }

    /// Takes the value of `key` away.
    pub fn remove(&mut self, key: u32) -> Option<T> {
        let value = self.vacate(key)?;
        self.prune();
        Some(value)
    }

    /// The same where another value will soon be in the same place: the memory for
    /// it stays, until some other key is removed.
    pub fn vacate(&mut self, key: u32) -> Option<T> {
        let leaf = self.leaf_mut(key)?;
        let was_full = leaf.is_full();
        let value = leaf.take(key)?;
        self.length -= 1;
        if let (true, Some(root)) = (was_full, &mut self.root) {
            root.is_not_full(self.levels - 1, key);
        }
        if self.vacant != Some(key) {
            self.prune();
            self.vacant = Some(key);
        }
        if self.length == 0 {
            *self = Self::new();
        }
        Some(value)
    }

    /// Frees the empty nodes on the way to the vacant key.
    fn prune(&mut self) {
        if let (Some(key), Some(root)) = (self.vacant.take(), &mut self.root) {
            root.prune(self.levels - 1, key);
        }
    }

    /// The lowest key without a value; `None` if there is none.
    pub fn lowest_free(&self) -> Option<u32> {
        let Some(mut node) = self.root.as_ref() else {
            return Some(0);
        };
        if node.is_full() {
            return u32::try_from(1u64 << (BITS * self.levels)).ok();
        }
        let mut key = 0u64;
        for level in (0..self.levels).rev() {
            let slot = (!node.full).trailing_zeros();
            key |= u64::from(slot) << (BITS * level);
            match &node.slots {
                Slots::Nodes(nodes) => match nodes.get(slot as usize)? {
                    Some(child) => node = child,
                    None => break,
                },
                Slots::Values(_) => break,
            }
        }
        u32::try_from(key).ok()
    }

    /// The lowest key from `key` on that has a value, and the value.
    pub fn first_from(&self, key: u32) -> Option<(u32, &T)> {
        let mut from = u64::from(key);
        'again: while from >> (BITS * self.levels) == 0 {
            let mut node = self.root.as_ref()?;
            for level in (0..self.levels).rev() {
                let shift = BITS * level;
                let slot = (from >> shift) as u32 & MASK;
                let later = node.present >> slot << slot;
                if later == 0 {
                    // On to the next slot of the node above.
                    from = ((from >> (shift + BITS)) + 1) << (shift + BITS);
                    continue 'again;
                }
                let found = later.trailing_zeros();
                if found != slot {
                    let above = from >> (shift + BITS) << (shift + BITS);
                    from = above | u64::from(found) << shift;
                }
                match &node.slots {
                    Slots::Nodes(nodes) => node = nodes.get(found as usize)?.as_ref()?,
                    Slots::Values(values) => {
                        let value = values.get(found as usize)?.as_ref()?;
                        return Some((u32::try_from(from).ok()?, value));
                    }
                }
            }
            return None;
        }
        None
    }
}

impl<T> Default for Radix<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Node<T> {
    fn with_nodes() -> Result<Self, NoMemory> {
        Ok(Self {
            slots: Slots::Nodes(empty()?),
            present: 0,
            full: 0,
        })
    }

    fn with_values() -> Result<Self, NoMemory> {
        Ok(Self {
            slots: Slots::Values(empty()?),
            present: 0,
            full: 0,
        })
    }

    /// A node of this level, and those below it, with nothing but a value.
    fn path(level: u32, key: u32, value: T) -> Result<Self, NoMemory> {
        let mut node = match level {
            0 => Self::with_values()?,
            _ => Self::with_nodes()?,
        };
        node.put(level, key, value)?;
        Ok(node)
    }

    const fn is_full(&self) -> bool {
        self.full == u32::MAX
    }

    /// Gives a key under this node, which is of this level and has none there, a
    /// value.
    fn put(&mut self, level: u32, key: u32, value: T) -> Result<(), NoMemory> {
        let slot = slot(key, level);
        let Slots::Nodes(nodes) = &mut self.slots else {
            self.place(key, value);
            return Ok(());
        };
        match &mut nodes[slot] {
            Some(child) => {
                child.put(level - 1, key, value)?;
                if child.is_full() {
                    self.full |= 1 << slot;
                }
            }
            empty => *empty = Some(Self::path(level - 1, key, value)?),
        }
        self.present |= 1 << slot;
        Ok(())
    }

    /// Gives a key of this node, which is one of the lowest, a value; the old one.
    fn place(&mut self, key: u32, value: T) -> Option<T> {
        let slot = slot(key, 0);
        let Slots::Values(values) = &mut self.slots else {
            return None;
        };
        self.present |= 1 << slot;
        self.full |= 1 << slot;
        values[slot].replace(value)
    }

    /// Takes the value of a key of this node, which is one of the lowest, away.
    fn take(&mut self, key: u32) -> Option<T> {
        let slot = slot(key, 0);
        let Slots::Values(values) = &mut self.slots else {
            return None;
        };
        let value = values[slot].take()?;
        self.present &= !(1 << slot);
        self.full &= !(1 << slot);
        Some(value)
    }

    /// A key under this node, which is of this level, is free now.
    fn is_not_full(&mut self, level: u32, key: u32) {
        let slot = slot(key, level);
        if let Slots::Nodes(nodes) = &mut self.slots {
            self.full &= !(1 << slot);
            if let Some(child) = &mut nodes[slot] {
                child.is_not_full(level - 1, key);
            }
        }
    }

    /// Frees the empty nodes below this one on the way to `key`.
    fn prune(&mut self, level: u32, key: u32) {
        if let Slots::Nodes(nodes) = &mut self.slots {
            let slot = slot(key, level);
            let Some(child) = &mut nodes[slot] else {
                return;
            };
            child.prune(level - 1, key);
            if child.present == 0 {
                nodes[slot] = None;
                self.present &= !(1 << slot);
            }
        }
    }
}

fn empty<S>() -> Result<Box<[Option<S>]>, NoMemory> {
    let mut slots = Vec::new();
    slots.try_reserve_exact(SLOTS).map_err(|_| NoMemory)?;
    slots.resize_with(SLOTS, || None);
    Ok(slots.into_boxed_slice())
}

const fn needed_levels(key: u32) -> u32 {
    let bits = u32::BITS - key.leading_zeros();
    let levels = bits.div_ceil(BITS);
    if levels == 0 { 1 } else { levels }
}

const fn slot(key: u32, level: u32) -> usize {
    (key >> (BITS * level) & MASK) as usize
}
