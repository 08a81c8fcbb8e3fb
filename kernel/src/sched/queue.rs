//! Threads in rows: those that are ready, by priority, and those that wait for
//! something to happen to another thread.
//!
//! All are linked through themselves: joining takes no memory.
//!
//! **Invariants**: a thread is among the ready once at most, and in one other
//! queue at most; `last` is the end of the chain that begins with `first`, and
//! both are empty or neither.

use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use kernel_core::sched::machine::{Machine, Place};
use kernel_core::sched::queue::{Link, Links};

use super::Key;
use super::thread::Thread;
use crate::arch::percpu::{self, MAX_CPUS};
use crate::mm::shared::Shared;
use crate::time;

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

/// The threads that are ready, and the priority of what each processor runs.
pub(super) struct Ready(Machine<Handle, MAX_CPUS>);

impl Ready {
    pub(super) const fn new() -> Ready {
        Ready(Machine::new())
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.0.len()
    }

    /// Whether there is any.
    pub(super) fn has_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The best priority among them.
    pub(super) fn best(&self) -> Option<u8> {
        self.0.best()
    }

    /// Processor `id` runs a thread of this priority, or nobody.
    pub(super) fn chose(&mut self, id: usize, priority: u8) {
        self.0.chose(id, priority);
    }

    /// What processor `id` runs has this priority now.
    pub(super) fn runs_now(&mut self, id: usize, priority: u8) {
        let chooses =
            percpu::by_id(id).is_some_and(|cpu| cpu.chooses_again.load(Ordering::Relaxed));
        self.0.runs_now(id, priority, chooses);
    }

    /// Puts a thread that has its hold behind all others of `priority` in the queue
    /// of some processor; that one, if it is to choose again.
    pub(super) fn put(
        &mut self,
        thread: &Shared<Thread>,
        priority: u8,
        key: &mut Key,
    ) -> Option<usize> {
        let place = Place {
            last: thread.times.get(key).processor() as usize,
            own: percpu::current().id() as usize,
            online: percpu::online(),
            now: time::ticks(),
        };
        self.0.put(handle_of(thread), priority, place, key)
    }

    /// The next for processor `own`, of the best priority.
    pub(super) fn take(&mut self, own: usize, key: &mut Key) -> Option<Shared<Thread>> {
        let handle = self.0.take(own, key)?;
        handle.thread().hold.get(key).clone()
    }

    /// Who has waited longest with `priority` in the queue of processor `id`.
    pub(super) fn first_of(
        &self,
        id: usize,
        priority: u8,
        key: &mut Key,
    ) -> Option<Shared<Thread>> {
        let first = self.0.first_of(id, priority)?;
        first.thread().hold.get(key).clone()
    }

    /// Takes `thread` out, if it is one of them; tells whether it was.
    pub(super) fn remove(&mut self, thread: &Shared<Thread>, key: &mut Key) -> bool {
        self.0.remove(handle_of(thread), key)
    }
}

fn handle_of(thread: &Shared<Thread>) -> Handle {
    Handle(NonNull::from(&**thread))
}
