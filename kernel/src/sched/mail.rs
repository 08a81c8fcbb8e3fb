//! Words for a thread that waits for them: a message without a queue.
//!
//! Owns the hand-off: whoever has words for a thread gives it, if it then waits
//! itself, its processor and the rest of its turn as well. Called by the layer of
//! ports, which knows who waits for what. Words change hands as a whole: giver and
//! receiver swap the boxes they are in.

use alloc::boxed::Box;
use core::mem;

use super::dispatch::go_over;
use super::thread::{State, Wait};
use super::{SCHEDULER, Scheduler, Thread, Wake, clean_up, wait, with_current};
use crate::arch::user_memory::Words;
use crate::mm::shared::Shared;
use crate::sync::{Guard, Irq};

/// What a thread is given.
pub(crate) type Mail = Box<Words>;

/// A thread that waits, and will until it has its mail: nobody else can wake it
/// meanwhile.
pub(crate) struct Delivery {
    scheduler: Guard<'static, Scheduler, Irq>,
    to: Shared<Thread>,
}

impl Delivery {
    /// To `to`, which is given back if it waits no longer or somebody wants
    /// something of it.
    #[inline(always)]
    pub(crate) fn begin(to: Shared<Thread>) -> Result<Delivery, Shared<Thread>> {
        let mut scheduler = SCHEDULER.lock();
        let state = *to.state.get(&mut scheduler.key);
        if !matches!(state, State::Waiting(Wait::Interruptible)) || to.asked() != 0 {
            return Err(to);
        }
        Ok(Delivery { scheduler, to })
    }

    /// It goes on waiting.
    pub(crate) fn give_up(self) -> Shared<Thread> {
        self.to
    }

    /// It goes on with these words when it is its turn.
    pub(crate) fn post(mut self, mail: &mut Mail) {
        self.put(mail);
        self.scheduler.make_ready(&self.to);
    }

    /// It goes on with these words, in place of the thread that calls, which waits
    /// until somebody wakes it. Where that is by mail, it is in `mail` then.
    #[inline(always)]
    pub(crate) fn hand_over(mut self, mail: &mut Mail) -> Wake {
        self.put(mail);
        let Delivery { mut scheduler, to } = self;
        let why = with_current(|own| {
            let inner = &mut *scheduler;
            let left = own.scheduling.get(&mut inner.key).quantum_left();
            let scheduling = to.scheduling.get(&mut inner.key);
            let is_best = inner
                .ready
                .best()
                .is_none_or(|best| best >= scheduling.current());
            if is_best && !own.is_interrupted() {
                scheduling.take_turn(left);
                *own.state.get(&mut inner.key) = State::Waiting(Wait::Interruptible);
                go_over(&mut scheduler, own, to);
            } else {
                inner.make_ready(&to);
                // It may end before the caller goes on, which is not to be the
                // last to own it.
                drop(to);
                *own.state.get(&mut inner.key) = State::AboutToWait(Wait::Interruptible);
                wait::leave_processor(&mut scheduler, own);
            }
            wait::woken(&mut scheduler, own, Some(mail))
        });
        drop(scheduler);
        clean_up();
        why.unwrap_or(Wake::Event)
    }

    #[inline(always)]
    fn put(&mut self, mail: &mut Mail) {
        let key = &mut self.scheduler.key;
        mem::swap(self.to.mail.get(key), mail);
        *self.to.state.get(key) = State::Woken(Wake::Mail);
    }
}
