//! What pagers supply: copies of it against plain arrays, and what is asked.

mod store;

use kernel_core::vm::ledger::{Ask, Ledger, Left, Return, Strategy as Copying, Supplied, Want};
use kernel_core::vm::map::Protection;
use kernel_core::vm::object::{Found, ObjectHandle, Objects, Pages, Progress, Released, Source};
use proptest::prelude::*;
use store::Store;

const SIZE: u32 = 5;

/// A region that shows a copy of part of the pager's object.
#[derive(Clone)]
struct Region {
    object: ObjectHandle,
    offset: u32,
    needs_copy: bool,
    shows: Vec<u32>,
}

struct System {
    objects: Objects,
    store: Store,
    paged: ObjectHandle,
    /// What the pager has.
    disk: Vec<u32>,
    regions: Vec<Region>,
    budget: u32,
}

impl System {
    fn new(budget: u32) -> System {
        let mut objects = Objects::new();
        let paged = objects.create(SIZE, Source::Pager).expect("memory");
        // The keeper's and a mapping's.
        objects.reference(paged).expect("there");
        System {
            objects,
            store: Store::default(),
            paged,
            disk: (100..100 + SIZE).collect(),
            regions: Vec::new(),
            budget,
        }
    }

    fn bring(&mut self, page: u32) {
        let value = self.disk[page as usize];
        self.store.pages.entry((self.paged, page)).or_insert(value);
    }

    fn now(&self, page: u32) -> u32 {
        let resident = self.store.pages.get(&(self.paged, page));
        resident.copied().unwrap_or(self.disk[page as usize])
    }

    fn write_object(&mut self, page: u32, value: u32) {
        self.bring(page);
        if let Some((copy, at)) = self.objects.copy_of(self.paged, page) {
            if !self.store.has(copy, at) {
                let copied = self.store.copy((self.paged, page), (copy, at));
                copied.expect("memory");
            }
        }
        self.store.pages.insert((self.paged, page), value);
    }

    fn flush(&mut self, page: u32) {
        if let Some(value) = self.store.pages.remove(&(self.paged, page)) {
            self.disk[page as usize] = value;
        }
    }

    fn copy_object(&mut self, offset: u32) {
        let object = self.objects.copy(self.paged, &self.store).expect("memory");
        self.regions.push(Region {
            object,
            offset,
            needs_copy: true,
            shows: (offset..SIZE).map(|page| self.now(page)).collect(),
        });
    }

    fn copy_region(&mut self, which: usize) {
        self.regions[which].needs_copy = true;
        let copy = self.regions[which].clone();
        self.objects.reference(copy.object).expect("it is there");
        self.regions.push(copy);
    }

    fn write_region(&mut self, which: usize, page: u32, value: u32) {
        let region = &mut self.regions[which];
        let pages = SIZE - (SIZE - region.shows.len() as u32);
        let page = page % pages;
        let may_write = self.objects.is_sole(region.object) && !self.objects.is_copy(region.object);
        if region.needs_copy && !may_write {
            let made = self.objects.shadow(region.object, region.offset, pages);
            region.object = made.expect("memory");
            region.offset = 0;
        }
        region.needs_copy = false;
        region.shows[page as usize] = value;
        assert!(self.objects.is_writable(region.object));
        let (object, at) = (region.object, page + region.offset);
        self.store.pages.insert((object, at), value);
        self.shorten(object);
    }

    fn shorten(&mut self, object: ObjectHandle) {
        while self.objects.shorten(object, self.budget, &mut self.store) == Ok(Progress::More) {
            self.check();
        }
    }

    fn drop(&mut self, which: usize) {
        let mut object = self.regions.swap_remove(which).object;
        loop {
            match self.objects.release(object, self.budget, &mut self.store) {
                Released::More(next) => object = next,
                Released::Done(Some(alone)) => return self.shorten(alone),
                Released::Done(None) => return,
            }
        }
    }

    fn check(&self) {
        for region in &self.regions {
            for (page, value) in (0..).zip(&region.shows) {
                let at = page + region.offset;
                let shown = match self.objects.find(region.object, at, &self.store) {
                    Found::Page(object, page) => self.store.pages[&(object, page)],
                    Found::Ask(object, page) => {
                        assert_eq!(object, self.paged);
                        self.disk[page as usize]
                    }
                    Found::Zero => panic!("the pager has all pages"),
                };
                assert_eq!(shown, *value, "page {page} of {:?}", region.object);
            }
        }
    }
}

proptest! {
    /// Whoever copied a pager's object sees what it was then.
    #[test]
    fn copies_show_what_was(
        steps in prop::collection::vec((0..9u8, any::<u16>(), 0..SIZE), 1..200),
        budget in 1..8u32,
    ) {
        let mut system = System::new(budget);
        for (number, (what, which, page)) in (1000u32..).zip(steps) {
            let count = system.regions.len();
            let which = usize::from(which) % count.max(1);
            match what {
                0 | 1 => system.write_object(page, number),
                2 => system.flush(page),
                3 => system.bring(page),
                4 | 5 if count < 20 => system.copy_object(page.min(SIZE - 1)),
                6 if count > 0 && count < 20 => system.copy_region(which),
                7 if count > 0 => system.drop(which),
                _ if count > 0 => system.write_region(which, page, number),
                _ => {}
            }
            system.check();
        }
        while !system.regions.is_empty() {
            system.drop(0);
        }
        prop_assert_eq!(system.objects.take_idle(), None);
        prop_assert_eq!(system.objects.len(), 1);
        // The mapping goes: only the keeper is left, and hears of it once.
        let released = system.objects.release(system.paged, 99, &mut system.store);
        prop_assert_eq!(released, Released::Done(None));
        prop_assert_eq!(system.objects.take_idle(), Some(system.paged));
        prop_assert_eq!(system.objects.take_idle(), None);
    }
}

/// What the model knows of a page.
#[derive(Clone, Copy, Default)]
struct Known {
    resident: bool,
    dirty: bool,
    precious: bool,
    zero: bool,
    locked: u32,
    asked: u32,
}

#[derive(Default)]
struct Model {
    ledger: Ledger,
    known: [Known; SIZE as usize],
    /// Threads that wait: for which page, and how.
    waiting: Vec<(u32, Protection)>,
    ready: bool,
}

impl Model {
    fn want(&mut self, page: u32, access: Protection) {
        let known = &mut self.known[page as usize];
        let bits = access.bits();
        let wants = self.ledger.want(page, access).expect("memory");
        if known.resident && known.locked & bits == 0 {
            assert_eq!(wants, Want::Use);
        } else if known.zero {
            assert_eq!(wants, Want::Zero);
            assert_eq!(self.ledger.made_zero(page), Ok(Supplied::Taken));
            *known = Known {
                resident: true,
                ..Known::default()
            };
        } else {
            let asks = self.ready && known.asked & bits != bits;
            let ask = match known.resident {
                true => Ask::Unlock(access),
                false => Ask::Data(access),
            };
            // Never twice for the same.
            assert_eq!(wants, Want::Wait(asks.then_some(ask)));
            if asks {
                known.asked |= bits;
            }
            assert!(self.ledger.must_wait(page, access));
            self.waiting.push((page, access));
        }
    }

    /// All who need not wait any more look what has come of it.
    fn wake(&mut self, failed: Option<(u32, u32)>) {
        let waiting = std::mem::take(&mut self.waiting);
        for (page, access) in waiting {
            let has_failed = failed.is_some_and(|(from, end)| (from..end).contains(&page));
            if self.ledger.must_wait(page, access) {
                self.waiting.push((page, access));
                continue;
            }
            let left = self.ledger.leave(page);
            if left == Left::Failed {
                assert!(has_failed, "told of an error that nobody reported");
            }
        }
    }
}

const READ: Protection = Protection::READ;

proptest! {
    /// A ledger asks once for each, keeps nobody waiting without need, and
    /// forgets what it need not know.
    #[test]
    fn a_ledger_agrees_with_a_table(
        steps in prop::collection::vec((0..12u8, 0..SIZE, 0..SIZE, 0..4u32), 1..200),
    ) {
        let mut model = Model::default();
        for (what, page, end, bits) in steps {
            let access = if bits % 2 == 0 { READ } else { Protection::DEFAULT };
            let range = page.min(end)..end.max(page) + 1;
            let mut failed = None;
            match what {
                0..=2 => model.want(page, access),
                3 | 4 => {
                    let locked = Protection::from_bits(bits & 2).expect("bits");
                    let precious = bits & 1 != 0;
                    let known = &mut model.known[page as usize];
                    let supplied = model.ledger.supply(page, locked, precious);
                    let expected = match known.resident {
                        true => Supplied::Present,
                        false => {
                            *known = Known { resident: true, precious, locked: bits & 2, ..Known::default() };
                            Supplied::Taken
                        }
                    };
                    prop_assert_eq!(supplied, Ok(expected));
                }
                5 => {
                    model.ledger.unavailable(range.start, range.end, 99);
                    for known in &mut model.known[range.start as usize..range.end as usize] {
                        if !known.resident && known.asked != 0 {
                            known.zero = true;
                            known.asked = 0;
                        }
                    }
                }
                6 => {
                    model.ledger.fail(range.start, range.end, 99);
                    for known in &mut model.known[range.start as usize..range.end as usize] {
                        if !known.resident {
                            known.asked = 0;
                        }
                    }
                    failed = Some((range.start, range.end));
                }
                7 => {
                    let locked = Protection::from_bits(bits & 2);
                    let mut at = range.start;
                    while let Some(due) = model.ledger.lock(at, range.end, locked, Return::All) {
                        let known = &mut model.known[due.page as usize];
                        prop_assert!(known.resident);
                        prop_assert_eq!(due.returned, known.dirty || known.precious);
                        known.locked = bits & 2;
                        known.asked = 0;
                        at = due.page + 1;
                    }
                }
                8 => {
                    if model.known[page as usize].resident {
                        model.ledger.write(page);
                        model.known[page as usize].dirty = true;
                    }
                }
                9 => {
                    if model.known[page as usize].resident {
                        model.ledger.flush(page);
                        model.known[page as usize] = Known::default();
                    }
                }
                10 => {
                    model.ready = true;
                    model.ledger.set_attributes(false, Copying::Delay);
                }
                _ => {
                    model.ledger.clean(page);
                    model.known[page as usize].dirty = false;
                }
            }
            model.wake(failed);
        }
        for page in 0..SIZE {
            prop_assert_eq!(model.ledger.is_dirty(page), model.known[page as usize].dirty);
        }
        model.ledger.end();
        model.wake(None);
        prop_assert!(model.waiting.is_empty(), "somebody waits for ever");
        prop_assert!(model.ledger.len() <= SIZE);
    }
}

#[test]
fn what_nobody_asked_for_takes_no_memory() {
    let mut ledger = Ledger::new();
    ledger.set_attributes(true, Copying::None);
    assert_eq!(ledger.unavailable(0, u32::MAX, 64), None);
    assert_eq!(ledger.fail(0, u32::MAX, 64), None);
    ledger.flush(7);
    ledger.refuse(8);
    ledger.write(9);
    assert!(ledger.is_empty());
    assert_eq!(ledger.want(5, READ), Ok(Want::Wait(Some(Ask::Data(READ)))));
    ledger.fail(0, 100, 64);
    assert!(!ledger.must_wait(5, READ));
    assert_eq!(ledger.leave(5), Left::Failed);
    assert!(ledger.is_empty());
}
