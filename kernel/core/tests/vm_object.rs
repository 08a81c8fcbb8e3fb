//! Copy-on-write against plain arrays: what each copy shows, and how far.

mod allocator;
mod store;

use kernel_core::arena::NoMemory;
use kernel_core::vm::object::{
    Found, MAX_CHAIN, ObjectHandle, Objects, Progress, Released, Source,
};
use proptest::prelude::*;
use store::Store;

const SIZE: u32 = 6;

/// A region as an address map has it, and what it must show.
#[derive(Clone)]
struct Region {
    object: ObjectHandle,
    offset: u32,
    needs_copy: bool,
    shows: Vec<u32>,
}

#[derive(Default)]
struct System {
    objects: Objects,
    store: Store,
    regions: Vec<Region>,
    budget: u32,
    /// Whether pages can be moved one or none at a time.
    refusals: bool,
    /// How often memory could have been refused.
    attempts: u32,
}

impl System {
    fn shorten(&mut self, object: ObjectHandle) {
        for _ in 0..1000 {
            self.store.touched = 0;
            self.store.allowed = self.refusals.then_some(self.attempts % 2);
            let done = self.objects.shorten(object, self.budget, &mut self.store);
            self.store.allowed = None;
            self.attempts += 1;
            assert!(self.store.touched <= self.budget);
            self.check();
            if done == Ok(Progress::Done) {
                return;
            }
            assert!(done.is_ok() || self.refusals);
        }
        panic!("shortening never ends");
    }

    fn create(&mut self) {
        let made = self.objects.create(SIZE, Source::Kernel);
        self.regions.push(Region {
            object: made.expect("there is memory"),
            offset: 0,
            needs_copy: false,
            shows: vec![0; SIZE as usize],
        });
    }

    fn copy(&mut self, which: usize) {
        self.regions[which].needs_copy = true;
        let copy = self.regions[which].clone();
        self.objects.reference(copy.object).expect("it is there");
        self.regions.push(copy);
    }

    fn write(&mut self, which: usize, page: u32, value: u32) {
        let region = &mut self.regions[which];
        if region.needs_copy && !self.objects.is_sole(region.object) {
            let made = self.objects.shadow(region.object, region.offset, SIZE);
            region.object = made.expect("there is memory");
            region.offset = 0;
        }
        region.needs_copy = false;
        let (object, at) = (region.object, page + region.offset);
        region.shows[page as usize] = value;
        assert!(self.objects.is_writable(object));
        self.store.pages.insert((object, at), value);
        self.shorten(object);
        assert!(self.objects.chain(object) <= MAX_CHAIN);
    }

    fn drop(&mut self, which: usize) {
        let mut object = self.regions.swap_remove(which).object;
        loop {
            self.store.touched = 0;
            let released = self.objects.release(object, self.budget, &mut self.store);
            assert!(self.store.touched <= self.budget);
            match released {
                Released::More(next) => object = next,
                Released::Done(Some(alone)) => return self.shorten(alone),
                Released::Done(None) => return,
            }
        }
    }

    fn check(&self) {
        for region in &self.regions {
            for (page, value) in (0..).zip(&region.shows) {
                let found = self
                    .objects
                    .find(region.object, page + region.offset, &self.store);
                let shown = match found {
                    Found::Page(object, page) => self.store.pages[&(object, page)],
                    Found::Zero => 0,
                    Found::Ask(..) => panic!("there is no pager"),
                };
                assert_eq!(shown, *value, "page {page} of {:?}", region.object);
            }
        }
    }
}

proptest! {
    #[test]
    fn every_copy_shows_what_it_must(
        steps in prop::collection::vec((0..8u8, any::<u16>(), 0..SIZE), 1..150),
        budget in 1..8u32,
        refusals: bool,
    ) {
        let mut system = System { budget, refusals, ..System::default() };
        for (number, (what, which, page)) in (1u32..).zip(steps) {
            if system.regions.is_empty() {
                system.create();
            }
            let which = usize::from(which) % system.regions.len();
            match what {
                0 if system.regions.len() < 20 => system.create(),
                1 | 2 if system.regions.len() < 20 => system.copy(which),
                3 | 4 => system.drop(which),
                _ => system.write(which, page, number),
            }
            system.check();
        }
        while !system.regions.is_empty() {
            system.drop(0);
        }
        prop_assert!(system.objects.is_empty());
        prop_assert!(system.store.pages.is_empty());
    }
}

#[test]
fn generations_leave_nothing_behind() {
    let mut system = System {
        budget: 4,
        ..System::default()
    };
    system.create();
    for generation in 0..1000 {
        // The child is what lives on, then the parent.
        system.copy(0);
        system.write(0, generation % SIZE, generation);
        system.write(1, (generation + 1) % SIZE, generation);
        system.drop((generation % 2) as usize);
        system.check();
        let object = system.regions[0].object;
        assert!(system.objects.chain(object) <= 2);
        assert!(system.objects.len() <= 2);
    }
}

#[test]
fn a_parent_with_many_living_children_keeps_a_short_chain() {
    let mut system = System {
        budget: 2,
        ..System::default()
    };
    system.create();
    for child in 0..100 {
        system.copy(0);
        system.write(0, child % SIZE, child + 1);
    }
    for region in 0..system.regions.len() {
        assert!(system.objects.chain(system.regions[region].object) <= MAX_CHAIN);
    }
}

#[test]
fn what_a_pager_supplies_stays_behind() {
    let mut objects = Objects::new();
    let mut store = Store::default();
    let paged = objects.create(SIZE + 2, Source::Pager).expect("memory");
    objects.reference(paged).expect("there");
    let mut top = objects.shadow(paged, 2, SIZE).expect("memory");
    let mut held = Vec::new();
    for number in 0..20 {
        held.push(top);
        objects.reference(top).expect("there");
        top = objects.shadow(top, 0, SIZE).expect("memory");
        store.pages.insert((top, 1), number);
        while objects.shorten(top, 3, &mut store) == Ok(Progress::More) {}
        assert!(objects.chain(top) <= MAX_CHAIN);
        assert_eq!(objects.find(top, 1, &store), Found::Page(top, 1));
        assert_eq!(objects.find(top, 0, &store), Found::Ask(paged, 2));
    }
}

#[test]
fn without_memory_a_shadow_leaves_the_reference() {
    let mut objects = Objects::new();
    let mut made = Vec::new();
    let object = objects.create(1, Source::Kernel).expect("memory");
    let (kept, _) = allocator::measured(|| ());
    assert_eq!(kept, 0);
    loop {
        let shadow = allocator::with_allocations(0, || objects.shadow(object, 0, 1));
        match shadow {
            Ok(shadow) => made.push(shadow),
            Err(NoMemory) => break,
        }
        objects.reference(object).expect("there");
    }
    assert!(!objects.is_sole(object) || made.is_empty());
    assert_eq!(objects.len() as usize, made.len() + 1);
    let mut store = Store::default();
    assert_eq!(
        objects.release(object, 9, &mut store),
        Released::Done(made.first().copied().filter(|_| made.len() == 1))
    );
}
