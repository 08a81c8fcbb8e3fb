//! `gnumach`: waiting at an address.

use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::gsync::*;
use user_rt::abi::kern_return::KernReturn;
use user_rt::abi::layout::vm::*;
use user_rt::abi::port::PortName;
use user_rt::rpc::gnumach::*;
use user_rt::rpc::{mach, mach_port};
use user_rt::thread;
use user_rt::trap;

use crate::Ports;
use crate::row::{NOBODY, PAGE, holds, pages, row};

const SHARED: i32 = GSYNC_SHARED;
const QUAD: i32 = GSYNC_QUAD;
const TIMED: i32 = GSYNC_TIMED;

/// The words that are waited at.
static WORD: AtomicU32 = AtomicU32::new(5);
static OTHER: AtomicU32 = AtomicU32::new(5);
/// How often a wait ended well.
static WOKEN: AtomicU32 = AtomicU32::new(0);

fn address(word: &AtomicU32) -> u32 {
    word.as_ptr().expose_provenance() as u32
}

pub(super) fn rows(ports: &Ports) {
    let task = ports.task;
    let (word, other) = (address(&WORD), address(&OTHER));
    let routine = "gsync_wait";
    for (case, address, value, ms, flags) in [
        ("for another value", word, 6, 0, 0),
        ("for 20 ms", word, 5, 20, TIMED),
        ("for 20 ms, shared", word, 5, 20, TIMED | SHARED),
        ("for 20 ms, 64 bits", word, 6, 20, TIMED | QUAD),
        ("at no word", word + 1, 5, 20, TIMED),
        ("where nothing is", 0x4000_0000, 5, 20, TIMED),
        ("beyond the end", 0xc000_0000, 5, 20, TIMED),
    ] {
        row(
            routine,
            case,
            gsync_wait(task, address, value, 0, ms, flags),
        );
    }
    row(
        routine,
        "of the host",
        gsync_wait(ports.host, word, 5, 0, 20, TIMED),
    );
    let wait = move || wait_long(task, word, 5, 0);
    let waiter = thread::spawn(wait);
    let routine = "gsync_wake";
    let begun = row(routine, "a thread waits", waiter);
    row(routine, "at another word", gsync_wake(task, other, 0, 0));
    let wake = || {
        let _ = gsync_wake(task, word, 0, 0);
    };
    holds(routine, "is woken", begun.is_some() && comes(1, &wake));
    let ended = begun.is_some_and(|thread| thread.join().is_ok());
    holds(routine, "it ends", ended);
    row(routine, "at no word", gsync_wake(task, word + 1, 0, 0));
    row(routine, "of the host", gsync_wake(ports.host, word, 0, 0));
    row(routine, "of nobody", gsync_wake(NOBODY, word, 0, 0));
    let routine = "gsync_requeue";
    let begun = row(routine, "a thread waits", thread::spawn(wait));
    let moved = || {
        let _ = gsync_requeue(task, word, other, false, 0);
        let _ = gsync_wake(task, other, 0, 0);
    };
    holds(
        routine,
        "is moved and woken",
        begun.is_some() && comes(2, &moved),
    );
    let ended = begun.is_some_and(|thread| thread.join().is_ok());
    holds(routine, "it ends", ended);
    row(
        routine,
        "at no word",
        gsync_requeue(task, word + 1, other, false, 0),
    );
    row(
        routine,
        "of the host",
        gsync_requeue(ports.host, word, other, false, 0),
    );
    row(
        routine,
        "of nobody",
        gsync_requeue(NOBODY, word, other, false, 0),
    );
    others(task);
    shared(task);
}

/// Words that may not be used, and what wakes more than one or changes the word.
fn others(task: PortName) {
    let at = pages(2);
    let routine = "gsync_wait";
    for (case, address, value, second, flags) in [
        ("with the second word", at, 0, 0, TIMED | QUAD),
        ("with another second word", at, 0, 1, TIMED | QUAD),
        ("over a page's end", at + PAGE - 4, 0, 0, TIMED | QUAD),
        (
            "over the memory's end",
            at + 2 * PAGE - 4,
            0,
            0,
            TIMED | QUAD,
        ),
        ("at half a word", at + 2, 0, 0, TIMED | QUAD),
    ] {
        row(
            routine,
            case,
            gsync_wait(task, address, value, second, 20, flags),
        );
    }
    for (case, protection) in [("read only", VM_PROT_READ), ("out of reach", VM_PROT_NONE)] {
        let done = mach::vm_protect(task, at, PAGE, false, protection);
        let waited = done.and_then(|_| gsync_wait(task, at, 0, 0, 20, TIMED));
        row(routine, case, waited);
    }
    let word = at + PAGE;
    let routine = "gsync_wake";
    let changed = gsync_wake(task, word, 7, GSYNC_MUTATE);
    row(routine, "with a value", changed);
    let value = || {
        // SAFETY: a page of this program's own.
        unsafe { core::ptr::with_exposed_provenance::<u32>(word as usize).read_volatile() }
    };
    holds(routine, "stores it", value() == 7);
    let _ = gsync_wake(task, word, 8, 0);
    holds(routine, "stores none unasked", value() == 7);
    let waiters = [(); 3].map(|()| thread::spawn(move || wait_long(task, word, 7, 0)));
    let before = WOKEN.load(Ordering::Relaxed);
    holds(
        routine,
        "waiters are there",
        waiters.iter().all(Result::is_ok),
    );
    let all = || {
        let _ = gsync_wake(task, word, 0, GSYNC_BROADCAST);
    };
    holds(routine, "wakes them all", comes(before + 3, &all));
    let end = |thread: Result<thread::Thread, _>| thread.is_ok_and(|it| it.join().is_ok());
    holds(routine, "all end", waiters.into_iter().all(end));
    let routine = "gsync_requeue";
    let waiters = [(); 3].map(|()| thread::spawn(move || wait_long(task, word, 7, 0)));
    let before = WOKEN.load(Ordering::Relaxed);
    let moved = || {
        let _ = gsync_requeue(task, word, word + 8, false, GSYNC_BROADCAST);
        let _ = gsync_wake(task, word + 8, 0, GSYNC_BROADCAST);
    };
    holds(
        routine,
        "all are moved and woken",
        comes(before + 3, &moved),
    );
    holds(routine, "all end", waiters.into_iter().all(end));
    let _ = mach::vm_deallocate(task, at, 2 * PAGE);
}

/// Words that another task shares: it has no threads, but they wait in its name.
fn shared(task: PortName) {
    let routine = "gsync_wake";
    let word = pages(1);
    let done = mach::vm_inherit(task, word, PAGE, VM_INHERIT_SHARE);
    let child = done.and_then(|_| mach::task_create(task, true));
    let child = child.map(|reply| PortName(reply.child_task.port));
    let Some(child) = row(routine, "a task shares the word", child) else {
        return;
    };
    for (case, flags) in [("of the other task", SHARED), ("of its own", 0)] {
        let waiter = thread::spawn(move || wait_long(child, word, 0, flags));
        let before = WOKEN.load(Ordering::Relaxed);
        let whose = if flags == SHARED { task } else { child };
        let wake = || {
            let _ = gsync_wake(whose, word, 0, flags);
        };
        holds(routine, case, comes(before + 1, &wake));
        let ended = waiter.is_ok_and(|thread| thread.join().is_ok());
        holds(routine, "it ends", ended);
    }
    let _ = mach::task_terminate(child);
    let _ = mach_port::mach_port_destroy(task, child);
    let _ = mach::vm_deallocate(task, word, PAGE);
}

/// Waits until it is woken.
fn wait_long(task: PortName, word: u32, value: u32, flags: i32) {
    let flags = flags | TIMED;
    while gsync_wait(task, word, value, 0, 5000, flags).err() == Some(KernReturn::INTERRUPTED) {}
    WOKEN.fetch_add(1, Ordering::Relaxed);
}

/// Whether as many were woken in the end, by doing `wake` again and again.
fn comes(count: u32, wake: &dyn Fn()) -> bool {
    (0..500).any(|_| {
        wake();
        let _ = trap::thread_switch(PortName::NULL, 2, 10);
        WOKEN.load(Ordering::Relaxed) >= count
    })
}
