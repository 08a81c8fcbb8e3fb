//! Who runs where: threads of control, taken in turn by all processors.
//!
//! Owns the one queue of threads that are ready, and what each processor runs.
//! A thread keeps its processor until it waits, ends, or goes back to user mode
//! after its turn is over; inside the kernel nobody takes it away. A processor
//! with nothing to run sleeps in [`idle`].
//!
//! **Invariants**: who changes what is under [`SCHEDULER`] holds it until the
//! next thread has left the old one's stack; the next one releases it. So a
//! thread that others can find under the lock is off its stack. Nothing under
//! the lock is the last owner of anything: what ends is put aside and freed by
//! [`clean_up`], with interrupts on.

pub(crate) mod event;
mod guarded;
mod queue;
pub(crate) mod stop;
mod thread;
mod timed;

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use self::guarded::Key;
use self::queue::Queue;
pub(crate) use self::thread::{Kept, Registers, Thread, Wake};
use self::thread::{State, Wait};
pub(crate) use self::timed::{block_for, on_tick};
use crate::arch::debug::DebugRegisters;
use crate::arch::percpu::{self, MAX_CPUS};
use crate::arch::switch::{self, Saved};
use crate::arch::{interrupts, lapic, trap};
use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;
use crate::sync::{Guard, Irq, IrqLock, rank};
use crate::time;

/// How long a thread may run while others are ready: a tenth of a second.
const TURN_TICKS: u32 = crate::arch::pit::TICKS_PER_SECOND / 10;

struct Scheduler {
    key: Key,
    /// Threads of the kernel that are ready: they come first, for each does
    /// little at a time.
    urgent: Queue,
    /// User threads that are ready.
    ready: Queue,
    /// Threads that ended, to be freed.
    gone: Queue,
    /// Threads whose wait has an end, in no order.
    timed: Option<Shared<Thread>>,
    /// Threads that wait for others to stop.
    watchers: Queue,
    processors: [Processor; MAX_CPUS],
}

/// What one processor does.
struct Processor {
    /// Nobody: it idles.
    current: Option<Shared<Thread>>,
    /// Where it goes on idling.
    idle: Saved,
    /// Whose memory it sees. Stays when a thread without memory of its own
    /// comes next, which uses the kernel's half only.
    loaded: Option<Shared<Pmap>>,
    /// What it saw before, to be given up outside of the lock.
    stale: Option<Shared<Pmap>>,
    /// When the current thread's turn is over.
    turn_ends: u32,
    /// Sleeps, and wants to be woken when somebody is ready.
    is_idle: bool,
}

static SCHEDULER: IrqLock<rank::Scheduler, Scheduler> = IrqLock::new(Scheduler {
    key: Key::new(),
    urgent: Queue::new(),
    ready: Queue::new(),
    gone: Queue::new(),
    timed: None,
    watchers: Queue::new(),
    processors: [const {
        Processor {
            current: None,
            idle: Saved::running(),
            loaded: None,
            stale: None,
            turn_ends: 0,
            is_idle: false,
        }
    }; MAX_CPUS],
});

/// How many threads are ready, to be looked at without the lock.
static READY: AtomicU32 = AtomicU32::new(0);
/// How many threads ended and are not freed.
static GONE: AtomicU32 = AtomicU32::new(0);
/// The thread that each processor runs, for itself; null while it idles.
static CURRENT: [AtomicPtr<Shared<Thread>>; MAX_CPUS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_CPUS];

/// Lets a thread run that has not run before.
pub(crate) fn start(thread: &Shared<Thread>) {
    SCHEDULER.lock().start(thread);
}

/// Gives `use_it` the thread that runs this; nothing if the processor idles.
pub(crate) fn with_current<R>(use_it: impl FnOnce(&Shared<Thread>) -> R) -> Option<R> {
    let saved = interrupts::disable();
    let current = CURRENT[percpu::current().id() as usize].load(Ordering::Relaxed);
    interrupts::restore(saved);
    // SAFETY: the processor stored it when it went over to the caller's thread,
    // whose `hold` it names: that stays until the thread ends, which it does not
    // in the meantime, for it is here.
    unsafe { current.as_ref() }.map(use_it)
}

/// The first half of waiting: from now on [`wake`] ends the wait that the next
/// [`block`] begins. In between the caller looks whether it must wait at all,
/// and calls [`do_not_wait`] if not.
pub(crate) fn assert_wait() {
    set_own_state(State::AboutToWait(Wait::Uninterruptible));
}

/// The same, for a wait that a user may end, or prolong, at any time.
pub(crate) fn assert_interruptible_wait() {
    set_own_state(State::AboutToWait(Wait::Interruptible));
}

/// Takes [`assert_wait`] back.
pub(crate) fn do_not_wait() {
    set_own_state(State::Running);
}

fn set_own_state(state: State) {
    with_current(|thread| {
        *thread.state.get(&mut SCHEDULER.lock().key) = state;
    });
}

/// The second half: returns when the thread has been woken, and why.
pub(crate) fn block() -> Wake {
    let why = with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        if let State::AboutToWait(how) = *thread.state.get(&mut scheduler.key) {
            if how == Wait::Interruptible && thread.is_to_end() {
                *thread.state.get(&mut scheduler.key) = State::Woken(Wake::Interrupted);
            } else {
                scheduler.becomes(thread, State::Waiting(how));
                go_to_next(&mut scheduler);
            }
        }
        let state = thread.state.get(&mut scheduler.key);
        let why = match *state {
            State::Woken(why) => why,
            _ => Wake::Event,
        };
        *state = State::Running;
        why
    });
    clean_up();
    why.unwrap_or(Wake::Event)
}

/// Ends the wait of `thread`; tells whether it waited. From anywhere.
pub(crate) fn wake(thread: &Shared<Thread>, why: Wake) -> bool {
    SCHEDULER.lock().wake(thread, why)
}

/// Lets others run, if any are ready; tells whether any were.
pub(crate) fn yield_now() -> bool {
    if READY.load(Ordering::Relaxed) == 0 {
        return false;
    }
    with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        let inner = &mut *scheduler;
        if inner.has_ready() {
            inner.make_ready(thread.clone());
            go_to_next(&mut scheduler);
        }
    });
    clean_up();
    true
}

/// Ends the thread that calls.
pub(crate) fn exit() -> ! {
    let mut scheduler = SCHEDULER.lock();
    let id = percpu::current().id() as usize;
    let inner = &mut *scheduler;
    let current = inner.processors[id].current.take();
    if let Some(thread) = &current {
        inner.becomes(thread, State::Gone);
        if let Some(own) = thread.hold.get(&mut inner.key).take() {
            inner.gone.push(own, &mut inner.key);
            GONE.fetch_add(1, Ordering::Relaxed);
        }
    }
    // It is in `gone` as well.
    inner.processors[id].current = current;
    go_to_next(&mut scheduler);
    unreachable!("a thread that ended runs again")
}

/// Gives `use_it` what the current thread has beside its frame.
pub(crate) fn with_kept(use_it: impl FnOnce(&mut Kept)) {
    with_current(|thread| use_it(thread.kept.get(&mut SCHEDULER.lock().key)));
}

/// Before user mode goes on: frees what ended, gives the turn to another if this
/// one's is over, and stops here if it is to; tells whether the thread is to end.
/// Begins and ends with interrupts off.
pub(crate) fn before_user() -> bool {
    loop {
        let is_over = READY.load(Ordering::Relaxed) != 0 && is_turn_over();
        let asked = with_current(|thread| thread.asked()).unwrap_or(0);
        if !is_over && asked == 0 && GONE.load(Ordering::Relaxed) == 0 {
            return false;
        }
        // SAFETY: the kernel has started: every vector has its handler.
        unsafe { interrupts::enable() };
        clean_up();
        if is_over {
            yield_now();
        }
        let is_to_end = stop::stop_if_asked();
        let _ = interrupts::disable();
        if is_to_end {
            return true;
        }
    }
}

/// For work that a user can make long: lets others run if the turn is over.
pub(crate) fn pause_if_turn_is_over() {
    if READY.load(Ordering::Relaxed) != 0 && is_turn_over() {
        yield_now();
    }
}

fn is_turn_over() -> bool {
    let id = percpu::current().id() as usize;
    let ends = SCHEDULER.lock().processors[id].turn_ends;
    time::is_over(ends)
}

/// What a new thread does first: it is the first to run on its stack.
pub(crate) fn thread_begins() {
    // SAFETY: whoever switched here holds the lock, and is gone.
    unsafe { SCHEDULER.release_inherited() };
    // SAFETY: the kernel has started: every vector has its handler.
    unsafe { interrupts::enable() };
    clean_up();
    let _ = interrupts::disable();
}

/// Where a thread of the kernel begins.
extern "C" fn kernel_thread_begins() -> ! {
    thread_begins();
    // SAFETY: the kernel has started: every vector has its handler.
    unsafe { interrupts::enable() };
    match with_current(|thread| thread.entry()).flatten() {
        Some(entry) => entry(),
        None => exit(),
    }
}

/// Runs threads on the processor that calls, for as long as the machine runs;
/// sleeps while there are none. `when_awake` is done whenever it wakes.
pub(crate) fn idle(mut when_awake: impl FnMut()) -> ! {
    loop {
        when_awake();
        // SAFETY: the kernel has started: every vector has its handler.
        unsafe { interrupts::enable() };
        clean_up();
        let _ = interrupts::disable();
        let mut scheduler = SCHEDULER.lock();
        let id = percpu::current().id() as usize;
        if !scheduler.has_ready() {
            scheduler.processors[id].is_idle = true;
            drop(scheduler);
            // SAFETY: as above. A wake-up that comes before the `hlt` is
            // pending then, and ends it.
            unsafe { interrupts::enable_and_wait() };
            let _ = interrupts::disable();
            SCHEDULER.lock().processors[id].is_idle = false;
        } else {
            go_to_next(&mut scheduler);
        }
    }
}

/// Frees what ended, and the tables of tasks that ended. Interrupts are on.
fn clean_up() {
    while GONE.load(Ordering::Relaxed) != 0 {
        let mut scheduler = SCHEDULER.lock();
        let inner = &mut *scheduler;
        let Some(thread) = inner.gone.pop(&mut inner.key) else {
            break;
        };
        GONE.fetch_sub(1, Ordering::Relaxed);
        drop(scheduler);
        drop(thread);
    }
    let mut scheduler = SCHEDULER.lock();
    let processor = &mut scheduler.processors[percpu::current().id() as usize];
    let before = processor.stale.take();
    let loaded = match &processor.loaded {
        Some(loaded) if loaded.is_over() && !processor.uses(loaded) => {
            loaded.unload();
            processor.loaded.take()
        }
        _ => None,
    };
    drop(scheduler);
    drop((before, loaded));
}

impl Processor {
    fn uses(&self, pmap: &Shared<Pmap>) -> bool {
        let own = self.current.as_ref().and_then(|thread| thread.pmap());
        own.is_some_and(|own| own.is_same(pmap))
    }
}

impl Scheduler {
    fn wake(&mut self, thread: &Shared<Thread>, why: Wake) -> bool {
        let state = thread.state.get(&mut self.key);
        match *state {
            State::AboutToWait(_) => {
                *state = State::Woken(why);
                true
            }
            State::Waiting(how) => {
                if how == Wait::Interruptible && thread.is_to_stop() && why != Wake::Interrupted {
                    *state = State::Held(why);
                } else {
                    *state = State::Woken(why);
                    self.make_ready(thread.clone());
                }
                true
            }
            _ => false,
        }
    }

    fn start(&mut self, thread: &Shared<Thread>) {
        *thread.state.get(&mut self.key) = State::Running;
        *thread.hold.get(&mut self.key) = Some(thread.clone());
        self.make_ready(thread.clone());
    }

    fn has_ready(&self) -> bool {
        !self.urgent.is_empty() || !self.ready.is_empty()
    }

    fn make_ready(&mut self, thread: Shared<Thread>) {
        let own = percpu::current().id() as usize;
        let is_urgent = thread.pmap().is_none();
        let queue = match is_urgent {
            true => &mut self.urgent,
            false => &mut self.ready,
        };
        queue.push(thread, &mut self.key);
        READY.fetch_add(1, Ordering::Relaxed);
        // The own processor, asleep before this interrupt, looks by itself.
        let others = (0..MAX_CPUS).filter(|&id| id != own);
        let sleeping = |id: &usize| self.processors[*id].is_idle;
        match core::iter::once(own).chain(others).find(sleeping) {
            Some(id) => {
                self.processors[id].is_idle = false;
                if let (true, Some(cpu)) = (id != own, percpu::by_id(id)) {
                    lapic::send(cpu.apic_id(), trap::WAKE_VECTOR);
                }
            }
            // It waits for no user thread's turn to end.
            None if is_urgent => self.processors[own].turn_ends = time::ticks(),
            None => {}
        }
    }
}

/// Leaves the processor to the next thread that is ready, or to idling; returns
/// when it is the caller's turn again, with the lock held.
fn go_to_next(guard: &mut Guard<'_, Scheduler, Irq>) {
    let id = percpu::current().id() as usize;
    let scheduler = &mut **guard;
    let next = match scheduler.urgent.pop(&mut scheduler.key) {
        None => scheduler.ready.pop(&mut scheduler.key),
        some => some,
    };
    if next.is_some() {
        READY.fetch_sub(1, Ordering::Relaxed);
    }
    let processor = &mut scheduler.processors[id];
    let leaving = core::mem::replace(&mut processor.current, next);
    let from: *const Saved = match &leaving {
        Some(thread) => &raw const thread.saved,
        None => &raw const processor.idle,
    };
    let mut running = ptr::null_mut();
    let to: *const Saved = match &processor.current {
        Some(thread) => {
            if let Some(pmap) = thread.pmap() {
                let before = processor.loaded.take();
                if before.as_ref().is_none_or(|before| !before.is_same(pmap)) {
                    // SAFETY: `loaded` keeps it; interrupts are off.
                    unsafe { pmap.load(before.as_deref()) };
                    processor.stale = before;
                }
                processor.loaded = Some(pmap.clone());
            }
            // SAFETY: this processor's own area; in user mode the thread's
            // kernel stack is empty.
            unsafe { percpu::current().set_kernel_stack(thread.stack_top()) };
            processor.turn_ends = time::ticks().wrapping_add(TURN_TICKS);
            if let Some(hold) = thread.hold.get(&mut scheduler.key) {
                running = core::ptr::from_mut(hold);
            }
            &raw const thread.saved
        }
        None => &raw const processor.idle,
    };
    CURRENT[id].store(running, Ordering::Relaxed);
    let mut debug = DebugRegisters::default();
    if let Some(thread) = &leaving {
        let kept = thread.kept.get(&mut scheduler.key);
        kept.fpu.save_if_used();
        debug = kept.debug;
    }
    if let Some(thread) = &processor.current {
        // SAFETY: a thread's are allowed to it, and it comes next.
        unsafe { thread.kept.get(&mut scheduler.key).debug.load(&debug) };
    }
    // Others own it too: its own hold, or the queue of those that ended.
    drop(leaving);
    if ptr::eq(from, to) {
        return;
    }
    // SAFETY: both are parts of what stays: the table, and threads that are
    // held. Interrupts are off and the lock is held, so nobody goes on with
    // `from` before this processor has left it.
    unsafe { switch::switch(&*from, &*to) };
}
