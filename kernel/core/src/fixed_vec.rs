//! A list of bounded length in place: what parsers fill without allocating.
//!
//! Owns nothing but its items. Anyone may use it where the bound is part of the
//! design (processors, modules, memory regions) and overflow must be noticed.
//!
//! **Invariants**: `length <= N`, kept by the methods here, the only writers;
//! if it broke, [`FixedVec::as_slice`] would read as empty.

use core::{fmt, ops::Deref};

/// Up to `N` items. A push beyond that hands the item back.
#[derive(Clone, Copy)]
pub struct FixedVec<T: Copy, const N: usize> {
    items: [T; N],
    length: usize,
}

impl<T: Copy, const N: usize> FixedVec<T, N> {
    /// The empty list. `filler` occupies the unused places and is never seen;
    /// all-zero filler lets a static list live in .bss.
    pub const fn new(filler: T) -> Self {
        Self {
            items: [filler; N],
            length: 0,
        }
    }

    /// The most items there can be.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Whether the next push fails.
    pub const fn is_full(&self) -> bool {
        self.length >= N
    }

    /// Appends `item`.
    ///
    /// # Errors
    /// Hands `item` back when the list is full.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        match self.items.get_mut(self.length) {
            Some(place) => {
                *place = item;
                self.length += 1;
                Ok(())
            }
            None => Err(item),
        }
    }

    /// Appends an item in place and lends it out to be set: it still holds
    /// whatever was there, filler or an item of before. `None` when full. For
    /// items too large to be moved in.
    pub fn extend_in_place(&mut self) -> Option<&mut T> {
        let place = self.items.get_mut(self.length)?;
        self.length += 1;
        Some(place)
    }

    /// Takes out the item at `index`; those behind it move up by one.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        let item = *self.as_slice().get(index)?;
        self.items.copy_within(index + 1..self.length, index);
        self.length -= 1;
        Some(item)
    }

    /// Forgets all items.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// The items, in order.
    pub fn as_slice(&self) -> &[T] {
        self.items.get(..self.length).unwrap_or_default()
    }

    /// The items, in order, to change in place.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.items.get_mut(..self.length).unwrap_or_default()
    }
}

impl<T: Copy, const N: usize> Deref for FixedVec<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: Copy + PartialEq, const N: usize> PartialEq for FixedVec<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Copy + Eq, const N: usize> Eq for FixedVec<T, N> {}

impl<T: Copy + fmt::Debug, const N: usize> fmt::Debug for FixedVec<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::FixedVec;

    #[test]
    fn a_full_list_hands_the_item_back() {
        let mut list = FixedVec::<u8, 2>::new(0);
        assert_eq!(list.push(7), Ok(()));
        assert_eq!(list.push(8), Ok(()));
        assert!(list.is_full());
        assert_eq!(list.push(9), Err(9));
        assert_eq!(list.as_slice(), [7, 8]);
    }

    #[test]
    fn removing_closes_the_gap() {
        let mut list = FixedVec::<u8, 3>::new(0);
        for item in [1, 2, 3] {
            assert_eq!(list.push(item), Ok(()));
        }
        assert_eq!(list.remove(0), Some(1));
        assert_eq!(list.as_slice(), [2, 3]);
        assert_eq!(list.remove(2), None);
        assert_eq!(list.remove(1), Some(3));
        assert_eq!(list.as_slice(), [2]);
        list.clear();
        assert!(list.is_empty());
    }

    #[test]
    fn items_in_place_hold_what_was_there() {
        let mut list = FixedVec::<u8, 1>::new(5);
        assert_eq!(list.extend_in_place(), Some(&mut 5));
        assert_eq!(list.extend_in_place(), None);
        assert_eq!(list.as_slice(), [5]);
    }
}
