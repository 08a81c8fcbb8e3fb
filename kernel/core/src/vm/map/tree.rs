//! The regions of a map by address, in an AVL tree that knows its holes.
//!
//! Used by the map alone, which sees to it that regions do not overlap.
//! Everything takes steps in proportion to the tree's height, at most 1.44
//! times the logarithm of the number of regions; so deep goes the recursion.
//!
//! **Invariants**
//! - In `Node`, `low`, `high`, `hole` and `height` say of the subtree what
//!   `refresh` computes from the children: every change refreshes the path up
//!   to the root. Broken, holes would be overlooked.
//! - The heights of two siblings differ by one at most; `balance` keeps it.

use super::entry::Entry;
use crate::arena::{Arena, Handle, NoMemory};

type Link<B> = Option<Handle<Node<B>>>;

struct Node<B> {
    entry: Entry<B>,
    left: Link<B>,
    right: Link<B>,
    /// The first address of the subtree.
    low: u32,
    /// The address after its last.
    high: u32,
    /// The largest hole between two of its regions, in bytes.
    hole: u32,
    height: u8,
}

/// What a hole must offer.
pub(super) struct Want {
    pub(super) from: u32,
    pub(super) size: u32,
    /// Bits that the address must not have.
    pub(super) mask: u32,
}

impl Want {
    /// The lowest suitable address between `lower` and `upper`.
    fn fit(&self, lower: u32, upper: u32) -> Option<u32> {
        let address = without_bits(lower.max(self.from), self.mask)?;
        (address.checked_add(self.size)? <= upper).then_some(address)
    }
}

/// The lowest number from `number` on that has no bit of `mask`.
fn without_bits(number: u32, mask: u32) -> Option<u32> {
    let Some(highest) = (number & mask).checked_ilog2() else {
        return Some(number);
    };
    let below = u32::MAX >> (u32::BITS - 1 - highest);
    // Ones wherever a carry is to pass.
    let next = (number | mask | below).checked_add(1)?;
    Some(next & !mask)
}

pub(super) struct Tree<B> {
    nodes: Arena<Node<B>>,
    root: Link<B>,
}

impl<B> Tree<B> {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Arena::new(),
            root: None,
        }
    }

    pub(super) const fn len(&self) -> u32 {
        self.nodes.len()
    }

    pub(super) fn height(&self) -> u8 {
        self.height_of(self.root)
    }

    /// Sees to it that `count` insertions succeed, if nothing is removed.
    pub(super) fn reserve(&mut self, count: u32) -> Result<(), NoMemory> {
        self.nodes.reserve(count)
    }

    /// Puts a region in that overlaps with none.
    ///
    /// # Errors
    /// The region, where there is no memory.
    pub(super) fn insert(&mut self, entry: Entry<B>) -> Result<(), Entry<B>> {
        if self.nodes.reserve(1).is_err() {
            return Err(entry);
        }
        let (low, high) = (entry.range.start, entry.range.end);
        let node = Node {
            entry,
            left: None,
            right: None,
            low,
            high,
            hole: 0,
            height: 1,
        };
        // Reserved above, so the value is never dropped.
        if let Ok(new) = self.nodes.insert(node) {
            self.root = Some(self.insert_under(self.root, new, low));
        }
        Ok(())
    }

    /// Takes the region out that begins at `start`.
    pub(super) fn remove(&mut self, start: u32) -> Option<Entry<B>> {
        let (root, removed) = self.remove_under(self.root, start);
        self.root = root;
        self.nodes.remove(removed?).map(|node| node.entry)
    }

    /// The first region that ends after `address`.
    pub(super) fn ending_after(&self, address: u32) -> Option<&Entry<B>> {
        let mut at = self.root;
        let mut found = None;
        while let Some(handle) = at {
            let node = &self.nodes[handle];
            if node.entry.range.end > address {
                found = Some(&node.entry);
                at = node.left;
            } else {
                at = node.right;
            }
        }
        found
    }

    /// The last region that begins before `address`.
    pub(super) fn starting_before(&self, address: u32) -> Option<&Entry<B>> {
        let mut at = self.root;
        let mut found = None;
        while let Some(handle) = at {
            let node = &self.nodes[handle];
            if node.entry.range.start < address {
                found = Some(&node.entry);
                at = node.right;
            } else {
                at = node.left;
            }
        }
        found
    }

    /// Changes the region that begins at `start`; its start must stay, and its
    /// end must not pass the next region.
    pub(super) fn change<R>(
        &mut self,
        start: u32,
        change: impl FnOnce(&mut Entry<B>) -> R,
    ) -> Option<R> {
        self.change_under(self.root, start, change)
    }

    /// The lowest suitable hole between `lower` and `upper`, which surround
    /// all regions; every node looked at is counted in `steps`.
    pub(super) fn hole(&self, lower: u32, upper: u32, want: &Want, steps: &mut u32) -> Option<u32> {
        self.hole_under(self.root, lower, upper, want, steps)
    }

    fn hole_under(
        &self,
        at: Link<B>,
        lower: u32,
        upper: u32,
        want: &Want,
        steps: &mut u32,
    ) -> Option<u32> {
        *steps += 1;
        let Some(handle) = at else {
            return want.fit(lower, upper);
        };
        let node = &self.nodes[handle];
        let edges = (node.low - lower).max(upper - node.high);
        if node.hole.max(edges) < want.size || upper <= want.from {
            return None;
        }
        let range = node.entry.range;
        match self.hole_under(node.left, lower, range.start, want, steps) {
            None => self.hole_under(node.right, range.end, upper, want, steps),
            found => found,
        }
    }

    fn insert_under(&mut self, at: Link<B>, new: Handle<Node<B>>, start: u32) -> Handle<Node<B>> {
        let Some(handle) = at else {
            return new;
        };
        if start < self.nodes[handle].entry.range.start {
            let left = self.insert_under(self.nodes[handle].left, new, start);
            self.nodes[handle].left = Some(left);
        } else {
            let right = self.insert_under(self.nodes[handle].right, new, start);
            self.nodes[handle].right = Some(right);
        }
        self.balance(handle)
    }

    /// The subtree without the region, and the region's node, unlinked.
    fn remove_under(&mut self, at: Link<B>, start: u32) -> (Link<B>, Link<B>) {
        let Some(handle) = at else {
            return (None, None);
        };
        let node = &self.nodes[handle];
        let (own, left, right) = (node.entry.range.start, node.left, node.right);
        if start == own {
            let rest = match (left, right) {
                (Some(_), Some(right)) => {
                    let (rest, first) = self.remove_first(right);
                    self.nodes[first].left = left;
                    self.nodes[first].right = rest;
                    Some(self.balance(first))
                }
                (only, None) | (None, only) => only,
            };
            return (rest, Some(handle));
        }
        let removed;
        if start < own {
            let (left, found) = self.remove_under(left, start);
            self.nodes[handle].left = left;
            removed = found;
        } else {
            let (right, found) = self.remove_under(right, start);
            self.nodes[handle].right = right;
            removed = found;
        }
        (Some(self.balance(handle)), removed)
    }

    /// The subtree without its first node, and that node.
    fn remove_first(&mut self, at: Handle<Node<B>>) -> (Link<B>, Handle<Node<B>>) {
        match self.nodes[at].left {
            None => (self.nodes[at].right, at),
            Some(left) => {
                let (rest, first) = self.remove_first(left);
                self.nodes[at].left = rest;
                (Some(self.balance(at)), first)
            }
        }
    }

    fn change_under<R>(
        &mut self,
        at: Link<B>,
        start: u32,
        change: impl FnOnce(&mut Entry<B>) -> R,
    ) -> Option<R> {
        let handle = at?;
        let node = &mut self.nodes[handle];
        let own = node.entry.range.start;
        let (left, right) = (node.left, node.right);
        let result = match start.cmp(&own) {
            core::cmp::Ordering::Equal => Some(change(&mut node.entry)),
            core::cmp::Ordering::Less => self.change_under(left, start, change),
            core::cmp::Ordering::Greater => self.change_under(right, start, change),
        };
        self.refresh(handle);
        result
    }

    fn height_of(&self, link: Link<B>) -> u8 {
        link.map_or(0, |handle| self.nodes[handle].height)
    }

    /// Computes what a node says of its subtree.
    fn refresh(&mut self, at: Handle<Node<B>>) {
        let node = &self.nodes[at];
        let range = node.entry.range;
        let (mut low, mut high, mut hole) = (range.start, range.end, 0);
        if let Some(left) = node.left {
            let left = &self.nodes[left];
            low = left.low;
            hole = left.hole.max(range.start - left.high);
        }
        if let Some(right) = node.right {
            let right = &self.nodes[right];
            high = right.high;
            hole = hole.max(right.hole).max(right.low - range.end);
        }
        let height = 1 + self.height_of(node.left).max(self.height_of(node.right));
        let node = &mut self.nodes[at];
        (node.low, node.high, node.hole, node.height) = (low, high, hole, height);
    }

    /// Refreshes a node whose subtrees may differ in height by two, and
    /// rotates; the node that is in its place now.
    fn balance(&mut self, at: Handle<Node<B>>) -> Handle<Node<B>> {
        let (left, right) = (self.nodes[at].left, self.nodes[at].right);
        let (left_height, right_height) = (self.height_of(left), self.height_of(right));
        match (left, right) {
            (Some(left), _) if left_height > right_height + 1 => {
                let node = &self.nodes[left];
                if self.height_of(node.right) > self.height_of(node.left) {
                    let raised = self.raise_right(left);
                    self.nodes[at].left = Some(raised);
                }
                self.raise_left(at)
            }
            (_, Some(right)) if right_height > left_height + 1 => {
                let node = &self.nodes[right];
                if self.height_of(node.left) > self.height_of(node.right) {
                    let raised = self.raise_left(right);
                    self.nodes[at].right = Some(raised);
                }
                self.raise_right(at)
            }
            _ => {
                self.refresh(at);
                at
            }
        }
    }

    /// Puts the left child above the node.
    fn raise_left(&mut self, at: Handle<Node<B>>) -> Handle<Node<B>> {
        let Some(up) = self.nodes[at].left else {
            return at;
        };
        self.nodes[at].left = self.nodes[up].right;
        self.nodes[up].right = Some(at);
        self.refresh(at);
        self.refresh(up);
        up
    }

    /// Puts the right child above the node.
    fn raise_right(&mut self, at: Handle<Node<B>>) -> Handle<Node<B>> {
        let Some(up) = self.nodes[at].right else {
            return at;
        };
        self.nodes[at].right = self.nodes[up].left;
        self.nodes[up].left = Some(at);
        self.refresh(at);
        self.refresh(up);
        up
    }
}
