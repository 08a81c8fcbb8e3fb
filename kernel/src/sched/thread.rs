//! A thread of control: a kernel stack, where it goes on, and whose memory it
//! sees.

use alloc::boxed::Box;
use core::any::Any;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel_core::sched::priority::{Policy, Scheduling};
use kernel_core::sched::queue::Link;

use super::mail::Mail;
use super::queue::{Handle, Queue};
use super::times::Times;
use super::{Guarded, Key};
use crate::arch::debug::DebugRegisters;
use crate::arch::fpu;
use crate::arch::own_segments::OwnSegments;
use crate::arch::percpu::Mode;
use crate::arch::switch::Saved;
use crate::arch::trap::{self, UserFrame};
use crate::arch::user_memory::Words;
use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;
use crate::mm::stack::Stack;
use crate::mm::{OutOfMemory, heap};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// What was waited for came.
    Event,
    /// The same, and it is there: words in the thread's own hands.
    Mail,
    /// It took too long.
    TimedOut,
    /// Somebody aborted it, or the thread is to end.
    Interrupted,
}

/// What others may do with a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// End it; and who is stopped does not go on when it is woken.
    Interruptible,
    /// Nothing.
    Uninterruptible,
}

/// What a thread is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    New,
    /// Runs, or would if it were its turn.
    Running,
    /// Has said that it will wait.
    AboutToWait(Wait),
    Waiting(Wait),
    /// The wait is over; it has not gone on yet.
    Woken(Wake),
    /// The wait is over, but the thread is stopped.
    Held(Wake),
    /// Stopped where it would go back to user mode.
    Stopped,
    Gone,
}

/// Asked of a thread: to stop.
pub(super) const STOP: u32 = 1 << 0;
/// Asked of a thread: to end, even if it is stopped.
pub(super) const END: u32 = 1 << 1;
/// Asked of a thread that was in the kernel: not to wait before it leaves it.
pub(super) const ABORT: u32 = 1 << 2;

/// What a thread has beside its frame.
pub(crate) struct Kept {
    /// The floating-point registers, unless the processor has them.
    pub(crate) fpu: fpu::State,
    /// The debug registers, such as are allowed to a user.
    pub(crate) debug: DebugRegisters,
    /// The segments of its own that it asked for.
    pub(crate) segments: Option<Shared<OwnSegments>>,
    /// What `i386_V86_ASSIST_STATE` says.
    pub(crate) v86: V86Assist,
}

impl Kept {
    /// Whether there is anything that most threads have not: breakpoints, segments
    /// of its own.
    pub(super) fn has_extras(&self) -> bool {
        self.debug.are_on() || self.segments.is_some()
    }
}

/// What a thread has in the processor while it is in user mode.
pub(crate) struct Registers<'t> {
    pub(crate) frame: &'t mut UserFrame,
    pub(crate) kept: &'t mut Kept,
}

/// Where virtual interrupts would be found, in the virtual 8086 mode that threads
/// do not get; kept for who asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct V86Assist {
    pub(crate) table: u32,
    pub(crate) count: u32,
}

/// Tells what layers above keep here apart: each has a static one of its own.
pub(crate) struct Kind(#[expect(dead_code, reason = "what has no size may have no place")] u8);

impl Kind {
    /// Another one.
    pub(crate) const fn new() -> Kind {
        Kind(0)
    }
}

/// What a layer above may keep here.
///
/// # Safety
///
/// No other type has the same kind.
pub(crate) unsafe trait Above: Send + Sync + 'static {
    /// Its own.
    const KIND: &'static Kind;
}

/// What the layers above know of a thread.
pub(crate) struct Upper {
    /// **Invariant**: that of the value's type.
    kind: &'static Kind,
    value: Box<dyn Any + Send + Sync>,
}

impl Upper {
    /// This.
    pub(crate) fn new<T: Above>(value: Box<T>) -> Upper {
        Upper {
            kind: T::KIND,
            value,
        }
    }

    #[inline(always)]
    fn of<T: Above>(&self) -> Option<&T> {
        let value = ptr::from_ref(&*self.value).cast::<T>();
        // SAFETY: what has the kind of a `T` is one, by the invariant.
        ptr::eq(self.kind, T::KIND).then(|| unsafe { &*value })
    }
}

enum Body {
    Kernel(fn() -> !),
    User(Upper),
}

/// The priority of a user thread that nobody set one for: seen.
pub(super) const USER_PRIORITY: u8 = 25;

/// A thread of control.
pub(crate) struct Thread {
    pub(super) saved: Saved,
    stack: Stack,
    pmap: Option<Shared<Pmap>>,
    body: Body,
    pub(super) kept: Guarded<Kept>,
    pub(super) state: Guarded<State>,
    /// What is asked of it, to be looked at without the lock. Changes under it;
    /// `STOP` is there exactly while `stops` is not zero.
    asked: AtomicU32,
    /// How many reasons there are for it to stop.
    pub(super) stops: Guarded<u32>,
    /// Was aborted since it is stopped.
    pub(super) is_aborted: Guarded<bool>,
    /// Preempted where user mode was about to go on: it may stop as it is.
    pub(super) is_at_edge: Guarded<bool>,
    pub(super) scheduling: Guarded<Scheduling>,
    pub(super) times: Guarded<Times>,
    /// Who waits for it to stop or to end.
    pub(super) watchers: Guarded<Queue>,
    /// Its place among the ready.
    pub(super) link: Guarded<Link<Handle>>,
    /// The next in its other queue.
    pub(super) next: Guarded<Option<Shared<Thread>>>,
    /// The next of those whose wait has an end.
    pub(super) next_timed: Guarded<Option<Shared<Thread>>>,
    /// When its wait ends, in ticks; meaningful on that list only.
    pub(super) deadline: Guarded<u32>,
    /// What it was woken with, if by mail.
    pub(super) mail: Guarded<Mail>,
    /// Itself, from its start to its end: nobody else need own it.
    pub(super) hold: Guarded<Option<Shared<Thread>>>,
}

impl Thread {
    /// A thread that begins in user mode with `frame`, in the memory of `pmap`.
    pub(crate) fn for_user(
        frame: &UserFrame,
        pmap: Shared<Pmap>,
        upper: Upper,
    ) -> Result<Shared<Thread>, OutOfMemory> {
        let stack = Stack::new()?;
        // SAFETY: the stack is new.
        let saved = unsafe { Saved::for_user(stack.top(), frame) };
        let scheduling = Scheduling::new(USER_PRIORITY, USER_PRIORITY, super::second());
        Thread::new(stack, saved, Some(pmap), Body::User(upper), scheduling)
    }

    /// A thread of the kernel.
    pub(crate) fn for_kernel(entry: fn() -> !) -> Result<Shared<Thread>, OutOfMemory> {
        let stack = Stack::new()?;
        // SAFETY: the stack is new.
        let saved = unsafe { Saved::for_kernel(stack.top(), super::kernel_thread_begins) };
        let mut scheduling = Scheduling::new(0, 0, super::second());
        let quantum_ms = super::TURN_MS;
        scheduling.set_policy(Policy::FixedPriority { quantum_ms }, super::TICK_MS);
        Thread::new(stack, saved, None, Body::Kernel(entry), scheduling)
    }

    fn new(
        stack: Stack,
        saved: Saved,
        pmap: Option<Shared<Pmap>>,
        body: Body,
        scheduling: Scheduling,
    ) -> Result<Shared<Thread>, OutOfMemory> {
        Shared::try_new(Thread {
            saved,
            stack,
            pmap,
            body,
            kept: Guarded::new(Kept {
                fpu: fpu::State::new(),
                debug: DebugRegisters::default(),
                segments: None,
                v86: V86Assist::default(),
            }),
            state: Guarded::new(State::New),
            asked: AtomicU32::new(0),
            stops: Guarded::new(0),
            is_aborted: Guarded::new(false),
            is_at_edge: Guarded::new(false),
            scheduling: Guarded::new(scheduling),
            times: Guarded::new(Times::new()),
            watchers: Guarded::new(Queue::new()),
            link: Guarded::new(Link::NEW),
            next: Guarded::new(None),
            next_timed: Guarded::new(None),
            deadline: Guarded::new(0),
            mail: Guarded::new(heap::try_box(Words::new())?),
            hold: Guarded::new(None),
        })
    }

    /// What the layers above put there, if it is a `T`.
    #[inline(always)]
    pub(crate) fn upper<T: Above>(&self) -> Option<&T> {
        match &self.body {
            Body::Kernel(_) => None,
            Body::User(upper) => upper.of(),
        }
    }

    /// Whether it is a user's.
    pub(super) fn is_users(&self) -> bool {
        matches!(self.body, Body::User(_))
    }

    /// Where it begins, if it is the kernel's own.
    pub(super) fn entry(&self) -> Option<fn() -> !> {
        match self.body {
            Body::Kernel(entry) => Some(entry),
            Body::User(_) => None,
        }
    }

    pub(super) fn pmap(&self) -> Option<&Shared<Pmap>> {
        self.pmap.as_ref()
    }

    pub(super) fn stack_top(&self) -> u32 {
        self.stack.top()
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn ask(&self, what: u32) {
        self.asked.fetch_or(what, Ordering::Relaxed);
    }

    pub(super) fn ask_no_more(&self, what: u32) {
        self.asked.fetch_and(!what, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub(crate) fn is_to_end(&self) -> bool {
        self.asked() & END != 0
    }

    /// Whether it may not wait for what may be interrupted.
    pub(super) fn is_interrupted(&self) -> bool {
        self.asked() & (END | ABORT) != 0
    }

    /// Whether it is to stop, and not to end.
    pub(super) fn is_to_stop(&self) -> bool {
        self.asked() & (STOP | END) == STOP
    }

    fn user_frame(&self) -> *const UserFrame {
        let at = self.stack_top() - size_of::<UserFrame>() as u32;
        at as usize as *const UserFrame
    }

    /// Where a user thread that is in the kernel goes on in user mode.
    pub(super) fn goes_on_at(&self) -> Option<u32> {
        // SAFETY: a user thread has its frame there while it is in the kernel.
        let at =
            |frame: *const UserFrame| unsafe { (&raw const (*frame).trap.eip).read_volatile() };
        self.is_users().then(|| at(self.user_frame()))
    }

    /// Whose work a thread does that is in the kernel: its task's, unless it was
    /// only interrupted there and is about to go on.
    pub(super) fn came_for(&self) -> Mode {
        if self.pmap.is_none() {
            return Mode::Kernel;
        }
        let frame = self.user_frame();
        // SAFETY: a user thread has its frame there while it is in the kernel.
        let vector = unsafe { (&raw const (*frame).trap.vector).read_volatile() };
        match trap::is_interrupt(vector) {
            true => Mode::User,
            false => Mode::Kernel,
        }
    }

    /// Gives `use_it` the registers of a user thread that does not run.
    pub(super) fn with_registers<R>(
        &self,
        key: &mut Key,
        use_it: impl FnOnce(&mut Registers) -> R,
    ) -> R {
        let at = self.stack_top() - size_of::<UserFrame>() as u32;
        // SAFETY: a user thread has its frame at the top of its stack from the
        // beginning, and whenever it is in the kernel; it does not run, nor can
        // it while the scheduler's key is borrowed.
        let frame = unsafe { &mut *(at as usize as *mut UserFrame) };
        use_it(&mut Registers {
            frame,
            kept: self.kept.get(key),
        })
    }
}
