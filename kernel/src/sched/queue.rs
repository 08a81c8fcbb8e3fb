//! Threads in a row, linked through themselves: joining one takes no memory.
//!
//! **Invariants**: a thread is in one queue at most; `last` is the end of the
//! chain that begins with `first`, and both are empty or neither.

use super::guarded::Key;
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

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
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
}
