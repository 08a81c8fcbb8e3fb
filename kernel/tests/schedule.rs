//! Priorities: who runs while others would too, and what all have used.

use kernel_core::sched::LOWEST;
use kernel_core::sched::priority::{Depression, Policy, Reach};

use super::user::{prepare, resume};
use crate::arch::percpu;
use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched::info::{self, Appearance};
use crate::sched::{self, Thread};
use crate::task::Task;
use crate::time;

/// An endless loop.
const SPIN: &[u8] = &[0xeb, 0xfe];
/// More than any machine of these tests has processors.
const MOST: usize = 12;

pub(super) fn pause(ticks: u32) {
    sched::assert_wait();
    sched::block_for(ticks);
}

fn used_us(thread: &Shared<Thread>) -> u64 {
    let used = info::used(thread);
    used.user_us + used.system_us
}

/// More threads that spin than there are processors.
pub(super) fn crowd() -> [Option<(Shared<Task>, Shared<Thread>)>; MOST] {
    let count = 2 * percpu::online() + 1;
    core::array::from_fn(|number| (number < count.min(MOST)).then(|| prepare(SPIN)))
}

pub(super) fn end(threads: &[Option<(Shared<Task>, Shared<Thread>)>]) {
    for (task, _) in threads.iter().flatten() {
        task.terminate();
    }
}

fn set_priority(thread: &Shared<Thread>, priority: u32) {
    let set = info::change_scheduling(thread, |of| of.set_priority(priority, Reach::Priority));
    assert_eq!(set, Ok(()));
}

case! {
    fn gives_everyone_a_share() {
        while time::tsc_hz().is_none() {
            pause(1);
        }
        let threads = crowd();
        let all = || threads.iter().flatten();
        all().for_each(|(_, thread)| resume(thread));
        pause(150);
        let least = all().map(|(_, thread)| used_us(thread)).min().unwrap_or(0);
        let most = all().map(|(_, thread)| used_us(thread)).max().unwrap_or(0);
        // Time that the machine itself was not given counts for who had it.
        assert!(least * 50 > most, "one had {least} us, another {most} us");
        // Ticks are few, so this is rough.
        let sum = |of: fn(info::Used) -> u64| -> u64 {
            all().map(|(_, thread)| of(info::used(thread))).sum()
        };
        let (user, system) = (sum(|used| used.user_us), sum(|used| used.system_us));
        assert!(user > 0, "{system} us in the kernel, {user} in user mode");
        end(&threads);
    }

    /// Among many of a better priority, for longer than a thread may starve.
    fn starves_nobody() {
        let threads = crowd();
        let all = || threads.iter().flatten();
        let worse = threads[0].as_ref().map(|(_, thread)| thread).expect("it was made");
        set_priority(worse, 49);
        all().for_each(|(_, thread)| resume(thread));
        pause(400);
        let its = used_us(worse);
        assert!(its > 0, "it has had no time at all");
        end(&threads);
    }

    fn prefers_the_better_priority() {
        let threads = crowd();
        let all = || threads.iter().flatten();
        let better = threads[0].as_ref().map(|(_, thread)| thread).expect("it was made");
        info::change_scheduling(better, |of| {
            of.set_max_priority(10).expect("it is in range");
            of.set_priority(10, Reach::Priority).expect("it may");
            of.set_policy(Policy::FixedPriority { quantum_ms: 100 }, 10);
        });
        all().for_each(|(_, thread)| resume(thread));
        pause(100);
        let its = used_us(better);
        // Nobody else has as much, for there are more than processors.
        let most = all().skip(1).map(|(_, thread)| used_us(thread)).max().unwrap_or(0);
        assert!(its * 8 > most, "it had {its} us of a second, another {most} us");
        end(&threads);
    }

    /// One that is woken does not wait for the end of a turn, however long.
    fn wakes_up_at_once_for_a_better_one() {
        let threads = crowd();
        for (_, thread) in threads.iter().flatten() {
            let quantum_ms = 60_000;
            info::change_scheduling(thread, |of| {
                of.set_policy(Policy::FixedPriority { quantum_ms }, 10);
            });
            resume(thread);
        }
        pause(5);
        // This thread is the kernel's, and better than all of them.
        for _ in 0..20 {
            let before = time::ticks();
            pause(1);
            let late = time::ticks().wrapping_sub(before);
            assert!(late <= 500, "{late} ticks instead of 1");
        }
        end(&threads);
    }

    /// A depression ends when somebody aborts it.
    fn tells_and_changes_how_a_thread_is_scheduled() {
        let (task, thread) = prepare(SPIN);
        assert_eq!(info::scheduling(&thread).priority(), 25);
        assert!(!info::abort_depression(&thread));
        info::change_scheduling(&thread, |of| of.depress(Depression::UntilRun));
        assert_eq!(info::scheduling(&thread).current(), LOWEST);
        assert!(info::abort_depression(&thread));
        assert_eq!(info::scheduling(&thread).current(), 25);
        resume(&thread);
        pause(2);
        let whereabouts = info::whereabouts(&thread);
        assert!((whereabouts.processor as usize) < percpu::online());
        assert_eq!(info::appearance(&thread), Appearance::Running);
        task.terminate();
    }

    fn keeps_no_processor_idle() {
        let threads = crowd();
        let all = || threads.iter().flatten();
        all().for_each(|(_, thread)| resume(thread));
        let everyone = (1 << percpu::online()) - 1;
        let mut seen = 0;
        for _ in 0..500 {
            for (_, thread) in all() {
                if info::appearance(thread) == Appearance::Running {
                    seen |= 1 << info::whereabouts(thread).processor;
                }
            }
            if seen == everyone {
                break;
            }
            pause(1);
        }
        assert_eq!(seen, everyone, "processors that were given a thread");
        end(&threads);
    }
}
