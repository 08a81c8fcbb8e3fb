//! Supplies memory as no pager should: stalls, lies, dies, and says nonsense.
//!
//! Arguments: a number that no other task of its kind has, a seed, and how many
//! objects to map. Threads touch what it supplies; one that learns of an error is
//! ended by the thread that hears of exceptions. It says at the end how much
//! there was of it all.

#![no_std]
#![no_main]

extern crate alloc;

mod pager;

use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use user_rt::abi::layout::task::TASK_EXCEPTION_PORT;
use user_rt::abi::layout::thread::SWITCH_OPTION_WAIT;
use user_rt::abi::layout::vm::{PAGE_SIZE, VM_PROT_ALL, VM_PROT_DEFAULT};
use user_rt::abi::message::TypeName;
use user_rt::abi::port::{PortName, PortRight};
use user_rt::abi::routine::decode_request;
use user_rt::abi::routine::exc::exception_raise;
use user_rt::abi::wire::CopySend;
use user_rt::message::{Buffer, Exchange, received};
use user_rt::rpc::{mach, mach_port};
use user_rt::thread::{self, Thread};
use user_rt::{Arguments, println, trap};
use user_tests::random::Random;

user_rt::program!(main);

/// Objects between two lines.
const STEP: u32 = 20;
/// Pages of an object at most.
const MOST_PAGES: u32 = 8;
/// Threads that touch one.
const TOUCHERS: u32 = 2;

/// What was done by all threads.
static TOUCHES: AtomicU32 = AtomicU32::new(0);
static EXCEPTIONS: AtomicU32 = AtomicU32::new(0);

fn main(arguments: Arguments) {
    let argument = |place| arguments.number(place).expect("a number as argument");
    let (own, seed, calls) = (argument(1), argument(2), argument(3));
    let mut random = Random::new(seed, own);
    let task = trap::mach_task_self();
    let exceptions = port();
    mach::task_set_special_port(task, TASK_EXCEPTION_PORT, CopySend::new(exceptions.0))
        .expect("an exception port");
    let set = trap::mach_port_allocate(task, PortRight::PORT_SET).expect("a port set");
    let pagers_seed = random.word();
    thread::spawn(move || hear_exceptions(exceptions)).expect("a thread");
    thread::spawn(move || pager::serve(set, Random::new(pagers_seed, own))).expect("a thread");
    for call in 1..=calls {
        map_and_touch(&mut random, set);
        if call % STEP == 0 {
            println!("pagers {own}: {call} calls");
        }
    }
    let (touches, exceptions) = (&TOUCHES, &EXCEPTIONS);
    println!(
        "pagers {own}: {calls} calls: {} touches, {} exceptions, {} messages",
        touches.load(Ordering::Relaxed),
        exceptions.load(Ordering::Relaxed),
        pager::MESSAGES.load(Ordering::Relaxed)
    );
}

/// A new port with a send right under the same name.
fn port() -> PortName {
    let task = trap::mach_task_self();
    let port = trap::mach_port_allocate(task, PortRight::RECEIVE).expect("a port");
    trap::mach_port_insert_right(task, port, port, TypeName::MAKE_SEND).expect("a right");
    port
}

/// Maps an object, has it touched, and ends it in one way or another.
fn map_and_touch(random: &mut Random, set: PortName) {
    let task = trap::mach_task_self();
    let object = port();
    mach_port::mach_port_move_member(task, object, set).expect("a member of the set");
    let pages = 1 + random.below(MOST_PAGES);
    let (offset, size) = (random.below(4) * PAGE_SIZE, pages * PAGE_SIZE);
    let is_copy = random.below(4) == 0;
    let inheritance = random.below(3) as i32;
    let map = || {
        let name = CopySend::new(object.0);
        let (now, most) = (VM_PROT_DEFAULT, VM_PROT_ALL);
        let mapped = mach::vm_map(
            task,
            0,
            size,
            0,
            true,
            name,
            offset,
            is_copy,
            now,
            most,
            inheritance,
        );
        mapped.map(|reply| reply.address).expect("a mapping")
    };
    let address = map();
    // Twice the same, at times.
    let other = (random.below(4) == 0).then(&map);
    let mut threads: Vec<Thread> = Vec::new();
    for _ in 0..TOUCHERS {
        let mut random = Random::new(random.word(), object.0);
        let begun = thread::spawn(move || touch(&mut random, address, size));
        threads.push(begun.expect("a thread"));
    }
    pause(random.below(2) * 10);
    match random.below(8) {
        0 => {
            // What is to be copied at once waits for the pager as others do.
            threads.push(thread::spawn(inherit).expect("a thread"));
        }
        1 => {
            for thread in &threads {
                let _ = mach::thread_abort(thread.port());
            }
        }
        2 => {
            // SAFETY: only touchers use it, and what they do is heard of.
            let _ = unsafe { trap::vm_deallocate(task, address, size) };
        }
        3 => {
            let mut room = Buffer::<256>::new();
            let _ = mach::vm_region(task, address);
            let _ = mach::vm_protect(task, address, PAGE_SIZE, false, 1);
            let _ = mach::thread_get_state(threads[0].port(), 1, 17, &mut room.0);
        }
        _ => pause(random.below(3) * 10),
    }
    // The pager dies: whoever still waits learns of it.
    mach_port::mach_port_destroy(task, object).expect("its port");
    for thread in threads {
        thread.join().expect("an end");
    }
    for address in [Some(address), other].into_iter().flatten() {
        // SAFETY: its threads have ended.
        let _ = unsafe { trap::vm_deallocate(task, address, size) };
    }
}

fn pause(time_ms: u32) {
    let _ = trap::thread_switch(PortName::NULL, SWITCH_OPTION_WAIT as u32, time_ms);
}

/// Makes a child, which gets each mapping as it is to be inherited, and ends it.
fn inherit() {
    let task = trap::mach_task_self();
    if let Ok(child) = mach::task_create(task, true) {
        let child = PortName(child.child_task.port);
        let _ = mach::task_terminate(child);
        let _ = trap::mach_port_deallocate(task, child);
    }
}

/// Reads and writes what may be there or not.
fn touch(random: &mut Random, address: u32, size: u32) {
    for _ in 0..8 {
        let at = address + random.below(size / 4) * 4;
        let word = ptr::with_exposed_provenance_mut::<u32>(at as usize);
        // SAFETY: nobody's memory but the pager's; where there is none the thread
        // ends.
        unsafe {
            match random.below(2) {
                0 => word.write_volatile(random.word()),
                _ => _ = word.read_volatile(),
            }
        }
        TOUCHES.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends threads with exceptions.
fn hear_exceptions(at: PortName) {
    let task = trap::mach_task_self();
    let mut room = Buffer::<256>::new();
    loop {
        if Exchange::receive(at).run(&mut room.0).0 != 0 {
            continue;
        }
        let bytes = received(&room.0);
        let Ok(raised) = decode_request::<exception_raise::Request>(bytes) else {
            continue;
        };
        EXCEPTIONS.fetch_add(1, Ordering::Relaxed);
        let thread = PortName(raised.thread.port);
        let reply = user_rt::rpc::header(bytes).remote_port;
        let task_name = PortName(raised.task.port);
        let _ = mach::thread_terminate(thread);
        // The thread's name goes when it is joined: it may be another's by now.
        for name in [task_name, PortName(reply)] {
            let _ = trap::mach_port_deallocate(task, name);
        }
    }
}
