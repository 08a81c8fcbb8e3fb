//! `gnumach`: waiting at an address.

use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::kern_return::KernReturn;
use user_rt::rpc::gnumach::*;
use user_rt::thread;
use user_rt::trap;

use crate::Ports;
use crate::row::{NOBODY, holds, row};

/// Options of `gsync_*` (`mach/gnumach.defs`).
const SHARED: i32 = 1;
const QUAD: i32 = 2;
const TIMED: i32 = 4;

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
    let wait = move || {
        while gsync_wait(task, word, 5, 0, 5000, TIMED).err() == Some(KernReturn::INTERRUPTED) {}
        WOKEN.fetch_add(1, Ordering::Relaxed);
    };
    let waiter = thread::spawn(wait);
    let comes = |count: u32, wake: &dyn Fn()| {
        (0..500).any(|_| {
            wake();
            let _ = trap::thread_switch(user_rt::abi::port::PortName::NULL, 2, 10);
            WOKEN.load(Ordering::Relaxed) >= count
        })
    };
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
}
