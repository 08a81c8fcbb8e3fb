//! The arena against a map of handles, and with an allocator that refuses.

mod allocator;

use std::collections::HashMap;

use kernel_core::arena::{Arena, BLOCK, Handle, NoMemory};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Insert(u64),
    /// So many in a row, to fill chunks.
    InsertMany(u16),
    Remove(u16),
    /// So many of those that are there, from the newest on.
    RemoveMany(u16),
    RemoveStale(u32),
    /// With so many allocations allowed.
    InsertShort(u8),
    Reserve(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u64>().prop_map(Step::Insert),
        1 => (0..700u16).prop_map(Step::InsertMany),
        3 => any::<u16>().prop_map(Step::Remove),
        1 => (0..900u16).prop_map(Step::RemoveMany),
        1 => (0..5000u32).prop_map(Step::RemoveStale),
        1 => (0..3u8).prop_map(Step::InsertShort),
        1 => (0..200u8, 0..3u8).prop_map(|(count, allowed)| Step::Reserve(count, allowed)),
    ]
}

struct Pair {
    arena: Arena<u64>,
    model: HashMap<Handle<u64>, u64>,
    handles: Vec<Handle<u64>>,
}

impl Pair {
    fn insert(&mut self, value: u64) {
        let handle = self.arena.insert(value).expect("there is memory");
        self.note(handle, value);
    }

    fn note(&mut self, handle: Handle<u64>, value: u64) {
        assert_eq!(self.model.insert(handle, value), None, "{handle:?} twice");
        self.handles.push(handle);
    }

    fn remove(&mut self, which: usize) {
        let handle = self.handles.swap_remove(which);
        assert_eq!(self.arena.remove(handle), self.model.remove(&handle));
        assert_eq!(self.arena.at(handle), None);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Insert(value) => self.insert(value),
            Step::InsertMany(count) => (0..u64::from(count)).for_each(|value| self.insert(value)),
            Step::Remove(which) if !self.handles.is_empty() => {
                self.remove(usize::from(which) % self.handles.len());
            }
            Step::Remove(_) => {}
            Step::RemoveMany(count) => {
                for _ in 0..usize::from(count).min(self.handles.len()) {
                    self.remove(self.handles.len() - 1);
                }
            }
            Step::RemoveStale(index) => {
                let handle = Handle::from_index(index).expect("small");
                if !self.model.contains_key(&handle) {
                    assert_eq!(self.arena.remove(handle), None);
                }
            }
            Step::InsertShort(allowed) => {
                let arena = &mut self.arena;
                let tried = allocator::with_allocations(allowed.into(), || arena.insert(7));
                if let Ok(handle) = tried {
                    self.note(handle, 7);
                }
            }
            Step::Reserve(count, allowed) => {
                let arena = &mut self.arena;
                let tried =
                    allocator::with_allocations(allowed.into(), || arena.reserve(count.into()));
                if tried.is_ok() {
                    // What was reserved needs no allocation at all.
                    for value in 0..u64::from(count) {
                        let arena = &mut self.arena;
                        let handle = allocator::with_allocations(0, || arena.insert(value));
                        self.note(handle.expect("reserved"), value);
                    }
                }
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.arena.len() as usize, self.model.len());
        for (handle, value) in &self.model {
            assert_eq!(self.arena.at(*handle), Some(value));
        }
        let walked: Vec<_> = self.arena.iter().map(|(handle, _)| handle).collect();
        assert_eq!(walked.len(), self.model.len());
        assert!(walked.is_sorted());
    }
}

proptest! {
    #[test]
    fn agrees_with_a_map(steps in prop::collection::vec(step(), 1..60)) {
        let (left, _) = allocator::measured(|| {
            let mut pair = Pair {
                arena: Arena::new(),
                model: HashMap::new(),
                handles: Vec::new(),
            };
            for step in &steps {
                pair.step(step.clone());
                pair.check();
            }
        });
        prop_assert_eq!(left, 0);
    }
}

#[test]
fn no_block_grows_with_the_number_of_values() {
    let (_, largest) = allocator::measured(|| {
        let mut arena = Arena::new();
        for value in 0..300_000u64 {
            arena.insert(value).expect("there is memory");
        }
    });
    assert!(largest <= BLOCK, "a block of {largest} bytes");
}

#[test]
fn memory_comes_back_when_values_go() {
    const MANY: u32 = 100_000;
    let mut arena = Arena::new();
    let one = arena.insert(0u64).expect("there is memory");
    let (kept, _) = allocator::measured(|| {
        for value in 1..MANY {
            arena.insert(value.into()).expect("there is memory");
        }
        // Every second first, so that no chunk is empty until late.
        for index in (1..MANY).step_by(2).chain((2..MANY).step_by(2)) {
            let handle = Handle::from_index(index).expect("small");
            assert_eq!(arena.remove(handle), Some(index.into()));
        }
    });
    assert_eq!(arena.at(one), Some(&0));
    assert!(kept <= 2 * BLOCK as isize, "{kept} bytes stay");
}

#[test]
fn a_small_arena_is_small() {
    let (used, _) = allocator::measured(|| {
        let mut arena = Arena::new();
        for value in 0..5u64 {
            arena.insert(value).expect("there is memory");
        }
        std::mem::forget(arena);
    });
    assert!(used <= 640, "{used} bytes for five values");
}

#[test]
fn without_memory_nothing_changes() {
    let mut arena = Arena::new();
    let refused = allocator::with_allocations(0, || arena.insert(1u64));
    assert_eq!(refused, Err(NoMemory));
    for allowed in 0..8 {
        let before = arena.len();
        let room = allocator::with_allocations(allowed, || arena.reserve(20_000));
        assert_eq!(room, Err(NoMemory));
        assert_eq!(arena.len(), before);
        arena.insert(2).expect("there is memory again");
    }
    assert_eq!(arena.iter().filter(|(_, value)| **value == 2).count(), 8);
}

#[test]
fn values_larger_than_a_block_have_chunks_of_their_own() {
    let mut arena = Arena::new();
    let first = arena.insert([1u8; 5000]).expect("there is memory");
    let second = arena.insert([2u8; 5000]).expect("there is memory");
    assert_eq!((arena[first][0], arena[second][4999]), (1, 2));
    arena[first][0] = 9;
    assert_eq!(arena.remove(first).map(|value| value[0]), Some(9));
}

#[test]
fn a_handle_is_four_bytes_even_when_optional() {
    assert_eq!(size_of::<Option<Handle<[u64; 9]>>>(), 4);
    assert!(Handle::<u8>::from_index(u32::MAX).is_none());
}

#[test]
#[should_panic = "handle #3 names nothing"]
fn a_stale_handle_is_a_bug() {
    let arena: Arena<u8> = Arena::new();
    let _ = arena[Handle::from_index(3).expect("small")];
}
