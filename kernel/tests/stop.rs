//! Threads that others stop, abort and end while all of them trap.

use super::threads::{mapped, until_ended};
use super::user::{prepare, resume};
use crate::arch::percpu;
use crate::ktest::case;
use crate::mm::shared::Shared;
use crate::sched::{self, Thread, stop};

/// inc eax; jmp to it.
const COUNT: &[u8] = &[0x40, 0xeb, 0xfd];
/// swtch, for ever.
const TRAP: &[u8] = &[
    0xb8, 0xc4, 0xff, 0xff, 0xff, 0x9a, 0, 0, 0, 0, 7, 0, 0xeb, 0xf2,
];
/// More than any machine of these tests has processors, by one.
const MOST: usize = 9;

fn pause(ticks: u32) {
    sched::assert_wait();
    sched::block_for(ticks);
}

fn eax(thread: &Shared<Thread>) -> Option<u32> {
    stop::with_registers(thread, |registers| registers.frame.trap.eax)
}

case! {
    fn stops_a_thread_that_counts_where_it_is() {
        let (task, thread) = prepare(COUNT);
        resume(&thread);
        for _ in 0..10 {
            stop::hold(&thread);
            stop::until_still(&thread);
            let count = eax(&thread);
            pause(1);
            assert_eq!(eax(&thread), count);
            stop::release(&thread);
            while eax(&thread) == count {
                pause(1);
            }
        }
        task.terminate();
    }

    /// Each is stopped, aborted and let go on without rest, more of them than
    /// there are processors; then all end, wherever they are.
    fn stops_and_ends_threads_under_load() {
        let before = mapped();
        let count = MOST.min(percpu::online() + 1);
        let threads: [_; MOST] =
            core::array::from_fn(|number| (number < count).then(|| prepare(TRAP)));
        let all = || threads.iter().flatten();
        all().for_each(|(_, thread)| resume(thread));
        for _ in 0..8 {
            for (_, thread) in all() {
                stop::hold(thread);
                stop::until_still(thread);
                stop::abort(thread);
                stop::release(thread);
            }
        }
        for (task, thread) in all() {
            task.terminate();
            assert_eq!(eax(thread), None);
        }
        drop(threads);
        until_ended(before);
    }
}
