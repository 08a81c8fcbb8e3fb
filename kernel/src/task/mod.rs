//! Tasks: memory, names for rights, and the threads that run with both.
//!
//! Owns what a user thread is beyond a thread of control, and what its faults
//! lead to. Tasks are made from boot modules ([`load`]).

pub(crate) mod host;
pub(crate) mod load;

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[cfg(feature = "ktest")]
use kernel_core::addr::PAGE_SIZE;
use kernel_core::addr::VirtAddr;
use kernel_core::ipc::Refusal;
use kernel_core::vm::map::MapError;
#[cfg(feature = "ktest")]
use kernel_core::vm::map::Protection;

use crate::arch::trap::{Frame, UserFrame, exception};
use crate::arch::{interrupts, processor, user_memory};
use crate::console::println;
use crate::ipc::{KernelPort, Names, Waiter};
use crate::mm::OutOfMemory;
use crate::mm::heap::try_box;
use crate::mm::shared::Shared;
use crate::mm::space::{Space, Touch};
use crate::sched::{self, Thread};

/// A task.
pub(crate) struct Task {
    /// What its module is called, for reports.
    name: Name,
    space: Space,
    names: Names,
    port: KernelPort,
    /// Its threads are to end.
    is_over: AtomicBool,
    /// How many threads it has; while there are any, its port stands for it.
    threads: AtomicU32,
}

/// What a user thread has that the scheduler does not ask about.
pub(crate) struct UserThread {
    pub(crate) task: Shared<Task>,
    pub(crate) port: KernelPort,
    pub(crate) waiter: Waiter,
}

impl UserThread {
    fn new(task: &Shared<Task>, port: KernelPort, waiter: Waiter) -> UserThread {
        if task.threads.fetch_add(1, Ordering::Relaxed) == 0 {
            task.port.stand_for(task.clone().into_any());
        }
        UserThread {
            task: task.clone(),
            port,
            waiter,
        }
    }
}

impl Drop for UserThread {
    fn drop(&mut self) {
        if self.task.threads.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.task.port.stand_for_nothing();
        }
    }
}

/// Why a task or thread could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage;

impl From<OutOfMemory> for Shortage {
    fn from(_: OutOfMemory) -> Shortage {
        Shortage
    }
}

impl From<Refusal> for Shortage {
    fn from(_: Refusal) -> Shortage {
        Shortage
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OutOfMemory.fmt(f)
    }
}

/// The beginning of a task's name.
#[derive(Clone, Copy)]
struct Name([u8; Name::LENGTH]);

impl Name {
    const LENGTH: usize = 24;

    fn new(text: &str) -> Name {
        let mut name = [0; Name::LENGTH];
        for (place, byte) in name.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        Name(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.split(|&byte| byte == 0).next().unwrap_or_default();
        write!(f, "{}", text.escape_ascii())
    }
}

impl Task {
    /// A task with no memory, no names and no threads.
    pub(crate) fn new(name: &str) -> Result<Shared<Task>, Shortage> {
        Ok(Shared::try_new(Task {
            name: Name::new(name),
            space: Space::new()?,
            names: Names::new()?,
            port: KernelPort::new()?,
            is_over: AtomicBool::new(false),
            threads: AtomicU32::new(0),
        })?)
    }

    /// Its memory.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// Its names for rights.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Its own port.
    pub(crate) fn port(&self) -> &KernelPort {
        &self.port
    }

    /// A page of memory at `at` that begins with `bytes`.
    #[cfg(feature = "ktest")]
    pub(crate) fn allocate_for_test(&self, at: VirtAddr, protection: Protection, bytes: &[u8]) {
        let made = self.space.allocate_at(at.as_u32(), PAGE_SIZE, protection);
        made.and_then(|_| self.space.fill(at, bytes))
            .expect("there is memory");
    }

    /// A thread that begins at `entry`, its stack pointer at `stack`.
    pub(crate) fn thread(
        task: &Shared<Task>,
        entry: VirtAddr,
        stack: VirtAddr,
    ) -> Result<Shared<Thread>, Shortage> {
        let (port, waiter) = (KernelPort::new()?, Waiter::new()?);
        let user = try_box(UserThread::new(task, port, waiter))?;
        let frame = UserFrame::new(entry.as_u32(), stack.as_u32());
        let user: Box<dyn core::any::Any + Send + Sync> = user;
        Ok(Thread::for_user(&frame, task.space.pmap().clone(), user)?)
    }
}

impl Task {
    /// Ends all its threads: each when it next leaves the kernel.
    pub(crate) fn terminate(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The last thing before user mode goes on; from the trap layer, with
/// interrupts off.
pub(crate) fn before_user() {
    sched::before_user();
    let is_over = with_current(|user| user.task.is_over.load(Ordering::Relaxed));
    if is_over == Some(true) {
        sched::exit();
    }
}

/// Gives `use_it` the user thread that runs this.
pub(crate) fn with_current<R>(use_it: impl FnOnce(&UserThread) -> R) -> Option<R> {
    sched::with_current(|thread| thread.upper::<UserThread>().map(use_it)).flatten()
}

/// An exception in user mode; from the trap layer.
pub(crate) fn on_exception(frame: &mut UserFrame) {
    if frame.trap.vector == exception::NO_FPU {
        sched::load_fpu();
        return;
    }
    let address = processor::fault_address();
    // SAFETY: the kernel has started: every vector has its handler.
    unsafe { interrupts::enable() };
    let name = exception::name(frame.trap.vector);
    let error = frame.trap.error;
    if frame.trap.vector != exception::PAGE_FAULT {
        end_thread(frame, format_args!("{name}, error code {error:#x}"));
    }
    if let Err(why) = touch(address, error) {
        let code = why.code();
        end_thread(
            frame,
            format_args!("{name} at {address}, error code {error:#x}, which is kern_return {code}"),
        );
    }
    let _ = interrupts::disable();
}

/// Makes the page usable that a page fault of the current task was about.
fn touch(address: VirtAddr, error: u32) -> Result<(), MapError> {
    /// The bit of the error code that says what was tried (Intel SDM 3A 4.7).
    const WRITE: u32 = 1 << 1;
    let how = match error & WRITE {
        0 => Touch::Read,
        _ => Touch::Write,
    };
    let touched = with_current(|user| user.task.space.touch(address, how));
    touched.unwrap_or(Err(MapError::InvalidAddress))
}

/// Whether a page fault of the kernel's was in a copy for a user. That goes on,
/// or says so to its caller.
pub(crate) fn mends_fault(frame: &mut Frame) -> bool {
    if frame.vector != exception::PAGE_FAULT {
        return false;
    }
    let Some(failed) = user_memory::goes_on_at(frame.eip) else {
        return false;
    };
    let address = processor::fault_address();
    // SAFETY: copies run with interrupts on and no lock held.
    unsafe { interrupts::enable() };
    if touch(address, frame.error).is_err() {
        frame.eip = failed;
    }
    let _ = interrupts::disable();
    true
}

/// Ends the thread that calls, which nobody can help: there is nobody yet to
/// ask for help.
pub(crate) fn end_thread(frame: &UserFrame, why: fmt::Arguments<'_>) -> ! {
    with_current(|user| {
        println!(
            "exov6: thread of `{}` ended: {why}; eip {:#010x} esp {:#010x}",
            user.task.name, frame.trap.eip, frame.esp
        );
    });
    sched::exit()
}
