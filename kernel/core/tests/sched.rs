//! The run queue against lists, and priorities as the manual has them.

use std::collections::VecDeque;

use kernel_core::sched::priority::{
    Depression, LOWEST_FOR_USERS, Policy, PriorityError, Reach, Scheduling,
};
use kernel_core::sched::queue::{Link, Links, RunQueue};
use kernel_core::sched::{LOWEST, PRIORITIES};
use proptest::prelude::*;

struct Threads(Vec<Link<u8>>);

impl Links<u8> for Threads {
    fn link(&mut self, thread: u8) -> &mut Link<u8> {
        &mut self.0[usize::from(thread)]
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, u8),
    Take,
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..40u8, 0..PRIORITIES + 3).prop_map(|(a, b)| Step::Push(a, b)),
        1 => Just(Step::Take),
        1 => (0..40u8).prop_map(Step::Remove),
    ]
}

proptest! {
    #[test]
    fn the_queue_agrees_with_lists(steps in prop::collection::vec(step(), 1..200)) {
        let mut threads = Threads(vec![Link::NEW; 40]);
        let mut queue = RunQueue::new();
        let mut model = vec![VecDeque::new(); usize::from(PRIORITIES)];
        for step in steps {
            match step {
                Step::Push(thread, priority) => {
                    queue.push(thread, priority, &mut threads);
                    if !model.iter().flatten().any(|queued| *queued == thread) {
                        model[usize::from(priority.min(LOWEST))].push_back(thread);
                    }
                }
                Step::Take => {
                    let first = model.iter_mut().find_map(VecDeque::pop_front);
                    prop_assert_eq!(queue.take(&mut threads), first);
                }
                Step::Remove(thread) => {
                    let list = model.iter().position(|list| list.contains(&thread));
                    let removed = queue.remove(thread, &mut threads);
                    prop_assert_eq!(removed.map(usize::from), list);
                    model.iter_mut().for_each(|list| list.retain(|queued| *queued != thread));
                }
            }
            let best = model.iter().position(|list| !list.is_empty());
            prop_assert_eq!(queue.best().map(usize::from), best);
            for (priority, list) in model.iter().enumerate() {
                prop_assert_eq!(queue.first_of(priority as u8), list.front().copied());
            }
            prop_assert_eq!(queue.first_of(PRIORITIES), None);
            prop_assert_eq!(queue.len() as usize, model.iter().flatten().count());
            for thread in 0..40u8 {
                let queued = model.iter().flatten().any(|other| *other == thread);
                prop_assert_eq!(threads.link(thread).is_queued(), queued);
            }
        }
    }

    #[test]
    fn priorities_stay_in_range(
        first: u8, max: u8,
        steps in prop::collection::vec((0..6u8, 0..60u32, any::<u32>(), any::<u64>()), 0..50),
    ) {
        let mut thread = Scheduling::new(first, max, 0);
        for (what, priority, number, time) in steps {
            match what {
                0 => { let _ = thread.set_priority(priority, Reach::Priority); }
                1 => { let _ = thread.set_priority(priority, Reach::Maximum); }
                2 => { let _ = thread.set_max_priority(priority); }
                3 => { let _ = thread.charge(number, time); }
                4 => thread.set_policy(Policy::FixedPriority { quantum_ms: number }, priority),
                _ => thread.set_policy(Policy::Timeshare, priority),
            }
            prop_assert!(thread.priority() >= thread.max_priority());
            prop_assert!(thread.current() >= thread.priority());
            prop_assert!(thread.current() <= LOWEST);
        }
    }

    #[test]
    fn ageing_at_once_is_ageing_by_steps(usage: u32, seconds in 0..100u64) {
        let mut at_once = Scheduling::new(10, 0, 0);
        at_once.charge(usage, 0);
        let mut by_steps = at_once;
        at_once.age(seconds);
        (0..=seconds).for_each(|second| by_steps.age(second));
        prop_assert_eq!(at_once, by_steps);
        at_once.age(seconds + 64);
        prop_assert_eq!(at_once.usage_ms(), 0);
    }
}

#[test]
fn only_the_holder_of_the_set_raises_the_maximum() {
    let mut thread = Scheduling::new(20, 10, 0);
    assert_eq!(
        thread.set_priority(9, Reach::Priority),
        Err(PriorityError::BeyondMaximum)
    );
    assert_eq!(
        thread.set_priority(u32::from(LOWEST_FOR_USERS) + 1, Reach::Priority),
        Err(PriorityError::OutOfRange)
    );
    assert_eq!(thread.set_priority(12, Reach::Maximum), Ok(()));
    assert_eq!(
        thread.set_priority(11, Reach::Priority),
        Err(PriorityError::BeyondMaximum)
    );
    assert_eq!(thread.set_max_priority(5), Ok(()));
    assert_eq!((thread.priority(), thread.max_priority()), (12, 5));
    assert_eq!(thread.set_max_priority(30), Ok(()));
    assert_eq!(thread.priority(), 30);
}

#[test]
fn a_time_sharing_thread_sinks_and_rises_again() {
    let mut thread = Scheduling::new(25, 0, 0);
    thread.charge(640, 0);
    assert_eq!(thread.current(), 35);
    thread.age(1);
    assert_eq!(thread.usage_ms(), 400);
    assert_eq!(thread.current(), 31);
    thread.age(30);
    assert_eq!(thread.current(), 25);
    // Time that goes back changes nothing.
    thread.charge(640, 3);
    assert_eq!(thread.current(), 35);
}

#[test]
fn a_fixed_priority_stays_and_has_its_own_quantum() {
    let mut thread = Scheduling::new(25, 0, 0);
    thread.set_policy(Policy::FixedPriority { quantum_ms: 25 }, 10);
    assert_eq!(thread.policy(), Policy::FixedPriority { quantum_ms: 30 });
    let fixed = |quantum_ms| Policy::FixedPriority { quantum_ms };
    // What is none, or too long, is the caller's.
    for none in [0, u32::MAX] {
        thread.set_policy(fixed(none), 10);
        assert_eq!(thread.policy(), fixed(0));
        thread.begin(10);
        assert!(!thread.charge(5, 0));
        assert!(thread.charge(5, 0));
    }
    thread.set_policy(fixed(25), 10);
    thread.begin(10);
    assert!(!thread.charge(20, 0));
    assert!(thread.charge(10, 0));
    assert_eq!(thread.current(), 25);
}

#[test]
fn a_depression_ends_by_running_by_time_or_by_an_abort() {
    let mut thread = Scheduling::new(25, 0, 0);
    thread.depress(Depression::UntilRun);
    assert_eq!(thread.current(), LOWEST);
    assert_eq!(thread.set_priority(20, Reach::Priority), Ok(()));
    assert_eq!(thread.current(), LOWEST);
    thread.begin(10);
    assert_eq!(thread.current(), 20);
    thread.depress(Depression::Until(100));
    assert!(!thread.expire_depression(99));
    assert!(thread.expire_depression(100));
    assert!(!thread.abort_depression());
    thread.depress(Depression::UntilRun);
    assert!(!thread.expire_depression(u64::MAX));
    assert!(thread.abort_depression());
    assert_eq!(thread.current(), 20);
}
