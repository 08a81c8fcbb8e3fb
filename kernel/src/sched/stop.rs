//! Threads stopped, ended and aborted by others.
//!
//! Owns what is asked of a thread: it stops or ends where it would go back to
//! user mode, or in a wait that may be interrupted. Called by the layer of tasks,
//! which counts its reasons. A thread that runs on another processor is told by
//! an interrupt, and whoever must know waits until it has come to a stop.
//!
//! **Invariants**: a watcher is in the queue of the thread that it watches from
//! when it says that it will wait until it is woken, by that thread's stop.

use kernel_core::sched::priority::Scheduling;

use super::dispatch::go_to_next;
use super::thread::{ABORT, END, Registers, STOP, State, Wait};
use super::{SCHEDULER, Scheduler, Thread, Wake, block, second, with_current};
use crate::mm::shared::Shared;

/// How far a thread is to be off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// It does not run, or nobody wants it to stop.
    Still,
    /// It left the kernel since it was aborted, or does not run.
    Left,
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
    // What it has left to do is the kernel's, and others may wait for that.
    let kernel = Scheduling::new(0, 0, second());
    *thread.scheduling.get(&mut scheduler.key) = kernel;
    scheduler.place_anew(thread);
    scheduler.interrupt(thread);
    scheduler.go_on(thread);
    scheduler.poke(thread);
}

/// Ends what `thread` waits for, if that may be (`thread_abort`); returns when
/// it has left the kernel, or waits for what nobody may interrupt.
pub(crate) fn abort(thread: &Shared<Thread>) {
    {
        let mut scheduler = SCHEDULER.lock();
        scheduler.end_depression(thread);
        let is_held = *thread.stops.get(&mut scheduler.key) > 0;
        *thread.is_aborted.get(&mut scheduler.key) = is_held;
        thread.ask(ABORT);
        if scheduler.is_off(thread, Until::Left) {
            thread.ask_no_more(ABORT);
            return;
        }
        scheduler.interrupt(thread);
        scheduler.poke(thread);
    }
    until(thread, Until::Left);
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

/// Nobody interrupts this, and two threads do not wait for each other: one that
/// waits here is off for all others.
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
            let mut row = thread.watchers.get(&mut inner.key).take();
            row.push(own.clone(), &mut inner.key);
            *thread.watchers.get(&mut inner.key) = row;
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
    let is_to_end = with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        if thread.asked() & ABORT != 0 {
            thread.ask_no_more(ABORT);
            scheduler.tell_watchers(thread);
        }
        if thread.is_to_stop() {
            *thread.state.get(&mut scheduler.key) = State::Stopped;
            go_to_next(&mut scheduler, None);
        }
        thread.is_to_end()
    });
    is_to_end.unwrap_or(false)
}

impl Scheduler {
    /// The watchers of `thread`, which leaves its processor, look again if it
    /// does not simply let others run.
    pub(super) fn tell_of_stop(&mut self, thread: &Thread) {
        // Nobody watches a thread without asking something of it.
        if thread.asked() == 0 {
            return;
        }
        if let State::Stopped | State::Waiting(_) | State::Gone = *thread.state.get(&mut self.key) {
            self.tell_watchers(thread);
        }
    }

    fn tell_watchers(&mut self, thread: &Thread) {
        let mut row = thread.watchers.get(&mut self.key).take();
        while let Some(watcher) = row.pop(&mut self.key) {
            self.wake(&watcher, Wake::Event);
        }
    }

    fn is_off(&mut self, thread: &Shared<Thread>, until: Until) -> bool {
        let state = *thread.state.get(&mut self.key);
        match (state, until) {
            (State::Gone | State::Waiting(Wait::Uninterruptible), _) => true,
            (_, Until::Ended) => false,
            // Whatever it did since then.
            (_, Until::Left) if thread.asked() & ABORT == 0 => true,
            (State::New | State::Stopped | State::Held(_), _) => true,
            (State::Waiting(_), _) => until == Until::Still,
            (State::AboutToWait(_) | State::Woken(_), _) => false,
            (State::Running, Until::Still) => {
                thread.asked() & STOP == 0 || self.stops_at_edge(thread)
            }
            (State::Running, Until::Left) => *thread.is_at_edge.get(&mut self.key),
        }
    }

    /// Stops a thread that is ready to go on in user mode: it need not run to do
    /// that itself.
    fn stops_at_edge(&mut self, thread: &Shared<Thread>) -> bool {
        let stops = *thread.is_at_edge.get(&mut self.key)
            && thread.is_to_stop()
            && self.take_from_ready(thread);
        if stops {
            *thread.state.get(&mut self.key) = State::Stopped;
        }
        stops
    }

    /// Ends a wait of `thread` that may be ended.
    fn interrupt(&mut self, thread: &Shared<Thread>) {
        if let State::AboutToWait(Wait::Interruptible) | State::Waiting(Wait::Interruptible) =
            *thread.state.get(&mut self.key)
        {
            self.wake(thread, Wake::Interrupted);
        }
    }

    /// Lets a thread go on that nothing but a stop kept, or that never began.
    pub(super) fn go_on(&mut self, thread: &Shared<Thread>) {
        let state = thread.state.get(&mut self.key);
        match *state {
            State::New | State::Stopped => {
                *state = State::Running;
                // From its first start to its end.
                let before = thread.hold.get(&mut self.key).replace(thread.clone());
                drop(before);
                self.make_ready(thread);
            }
            State::Held(why) => {
                *state = State::Woken(why);
                self.make_ready(thread);
            }
            _ => {}
        }
    }

    /// Makes `thread` look what it is asked, if it runs on another processor.
    fn poke(&mut self, thread: &Shared<Thread>) {
        if let Some(id) = self.runs_on(thread) {
            self.tell(id);
        }
    }
}
