//! Threads that may be ended at any instruction, in this task and in others.
//!
//! Owns the stacks. Such a thread allocates nothing and takes no lock of its
//! program; it never returns.

use core::ptr;

use user_rt::abi::layout::Plain;
use user_rt::abi::layout::thread::{I386_THREAD_STATE, ThreadState};
use user_rt::abi::port::{PORT_TYPE_DNREQUEST, PortName, PortRight};
use user_rt::abi::wire::Array;
use user_rt::message::Buffer;
use user_rt::rpc::{mach, mach_port};
use user_rt::trap::{self, Result};

use super::wait_until;

/// Bytes of a stack.
pub(crate) const STACK: u32 = 16 << 10;
const WORDS: usize = ThreadState::COUNT as usize;

/// What a thread does, with a word of its own.
pub(crate) type Life = extern "C" fn(u32) -> !;

/// Memory for `count` stacks.
pub(crate) fn stacks(count: u32) -> u32 {
    trap::vm_allocate(trap::mach_task_self(), count * STACK).expect("memory for stacks")
}

/// Writes on an empty stack what a thread begins with; a task that inherits it has
/// it too.
pub(crate) fn prepare(stack: u32, word: u32) {
    let argument = (stack + STACK - 16) as usize;
    // SAFETY: no thread is on that stack.
    unsafe { ptr::with_exposed_provenance_mut::<u32>(argument).write_volatile(word) };
}

/// Begins a thread on a stack that was prepared.
pub(crate) fn begin(task: PortName, stack: u32, life: Life) -> Result<PortName> {
    let thread = PortName(mach::thread_create(task)?.child_thread.port);
    let begun = start(thread, stack, life);
    if begun.is_err() {
        let _ = mach::thread_terminate(thread);
        let _ = trap::mach_port_deallocate(trap::mach_task_self(), thread);
    }
    begun.map(|()| thread)
}

fn start(thread: PortName, stack: u32, life: Life) -> Result {
    let mut room = Buffer::<256>::new();
    let (flavor, count) = (I386_THREAD_STATE, ThreadState::COUNT);
    let reply = mach::thread_get_state(thread, flavor, count, &mut room.0)?;
    let mut bytes = [0; WORDS * 4];
    for (place, word) in bytes.chunks_exact_mut(4).zip(reply.old_state.iter()) {
        word.write(place);
    }
    let mut state = ThreadState::read(&bytes);
    state.eip = (life as *const ()).expose_provenance() as u32;
    state.uesp = stack + STACK - 20;
    state.ebp = 0;
    state.write(&mut bytes);
    let words: [u32; WORDS] = Plain::read(&bytes);
    mach::thread_set_state(thread, flavor, Array::new(&words))?;
    mach::thread_resume(thread).map(drop)
}

/// Waits until the thread or task behind a port is no more, and gives up the name.
pub(crate) fn bury(port: PortName) {
    let task = trap::mach_task_self();
    wait_until(|| is_dead(port));
    let _ = mach_port::mach_port_destroy(task, port);
}

/// Whether a name's port has died.
pub(crate) fn is_dead(name: PortName) -> bool {
    let kind = mach_port::mach_port_type(trap::mach_task_self(), name);
    kind.is_ok_and(|reply| reply.ptype & !PORT_TYPE_DNREQUEST == PortRight::DEAD_NAME.type_bit())
}
