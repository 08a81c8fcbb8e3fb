//! Threads that could run, by priority, and in order of arrival within one.
//!
//! Owns links, not threads: the caller names a thread by a handle, and keeps
//! for each a [`Link`] that the queue finds through [`Links`]. So nothing is
//! allocated, and every operation takes the same time however many wait.
//!
//! **Invariants**
//! - Bit `p` of `waiting` is set exactly if `lists[p]` has a thread; `push`
//!   and `remove` keep it. Broken, a thread would never run.
//! - A thread is in one list at most, that of its link's `priority`.

use super::PRIORITIES;

/// A thread's place in a queue; the caller keeps it with the thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link<H> {
    next: Option<H>,
    previous: Option<H>,
    /// In which list it is; `None` if in none.
    priority: Option<u8>,
    /// Of which processor's queue, where there are several.
    pub(super) queue: u8,
    /// When it came there.
    pub(super) since: u32,
}

impl<H> Link<H> {
    /// That of a thread in no queue.
    pub const NEW: Self = Self {
        next: None,
        previous: None,
        priority: None,
        queue: 0,
        since: 0,
    };

    /// Whether the thread waits in a queue.
    pub const fn is_queued(&self) -> bool {
        self.priority.is_some()
    }
}

/// Where the links of all threads are.
pub trait Links<H> {
    /// The link of a thread, which exists as long as it is queued.
    fn link(&mut self, thread: H) -> &mut Link<H>;
}

#[derive(Clone, Copy)]
struct List<H> {
    first: Option<H>,
    last: Option<H>,
}

/// The threads that wait for one processor.
pub struct RunQueue<H> {
    lists: [List<H>; PRIORITIES as usize],
    waiting: u64,
    count: u32,
}

impl<H: Copy> RunQueue<H> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            lists: [List {
                first: None,
                last: None,
            }; PRIORITIES as usize],
            waiting: 0,
            count: 0,
        }
    }

    /// How many threads wait.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether none waits.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The best priority that waits.
    pub const fn best(&self) -> Option<u8> {
        match self.waiting {
            0 => None,
            waiting => Some(waiting.trailing_zeros() as u8),
        }
    }

    /// The thread that has waited longest of those with `priority`; it stays.
    pub fn first_of(&self, priority: u8) -> Option<H> {
        self.lists.get(usize::from(priority))?.first
    }

    /// Puts a thread last among those of its priority; a number beyond the
    /// lowest counts as the lowest. A queued thread stays where it is.
    pub fn push(&mut self, thread: H, priority: u8, links: &mut impl Links<H>) {
        let priority = priority.min(PRIORITIES - 1);
        if links.link(thread).is_queued() {
            return;
        }
        let list = &mut self.lists[usize::from(priority)];
        let previous = list.last.replace(thread);
        *links.link(thread) = Link {
            next: None,
            previous,
            priority: Some(priority),
            ..Link::NEW
        };
        match previous {
            Some(previous) => links.link(previous).next = Some(thread),
            None => list.first = Some(thread),
        }
        self.waiting |= 1 << priority;
        self.count += 1;
    }

    /// Takes the thread out that has waited longest of those with the best
    /// priority.
    pub fn take(&mut self, links: &mut impl Links<H>) -> Option<H> {
        let thread = self.lists[usize::from(self.best()?)].first?;
        self.remove(thread, links);
        Some(thread)
    }

    /// Takes a thread out that waits in this queue; does nothing if it waits
    /// in none. Its priority there.
    pub fn remove(&mut self, thread: H, links: &mut impl Links<H>) -> Option<u8> {
        let link = links.link(thread);
        let priority = link.priority?;
        let (next, previous) = (link.next, link.previous);
        *link = Link::NEW;
        let list = &mut self.lists[usize::from(priority)];
        match next {
            Some(next) => links.link(next).previous = previous,
            None => list.last = previous,
        }
        match previous {
            Some(previous) => links.link(previous).next = next,
            None => list.first = next,
        }
        if list.first.is_none() {
            self.waiting &= !(1 << priority);
        }
        self.count -= 1;
        Some(priority)
    }
}

impl<H: Copy> Default for RunQueue<H> {
    fn default() -> Self {
        Self::new()
    }
}
