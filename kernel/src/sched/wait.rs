//! Waiting, and being woken.
//!
//! A wait has two halves, so that what is waited for may come in between.

use core::mem;
use core::sync::atomic::Ordering;

use super::dispatch::go_to_next;
use super::mail::Mail;
use super::thread::{State, Thread, Wait, Wake};
use super::{HAS_TIMED, SCHEDULER, Scheduler, clean_up, with_current};
use crate::mm::shared::Shared;
use crate::sync::{Guard, Irq};
use crate::time;

/// The first half of waiting: from now on [`wake`] ends the wait that the next
/// [`block`] begins. In between the caller looks whether it must wait at all,
/// and calls [`do_not_wait`] if not.
pub(crate) fn assert_wait() {
    set_own_state(State::AboutToWait(Wait::Uninterruptible));
}

/// The same, for a wait that a user may end, or prolong, at any time.
pub(crate) fn assert_interruptible_wait() {
    set_own_state(State::AboutToWait(Wait::Interruptible));
}

/// Takes [`assert_wait`] back.
pub(crate) fn do_not_wait() {
    set_own_state(State::Running);
}

fn set_own_state(state: State) {
    with_current(|thread| {
        *thread.state.get(&mut SCHEDULER.lock().key) = state;
    });
}

/// The second half: returns when the thread has been woken, and why.
pub(crate) fn block() -> Wake {
    block_until(None)
}

/// The same for a thread that mail may be for; `mail` is that then.
pub(crate) fn block_for_mail(mail: &mut Mail) -> Wake {
    block_until(Some(mail))
}

fn block_until(mail: Option<&mut Mail>) -> Wake {
    let why = with_current(|own| {
        let mut scheduler = SCHEDULER.lock();
        leave_processor(&mut scheduler, own);
        woken(&mut scheduler, own, mail)
    });
    clean_up();
    why.unwrap_or(Wake::Event)
}

/// Leaves the processor to whoever's turn it is, unless the wait of `own`, the
/// thread that calls, is over already.
pub(super) fn leave_processor(scheduler: &mut Guard<'_, Scheduler, Irq>, own: &Thread) {
    let state = own.state.get(&mut scheduler.key);
    if let State::AboutToWait(how) = *state {
        if how == Wait::Interruptible && own.is_interrupted() {
            *state = State::Woken(Wake::Interrupted);
        } else {
            *state = State::Waiting(how);
            go_to_next(scheduler, None);
        }
    }
}

/// Why `own`, the thread that calls, goes on; its mail, if that is why.
#[inline(always)]
pub(super) fn woken(scheduler: &mut Scheduler, own: &Thread, mail: Option<&mut Mail>) -> Wake {
    let state = own.state.get(&mut scheduler.key);
    let why = match *state {
        State::Woken(why) => why,
        _ => Wake::Event,
    };
    *state = State::Running;
    if let (Wake::Mail, Some(mail)) = (why, mail) {
        mem::swap(own.mail.get(&mut scheduler.key), mail);
    }
    why
}

/// As [`block`], but for `ticks` ticks at most.
pub(crate) fn block_for(ticks: u32) -> Wake {
    within(ticks, block)
}

/// As [`block_for_mail`], but for `ticks` ticks at most.
pub(crate) fn block_for_mail_for(mail: &mut Mail, ticks: u32) -> Wake {
    within(ticks, || block_for_mail(mail))
}

fn within(ticks: u32, block: impl FnOnce() -> Wake) -> Wake {
    with_current(|thread| SCHEDULER.lock().put_in_timed(thread, ticks));
    let why = block();
    leave_timed();
    why
}

/// The thread that calls is on the list of those whose wait has an end no more.
pub(super) fn leave_timed() {
    let own = with_current(|thread| SCHEDULER.lock().take_from_timed(thread));
    drop(own);
}

/// Ends the wait of `thread`; tells whether it waited. From anywhere.
pub(crate) fn wake(thread: &Shared<Thread>, why: Wake) -> bool {
    SCHEDULER.lock().wake(thread, why)
}

impl Scheduler {
    pub(super) fn wake(&mut self, thread: &Shared<Thread>, why: Wake) -> bool {
        let state = thread.state.get(&mut self.key);
        match *state {
            State::AboutToWait(_) => *state = State::Woken(why),
            State::Waiting(Wait::Interruptible)
                if thread.is_to_stop() && why != Wake::Interrupted =>
            {
                *state = State::Held(why);
            }
            State::Waiting(_) => {
                *state = State::Woken(why);
                self.make_ready(thread);
            }
            _ => return false,
        }
        true
    }

    /// Ends the waits whose time is over, and depressions too.
    pub(super) fn end_timed(&mut self) {
        let mut next = self.timed.clone();
        while let Some(thread) = next {
            if time::is_over(*thread.deadline.get(&mut self.key))
                && !self.wake(&thread, Wake::TimedOut)
            {
                self.end_depression(&thread);
            }
            // Never the last owner: the list is another, until the thread leaves it.
            next = thread.next_timed.get(&mut self.key).clone();
        }
    }

    /// For `ticks` ticks after the current one, which is partly over.
    pub(super) fn put_in_timed(&mut self, thread: &Shared<Thread>, ticks: u32) {
        let deadline = time::ticks().wrapping_add(ticks).wrapping_add(1);
        *thread.deadline.get(&mut self.key) = deadline;
        let next = self.timed.replace(thread.clone());
        *thread.next_timed.get(&mut self.key) = next;
        HAS_TIMED.store(true, Ordering::Relaxed);
    }

    /// Takes a thread off the list of those whose wait has an end.
    fn take_from_timed(&mut self, thread: &Shared<Thread>) -> Option<Shared<Thread>> {
        let behind = thread.next_timed.get(&mut self.key).take();
        let first = self.timed.as_ref()?.clone();
        if first.is_same(thread) {
            let own = core::mem::replace(&mut self.timed, behind);
            HAS_TIMED.store(self.timed.is_some(), Ordering::Relaxed);
            return own;
        }
        let mut at = first;
        loop {
            let next = at.next_timed.get(&mut self.key).clone()?;
            if next.is_same(thread) {
                return core::mem::replace(at.next_timed.get(&mut self.key), behind);
            }
            at = next;
        }
    }
}
