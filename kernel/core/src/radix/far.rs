//! The tree of a table's high keys: any key, seven steps from the root at most.
//!
//! A part of the table; nobody else uses it.
//!
//! **Invariants**
//! - A bit of `present` is set exactly if the slot has a child (a value, at the
//!   lowest level). No node is without any: `put` and `prune` keep it.
//! - A bit of `full` is set exactly if no key is free under the slot. Broken,
//!   a name in use would be given out again.
//! - All paths are `levels` nodes long, and the last has values.

use alloc::boxed::Box;

use super::{BITS, MASK, SLOTS, empty};
use crate::arena::NoMemory;

struct Node<T> {
    slots: Slots<T>,
    present: u32,
    full: u32,
}

/// `SLOTS` of them.
enum Slots<T> {
    Nodes(Box<[Option<Node<T>>; SLOTS]>),
    Values(Box<[Option<T>; SLOTS]>),
}

/// The table.
pub(super) struct Far<T> {
    root: Option<Node<T>>,
    levels: u32,
    length: u32,
}

impl<T> Far<T> {
    /// An empty table, which has allocated nothing.
    pub(super) const fn new() -> Self {
        Self {
            root: None,
            levels: 0,
            length: 0,
        }
    }

    /// The value of `key`.
    #[inline(never)]
    pub(super) fn at(&self, key: u32) -> Option<&T> {
        let mut shift = self.shift_of_root(key)?;
        let mut node = self.root.as_ref()?;
        loop {
            let slot = (key >> shift & MASK) as usize;
            match &node.slots {
                Slots::Nodes(nodes) => node = nodes[slot].as_ref()?,
                Slots::Values(values) => return values[slot].as_ref(),
            }
            shift -= BITS;
        }
    }

    /// The value of `key`, to be changed.
    #[inline(never)]
    pub(super) fn at_mut(&mut self, key: u32) -> Option<&mut T> {
        let mut shift = self.shift_of_root(key)?;
        let mut node = self.root.as_mut()?;
        loop {
            let slot = (key >> shift & MASK) as usize;
            match &mut node.slots {
                Slots::Nodes(nodes) => node = nodes[slot].as_mut()?,
                Slots::Values(values) => return values[slot].as_mut(),
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
                Slots::Nodes(nodes) => node = nodes[slot].as_mut()?,
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
    /// replaced. Tells whether it had none.
    ///
    /// # Errors
    /// [`NoMemory`]; nothing has changed.
    pub(super) fn insert(&mut self, key: u32, value: T) -> Result<bool, NoMemory> {
        if let Some(leaf) = self.leaf_mut(key) {
            let bit = 1 << slot(key, 0);
            // Where it makes the node full, those above must know.
            if leaf.full | bit != u32::MAX || leaf.full & bit != 0 {
                let is_new = leaf.place(key, value).is_none();
                self.length += u32::from(is_new);
                return Ok(is_new);
            }
        }
        self.insert_with_path(key, value)?;
        Ok(true)
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

    /// Takes the value of `key` away.
    #[inline(never)]
    pub(super) fn remove(&mut self, key: u32) -> Option<T> {
        let leaf = self.leaf_mut(key)?;
        let was_full = leaf.is_full();
        let value = leaf.take(key)?;
        self.length -= 1;
        if self.length == 0 {
            *self = Self::new();
        }
        if let Some(root) = &mut self.root {
            if was_full {
                root.is_not_full(self.levels - 1, key);
            }
            root.prune(self.levels - 1, key);
        }
        Some(value)
    }

    /// The lowest key without a value; `None` if there is none.
    pub(super) fn lowest_free(&self) -> Option<u32> {
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
                Slots::Nodes(nodes) => match &nodes[slot as usize] {
                    Some(child) => node = child,
                    None => break,
                },
                Slots::Values(_) => break,
            }
        }
        u32::try_from(key).ok()
    }

    /// The lowest key from `key` on that has a value, and the value.
    pub(super) fn first_from(&self, key: u32) -> Option<(u32, &T)> {
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
                    Slots::Nodes(nodes) => node = nodes[found as usize].as_ref()?,
                    Slots::Values(values) => {
                        let value = values[found as usize].as_ref()?;
                        return Some((u32::try_from(from).ok()?, value));
                    }
                }
            }
            return None;
        }
        None
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

const fn needed_levels(key: u32) -> u32 {
    let bits = u32::BITS - key.leading_zeros();
    let levels = bits.div_ceil(BITS);
    if levels == 0 { 1 } else { levels }
}

const fn slot(key: u32, level: u32) -> usize {
    (key >> (BITS * level) & MASK) as usize
}
