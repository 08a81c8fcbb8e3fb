//! Threads that wait at ports: for a message, or for room.
//!
//! A table of short lists, as Mach's own events: a place leads to one list, in
//! which those who wait there are found. Each user thread owns one entry from
//! its beginning, so that waiting takes no memory.
//!
//! **Invariants**: an entry is on the list of its `place` exactly while it has a
//! `thread`.

use kernel_core::arena::{Arena, Handle};
use kernel_core::ipc::Refusal;
use kernel_core::ipc::port::PortId;
use kernel_core::ipc::space::Source;

use super::with;
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

impl Place {
    fn list(self) -> usize {
        let (kind, index) = match self {
            Place::Receive(Source::Port(port)) => (0, port.index()),
            Place::Receive(Source::Set(set)) => (1, set.index()),
            Place::Send(port) => (2, port.index()),
        };
        // Neighbours differ in the low bits, kinds in the high ones.
        (index as usize + kind * LISTS / 3) % LISTS
    }
}

struct Entry {
    place: Option<Place>,
    thread: Option<Shared<Thread>>,
    next: Option<Handle<Entry>>,
}

/// Everyone who waits.
pub(super) struct Waiters {
    entries: Arena<Entry>,
    /// First of each list; the oldest is the first.
    lists: [Option<Handle<Entry>>; LISTS],
}

impl Default for Waiters {
    fn default() -> Waiters {
        Waiters {
            entries: Arena::default(),
            lists: [None; LISTS],
        }
    }
}

/// A user thread's entry; goes with it.
pub(crate) struct Waiter(Handle<Entry>);

impl Waiter {
    /// For a new thread.
    pub(crate) fn new() -> Result<Waiter, Refusal> {
        let entry = Entry {
            place: None,
            thread: None,
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
    /// The thread that calls will wait at `place`; what it sees under the lock
    /// still holds when others look for it there.
    pub(super) fn join(&mut self, waiter: &Waiter, place: Place) {
        let thread = sched::with_current(Shared::clone);
        let Some(entry) = self.entries.at_mut(waiter.0) else {
            return;
        };
        entry.place = Some(place);
        entry.thread = thread;
        entry.next = None;
        sched::assert_interruptible_wait();
        match self.ends(place.list()) {
            None => self.lists[place.list()] = Some(waiter.0),
            Some(last) => {
                if let Some(last) = self.entries.at_mut(last) {
                    last.next = Some(waiter.0);
                }
            }
        }
    }

    /// The thread that calls waits no longer, if it still does.
    pub(super) fn leave(&mut self, waiter: &Waiter) {
        let place = self.entries.at(waiter.0).and_then(|entry| entry.place);
        if let Some(place) = place {
            self.unlink(place.list(), waiter.0);
        }
    }

    /// Wakes who has waited longest at `place`; tells whether anybody did.
    pub(super) fn wake_one(&mut self, place: Place) -> bool {
        loop {
            let mut at = self.lists[place.list()];
            let found = loop {
                let Some(handle) = at else { return false };
                let Some(entry) = self.entries.at(handle) else {
                    return false;
                };
                if entry.place == Some(place) {
                    break handle;
                }
                at = entry.next;
            };
            // One that is already woken for another reason does not count.
            if self.wake(place.list(), found) {
                return true;
            }
        }
    }

    /// Wakes everyone, to look again at what they wait for.
    pub(super) fn wake_all(&mut self) {
        for list in 0..LISTS {
            while let Some(first) = self.lists[list] {
                self.wake(list, first);
            }
        }
    }

    fn wake(&mut self, list: usize, handle: Handle<Entry>) -> bool {
        let thread = self.unlink(list, handle);
        // Never the last owner: a thread that waits holds itself.
        thread.is_some_and(|thread| sched::wake(&thread, Wake::Event))
    }

    fn unlink(&mut self, list: usize, handle: Handle<Entry>) -> Option<Shared<Thread>> {
        let next = self.entries.at(handle)?.next;
        if self.lists[list] == Some(handle) {
            self.lists[list] = next;
        } else {
            let mut at = self.lists[list]?;
            while self.entries.at(at)?.next != Some(handle) {
                at = self.entries.at(at)?.next?;
            }
            self.entries.at_mut(at)?.next = next;
        }
        let entry = self.entries.at_mut(handle)?;
        entry.place = None;
        entry.next = None;
        entry.thread.take()
    }

    /// The last of a list.
    fn ends(&self, list: usize) -> Option<Handle<Entry>> {
        let mut last = self.lists[list]?;
        while let Some(next) = self.entries.at(last)?.next {
            last = next;
        }
        Some(last)
    }
}
