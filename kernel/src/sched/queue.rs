//! Threads in rows: those that are ready, by priority, and those that wait for
//! something to happen to another thread.
//!
//! All are linked through themselves: joining takes no memory.
//!
//! **Invariants**: a thread is among the ready once at most, and in one other
//! queue at most; `last` is the end of the chain that begins with `first`, and
//! both are empty or neither.

use core::ptr::NonNull;

use kernel_core::sched::queue::{Link, Links, RunQueue};

use super::Key;
use super::thread::Thread;
use crate::mm::shared::Shared;

/// First in, first out.
pub(super) struct Queue {
    first: Option<Shared<Thread>>,
    last: Option<Shared<Thread>>,
}

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue {
            first: None,
            last: None,
        }
    }

    /// All of it; nothing stays.
    pub(super) fn take(&mut self) -> Queue {
        core::mem::replace(self, Queue::new())
    }

    pub(super) fn push(&mut self, thread: Shared<Thread>, key: &mut Key) {
        debug_assert!(thread.next.get(key).is_none());
        match self.last.replace(thread.clone()) {
            Some(before) => *before.next.get(key) = Some(thread),
            None => self.first = Some(thread),
        }
    }

    pub(super) fn pop(&mut self, key: &mut Key) -> Option<Shared<Thread>> {
        let thread = self.first.take()?;
        self.first = thread.next.get(key).take();
        if self.first.is_none() {
            self.last = None;
        }
        Some(thread)
    }

    /// Takes `thread` out, wherever it stands.
    pub(super) fn remove(
        &mut self,
        thread: &Shared<Thread>,
        key: &mut Key,
    ) -> Option<Shared<Thread>> {
        let mut others = Queue::new();
        let mut found = None;
        while let Some(next) = self.pop(key) {
            match next.is_same(thread) {
                true => found = Some(next),
                false => others.push(next, key),
            }
        }
        *self = others;
        found
    }
}

/// A thread that is ready: its own hold keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Handle(NonNull<Thread>);

// SAFETY: it leads to what is shared between processors anyway.
unsafe impl Send for Handle {}

impl Handle {
    fn thread(&self) -> &Thread {
        // SAFETY: a thread that is ready has been started and has not ended, so
        // its hold owns it; whoever takes it out takes the handle with it.
        unsafe { self.0.as_ref() }
    }
}

impl Links<Handle> for Key {
    fn link(&mut self, handle: Handle) -> &mut Link<Handle> {
        let thread = handle.0;
        // SAFETY: as above, for as long as the thread is queued.
        unsafe { thread.as_ref() }.link.get(self)
    }
}

/// The threads that are ready, the best priority first.
pub(super) struct Ready(RunQueue<Handle>);

impl Ready {
    pub(super) const fn new() -> Ready {
        Ready(RunQueue::new())
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.0.len()
    }

    /// The best priority among them.
    pub(super) fn best(&self) -> Option<u8> {
        self.0.best()
    }

    /// Puts a thread that has its hold behind all others of `priority`.
    pub(super) fn push(&mut self, thread: &Shared<Thread>, priority: u8, key: &mut Key) {
        self.0.push(handle_of(thread), priority, key);
    }

    /// The next of the best priority.
    pub(super) fn take(&mut self, key: &mut Key) -> Option<Shared<Thread>> {
        let handle = self.0.take(key)?;
        handle.thread().hold.get(key).clone()
    }

    /// Who has waited longest with `priority`; it stays.
    pub(super) fn first_of(&self, priority: u8, key: &mut Key) -> Option<Shared<Thread>> {
        self.0.first_of(priority)?.thread().hold.get(key).clone()
    }

    /// Takes `thread` out, if it is one of them; tells whether it was.
    pub(super) fn remove(&mut self, thread: &Shared<Thread>, key: &mut Key) -> bool {
        self.0.remove(handle_of(thread), key).is_some()
    }
}

fn handle_of(thread: &Shared<Thread>) -> Handle {
    Handle(NonNull::from(&**thread))
}
