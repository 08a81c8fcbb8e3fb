//! Threads of this task: begun with a closure, waited for by name.
//!
//! Owns their stacks. A thread's end is seen by the death of its port, so a stack
//! is taken away only when nobody is on it.
//!
//! **Invariants**: stated beside the fields of [`Thread`].

use alloc::boxed::Box;

use abi::kern_return::KernReturn;
use abi::layout::Plain;
use abi::layout::thread::{I386_THREAD_STATE, ThreadState};
use abi::message::{NotifyId, TypeName};
use abi::port::{PortName, PortRight};
use abi::wire::{Array, SendOnceRight};

use crate::message::{Buffer, Exchange};
use crate::rpc::{checked, mach, mach_port};
use crate::trap::{self, Result};

/// Bytes of a stack.
const STACK: u32 = 64 << 10;
/// Bytes below it that fault.
const GUARD: u32 = 4096;
const WORDS: usize = ThreadState::COUNT as usize;

/// A thread that was begun.
#[derive(Debug)]
pub struct Thread {
    /// Its port, to which this task has a send right.
    port: PortName,
    /// Its stack and the guard below it, until it has ended: [`Thread::join`]
    /// frees it then, and nobody else does.
    stack: u32,
}

/// What a thread begins with.
type Begin = Box<dyn FnOnce() + Send>;

/// Begins a thread that calls `begin` and ends.
///
/// # Errors
/// The code of the call that did not succeed; nothing is left of the thread.
pub fn spawn(begin: impl FnOnce() + Send + 'static) -> Result<Thread> {
    let task = trap::mach_task_self();
    let stack = trap::vm_allocate(task, GUARD + STACK)?;
    let begin: Box<Begin> = Box::new(Box::new(begin));
    let begun = begin_at(stack, begin);
    if begun.is_err() {
        // SAFETY: no thread was ever on it.
        let _ = unsafe { trap::vm_deallocate(task, stack, GUARD + STACK) };
    }
    begun.map(|port| Thread { port, stack })
}

fn begin_at(stack: u32, begin: Box<Begin>) -> Result<PortName> {
    let task = trap::mach_task_self();
    mach::vm_protect(task, stack, GUARD, false, 0)?;
    let port = PortName(mach::thread_create(task)?.child_thread.port);
    let top = stack + GUARD + STACK;
    // A return address, and behind it the argument at a multiple of 16.
    let (return_at, argument_at) = (top - 20, top - 16);
    let raw = Box::into_raw(begin);
    // SAFETY: the stack is new memory, and nobody's yet.
    unsafe {
        core::ptr::with_exposed_provenance_mut::<u32>(argument_at as usize)
            .write(raw.expose_provenance() as u32);
    }
    let started = registers(port).and_then(|mut state| {
        let first: extern "C" fn(*mut Begin) -> ! = first;
        state.eip = (first as *const ()).expose_provenance() as u32;
        state.uesp = return_at;
        state.ebp = 0;
        let mut words = [0; WORDS * 4];
        state.write(&mut words);
        let words: [u32; WORDS] = Plain::read(&words);
        mach::thread_set_state(port, I386_THREAD_STATE, Array::new(&words))?;
        mach::thread_resume(port)
    });
    if let Err(code) = started {
        // SAFETY: the thread never ran: the closure is still ours.
        drop(unsafe { Box::from_raw(raw) });
        let _ = mach::thread_terminate(port);
        let _ = trap::mach_port_deallocate(task, port);
        return Err(code);
    }
    Ok(port)
}

fn registers(thread: PortName) -> Result<ThreadState> {
    let mut room = Buffer::<256>::new();
    let flavor = I386_THREAD_STATE;
    let reply = mach::thread_get_state(thread, flavor, ThreadState::COUNT, &mut room.0)?;
    let mut bytes = [0; WORDS * 4];
    for (place, word) in bytes.chunks_exact_mut(4).zip(reply.old_state.iter()) {
        word.write(place);
    }
    Ok(ThreadState::read(&bytes))
}

/// Where threads begin.
extern "C" fn first(begin: *mut Begin) -> ! {
    // SAFETY: `begin_at` made it of a box, for this thread alone.
    let begin = unsafe { Box::from_raw(begin) };
    begin();
    exit()
}

/// Ends the calling thread.
pub fn exit() -> ! {
    let _ = mach::thread_terminate(trap::mach_thread_self());
    loop {
        trap::swtch_pri(0);
    }
}

impl Thread {
    /// Its port.
    #[must_use]
    pub fn port(&self) -> PortName {
        self.port
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// The code of the call that did not succeed; the stack stays then.
    pub fn join(self) -> Result {
        let task = trap::mach_task_self();
        let notify = trap::mach_port_allocate(task, PortRight::RECEIVE)?;
        let right = SendOnceRight::with(notify.0, TypeName::MAKE_SEND_ONCE);
        let id = NotifyId::DEAD_NAME.0;
        let asked = mach_port::mach_port_request_notification(task, self.port, id, 1, right);
        let ended = match asked {
            // It was dead already.
            Err(KernReturn::INVALID_ARGUMENT) => Ok(()),
            Err(code) => Err(code),
            Ok(_) => checked(Exchange::receive(notify).run(&mut [0; 128])),
        };
        let _ = mach_port::mach_port_destroy(task, notify);
        ended?;
        let _ = mach_port::mach_port_destroy(task, self.port);
        // SAFETY: the thread that was on it has ended.
        unsafe { trap::vm_deallocate(task, self.stack, GUARD + STACK) }
    }
}
