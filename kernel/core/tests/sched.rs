//! The run queue against lists, and priorities as the manual has them.

use std::collections::VecDeque;

use kernel_core::sched::machine::{Machine, NOBODY, Place};
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

/// Processors that choose when they are told, as the kernel's do.
struct Pool {
    machine: Machine<u8, 4>,
    links: Threads,
    /// Whom each processor runs.
    current: [Option<u8>; 4],
    is_told: [bool; 4],
    priorities: Vec<u8>,
    last: Vec<usize>,
    ready_since: Vec<Option<u32>>,
    online: usize,
    now: u32,
}

impl Pool {
    fn new(online: usize) -> Self {
        Self {
            machine: Machine::new(),
            links: Threads(vec![Link::NEW; 12]),
            current: [None; 4],
            is_told: [false; 4],
            priorities: vec![0; 12],
            last: vec![0; 12],
            ready_since: vec![None; 12],
            online,
            // The count of ticks begins anew in the middle of things.
            now: u32::MAX - 30,
        }
    }

    fn make_ready(&mut self, thread: u8, own: usize) {
        let at = usize::from(thread);
        let place = Place {
            last: self.last[at],
            own,
            online: self.online,
            now: self.now,
        };
        let priority = self.priorities[at];
        let told = self.machine.put(thread, priority, place, &mut self.links);
        self.ready_since[at] = Some(self.now);
        if let Some(id) = told {
            self.is_told[id] = true;
        }
    }

    fn choose(&mut self, id: usize) {
        self.current[id] = self.machine.take(id, &mut self.links);
        self.is_told[id] = false;
        let runs = self.current[id].map(usize::from);
        self.machine
            .chose(id, runs.map_or(NOBODY, |at| self.priorities[at]));
        if let Some(at) = runs {
            self.last[at] = id;
            self.ready_since[at] = None;
        }
    }

    /// The processor's turn is over, or it was told to choose.
    fn let_go(&mut self, id: usize) {
        if let Some(thread) = self.current[id] {
            self.make_ready(thread, id);
        }
        self.choose(id);
    }

    fn settle(&mut self) {
        while let Some(id) = self.is_told.iter().position(|told| *told) {
            self.let_go(id);
        }
    }

    fn is_known(&self, thread: u8) -> bool {
        self.current.contains(&Some(thread)) || self.ready_since[usize::from(thread)].is_some()
    }
}

#[derive(Clone, Debug)]
enum Happens {
    /// A thread becomes ready, which some processor sees to.
    Ready(u8, u8, usize),
    /// What a processor runs waits for something.
    Waits(usize),
    /// What a processor runs gets another priority, which may be better.
    Changes(usize, u8),
    /// A processor that was told chooses.
    Chooses(usize),
    TurnEnds(usize),
    /// A ready thread is taken out, wherever it is.
    Leaves(u8),
    TimePasses(u32),
    Settles,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..12u8, 0..6u8, 0..4usize).prop_map(|(a, b, c)| Happens::Ready(a, b, c)),
        1 => (0..4usize).prop_map(Happens::Waits),
        2 => (0..4usize, 0..6u8).prop_map(|(a, b)| Happens::Changes(a, b)),
        1 => (0..4usize).prop_map(Happens::Chooses),
        1 => (0..4usize).prop_map(Happens::TurnEnds),
        1 => (0..12u8).prop_map(Happens::Leaves),
        2 => (1..40u32).prop_map(Happens::TimePasses),
        1 => Just(Happens::Settles),
    ]
}

fn happened(pool: &mut Pool, what: Happens) {
    match what {
        Happens::Ready(thread, priority, by) => {
            let by = by % pool.online;
            if !pool.is_known(thread) {
                pool.priorities[usize::from(thread)] = priority;
                pool.make_ready(thread, by);
            }
        }
        Happens::Waits(id) => {
            if pool.current[id].take().is_some() {
                pool.choose(id);
            }
        }
        Happens::Changes(id, priority) => {
            if let Some(thread) = pool.current[id] {
                pool.priorities[usize::from(thread)] = priority;
                pool.machine.runs_now(id, priority, pool.is_told[id]);
                if pool.machine.best().is_some_and(|best| best < priority) {
                    pool.is_told[id] = true;
                }
            }
        }
        Happens::Chooses(id) => {
            if pool.is_told[id] {
                pool.let_go(id);
            }
        }
        Happens::TurnEnds(id) => pool.let_go(id % pool.online),
        Happens::Leaves(thread) => {
            let was = pool.ready_since[usize::from(thread)].take().is_some();
            assert_eq!(pool.machine.remove(thread, &mut pool.links), was);
        }
        Happens::TimePasses(ticks) => pool.now = pool.now.wrapping_add(ticks),
        Happens::Settles => pool.settle(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_processor_runs_anybody_while_a_better_one_waits(
        online in 1..=4usize,
        steps in prop::collection::vec(happens(), 1..120),
    ) {
        let mut pool = Pool::new(online);
        for step in steps {
            let settles = matches!(step, Happens::Settles);
            happened(&mut pool, step);
            let ready = |at: &u8| pool.ready_since[usize::from(*at)].is_some();
            let waiting: Vec<u8> = (0..12).filter(ready).collect();
            let priority = |at: u8| pool.priorities[usize::from(at)];
            prop_assert_eq!(pool.machine.len() as usize, waiting.len());
            let best = waiting.iter().map(|&at| priority(at)).min();
            prop_assert_eq!(pool.machine.best(), best);
            if let (true, Some(best)) = (settles, best) {
                for &runs in &pool.current[..online] {
                    let runs = runs.map_or(NOBODY, priority);
                    prop_assert!(runs <= best, "{} runs while {} waits", runs, best);
                }
            }
        }
    }

    #[test]
    fn equals_share_all_processors(turns in prop::collection::vec(0..4usize, 2_000)) {
        let mut pool = Pool::new(4);
        // One that is better keeps a processor for itself.
        for thread in 0..12 {
            pool.priorities[usize::from(thread)] = if thread == 0 { 1 } else { 3 };
            pool.make_ready(thread, 0);
        }
        pool.settle();
        let mut ran = [0; 12];
        for id in turns {
            pool.now = pool.now.wrapping_add(3);
            pool.let_go(id);
            for thread in pool.current.into_iter().flatten() {
                ran[usize::from(thread)] += 1;
            }
        }
        prop_assert_eq!(ran[0], 2_000);
        // Of three processors, eleven threads get some 545 each.
        for share in &ran[1..] {
            prop_assert!((350..=750).contains(share), "{:?}", ran);
        }
    }
}

#[test]
fn a_thread_goes_back_to_where_it_ran() {
    let mut pool = Pool::new(4);
    for thread in 0..4 {
        pool.priorities[usize::from(thread)] = 3;
        pool.make_ready(thread, 0);
        pool.settle();
    }
    let before = pool.current;
    // All wait, and are made ready in another order by one processor.
    for id in 0..4 {
        pool.current[id] = None;
        pool.choose(id);
    }
    for thread in [2, 0, 3, 1] {
        pool.make_ready(thread, 3);
    }
    pool.settle();
    assert_eq!(pool.current, before);
}
