//! The address map against an array of pages, and with refused allocations.

mod allocator;
#[path = "vm_map/pair.rs"]
mod pair;

use kernel_core::vm::map::{
    Attributes, CopyFlags, Entry, Keeper, Limit, Map, MapError, PAGE, Place, Protection, Range,
};
use pair::{Pair, step};
use proptest::prelude::*;

const PAGES: u32 = 64;

/// An object and an offset; the objects are told apart by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Piece {
    object: u32,
    offset: u32,
}

/// Counts the uses of each object; splitting and removing allocate nothing.
struct Counter {
    uses: Vec<u32>,
    removed: Vec<(Range, Piece)>,
}

impl Counter {
    fn new() -> Self {
        Self {
            uses: Vec::new(),
            removed: Vec::with_capacity(PAGES as usize),
        }
    }

    fn enter(&mut self, object: u32) -> Piece {
        let index = object as usize;
        if self.uses.len() <= index {
            self.uses.resize(index + 1, 0);
        }
        self.uses[index] += 1;
        Piece { object, offset: 0 }
    }

    fn leave(&mut self, piece: Piece) {
        let uses = &mut self.uses[piece.object as usize];
        *uses = uses.checked_sub(1).expect("in use");
    }
}

impl Keeper<Piece> for Counter {
    fn split(&mut self, backing: &Piece, at: u32) -> Piece {
        self.enter(backing.object);
        Piece {
            offset: backing.offset + at,
            ..*backing
        }
    }

    fn continues(&self, first: &Piece, size: u32, next: &Piece) -> bool {
        first.object == next.object && first.offset + size == next.offset
    }

    fn merge(&mut self, _: &mut Piece, next: Piece) {
        self.leave(next);
    }

    fn removed(&mut self, entry: Entry<Piece>) {
        self.leave(entry.backing);
        self.removed.push((entry.range, entry.backing));
    }
}

proptest! {
    #[test]
    fn agrees_with_an_array_of_pages(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.step(step, usize::MAX);
            pair.check();
        }
    }

    #[test]
    fn a_refused_allocation_changes_nothing(
        steps in prop::collection::vec((step(), prop::bool::ANY), 1..80),
    ) {
        let mut pair = Pair::new();
        for (step, refuse) in &steps {
            pair.step(step, if *refuse { 0 } else { usize::MAX });
            pair.check();
        }
    }

    #[test]
    fn no_input_panics(start: u32, end: u32, from: u32, size: u32, mask: u32) {
        let mut map = Map::new(Range { start, end });
        let mut counter = Counter::new();
        let range = Range { start: from, end: size };
        for place in [Place::At(from), Place::Anywhere { from, mask }] {
            let piece = counter.enter(1);
            if let Ok(range) = map.enter(place, size, Attributes::ALLOCATED, piece, &mut counter) {
                prop_assert!(range.start >= map.bounds().start && range.end <= map.bounds().end);
            }
        }
        let _ = map.access(from, Protection::ALL);
        let _ = map.hold(range, &mut counter);
        let _ = map.remove(range, &mut counter);
        let _ = Range::covering(from, size);
    }
}

fn many(count: u32) -> (Map<Piece>, Counter) {
    let mut map = Map::new(Range {
        start: 0,
        end: 0xC000_0000,
    });
    let mut counter = Counter::new();
    for number in 0..count {
        let piece = counter.enter(number);
        let place = Place::At(number * 2 * PAGE);
        let entered = map.enter(place, PAGE, Attributes::ALLOCATED, piece, &mut counter);
        entered.expect("there is room");
    }
    (map, counter)
}

#[test]
fn finding_takes_logarithmic_time() {
    const COUNT: u32 = 65_536;
    let (mut map, mut counter) = many(COUNT);
    assert!(map.height() <= 24, "{} levels", map.height());
    // All holes before the last are one page too small.
    let place = Place::Anywhere { from: 0, mask: 0 };
    let (range, steps) = map.find_space(place, 2 * PAGE).expect("there is room");
    assert_eq!(range.start, (COUNT * 2 - 1) * PAGE);
    assert!(steps <= 50, "{steps} steps");
    for from in [PAGE, 1001 * PAGE, 77_777 * PAGE] {
        let place = Place::Anywhere { from, mask: 0 };
        let (range, steps) = map.find_space(place, PAGE).expect("there is room");
        assert_eq!(range.start, from);
        assert!(steps <= 50, "{steps} steps");
    }
    // Removing every second leaves a tree that is no higher.
    for number in (0..COUNT).step_by(2) {
        let start = number * 2 * PAGE;
        let range = Range {
            start,
            end: start + PAGE,
        };
        assert_eq!(map.remove(range, &mut counter), Ok(PAGE));
    }
    assert!(map.height() <= 23, "{} levels", map.height());
}

#[test]
fn no_block_grows_with_the_number_of_regions() {
    let (_, largest) = allocator::measured(|| {
        let mut map = Map::new(Range {
            start: 0,
            end: 0xC000_0000,
        });
        let mut counter = Counter::new();
        for number in 0..20_000 {
            let piece = counter.enter(number % 2);
            let place = Place::At(number * PAGE);
            let entered = map.enter(place, PAGE, Attributes::ALLOCATED, piece, &mut counter);
            entered.expect("there is room");
        }
        assert_eq!(map.len(), 20_000);
    });
    assert!(largest <= kernel_core::arena::BLOCK, "{largest} bytes");
}

#[test]
fn entering_without_memory_gives_the_backing_back() {
    let mut map = Map::new(Range {
        start: 0,
        end: 0x10_0000,
    });
    let mut counter = Counter::new();
    let piece = counter.enter(7);
    let refused = allocator::with_allocations(0, || {
        map.enter(
            Place::At(0),
            PAGE,
            Attributes::ALLOCATED,
            piece,
            &mut counter,
        )
    });
    let refused = refused.expect_err("no memory");
    assert_eq!(
        (refused.error, refused.backing),
        (MapError::ResourceShortage, piece)
    );
    assert!(map.is_empty());
}

#[test]
fn a_fault_finds_what_backs_it() {
    let (mut map, mut counter) = many(3);
    let entry = map.access(4 * PAGE + 9, Protection::WRITE).expect("there");
    assert_eq!((entry.range.start, entry.backing.object), (4 * PAGE, 2));
    assert_eq!(
        map.access(3 * PAGE, Protection::READ),
        Err(MapError::InvalidAddress)
    );
    let range = Range {
        start: 4 * PAGE,
        end: 5 * PAGE,
    };
    let read = Protection::READ;
    let done = map.protect(range, Limit::Maximum, read, &mut counter);
    assert_eq!(done, Ok(()));
    assert_eq!(
        map.access(4 * PAGE, Protection::WRITE),
        Err(MapError::ProtectionFailure)
    );
    let mut shadow = counter.enter(9);
    let done = map.swap_backing(4 * PAGE, &mut shadow, CopyFlags::NeedsCopy);
    assert_eq!((done, shadow.object), (Ok(()), 2));
    assert!(
        map.region(3 * PAGE)
            .is_some_and(|region| region.attributes.needs_copy)
    );
    assert_eq!(
        map.swap_backing(PAGE, &mut shadow, CopyFlags::Own),
        Err(MapError::InvalidAddress)
    );
}

#[test]
fn ranges_cover_whole_pages() {
    let range = Range::covering(0x1fff, 2).expect("low");
    assert_eq!((range.start, range.end), (0x1000, 0x3000));
    assert_eq!(Range::covering(0xffff_f000, 1), None);
}
