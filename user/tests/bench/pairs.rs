//! Pairs of tasks that exchange messages, each pair by itself: what another
//! processor is worth.
//!
//! Each is a client that sends and a server that answers, as the rows of round
//! trips between two tasks have them, but all pairs at once. The tasks are children
//! of this one and share a board with it, on which each pair counts; this one waits,
//! and reads the board twice. A row of output is `bench pairs-<pairs> <round trips>
//! <ticks>`, of all pairs together.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use user_rt::abi::layout::Plain;
use user_rt::abi::layout::thread::{I386_THREAD_STATE, ThreadState};
use user_rt::abi::layout::vm::VM_INHERIT_SHARE;
use user_rt::abi::message::TypeName;
use user_rt::abi::port::PortName;
use user_rt::abi::wire::{AnyRight, Array};
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_port};
use user_rt::trap::{self, Result};
use user_rt::{println, task};
use user_tests::arch::time_stamp;

use crate::messages;
use crate::not_served;
use crate::server::{self, NAME};

/// How many pairs at once, a row each.
const PAIRS: [(usize, &str); 3] = [(1, "pairs-1"), (2, "pairs-2"), (4, "pairs-4")];
const MOST: usize = 4;
/// Milliseconds to warm up, and to count.
const WARM_UP_MS: u32 = 300;
const COUNT_MS: u32 = 1000;
/// `SWITCH_OPTION_WAIT` of `thread_switch`.
const WAIT: u32 = 2;

const STACK: u32 = 32 << 10;
const WORDS: usize = ThreadState::COUNT as usize;
const PAGE: usize = 4096;

/// Round trips, on a page that all tasks see; each pair's in a cache line of its
/// own.
#[repr(align(4096))]
struct Board([AtomicU32; PAGE / 4]);

const WORDS_OF_A_LINE: usize = 16;

static BOARD: Board = Board([const { AtomicU32::new(0) }; PAGE / 4]);

/// Of which pair a task is: a child has it from when it was made.
static PAIR: AtomicUsize = AtomicUsize::new(0);

fn of_pair(pair: usize) -> &'static AtomicU32 {
    &BOARD.0[pair % MOST * WORDS_OF_A_LINE]
}

pub(crate) fn rows() {
    for (pairs, name) in PAIRS {
        match count(pairs) {
            Ok((trips, ticks)) => println!("bench {name} {trips} {ticks}"),
            Err(code) => not_served(name, code),
        }
    }
}

/// Round trips of so many pairs, and the ticks in which they were.
fn count(pairs: usize) -> Result<(u32, u64)> {
    let own = trap::mach_task_self();
    let board = BOARD.0.as_ptr().expose_provenance() as u32;
    mach::vm_inherit(own, board, PAGE as u32, VM_INHERIT_SHARE)?;
    let stack = trap::vm_allocate(own, STACK)?;
    let mut tasks = [PortName::NULL; 2 * MOST];
    let result = begin(&mut tasks[..2 * pairs], stack).map(|()| {
        pass(WARM_UP_MS);
        let (first, begin) = (so_far(pairs), time_stamp());
        pass(COUNT_MS);
        let (last, end) = (so_far(pairs), time_stamp());
        (last.wrapping_sub(first), end.wrapping_sub(begin))
    });
    for child in tasks {
        if child != PortName::NULL {
            let _ = trap::task_terminate(child);
            let _ = mach_port::mach_port_destroy(own, child);
        }
    }
    // SAFETY: only the children's copies of it were ever in use.
    unsafe { trap::vm_deallocate(own, stack, STACK) }?;
    result
}

fn so_far(pairs: usize) -> u32 {
    let counts = (0..pairs).map(|pair| of_pair(pair).load(Ordering::Relaxed));
    counts.fold(0, u32::wrapping_add)
}

/// Lets time pass, and others run.
fn pass(time_ms: u32) {
    let _ = trap::thread_switch(PortName::NULL, WAIT, time_ms);
}

/// Makes the pairs, two tasks each; a task that was made is in `tasks`.
fn begin(tasks: &mut [PortName], stack: u32) -> Result {
    for (pair, places) in tasks.chunks_exact_mut(2).enumerate() {
        let port = messages::own_port()?;
        PAIR.store(pair, Ordering::Relaxed);
        let both: [(extern "C" fn() -> !, _); 2] =
            [(serve, TypeName::MOVE_RECEIVE), (call, TypeName::MOVE_SEND)];
        for (place, (first, right)) in places.iter_mut().zip(both) {
            *place = child(stack, first)?;
            let right = AnyRight::with(port.0, right);
            mach_port::mach_port_insert_right(*place, PortName(NAME), right)?;
        }
    }
    Ok(())
}

/// A task that begins with `first`, on its copy of the memory at `stack`.
fn child(stack: u32, first: extern "C" fn() -> !) -> Result<PortName> {
    let own = trap::mach_task_self();
    let task = PortName(mach::task_create(own, true)?.child_task.port);
    let begun = mach::thread_create(task).and_then(|made| {
        let thread = PortName(made.child_thread.port);
        let mut room = Buffer::<256>::new();
        let reply = mach::thread_get_state(thread, I386_THREAD_STATE, WORDS as u32, &mut room.0)?;
        let mut bytes = [0; WORDS * 4];
        for (place, word) in bytes.chunks_exact_mut(4).zip(reply.old_state.iter()) {
            word.write(place);
        }
        let mut state = ThreadState::read(&bytes);
        state.eip = (first as *const ()).expose_provenance() as u32;
        // A return address, and what is behind it at a multiple of 16.
        state.uesp = stack + STACK - 20;
        state.ebp = 0;
        state.write(&mut bytes);
        let words: [u32; WORDS] = Plain::read(&bytes);
        mach::thread_set_state(thread, I386_THREAD_STATE, Array::new(&words))?;
        mach::thread_resume(thread)?;
        mach_port::mach_port_destroy(own, thread)
    });
    if begun.is_err() {
        let _ = trap::task_terminate(task);
    }
    begun.map(|_| task)
}

/// Where a server begins.
extern "C" fn serve() -> ! {
    server::run(PortName(NAME));
    task::exit()
}

/// Where a client begins; its right may not be there yet.
extern "C" fn call() -> ! {
    let reply = trap::mach_reply_port();
    let mut buffer = Buffer::<64>::new();
    let trips = of_pair(PAIR.load(Ordering::Relaxed));
    loop {
        match messages::round_trip(&mut buffer, PortName(NAME), reply) {
            Ok(()) => {
                trips.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                trap::swtch_pri(0);
            }
        }
    }
}
