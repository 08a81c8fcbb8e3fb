//! A table from 32-bit keys to values, dense or sparse, that allocates little.
//!
//! Where a name space finds a right by its name, and a name by its port. A tree
//! of nodes with 64 slots: small keys lie one or two steps from the root, any
//! key at most six. Finding, inserting, removing and the lowest free key cost
//! that many steps.
//!
//! **Invariants**
//! - A bit of `present` is set exactly if the slot holds a child (a value, at
//!   the lowest level); no node is without one. `insert`, `remove` keep it.
//! - A bit of `full` is set exactly if no key is free under the slot. Broken,
//!   a name in use would be given out again.

use crate::arena::{Arena, Handle, NoMemory};

const BITS: u32 = 6;
const MOST_LEVELS: usize = 6;

struct Node {
    /// Handles' indices, of nodes or of values.
    slots: [u32; 1 << BITS],
    present: u64,
    full: u64,
}

impl Node {
    const EMPTY: Self = Self {
        slots: [0; 1 << BITS],
        present: 0,
        full: 0,
    };
}

/// The table.
pub struct Radix<T> {
    nodes: Arena<Node>,
    values: Arena<T>,
    root: Option<Handle<Node>>,
    /// Levels of nodes; keys below `64^levels` have a place.
    levels: u32,
}

impl<T> Radix<T> {
    /// An empty table, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            nodes: Arena::new(),
            values: Arena::new(),
            root: None,
            levels: 0,
        }
    }

    /// How many keys have a value.
    pub const fn len(&self) -> u32 {
        self.values.len()
    }

    /// Whether none has.
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of `key`.
    pub fn at(&self, key: u32) -> Option<&T> {
        self.values.at(self.find(key)?)
    }

    /// The value of `key`, to be changed.
    pub fn at_mut(&mut self, key: u32) -> Option<&mut T> {
        let handle = self.find(key)?;
        self.values.at_mut(handle)
    }

    /// Gives a key without one a value; the value of a key that has one is
    /// replaced.
    ///
    /// # Errors
    /// [`NoMemory`]; nothing has changed.
    pub fn insert(&mut self, key: u32, value: T) -> Result<(), NoMemory> {
        if let Some(old) = self.at_mut(key) {
            *old = value;
            return Ok(());
        }
        let levels = needed_levels(key).max(self.levels);
        // A new root above each old one, and a path of its own at most.
        self.nodes
            .reserve(levels - self.levels + self.missing(key, levels))?;
        let value = self.values.insert(value)?;
        while self.levels < levels {
            let mut above = Node::EMPTY;
            if let Some(root) = self.root {
                above.slots[0] = root.index();
                above.present = 1;
                above.full = u64::from(self.is_full(root));
            } else {
                self.levels = levels - 1;
            }
            self.root = Some(self.nodes.insert(above)?);
            self.levels += 1;
        }
        let mut path = [None; MOST_LEVELS];
        let mut at = self.root.ok_or(NoMemory)?;
        for level in (0..self.levels).rev() {
            path[level as usize] = Some(at);
            let slot = slot(key, level);
            let node = self.nodes.at(at).ok_or(NoMemory)?;
            let child = match (level, node.present & 1 << slot) {
                (0, _) => value.index(),
                (_, 0) => self.nodes.insert(Node::EMPTY)?.index(),
                _ => node.slots[slot],
            };
            let node = self.nodes.at_mut(at).ok_or(NoMemory)?;
            node.slots[slot] = child;
            node.present |= 1 << slot;
            if level > 0 {
                at = Handle::from_index(child).ok_or(NoMemory)?;
            }
        }
        for level in 0..self.levels {
            let Some(node) = path[level as usize].and_then(|at| self.nodes.at_mut(at)) else {
                break;
            };
            node.full |= 1 << slot(key, level);
            if node.full != u64::MAX {
                break;
            }
        }
        Ok(())
    }

    /// Takes the value of `key` away.
    pub fn remove(&mut self, key: u32) -> Option<T> {
        let value = self.find(key)?;
        let mut path = [None; MOST_LEVELS];
        let mut at = self.root?;
        for level in (0..self.levels).rev() {
            path[level as usize] = Some(at);
            if level > 0 {
                at = Handle::from_index(self.nodes.at(at)?.slots[slot(key, level)])?;
            }
        }
        let mut gone = true;
        for level in 0..self.levels {
            let at = path[level as usize]?;
            let bit = 1 << slot(key, level);
            let node = self.nodes.at_mut(at)?;
            node.full &= !bit;
            if gone {
                node.present &= !bit;
                gone = node.present == 0;
                if gone {
                    self.nodes.remove(at);
                }
            }
        }
        if gone {
            self.root = None;
            self.levels = 0;
            // With what was reserved and never needed.
            self.nodes = Arena::new();
        }
        self.values.remove(value)
    }

    /// The lowest key without a value; `None` if there is none.
    pub fn lowest_free(&self) -> Option<u32> {
        let Some(root) = self.root else {
            return Some(0);
        };
        if self.is_full(root) {
            return u32::try_from(1u64 << (BITS * self.levels)).ok();
        }
        let (mut at, mut key) = (root, 0u64);
        for level in (0..self.levels).rev() {
            let node = self.nodes.at(at)?;
            let slot = (!node.full).trailing_zeros();
            key |= u64::from(slot) << (BITS * level);
            if level == 0 || node.present & 1 << slot == 0 {
                break;
            }
            at = Handle::from_index(node.slots[slot as usize])?;
        }
        u32::try_from(key).ok()
    }

    /// The lowest key from `key` on that has a value, and the value.
    pub fn first_from(&self, key: u32) -> Option<(u32, &T)> {
        let mut from = u64::from(key);
        'again: while from >> (BITS * self.levels) == 0 {
            let mut at = self.root?;
            for level in (0..self.levels).rev() {
                let shift = BITS * level;
                let slot = (from >> shift & 63) as u32;
                let node = self.nodes.at(at)?;
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
                let child = node.slots[found as usize];
                if level == 0 {
                    let value = self.values.at(Handle::from_index(child)?)?;
                    return Some((u32::try_from(from).ok()?, value));
                }
                at = Handle::from_index(child)?;
            }
            return None;
        }
        None
    }

    #[inline]
    fn find(&self, key: u32) -> Option<Handle<T>> {
        if u64::from(key) >> (BITS * self.levels) != 0 {
            return None;
        }
        let mut at = self.root?;
        for level in (0..self.levels).rev() {
            let node = self.nodes.at(at)?;
            let slot = slot(key, level);
            if node.present & 1 << slot == 0 {
                return None;
            }
            let child = node.slots[slot];
            if level == 0 {
                return Handle::from_index(child);
            }
            at = Handle::from_index(child)?;
        }
        None
    }

    fn is_full(&self, node: Handle<Node>) -> bool {
        self.nodes
            .at(node)
            .is_some_and(|node| node.full == u64::MAX)
    }

    /// How many nodes the path to `key` lacks below the root, at most.
    fn missing(&self, key: u32, levels: u32) -> u32 {
        if levels > self.levels {
            return levels;
        }
        let Some(mut at) = self.root else {
            return levels;
        };
        for level in (1..levels).rev() {
            let Some(node) = self.nodes.at(at) else {
                return level;
            };
            if node.present & 1 << slot(key, level) == 0 {
                return level;
            }
            match Handle::from_index(node.slots[slot(key, level)]) {
                Some(child) => at = child,
                None => return level,
            }
        }
        0
    }
}

impl<T> Default for Radix<T> {
    fn default() -> Self {
        Self::new()
    }
}

const fn needed_levels(key: u32) -> u32 {
    let bits = u32::BITS - key.leading_zeros();
    let levels = bits.div_ceil(BITS);
    if levels == 0 { 1 } else { levels }
}

const fn slot(key: u32, level: u32) -> usize {
    ((key as u64 >> (BITS * level)) & 63) as usize
}
