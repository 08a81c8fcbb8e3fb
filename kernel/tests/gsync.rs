//! Threads that wait at words of memory.

use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::addr::PAGE_SIZE;
use kernel_core::vm::map::{Inheritance, MapError};

use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread};
use crate::task::gsync::{First, Many, Unwoken, Wait, requeue, wait, wake};
use crate::vm::space::Space;
use crate::vm::word::{Scope, Word};

/// Where the cases' threads wait, of whose memory.
static PLACE: AtomicU32 = AtomicU32::new(0);
static ADDRESS: AtomicU32 = AtomicU32::new(0);
/// Threads that were woken, and that gave up.
static WOKEN: AtomicU32 = AtomicU32::new(0);
static LOST: AtomicU32 = AtomicU32::new(0);

fn space() -> (Space, u32) {
    let space = Space::new().expect("there is memory");
    let at = space
        .allocate_anywhere(2 * PAGE_SIZE)
        .expect("there is room");
    (space, at)
}

fn at(address: u32, milliseconds: Option<u32>) -> Wait {
    Wait {
        address,
        value: 0,
        second: None,
        scope: Scope::Task,
        milliseconds,
    }
}

/// A thread's whole life: it waits once.
fn waiter() -> ! {
    // SAFETY: the case keeps the space until the threads have ended.
    let space = unsafe { &*(PLACE.load(Ordering::Acquire) as usize as *const Space) };
    let place = at(ADDRESS.load(Ordering::Acquire), Some(10_000));
    let counter = match wait(space, place) {
        Ok(()) => &WOKEN,
        Err(_) => &LOST,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    sched::exit()
}

fn start(space: &Space, address: u32, count: u32) {
    PLACE.store(core::ptr::from_ref(space).addr() as u32, Ordering::Release);
    ADDRESS.store(address, Ordering::Release);
    WOKEN.store(0, Ordering::Relaxed);
    LOST.store(0, Ordering::Relaxed);
    for _ in 0..count {
        let thread: Shared<Thread> = Thread::for_kernel(waiter).expect("there is memory");
        sched::start(&thread);
    }
}

/// Does `again` until so many were woken.
fn until(count: u32, mut again: impl FnMut()) {
    while WOKEN.load(Ordering::Relaxed) < count {
        assert_eq!(LOST.load(Ordering::Relaxed), 0);
        again();
        sched::assert_wait();
        sched::block_for(1);
    }
}

case! {
    fn wakes_those_who_wait() {
        const MANY: u32 = 40;
        let (space, word) = space();
        start(&space, word, MANY);
        // One at a time, then all that are left.
        until(MANY / 4, || {
            let _ = wake(&space, word, Scope::Task, Many::One, None);
        });
        until(MANY, || {
            let _ = wake(&space, word, Scope::Task, Many::All, None);
        });
        let nobody = wake(&space, word, Scope::Task, Many::All, None);
        assert_eq!(nobody, Ok(false));
    }

    fn moves_those_who_wait() {
        const MANY: u32 = 40;
        let (space, word) = space();
        let other = word + PAGE_SIZE + 4;
        start(&space, word, MANY);
        until(MANY, || {
            let moved = requeue(&space, (word, other), Scope::Task, First::Nothing, Many::All);
            assert_eq!(moved, Ok(()));
            let _ = wake(&space, other, Scope::Task, Many::All, None);
        });
        let same = requeue(&space, (word, word), Scope::Task, First::WakeOne, Many::All);
        assert_eq!(same, Ok(()));
    }

    fn waits_for_nothing_else() {
        let (space, word) = space();
        let bad = Err(Unwoken::Bad(MapError::InvalidAddress));
        assert_eq!(wait(&space, at(word, Some(1))), Err(Unwoken::TimedOut));
        assert_eq!(wait(&space, at(word + 2, None)), bad);
        assert_eq!(wait(&space, at(word + 2 * PAGE_SIZE, None)), bad);
        let both = |second| Wait { second: Some(second), ..at(word, Some(1)) };
        assert_eq!(wait(&space, both(1)), Err(Unwoken::Differs));
        assert_eq!(wait(&space, both(0)), Err(Unwoken::TimedOut));
        assert_eq!(wake(&space, word, Scope::Task, Many::One, Some(3)), Ok(false));
        assert_eq!(wait(&space, at(word, None)), Err(Unwoken::Differs));
        assert_eq!(space.word(word), Ok(3));
    }

    /// Whoever shares memory means the same word, from before it is shared on, and
    /// nobody else ever does.
    fn means_the_same_word_where_memory_is_shared() {
        let (parent, word) = space();
        let own = parent.identify(word, Scope::Task);
        assert_eq!(parent.identify(word, Scope::Memory), own);
        assert_eq!(parent.inherit(word, PAGE_SIZE, Inheritance::Share), Ok(()));
        let shared = parent.identify(word, Scope::Memory);
        assert!(matches!(shared, Ok(Word::Shared { .. })));
        let child = parent.fork().expect("there is memory");
        assert_eq!(child.identify(word, Scope::Memory), shared);
        assert_ne!(child.identify(word, Scope::Task), own);
        let others = word + PAGE_SIZE;
        assert_ne!(
            child.identify(others, Scope::Memory),
            parent.identify(others, Scope::Memory)
        );
        assert_eq!(child.set_word(word, 5), Ok(()));
        assert_eq!(parent.word(word), Ok(5));
        // Memory that comes later has other words, whatever its place in tables.
        drop((parent, child));
        let (later, word) = space();
        assert_eq!(later.inherit(word, PAGE_SIZE, Inheritance::Share), Ok(()));
        assert_ne!(later.identify(word, Scope::Memory), shared);
    }
}
