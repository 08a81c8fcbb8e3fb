//! Threads and tasks: made and ended, and the way from one to another.

use core::sync::atomic::{AtomicBool, Ordering};

use user_rt::abi::port::PortName;
use user_rt::rpc::{mach, mach_port};
use user_rt::thread;
use user_rt::trap;

use crate::{not_served, row};

pub(crate) fn rows() {
    let task = trap::mach_task_self();
    row("thread", 200, || {
        let thread = PortName(mach::thread_create(task)?.child_thread.port);
        mach::thread_terminate(thread)?;
        mach_port::mach_port_destroy(task, thread).map(drop)
    });
    for (name, inherit) in [("task", false), ("task-inheriting", true)] {
        row(name, 50, || {
            let child = PortName(mach::task_create(task, inherit)?.child_task.port);
            mach::task_terminate(child)?;
            mach_port::mach_port_destroy(task, child).map(drop)
        });
    }
    switches();
}

/// Whether the other thread is to end.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Two threads that give the processor to each other: each turn is two switches.
fn switches() {
    let other = thread::spawn(|| {
        while !IS_OVER.load(Ordering::Relaxed) {
            trap::swtch();
        }
    });
    match other {
        Err(code) => not_served("switch", code),
        Ok(other) => {
            row("switch", 1000, || {
                trap::swtch();
                Ok(())
            });
            IS_OVER.store(true, Ordering::Relaxed);
            let _ = other.join();
        }
    }
}
