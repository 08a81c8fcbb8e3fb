//! A table from 32-bit keys to values, dense or sparse, that allocates little.
//!
//! Where a name space finds a right by its name, and a name by its port; where an
//! object finds its pages. Keys below [`NEAR`], which are those that names
//! usually have, lie two steps away in a table of leaves; the others in a tree,
//! [`far`], seven steps away at most. Inserting, removing and the lowest free key
//! cost as many.
//!
//! **Invariants**
//! - A leaf of `near` is there exactly if it has values, but for the one of
//!   `vacant`, which may be empty; a bit of `full` is set exactly if all keys of
//!   the leaf are taken. `put`, `vacate` and `prune` keep it. Broken, a name in use
//!   would be given out again.
//! - `far` has the keys from [`NEAR`] on, counted from there.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::arena::NoMemory;

mod far;

use far::Far;

const BITS: u32 = 5;
const SLOTS: usize = 1 << BITS;
const MASK: u32 = SLOTS as u32 - 1;

/// `SLOTS` values.
struct Leaf<T> {
    values: Box<[Option<T>; SLOTS]>,
    /// Which there are.
    present: u32,
}

/// Leaves of the lowest keys.
const LEAVES: usize = 16;
/// Keys that they have.
const NEAR: u32 = (LEAVES * SLOTS) as u32;

/// The leaves of the lowest keys.
struct Near<T> {
    leaves: Box<[Option<Leaf<T>>; LEAVES]>,
    /// Which have no free key; those beyond the last have none.
    full: u32,
}

/// The table.
pub struct Radix<T> {
    near: Option<Near<T>>,
    far: Far<T>,
    length: u32,
    /// A key whose leaf may be empty.
    vacant: Option<u32>,
}

impl<T> Radix<T> {
    /// An empty table, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            near: None,
            far: Far::new(),
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
    #[inline(always)]
    pub fn at(&self, key: u32) -> Option<&T> {
        match key.checked_sub(NEAR) {
            None => self.near.as_ref()?.leaf(key)?.values[slot(key)].as_ref(),
            Some(far) => self.far.at(far),
        }
    }

    /// The value of `key`, to be changed.
    #[inline(always)]
    pub fn at_mut(&mut self, key: u32) -> Option<&mut T> {
        match key.checked_sub(NEAR) {
            None => self.near.as_mut()?.leaf_mut(key)?.values[slot(key)].as_mut(),
            Some(far) => self.far.at_mut(far),
        }
    }

    /// Gives a key without one a value; the value of a key that has one is
    /// replaced.
    ///
    /// # Errors
    /// [`NoMemory`]; nothing has changed.
    pub fn insert(&mut self, key: u32, value: T) -> Result<(), NoMemory> {
        let is_new = match key.checked_sub(NEAR) {
            None => {
                let near = match &mut self.near {
                    Some(near) => near,
                    none => none.insert(Near::new()?),
                };
                let is_new = near.put(key, value);
                if is_new.is_err() {
                    self.drop_near_if_empty();
                }
                is_new?
            }
            Some(far) => self.far.insert(far, value)?,
        };
        self.length += u32::from(is_new);
        Ok(())
    }

    /// Gives the lowest key without a value this one, if that needs no memory and
    /// it is a low one; which it is.
    #[inline(always)]
    pub fn insert_lowest_in_place(&mut self, value: T) -> Option<u32> {
        let near = self.near.as_mut()?;
        let number = lowest_zero(near.full)?;
        let leaf = near.leaves[number as usize % LEAVES].as_mut()?;
        let slot = lowest_zero(leaf.present)?;
        leaf.values[slot as usize] = Some(value);
        leaf.present |= 1 << slot;
        if leaf.present == u32::MAX {
            near.full |= 1 << number;
        }
        self.length += 1;
        Some(number << BITS | slot)
    }

    /// Takes the value of `key` away.
    pub fn remove(&mut self, key: u32) -> Option<T> {
        let value = match key.checked_sub(NEAR) {
            None => self.near.as_mut()?.take(key)?,
            Some(far) => self.far.remove(far)?,
        };
        self.length -= 1;
        self.prune();
        if let Some(near) = &mut self.near {
            near.prune(key);
        }
        self.drop_near_if_empty();
        Some(value)
    }

    /// Drops the value of `key` where another one will soon be in the same place:
    /// the memory for it stays, until some other key is removed. Tells whether
    /// there was one.
    #[inline(always)]
    pub fn vacate(&mut self, key: u32) -> bool {
        let near = match &mut self.near {
            Some(near) if key < NEAR => near,
            _ => return self.remove(key).is_some(),
        };
        if near.take(key).is_none() {
            return false;
        }
        self.length -= 1;
        if self.vacant != Some(key) {
            self.prune();
            self.vacant = Some(key);
        }
        true
    }

    /// Frees the leaf of the vacant key, if it is empty.
    fn prune(&mut self) {
        let vacant = self.vacant.take();
        if let (Some(key), Some(near)) = (vacant, &mut self.near) {
            near.prune(key);
        }
    }

    fn drop_near_if_empty(&mut self) {
        if self.near.as_ref().is_some_and(|near| near.is_empty()) {
            self.near = None;
        }
    }

    /// The lowest key without a value; `None` if there is none.
    pub fn lowest_free(&self) -> Option<u32> {
        let Some(near) = &self.near else {
            return Some(0);
        };
        let Some(number) = lowest_zero(near.full) else {
            return self.far.lowest_free()?.checked_add(NEAR);
        };
        let present = match &near.leaves[number as usize % LEAVES] {
            Some(leaf) => leaf.present,
            None => 0,
        };
        Some(number << BITS | lowest_zero(present)?)
    }

    /// The lowest key from `key` on that has a value, and the value.
    pub fn first_from(&self, key: u32) -> Option<(u32, &T)> {
        let near = self.near.as_ref().and_then(|near| near.first_from(key));
        near.or_else(|| {
            let far = key.saturating_sub(NEAR);
            let (far, value) = self.far.first_from(far)?;
            Some((far.checked_add(NEAR)?, value))
        })
    }
}

impl<T> Default for Radix<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Near<T> {
    fn new() -> Result<Self, NoMemory> {
        Ok(Self {
            leaves: empty()?,
            full: u32::MAX << LEAVES,
        })
    }

    #[inline(always)]
    fn leaf(&self, key: u32) -> Option<&Leaf<T>> {
        self.leaves[number(key)].as_ref()
    }

    #[inline(always)]
    fn leaf_mut(&mut self, key: u32) -> Option<&mut Leaf<T>> {
        self.leaves[number(key)].as_mut()
    }

    fn is_empty(&self) -> bool {
        self.leaves.iter().all(Option::is_none)
    }

    /// Tells whether the key had no value.
    fn put(&mut self, key: u32, value: T) -> Result<bool, NoMemory> {
        let leaf = match &mut self.leaves[number(key)] {
            Some(leaf) => leaf,
            none => none.insert(Leaf {
                values: empty()?,
                present: 0,
            }),
        };
        let is_new = leaf.values[slot(key)].replace(value).is_none();
        leaf.present |= 1 << slot(key);
        if leaf.present == u32::MAX {
            self.full |= 1 << (key >> BITS);
        }
        Ok(is_new)
    }

    #[inline(always)]
    fn take(&mut self, key: u32) -> Option<T> {
        let leaf = self.leaf_mut(key)?;
        let value = leaf.values[slot(key)].take()?;
        leaf.present &= !(1 << slot(key));
        self.full &= !(1 << (key >> BITS));
        Some(value)
    }

    /// Frees the leaf of `key`, if it is empty.
    fn prune(&mut self, key: u32) {
        if key < NEAR && self.leaf(key).is_some_and(|leaf| leaf.present == 0) {
            self.leaves[number(key)] = None;
        }
    }

    fn first_from(&self, key: u32) -> Option<(u32, &T)> {
        let mut from = key;
        while from < NEAR {
            let later = self.leaf(from).map_or(0, |leaf| leaf.present) >> slot(from);
            if later != 0 {
                from += later.trailing_zeros();
                return Some((from, self.leaf(from)?.values[slot(from)].as_ref()?));
            }
            from = (from | MASK) + 1;
        }
        None
    }
}

/// The leaf of a near key.
#[inline(always)]
const fn number(key: u32) -> usize {
    (key >> BITS) as usize % LEAVES
}

/// A key's place in its leaf.
#[inline(always)]
const fn slot(key: u32) -> usize {
    (key & MASK) as usize
}

/// So many empty places.
fn empty<S, const COUNT: usize>() -> Result<Box<[Option<S>; COUNT]>, NoMemory> {
    let mut places = Vec::new();
    places.try_reserve_exact(COUNT).map_err(|_| NoMemory)?;
    places.resize_with(COUNT, || None);
    places.into_boxed_slice().try_into().map_err(|_| NoMemory)
}

/// The number of the lowest bit that is not set.
#[inline(always)]
fn lowest_zero(bits: u32) -> Option<u32> {
    (bits != u32::MAX).then(|| bits.trailing_ones() & MASK)
}
