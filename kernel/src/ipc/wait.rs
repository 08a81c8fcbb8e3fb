//! Threads that wait at ports: for a message, or for room.
//!
//! A table of short lists, as Mach's own events: a place leads to one list, in
//! which those who wait there are found. Each user thread owns one entry from
//! its beginning, so that waiting takes no memory.
//!
//! **Invariants**: an entry is on the list of its `key` exactly while it has a
//! `thread`; `enter` and `unlink` keep it.

use kernel_core::arena::{Arena, Handle};
use kernel_core::ipc::Refusal;
use kernel_core::ipc::port::PortId;
use kernel_core::ipc::space::Source;

use super::{GuardedSpace, Names, with};
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, Wake};

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
struct Key(u32);

impl From<Place> for Key {
    fn from(place: Place) -> Key {
        let (kind, index) = match place {
            Place::Receive(Source::Port(port)) => (0, port.index()),
            Place::Receive(Source::Set(set)) => (1, set.index()),
            Place::Send(port) => (2, port.index()),
        };
        Key(index << 2 | kind)
    }
}

impl Key {
    fn list(self) -> usize {
        self.0 as usize % LISTS
    }
}

struct Entry {
    /// Where it waits; meaningful while it has a thread.
    key: Key,
    /// The names that the thread receives into.
    space: Shared<GuardedSpace>,
    /// Bytes that there are for a message that it is given; none, if it looks for
    /// itself.
    room: Option<u32>,
    thread: Option<Shared<Thread>>,
    previous: Option<Handle<Entry>>,
    next: Option<Handle<Entry>>,
}

/// The oldest and the latest.
#[derive(Clone, Copy, Default)]
struct List {
    first: Option<Handle<Entry>>,
    last: Option<Handle<Entry>>,
}

/// Everyone who waits.
pub(super) struct Waiters {
    entries: Arena<Entry>,
    lists: [List; LISTS],
}

impl Default for Waiters {
    fn default() -> Waiters {
        Waiters {
            entries: Arena::default(),
            lists: [List::default(); LISTS],
        }
    }
}

/// A user thread's entry; goes with it.
pub(crate) struct Waiter(Handle<Entry>);

impl Waiter {
    /// For a new thread of the task with these names.
    pub(crate) fn new(names: &Names) -> Result<Waiter, Refusal> {
        let entry = Entry {
            key: Key::default(),
            space: names.0.clone(),
            room: None,
            thread: None,
            previous: None,
            next: None,
        };
        with(|ipc| {
            let inserted = ipc.post.waiters.entries.insert(entry);
            inserted.map(Waiter).map_err(|_| Refusal::ResourceShortage)
        })
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        with(|ipc| {
            // A thread that ends does not wait.
            ipc.post.waiters.leave(self);
            ipc.post.waiters.entries.remove(self.0);
        });
    }
}

impl Waiters {
    /// The thread that calls will wait at `place`, and look for itself what came;
    /// what it sees under the lock still holds when others look for it there.
    pub(super) fn join(&mut self, waiter: &Waiter, place: Place) {
        self.enter(waiter, place, None);
        sched::assert_interruptible_wait();
    }

    /// The same for one that is on its way to wait, and may be given a message of
    /// `room` bytes at most.
    pub(super) fn enter(&mut self, waiter: &Waiter, place: Place, room: Option<u32>) {
        let key = Key::from(place);
        let list = &mut self.lists[key.list()];
        let previous = list.last.replace(waiter.0);
        if previous.is_none() {
            list.first = Some(waiter.0);
        }
        if let Some(previous) = previous.and_then(|previous| self.entries.at_mut(previous)) {
            previous.next = Some(waiter.0);
        }
        if let Some(entry) = self.entries.at_mut(waiter.0) {
            entry.key = key;
            entry.room = room;
            entry.thread = sched::with_current(Shared::clone);
            entry.previous = previous;
            entry.next = None;
        }
    }

    /// Whether anybody waits there.
    pub(super) fn has(&self, place: Place) -> bool {
        self.find(place).is_some()
    }

    /// Gives `give` the thread that has waited longest at `place` and its names, if
    /// it may be given a message of this size; if that does, it waits there no
    /// longer.
    #[inline(always)]
    pub(super) fn serve<R>(
        &mut self,
        place: Place,
        size: u32,
        give: impl FnOnce(&Shared<Thread>, &GuardedSpace) -> Option<R>,
    ) -> Option<R> {
        let first = self.find(place)?;
        let entry = self.entries.at_mut(first)?;
        if entry.room? < size {
            return None;
        }
        let given = give(entry.thread.as_ref()?, &entry.space)?;
        // Never the last owner: it waits, or is on its way.
        drop(self.unlink(first));
        Some(given)
    }

    /// The thread that calls waits no longer, if it still does.
    pub(super) fn leave(&mut self, waiter: &Waiter) {
        drop(self.unlink(waiter.0));
    }

    /// Wakes who has waited longest at `place`; tells whether anybody did.
    pub(super) fn wake_one(&mut self, place: Place) -> bool {
        while let Some(first) = self.find(place) {
            // One that is already woken for another reason does not count.
            if self.wake(first) {
                return true;
            }
        }
        false
    }

    /// Wakes everyone, to look again at what they wait for.
    pub(super) fn wake_all(&mut self) {
        for list in 0..LISTS {
            while let Some(first) = self.lists[list].first {
                self.wake(first);
            }
        }
    }

    fn find(&self, place: Place) -> Option<Handle<Entry>> {
        let key = Key::from(place);
        let mut at = self.lists[key.list()].first?;
        loop {
            let entry = self.entries.at(at)?;
            if entry.key == key {
                return Some(at);
            }
            at = entry.next?;
        }
    }

    fn wake(&mut self, handle: Handle<Entry>) -> bool {
        let thread = self.unlink(handle);
        // Never the last owner: a thread that waits holds itself.
        thread.is_some_and(|thread| sched::wake(&thread, Wake::Event))
    }

    /// Takes an entry off its list, if it is on one.
    fn unlink(&mut self, handle: Handle<Entry>) -> Option<Shared<Thread>> {
        let entry = self.entries.at_mut(handle)?;
        let thread = entry.thread.take()?;
        let (list, previous, next) = (entry.key.list(), entry.previous, entry.next);
        match next.and_then(|next| self.entries.at_mut(next)) {
            Some(next) => next.previous = previous,
            None => self.lists[list].last = previous,
        }
        match previous.and_then(|previous| self.entries.at_mut(previous)) {
            Some(previous) => previous.next = next,
            None => self.lists[list].first = next,
        }
        Some(thread)
    }
}
