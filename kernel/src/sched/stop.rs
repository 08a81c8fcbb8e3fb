//! Threads stopped, ended and aborted by others.
//!
//! Owns what is asked of a thread: it stops or ends where it would go back to
//! user mode, or in a wait that may be interrupted. Called by the layer of tasks,
//! which counts its reasons. A thread that runs on another processor is told by
//! an interrupt, and whoever must know waits until it has come to a stop.
//!
//! **Invariants**: stand beside the fields.

use super::thread::{END, Registers, STOP, State, Wait};
use super::{SCHEDULER, Scheduler, Thread, Wake, block, go_to_next, with_current};
use crate::arch::{lapic, percpu, trap};
use crate::mm::shared::Shared;

/// How far a thread is to be off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// It does not run.
    Still,
    /// It ended, or waits for what nobody may interrupt, to end then.
    Ended,
}

/// One more reason for `thread` to stop, as soon as it can.
pub(crate) fn hold(thread: &Shared<Thread>) {
    let mut scheduler = SCHEDULER.lock();
    *thread.stops.get(&mut scheduler.key) += 1;
    thread.ask(STOP);
    scheduler.poke(thread);
}

/// One reason less: without any it goes on, or begins.
pub(crate) fn release(thread: &Shared<Thread>) {
    let mut scheduler = SCHEDULER.lock();
    let stops = thread.stops.get(&mut scheduler.key);
    debug_assert!(*stops > 0, "a thread is released that nobody holds");
    *stops = stops.saturating_sub(1);
    if *stops == 0 {
        thread.ask_no_more(STOP);
        *thread.is_aborted.get(&mut scheduler.key) = false;
        scheduler.go_on(thread);
    }
}

/// Makes `thread` end as soon as it can; one that never began begins for that.
pub(crate) fn end(thread: &Shared<Thread>) {
    let mut scheduler = SCHEDULER.lock();
    thread.ask(END);
    match *thread.state.get(&mut scheduler.key) {
        State::Waiting(Wait::Interruptible) => {
            scheduler.wake(thread, Wake::Interrupted);
        }
        _ => scheduler.go_on(thread),
    }
    scheduler.poke(thread);
}

/// Ends what `thread` waits for, if that may be (`thread_abort`).
pub(crate) fn abort(thread: &Shared<Thread>) {
    let mut scheduler = SCHEDULER.lock();
    let is_held = *thread.stops.get(&mut scheduler.key) > 0;
    *thread.is_aborted.get(&mut scheduler.key) = is_held;
    if let State::AboutToWait(Wait::Interruptible) | State::Waiting(Wait::Interruptible) =
        *thread.state.get(&mut scheduler.key)
    {
        scheduler.wake(thread, Wake::Interrupted);
    }
}

/// Returns when `thread`, which somebody holds, does not run; at once for the
/// thread that calls.
pub(crate) fn until_still(thread: &Shared<Thread>) {
    until(thread, Until::Still);
}

/// Returns when `thread`, which is to end, has, or will without running user
/// code.
pub(crate) fn until_ended(thread: &Shared<Thread>) {
    until(thread, Until::Ended);
}

fn until(thread: &Shared<Thread>, until: Until) {
    with_current(|own| {
        if own.is_same(thread) {
            return;
        }
        loop {
            let mut scheduler = SCHEDULER.lock();
            if scheduler.is_off(thread, until) {
                return;
            }
            let inner = &mut *scheduler;
            *own.state.get(&mut inner.key) = State::AboutToWait(Wait::Uninterruptible);
            inner.watchers.push(own.clone(), &mut inner.key);
            drop(scheduler);
            block();
        }
    });
}

/// Gives `use_it` the registers of `thread` as user mode has them: of one that
/// does not run, and never of the caller. None if it ended.
pub(crate) fn with_registers<R>(
    thread: &Shared<Thread>,
    mut use_it: impl FnMut(&mut Registers) -> R,
) -> Option<R> {
    hold(thread);
    let result = loop {
        until_still(thread);
        let mut scheduler = SCHEDULER.lock();
        if let State::Gone = *thread.state.get(&mut scheduler.key) {
            break None;
        }
        // It may have been woken, to be ended or because somebody aborted it.
        if scheduler.is_off(thread, Until::Still) {
            break Some(thread.with_registers(&mut scheduler.key, &mut use_it));
        }
    };
    release(thread);
    result
}

/// Stops the thread that calls, where it would go back to user mode, for as long
/// as anybody wants it; tells whether it is to end.
pub(super) fn stop_if_asked() -> bool {
    with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        if thread.is_to_stop() {
            scheduler.becomes(thread, State::Stopped);
            go_to_next(&mut scheduler);
        }
        thread.is_to_end()
    })
    .unwrap_or(false)
}

impl Scheduler {
    /// The state of `thread` is another, in which it does not run.
    pub(super) fn becomes(&mut self, thread: &Thread, state: State) {
        *thread.state.get(&mut self.key) = state;
        // Nobody watches a thread without asking something of it.
        if thread.asked() == 0 {
            return;
        }
        let mut itself = None;
        while let Some(watcher) = self.watchers.pop(&mut self.key) {
            match core::ptr::eq(&raw const *watcher, thread) {
                true => itself = Some(watcher),
                false => {
                    self.wake(&watcher, Wake::Event);
                }
            }
        }
        if let Some(itself) = itself {
            self.watchers.push(itself, &mut self.key);
        }
    }

    fn is_off(&mut self, thread: &Thread, until: Until) -> bool {
        match *thread.state.get(&mut self.key) {
            State::Gone | State::Waiting(Wait::Uninterruptible) => true,
            State::New | State::Stopped | State::Held(_) | State::Waiting(_) => {
                until == Until::Still
            }
            State::Running | State::AboutToWait(_) | State::Woken(_) => false,
        }
    }

    /// Lets a thread go on that nothing but a stop kept.
    fn go_on(&mut self, thread: &Shared<Thread>) {
        let state = thread.state.get(&mut self.key);
        match *state {
            State::New => self.start(thread),
            State::Stopped => {
                *state = State::Running;
                self.make_ready(thread.clone());
            }
            State::Held(why) => {
                *state = State::Woken(why);
                self.make_ready(thread.clone());
            }
            _ => {}
        }
    }

    /// Makes `thread` look what it is asked, if it runs on another processor.
    fn poke(&self, thread: &Shared<Thread>) {
        let own = percpu::current().id() as usize;
        let runs = |processor: &super::Processor| {
            let current = processor.current.as_ref();
            current.is_some_and(|current| current.is_same(thread))
        };
        let found = self.processors.iter().position(runs);
        if let Some(cpu) = found.filter(|&id| id != own).and_then(percpu::by_id) {
            lapic::send(cpu.apic_id(), trap::WAKE_VECTOR);
        }
    }
}
