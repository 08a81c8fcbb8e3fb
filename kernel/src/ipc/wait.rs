//! Threads that wait at ports: for a message, or for room.
//!
//! A table of short lists, as Mach's own events: a place leads to one list, in
//! which those who wait there are found. Each user thread owns one entry from
//! its beginning, so that waiting takes no memory.
//!
//! **Invariants**: an entry is on the list of its `number` exactly while it is
//! waiting; `enter` and `unlink` keep it. Lists are never the last owners of an
//! entry: its [`Waiter`] takes it off first.

use alloc::boxed::Box;

use kernel_core::ipc::Refusal;
use kernel_core::ipc::port::PortId;
use kernel_core::ipc::space::Source;

use super::{GuardedSpace, Names, with};
use crate::arch::user_memory::Words;
use crate::mm::heap::try_box;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, Wake};
use crate::sync::guarded;
use crate::sync::tray::Tray;

/// Lists in the table.
const LISTS: usize = 64;

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A message of a port or set.
    Receive(Source),
    /// Room in a port's queue.
    Send(PortId),
}

/// A place as a number: its index, of which there are less than memory has bytes
/// by far, and its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Number(u32);

impl From<Place> for Number {
    fn from(place: Place) -> Number {
        let (kind, index) = match place {
            Place::Receive(Source::Port(port)) => (0, port.index()),
            Place::Receive(Source::Set(set)) => (1, set.index()),
            Place::Send(port) => (2, port.index()),
        };
        Number(index << 2 | kind)
    }
}

impl Number {
    fn list(self) -> usize {
        self.0 as usize % LISTS
    }
}

/// Opens what is known of who waits.
type Key = guarded::Key<Waiters>;

struct Entry {
    /// The names that the thread receives into.
    space: Shared<GuardedSpace>,
    /// For the words of a short message.
    words: Tray<Words>,
    waiting: guarded::Guarded<Waiters, Waiting>,
}

/// Of one entry; meaningful while its thread waits, but for `thread`.
struct Waiting {
    number: Number,
    /// Bytes that there are for a message that it is given; none, if it looks for
    /// itself.
    room: u32,
    /// None, if it does not wait.
    thread: Option<Shared<Thread>>,
    previous: Option<Shared<Entry>>,
    next: Option<Shared<Entry>>,
}

/// Who was first at its place, and is on no list at the moment.
pub(super) struct First(Shared<Entry>);

impl First {
    /// The names that the thread receives into.
    pub(super) fn names(&self) -> &GuardedSpace {
        &self.0.space
    }
}

/// The oldest, and the latest if that is another one.
struct List {
    first: Option<Shared<Entry>>,
    last: Option<Shared<Entry>>,
}

/// Everyone who waits.
pub(super) struct Waiters {
    key: Key,
    lists: [List; LISTS],
}

impl Waiters {
    /// Nobody yet.
    ///
    /// # Safety
    ///
    /// Made once, and lies under the lock of ports.
    pub(super) const unsafe fn new() -> Waiters {
        Waiters {
            // SAFETY: passed on to the caller.
            key: unsafe { Key::new() },
            lists: [const {
                List {
                    first: None,
                    last: None,
                }
            }; LISTS],
        }
    }
}

/// A user thread's entry; goes with it.
pub(crate) struct Waiter(Shared<Entry>);

impl Waiter {
    /// For a new thread of the task with these names.
    pub(crate) fn new(names: &Names) -> Result<Waiter, Refusal> {
        let waiting = Waiting {
            number: Number::default(),
            room: 0,
            thread: None,
            previous: None,
            next: None,
        };
        let words = try_box(Words::new()).map_err(|_| Refusal::ResourceShortage)?;
        let entry = Shared::try_new(Entry {
            space: names.0.clone(),
            words: Tray::new(words),
            waiting: guarded::Guarded::new(waiting),
        });
        entry.map(Waiter).map_err(|_| Refusal::ResourceShortage)
    }

    /// Gives `use_them` those words; nothing if the thread is using them.
    pub(crate) fn with_words<R>(&self, use_them: impl FnOnce(&mut Words) -> R) -> Option<R> {
        let mut words = self.take_words()?;
        let result = use_them(&mut words);
        self.put_words(words);
        Some(result)
    }

    /// The words that the thread has for a short message, if it is not using them;
    /// to be put back.
    #[inline(always)]
    pub(super) fn take_words(&self) -> Option<Box<Words>> {
        self.0.words.take()
    }

    /// They are to be had again.
    #[inline(always)]
    pub(super) fn put_words(&self, words: Box<Words>) {
        self.0.words.put(words);
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // A thread that ends does not wait.
        with(|ipc| ipc.post.waiters.leave(self));
    }
}

impl Waiters {
    /// The thread that calls will wait at `place`, and look for itself what came;
    /// what it sees under the lock still holds when others look for it there.
    #[inline(never)]
    pub(super) fn join(&mut self, waiter: &Waiter, place: Place) {
        self.enter(waiter, place, 0);
        sched::assert_interruptible_wait();
    }

    /// The same for one that is on its way to wait, and may be given a message of
    /// `room` bytes at most.
    #[inline(always)]
    pub(super) fn enter(&mut self, waiter: &Waiter, place: Place, room: u32) {
        let (entry, number) = (&waiter.0, Number::from(place));
        let waiting = entry.waiting.get(&mut self.key);
        waiting.number = number;
        waiting.room = room;
        waiting.thread = sched::with_current(Shared::clone);
        let list = &mut self.lists[number.list()];
        if list.first.is_none() {
            list.first = Some(entry.clone());
        } else {
            self.enter_behind(entry, number);
        }
    }

    #[inline(never)]
    fn enter_behind(&mut self, entry: &Shared<Entry>, number: Number) {
        let list = &mut self.lists[number.list()];
        let before = list.last.replace(entry.clone());
        let Some(previous) = before.or_else(|| list.first.clone()) else {
            return;
        };
        previous.waiting.get(&mut self.key).next = Some(entry.clone());
        entry.waiting.get(&mut self.key).previous = Some(previous);
    }

    /// Whether anybody waits there.
    pub(super) fn has(&mut self, place: Place) -> bool {
        self.find(Number::from(place)).is_some()
    }

    /// Takes who has waited longest at `place` off its list, with the thread, if that
    /// may be given a message of this size. If it is not, [`Waiters::put_back`] is to
    /// follow.
    #[inline(always)]
    pub(super) fn take_first(
        &mut self,
        place: Place,
        size: u32,
    ) -> Option<(First, Shared<Thread>)> {
        let number = Number::from(place);
        let list = &mut self.lists[number.list()];
        let first = list.first.as_ref()?;
        let waiting = first.waiting.get(&mut self.key);
        if waiting.number != number || waiting.next.is_some() {
            return self.take_from_many(number, size);
        }
        if waiting.room < size {
            return None;
        }
        let thread = waiting.thread.take()?;
        Some((First(list.first.take()?), thread))
    }

    #[inline(never)]
    fn take_from_many(&mut self, number: Number, size: u32) -> Option<(First, Shared<Thread>)> {
        let first = self.find(number)?;
        if first.waiting.get(&mut self.key).room < size {
            return None;
        }
        let thread = self.take(&first)?;
        Some((First(first), thread))
    }

    /// It waits on, as the first.
    #[cold]
    pub(super) fn put_back(&mut self, First(first): First, thread: Shared<Thread>) {
        let waiting = first.waiting.get(&mut self.key);
        waiting.thread = Some(thread);
        let list = &mut self.lists[waiting.number.list()];
        let Some(next) = list.first.replace(first.clone()) else {
            return;
        };
        next.waiting.get(&mut self.key).previous = Some(first.clone());
        if list.last.is_none() {
            list.last = Some(next.clone());
        }
        first.waiting.get(&mut self.key).next = Some(next);
    }

    /// The thread that calls waits no longer, if it still does.
    pub(super) fn leave(&mut self, waiter: &Waiter) {
        drop(self.take(&waiter.0));
    }

    /// Wakes who has waited longest at `place`; tells whether anybody did.
    pub(super) fn wake_one(&mut self, place: Place) -> bool {
        while let Some(first) = self.find(Number::from(place)) {
            // One that is already woken for another reason does not count.
            if self.wake(&first) {
                return true;
            }
        }
        false
    }

    /// Wakes everyone, to look again at what they wait for.
    pub(super) fn wake_all(&mut self) {
        for list in 0..LISTS {
            while let Some(first) = self.lists[list].first.clone() {
                self.wake(&first);
            }
        }
    }

    fn find(&mut self, number: Number) -> Option<Shared<Entry>> {
        let mut at = self.lists[number.list()].first.clone()?;
        loop {
            let waiting = at.waiting.get(&mut self.key);
            if waiting.number == number {
                return Some(at);
            }
            at = waiting.next.clone()?;
        }
    }

    fn wake(&mut self, entry: &Entry) -> bool {
        let thread = self.take(entry);
        // Never the last owner: a thread that waits holds itself.
        thread.is_some_and(|thread| sched::wake(&thread, Wake::Event))
    }

    /// Takes an entry off its list, if it is on one; its thread.
    fn take(&mut self, entry: &Entry) -> Option<Shared<Thread>> {
        let waiting = entry.waiting.get(&mut self.key);
        let thread = waiting.thread.take()?;
        let list = &mut self.lists[waiting.number.list()];
        let (previous, next) = (waiting.previous.take(), waiting.next.take());
        match &next {
            Some(next) => next.waiting.get(&mut self.key).previous = previous.clone(),
            // The one before is the first again, or there is none.
            None => list.last = previous.clone().filter(|it| !it.is_first(&mut self.key)),
        }
        match previous {
            Some(previous) => previous.waiting.get(&mut self.key).next = next,
            None => {
                list.first = next;
                if list
                    .first
                    .as_ref()
                    .is_some_and(|it| it.is_last(&mut self.key))
                {
                    list.last = None;
                }
            }
        }
        Some(thread)
    }
}

impl Entry {
    fn is_first(&self, key: &mut Key) -> bool {
        self.waiting.get(key).previous.is_none()
    }

    fn is_last(&self, key: &mut Key) -> bool {
        self.waiting.get(key).next.is_none()
    }
}
