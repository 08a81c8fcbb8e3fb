//! Words for a thread that waits for them: a message without a queue.
//!
//! Owns the hand-off: whoever has words for a thread gives it, if it then waits
//! itself, its processor and the rest of its turn as well. Called by the layer of
//! ports, which knows who waits for what.

use super::thread::{State, Wait};
use super::{SCHEDULER, Scheduler, Thread, Wake, clean_up, wait, with_current};
use crate::arch::user_memory::Words;
use crate::mm::shared::Shared;
use crate::sync::{Guard, Irq};

/// A thread that waits, and will until it has its mail: nobody else can wake it
/// meanwhile.
pub(crate) struct Delivery {
    scheduler: Guard<'static, Scheduler, Irq>,
    to: Shared<Thread>,
}

impl Delivery {
    /// To `to`, which gets none if it waits no longer or somebody wants something
    /// of it.
    pub(crate) fn begin(to: &Shared<Thread>) -> Option<Delivery> {
        let mut scheduler = SCHEDULER.lock();
        let state = *to.state.get(&mut scheduler.key);
        if !matches!(state, State::Waiting(Wait::Interruptible)) || to.asked() != 0 {
            return None;
        }
        let to = to.clone();
        Some(Delivery { scheduler, to })
    }

    /// It goes on with these words when it is its turn.
    pub(crate) fn post(mut self, mail: &Words) {
        self.put(mail);
        self.scheduler.make_ready(&self.to);
    }

    /// It goes on with these words, in place of the thread that calls, which waits
    /// until somebody wakes it. Where that is by mail, it is in `mail` then.
    pub(crate) fn hand_over(mut self, mail: &mut Words) -> Wake {
        self.put(mail);
        let Delivery { mut scheduler, to } = self;
        let why = with_current(|own| {
            let inner = &mut *scheduler;
            *own.state.get(&mut inner.key) = State::AboutToWait(Wait::Interruptible);
            let left = own.scheduling.get(&mut inner.key).quantum_left();
            let scheduling = to.scheduling.get(&mut inner.key);
            let is_best = inner
                .ready
                .best()
                .is_none_or(|best| best >= scheduling.current());
            let next = match is_best && !own.is_interrupted() {
                true => {
                    scheduling.take_turn(left);
                    Some(to)
                }
                false => {
                    inner.make_ready(&to);
                    None
                }
            };
            wait::wait(scheduler, own, next, Some(mail))
        });
        clean_up();
        why.unwrap_or(Wake::Event)
    }

    fn put(&mut self, mail: &Words) {
        let key = &mut self.scheduler.key;
        self.to.mail.get(key).set(mail);
        *self.to.state.get(key) = State::Woken(Wake::Mail);
    }
}
