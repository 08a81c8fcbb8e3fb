//! A map and an array of pages that must agree with it, and steps for both.

use kernel_core::vm::map::{
    Attributes, CopyFlags, Entry, Inheritance, Keeper, Limit, Map, MapError, PAGE, Place,
    Protection, Range,
};
use proptest::prelude::*;

use crate::{Counter, PAGES, Piece, allocator};

const BASE: u32 = 0x1000;

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Protect(Limit, u32),
    Inherit(u32),
    Wire(u32),
    Hold,
    Unhold,
    Mark(CopyFlags),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Enter(u32, u32),
    Find(u32, u32, u32),
    Remove(u32, u32),
    Change(u32, u32, Change),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0..8u32).prop_map(|bits| Change::Protect(Limit::Current, bits)),
        (0..8u32).prop_map(|bits| Change::Protect(Limit::Maximum, bits)),
        (0..3u32).prop_map(Change::Inherit),
        (0..4u32).prop_map(Change::Wire),
        Just(Change::Hold),
        Just(Change::Unhold),
        prop_oneof![
            Just(CopyFlags::Own),
            Just(CopyFlags::NeedsCopy),
            Just(CopyFlags::Shared)
        ]
        .prop_map(Change::Mark),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let page = 0..PAGES + 2;
    let size = 0..12u32;
    prop_oneof![
        1 => (page.clone(), size.clone()).prop_map(|(a, b)| Step::Enter(a, b)),
        1 => (page.clone(), size.clone(), 0..16u32).prop_map(|(a, b, c)| Step::Find(a, b, c)),
        1 => (page.clone(), size.clone()).prop_map(|(a, b)| Step::Remove(a, b)),
        3 => (page, size, change()).prop_map(|(a, b, c)| Step::Change(a, b, c)),
    ]
}

/// What the model knows of a page.
type Page = Option<(Attributes, Piece)>;

pub(crate) struct Pair {
    map: Map<Piece>,
    counter: Counter,
    model: Vec<Page>,
    next: u32,
}

fn address(page: u32) -> u32 {
    BASE + page * PAGE
}

fn apply(change: &Change, attributes: &mut Attributes) -> Result<(), MapError> {
    match change {
        Change::Protect(limit, bits) => {
            let new = Protection::from_bits(*bits).expect("three bits");
            if !attributes.max_protection.contains(new) {
                return Err(MapError::ProtectionFailure);
            }
            match limit {
                Limit::Current => attributes.protection = new,
                Limit::Maximum => {
                    attributes.max_protection = new;
                    attributes.protection = attributes.protection & new;
                }
            }
        }
        Change::Inherit(number) => {
            attributes.inheritance = Inheritance::from_number(*number).expect("of three");
        }
        Change::Wire(bits) => {
            let access = Protection::from_bits(*bits).expect("two bits");
            if !attributes.protection.contains(access) {
                return Err(MapError::NoSpace);
            }
            attributes.wired = access;
        }
        Change::Hold => attributes.holds += 1,
        Change::Unhold => {
            attributes.holds = attributes
                .holds
                .checked_sub(1)
                .ok_or(MapError::InvalidArgument)?;
        }
        Change::Mark(flags) => {
            attributes.needs_copy = *flags == CopyFlags::NeedsCopy;
            attributes.is_shared = *flags == CopyFlags::Shared;
        }
    }
    Ok(())
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self {
            map: Map::new(Range {
                start: BASE,
                end: address(PAGES),
            }),
            counter: Counter::new(),
            model: vec![None; PAGES as usize],
            next: 0,
        }
    }

    fn pages(&mut self, page: u32, count: u32) -> &mut [Page] {
        &mut self.model[page as usize..(page + count) as usize]
    }

    fn enter(&mut self, place: Place, page: u32, count: u32, object: u32) -> Result<(), MapError> {
        let backing = self.counter.enter(object);
        let attributes = Attributes::ALLOCATED;
        let size = count * PAGE;
        let entered = self
            .map
            .enter(place, size, attributes, backing, &mut self.counter);
        match entered {
            Ok(range) => {
                assert_eq!((range.start, range.size()), (address(page), size));
                for (at, slot) in (0u32..).zip(self.pages(page, count)) {
                    let offset = at * PAGE;
                    *slot = Some((attributes, Piece { object, offset }));
                }
                Ok(())
            }
            Err(refused) => {
                self.counter.leave(refused.backing);
                Err(refused.error)
            }
        }
    }

    pub(crate) fn step(&mut self, step: &Step, allowed: usize) {
        match *step {
            Step::Enter(page, count) => {
                let expected = if count == 0 {
                    Err(MapError::InvalidArgument)
                } else if page + count > PAGES {
                    Err(MapError::InvalidAddress)
                } else if self.pages(page, count).iter().any(Option::is_some) {
                    Err(MapError::NoSpace)
                } else {
                    Ok(())
                };
                self.next += 1;
                let object = self.next;
                let done = self.enter(Place::At(address(page)), page, count, object);
                assert_eq!(done, expected);
            }
            Step::Find(page, count, bits) => {
                let mask = bits * PAGE;
                let fits = |start: u32| {
                    address(start) & mask == 0
                        && start + count <= PAGES
                        && self.model[start as usize..(start + count) as usize]
                            .iter()
                            .all(Option::is_none)
                };
                let found = (page..PAGES).find(|start| fits(*start));
                let place = Place::Anywhere {
                    from: address(page),
                    mask,
                };
                self.next += 1;
                let object = self.next;
                let done = self.enter(place, found.unwrap_or(0), count, object);
                let expected = match (count, found) {
                    (0, _) => Err(MapError::InvalidArgument),
                    (_, Some(_)) => Ok(()),
                    (_, None) => Err(MapError::NoSpace),
                };
                assert_eq!(done, expected);
            }
            Step::Remove(page, count) => {
                let range = Range {
                    start: address(page),
                    end: address(page + count),
                };
                let counter = &mut self.counter;
                let map = &mut self.map;
                let done = allocator::with_allocations(allowed, || map.remove(range, counter));
                if done == Err(MapError::ResourceShortage) {
                    return;
                }
                if page + count > PAGES {
                    assert_eq!(done, Err(MapError::InvalidAddress));
                    return;
                }
                let there = self.pages(page, count).iter().flatten().count();
                assert_eq!(done, Ok(there as u32 * PAGE));
                let mut gone: Vec<_> = Vec::new();
                for (range, piece) in self.counter.removed.drain(..) {
                    for at in (0..range.size()).step_by(PAGE as usize) {
                        let offset = piece.offset + at;
                        gone.push(Piece { offset, ..piece });
                    }
                }
                let model: Vec<_> = self
                    .pages(page, count)
                    .iter_mut()
                    .filter_map(|slot| slot.take().map(|(_, piece)| piece))
                    .collect();
                assert_eq!(gone, model);
            }
            Step::Change(page, count, ref change) => self.change(page, count, change, allowed),
        }
    }

    fn change(&mut self, page: u32, count: u32, change: &Change, allowed: usize) {
        let range = Range {
            start: address(page),
            end: address(page + count),
        };
        let counter = &mut self.counter;
        let map = &mut self.map;
        let done = allocator::with_allocations(allowed, || match *change {
            Change::Protect(limit, bits) => {
                let new = Protection::from_bits(bits).expect("three bits");
                map.protect(range, limit, new, counter)
            }
            Change::Inherit(number) => {
                let new = Inheritance::from_number(number).expect("of three");
                map.inherit(range, new, counter)
            }
            Change::Wire(bits) => {
                let access = Protection::from_bits(bits).expect("two bits");
                map.wire(range, access, counter)
            }
            Change::Hold => map.hold(range, counter),
            Change::Unhold => map.unhold(range, counter),
            Change::Mark(flags) => map.mark(range, flags, counter),
        });
        if done == Err(MapError::ResourceShortage) {
            assert_ne!(allowed, usize::MAX);
            return;
        }
        if count == 0 && page > PAGES {
            assert_eq!(done, Err(MapError::InvalidAddress));
            return;
        }
        let absent = match change {
            Change::Wire(_) => MapError::NoSpace,
            _ => MapError::InvalidAddress,
        };
        let passes_over = matches!(change, Change::Protect(..) | Change::Inherit(_));
        let has_holes = |pages: &[Option<_>]| pages.iter().any(Option::is_none);
        if page + count > PAGES || !passes_over && has_holes(self.pages(page, count)) {
            assert_eq!(done, Err(absent));
            return;
        }
        let mut changed = self.pages(page, count).to_vec();
        let expected = changed
            .iter_mut()
            .flatten()
            .try_for_each(|(attributes, _)| apply(change, attributes));
        assert_eq!(done, expected);
        if done.is_ok() {
            self.pages(page, count).copy_from_slice(&changed);
        }
    }

    pub(crate) fn check(&self) {
        let all = self.map.bounds();
        let mut uses = vec![0; self.counter.uses.len()];
        let mut seen = vec![None; PAGES as usize];
        let mut last: Option<&Entry<Piece>> = None;
        for entry in self.map.entries(all) {
            uses[entry.backing.object as usize] += 1;
            for at in (0..entry.range.size()).step_by(PAGE as usize) {
                let page = (entry.range.start - BASE + at) / PAGE;
                let offset = entry.backing.offset + at;
                let piece = Piece {
                    offset,
                    ..entry.backing
                };
                seen[page as usize] = Some((entry.attributes, piece));
            }
            if let Some(last) = last {
                let joined = last.range.end == entry.range.start
                    && last.attributes == entry.attributes
                    && self
                        .counter
                        .continues(&last.backing, last.range.size(), &entry.backing);
                assert!(!joined, "{last:?} and {entry:?} belong together");
            }
            last = Some(entry);
        }
        assert_eq!(seen, self.model);
        assert_eq!(uses, self.counter.uses);
        let there = self.model.iter().flatten().count();
        assert_eq!(self.map.size(), there as u32 * PAGE);
        for page in 0..PAGES {
            let found = self.map.lookup(address(page) + 5);
            assert_eq!(found.is_some(), self.model[page as usize].is_some());
            let region = self.map.region(address(page));
            let next = (page..PAGES).find(|page| self.model[*page as usize].is_some());
            let start = region.map(|region| region.range.start.max(address(page)));
            assert_eq!(start, next.map(address));
        }
    }
}
