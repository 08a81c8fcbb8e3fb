//! The frame allocator against a set of frame numbers.

use std::collections::BTreeSet;

use kernel_core::addr::{Frame, FrameRange, PAGES};
use kernel_core::frames::{AddError, FrameAllocator, FreeError, LowLimitTooLate, MAX_RANGES, Zone};
use proptest::prelude::*;

fn frame(number: u32) -> Frame {
    Frame::new(number).expect("a test's frame is below 4 GiB")
}

fn range(start: u32, end: u32) -> FrameRange {
    FrameRange::new(start, end).expect("a test's range is ordered")
}

fn allocator(low_limit: u32) -> Box<FrameAllocator> {
    let mut frames = Box::new(FrameAllocator::new());
    frames
        .set_low_limit(frame(low_limit))
        .expect("no memory yet");
    frames
}

/// What the allocator should know, in the plainest form.
#[derive(Default)]
struct Model {
    low_limit: u32,
    owned: BTreeSet<u32>,
    free: BTreeSet<u32>,
}

impl Model {
    fn limit(&self, zone: Zone) -> u32 {
        match zone {
            Zone::Low => self.low_limit,
            Zone::Below(limit) => limit.number(),
            Zone::Any => PAGES,
        }
    }

    fn has_run(&self, count: u32, align: u32, limit: u32) -> bool {
        let align = align.max(1);
        self.free.iter().any(|&start| {
            start % align == 0
                && start + count <= limit
                && (start..start + count).all(|number| self.free.contains(&number))
        })
    }

    fn agrees(&self, frames: &FrameAllocator) -> Result<(), TestCaseError> {
        prop_assert_eq!(frames.total() as usize, self.owned.len());
        prop_assert_eq!(frames.free_count() as usize, self.free.len());
        prop_assert_eq!(
            frames.low_free() as usize,
            self.free.range(..self.low_limit).count()
        );
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Step {
    Add(u32, u32),
    Allocate(Zone),
    Run(u32, u32, Zone),
    Free(u32),
    FreeRun(u32, u32),
    FreeSome(usize),
}

/// Frame numbers around a chunk's, a level's and memory's end.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..200u32,
        900..1200u32,
        32_700..32_900u32,
        PAGES - 2100..PAGES
    ]
}

fn zone() -> impl Strategy<Value = Zone> {
    prop_oneof![
        Just(Zone::Low),
        Just(Zone::Any),
        number().prop_map(|n| Zone::Below(frame(n))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (number(), prop_oneof![0..5u32, 0..200u32, 0..3000u32]).prop_map(|(n, len)| Step::Add(n, len)),
        4 => zone().prop_map(Step::Allocate),
        4 => (prop_oneof![0..4u32, 0..70u32, 0..2500u32], prop_oneof![0..9u32, Just(1024u32), Just(u32::MAX)], zone())
            .prop_map(|(count, align, zone)| Step::Run(count, align, zone)),
        1 => number().prop_map(Step::Free),
        1 => (number(), 0..40u32).prop_map(|(n, len)| Step::FreeRun(n, len)),
        4 => (0..5000usize).prop_map(Step::FreeSome),
    ]
}

fn apply(frames: &mut FrameAllocator, model: &mut Model, step: Step) -> Result<(), TestCaseError> {
    match step {
        Step::Add(start, len) => {
            let added = range(start, (start + len).min(PAGES));
            let numbers = added.start()..added.end();
            let expected = if numbers.clone().any(|n| model.owned.contains(&n)) {
                Err(AddError::Overlap(added))
            } else if frames.ranges().len() == MAX_RANGES && !added.is_empty() {
                Err(AddError::TooManyRanges(added))
            } else {
                Ok(())
            };
            prop_assert_eq!(frames.add(added), expected);
            if expected.is_ok() {
                model.owned.extend(numbers.clone());
                model.free.extend(numbers);
            }
        }
        Step::Allocate(zone) => {
            let limit = model.limit(zone);
            match frames.allocate(zone) {
                None => prop_assert!(model.free.range(..limit).next().is_none()),
                Some(got) => {
                    prop_assert!(got.number() < limit);
                    prop_assert!(model.free.remove(&got.number()), "{got} was not free");
                    let high_left = model.free.range(model.low_limit..).next().is_some();
                    if zone == Zone::Any && high_left {
                        prop_assert!(got.number() >= model.low_limit, "high memory goes first");
                    }
                }
            }
        }
        Step::Run(count, align, zone) => {
            let limit = model.limit(zone);
            match frames.allocate_run(count, align, zone) {
                None => prop_assert!(count == 0 || !model.has_run(count, align, limit)),
                Some(got) => {
                    let start = got.number();
                    prop_assert!(start % align.max(1) == 0 && start + count <= limit);
                    for number in start..start + count {
                        prop_assert!(model.free.remove(&number), "{number} was not free");
                    }
                }
            }
        }
        Step::Free(number) => free(frames, model, number)?,
        Step::FreeRun(start, len) => {
            let inside = start + len <= PAGES;
            let fits = inside
                && (start..start + len)
                    .all(|n| model.owned.contains(&n) && !model.free.contains(&n));
            prop_assert_eq!(frames.free_run(frame(start), len).is_ok(), fits);
            if fits {
                model.free.extend(start..start + len);
            }
        }
        Step::FreeSome(pick) => {
            let taken: Vec<u32> = model.owned.difference(&model.free).copied().collect();
            if !taken.is_empty() {
                free(frames, model, taken[pick % taken.len()])?;
            }
        }
    }
    model.agrees(frames)
}

fn free(frames: &mut FrameAllocator, model: &mut Model, number: u32) -> Result<(), TestCaseError> {
    let expected = if !model.owned.contains(&number) {
        Err(FreeError::NeverOwned(frame(number)))
    } else if model.free.contains(&number) {
        Err(FreeError::AlreadyFree(frame(number)))
    } else {
        Ok(())
    };
    prop_assert_eq!(frames.is_allocated(frame(number)), expected.is_ok());
    prop_assert_eq!(frames.free(frame(number)), expected);
    if expected.is_ok() {
        model.free.insert(number);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_with_a_set(low_limit in number(), steps in prop::collection::vec(step(), 1..60)) {
        let mut frames = allocator(low_limit);
        let mut model = Model { low_limit, ..Model::default() };
        for step in steps {
            apply(&mut frames, &mut model, step)?;
        }
        // Whatever happened, every free frame can still be had, once.
        while let Some(got) = frames.allocate(Zone::Any) {
            prop_assert!(model.free.remove(&got.number()), "{got} was not free");
        }
        prop_assert!(model.free.is_empty());
        model.agrees(&frames)?;
    }
}

#[test]
fn all_of_four_gigabytes_can_be_had_and_given_back() {
    let mut frames = allocator(0x38000);
    frames.add(range(0, PAGES)).expect("nothing is owned yet");
    for _ in 0..2 {
        let mut seen = vec![false; PAGES as usize];
        while let Some(got) = frames.allocate(Zone::Any) {
            assert!(!std::mem::replace(&mut seen[got.number() as usize], true));
        }
        assert!(seen.iter().all(|&seen| seen));
        assert_eq!((frames.free_count(), frames.low_free()), (0, 0));
        frames.free_run(frame(0), PAGES).expect("all are allocated");
        assert_eq!((frames.free_count(), frames.low_free()), (PAGES, 0x38000));
    }
    assert_eq!(frames.allocate_run(PAGES, PAGES, Zone::Any), Some(frame(0)));
}

#[test]
fn the_low_limit_stays_once_memory_is_there() {
    let mut frames = allocator(100);
    frames.add(range(50, 150)).expect("nothing is owned yet");
    assert_eq!(frames.set_low_limit(frame(10)), Err(LowLimitTooLate));
    assert_eq!((frames.total(), frames.low_free()), (100, 50));
    assert_eq!(frames.allocate(Zone::Any), Some(frame(100)));
    assert_eq!(frames.allocate(Zone::Low), Some(frame(50)));
}

#[test]
fn a_run_may_join_the_tree_and_untouched_memory() {
    let mut frames = allocator(0);
    frames.add(range(0, 9000)).expect("nothing is owned yet");
    assert_eq!(frames.allocate(Zone::Any), Some(frame(0)));
    assert_eq!(frames.allocate_run(8999, 1, Zone::Any), Some(frame(1)));
    assert_eq!(frames.free_count(), 0);
}

#[test]
fn the_sixty_fifth_range_is_refused_and_nothing_is_lost() {
    let mut frames = allocator(21);
    for index in 0..64 {
        frames
            .add(range(index * 10, index * 10 + 4))
            .expect("room for 64");
    }
    let one_more = range(5000, 5001);
    assert_eq!(frames.add(one_more), Err(AddError::TooManyRanges(one_more)));
    assert_eq!(
        frames.allocate_run(4, 1, Zone::Below(frame(23))),
        Some(frame(0))
    );
    let mut count = 4;
    while frames.allocate(Zone::Any).is_some() {
        count += 1;
    }
    assert_eq!(count, frames.total());
}
