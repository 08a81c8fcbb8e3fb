//! Who runs where: threads of control, shared out among all processors.
//!
//! Owns the queues of threads that are ready, and what each processor runs. A
//! thread keeps its processor until it waits, ends, or goes back to user mode
//! when its turn is over or a better one is ready; inside the kernel nobody
//! takes it away. A processor with nothing to run sleeps in [`idle`].
//!
//! **Invariants**: who changes what is under [`SCHEDULER`] holds it until the
//! next thread has left the old one's stack; the next one releases it. So a
//! thread that others can find under the lock is off its stack. Nothing under
//! the lock is the last owner of anything: what ends is put aside and freed by
//! [`clean_up`], with interrupts on.

mod dispatch;
pub(crate) mod event;
mod give_way;
pub(crate) mod info;
pub(crate) mod load;
mod mail;
mod queue;
pub(crate) mod row;
pub(crate) mod stop;
mod thread;
mod times;
mod wait;

use core::sync::atomic::{AtomicBool, Ordering};

use kernel_core::sched::machine::NOBODY;

use self::dispatch::go_to_next;
pub(crate) use self::dispatch::{SAMPLE, on_local_tick, on_tick, pause_if_turn_is_over, yield_now};
pub(crate) use self::give_way::{How, give_way};
pub(crate) use self::mail::{Delivery, Mail};
use self::queue::{Queue, Ready};
use self::thread::State;
pub(crate) use self::thread::{Above, Kept, Kind, Registers, Thread, Upper, Wake};
pub(crate) use self::wait::{
    assert_interruptible_wait, assert_wait, block, block_for, block_for_mail, block_for_mail_for,
    do_not_wait, wake,
};
use crate::arch::percpu::{self, MAX_CPUS};
use crate::arch::pit::TICKS_PER_SECOND;
use crate::arch::switch::Saved;
use crate::arch::{interrupts, tsc};
use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;
use crate::sync::guarded;
use crate::sync::{IrqLock, rank};
use crate::time;

/// Milliseconds from tick to tick: what quanta are counted in.
pub(crate) const TICK_MS: u32 = 1000 / TICKS_PER_SECOND;
/// How long a thread may run while others of its priority are ready.
const TURN_MS: u32 = 100;

/// Opens what the lock guards of each thread.
type Key = guarded::Key<Scheduler>;
type Guarded<T> = guarded::Guarded<Scheduler, T>;

struct Scheduler {
    key: Key,
    ready: Ready,
    /// Threads that ended, to be freed.
    gone: Queue,
    /// Threads whose wait or depression has an end, in no order.
    timed: Option<Shared<Thread>>,
    processors: [Processor; MAX_CPUS],
}

/// What one processor does.
struct Processor {
    /// Nobody: it idles.
    current: Option<Shared<Thread>>,
    /// Where it goes on idling.
    idle: Saved,
    /// Whose memory it still sees if that is not `current`'s own: one without, or
    /// nobody, uses the kernel's half only. None at first, and while `current` has
    /// memory.
    left: Option<Shared<Pmap>>,
    /// What it saw like that before, to be given up outside of the lock.
    stale: Option<Shared<Pmap>>,
    /// Up to where its time is accounted for, by its time stamp counter.
    since: u64,
}

static SCHEDULER: IrqLock<rank::Scheduler, Scheduler> = IrqLock::new(Scheduler {
    // SAFETY: the only one, and inside of the lock.
    key: unsafe { Key::new() },
    ready: Ready::new(),
    gone: Queue::new(),
    timed: None,
    processors: [const {
        Processor {
            current: None,
            idle: Saved::running(),
            left: None,
            stale: None,
            since: 0,
        }
    }; MAX_CPUS],
});

/// Whether any thread is ready, to be looked at without the lock.
static HAS_READY: AtomicBool = AtomicBool::new(false);
/// Whether any wait has an end.
static HAS_TIMED: AtomicBool = AtomicBool::new(false);
/// The number of the current second, by which usage ages.
fn second() -> u64 {
    (time::ticks() / TICKS_PER_SECOND).into()
}

/// Lets a thread run that has not run before.
pub(crate) fn start(thread: &Shared<Thread>) {
    SCHEDULER.lock().go_on(thread);
}

/// Gives `use_it` the thread that runs this; nothing if the processor idles.
#[inline(always)]
pub(crate) fn with_current<R>(use_it: impl FnOnce(&Shared<Thread>) -> R) -> Option<R> {
    let current = percpu::thread().cast::<Shared<Thread>>();
    // SAFETY: the processor stored it when it went over to the caller's thread,
    // whose `hold` it names: that stays until the thread ends, which it does not
    // in the meantime, for it is here.
    unsafe { current.as_ref() }.map(use_it)
}

/// Ends the thread that calls.
pub(crate) fn exit() -> ! {
    let mut scheduler = SCHEDULER.lock();
    let id = percpu::current().id() as usize;
    let inner = &mut *scheduler;
    let current = inner.processors[id].current.take();
    if let Some(thread) = &current {
        *thread.state.get(&mut inner.key) = State::Gone;
        if let Some(own) = thread.hold.get(&mut inner.key).take() {
            inner.gone.push(own, &mut inner.key);
            percpu::current().is_untidy.store(true, Ordering::Relaxed);
        }
    }
    // It is in `gone` as well.
    inner.processors[id].current = current;
    go_to_next(&mut scheduler, None);
    unreachable!("a thread that ended runs again")
}

/// Gives `use_it` what the current thread has beside its frame.
pub(crate) fn with_kept(use_it: impl FnOnce(&mut Kept)) {
    with_current(|thread| use_it(thread.kept.get(&mut SCHEDULER.lock().key)));
}

/// Gives `use_it` the registers of the user thread that calls, of which it may
/// change segments only.
pub(crate) fn with_own_registers<R>(use_it: impl FnOnce(&mut Registers<'_>) -> R) -> Option<R> {
    with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        thread.is_users().then(|| {
            let result = thread.with_registers(&mut scheduler.key, use_it);
            let kept = thread.kept.get(&mut scheduler.key);
            // SAFETY: the thread keeps them while it runs; the kernel uses none.
            unsafe { percpu::current().load_own_segments(kept.segments.as_deref()) };
            result
        })
    })
    .flatten()
}

/// Before user mode goes on: frees what ended, gives the processor to a better
/// thread, and stops here if it is to; tells whether the thread is to end.
/// Begins and ends with interrupts off.
#[inline]
pub(crate) fn before_user() -> bool {
    let chooses = percpu::current().chooses_again.load(Ordering::Relaxed);
    let asked = with_current(|thread| thread.asked()).unwrap_or(0);
    (asked != 0 || chooses) && before_user_now()
}

#[cold]
fn before_user_now() -> bool {
    loop {
        let chooses = percpu::current().chooses_again.load(Ordering::Relaxed);
        let asked = with_current(|thread| thread.asked()).unwrap_or(0);
        if asked == 0 && !chooses {
            return false;
        }
        // SAFETY: the kernel has started: every vector has its handler.
        unsafe { interrupts::enable() };
        let is_to_end = asked != 0 && stop::stop_if_asked();
        if chooses && !is_to_end {
            dispatch::choose_at_edge();
        }
        clean_up();
        let _ = interrupts::disable();
        if is_to_end {
            return true;
        }
    }
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
/// sleeps while there are none. `before_running` is done, with interrupts off, when
/// there is one.
pub(crate) fn idle(mut before_running: impl FnMut()) -> ! {
    loop {
        // SAFETY: the kernel has started: every vector has its handler.
        unsafe { interrupts::enable() };
        clean_up();
        let _ = interrupts::disable();
        let mut scheduler = SCHEDULER.lock();
        let id = percpu::current().id() as usize;
        if !scheduler.ready.has_any() {
            // From now on whoever is ready wakes it.
            scheduler.ready.chose(id, NOBODY);
            scheduler.processors[id].since = tsc::now();
            drop(scheduler);
            // SAFETY: as above. A wake-up that comes before the `hlt` is
            // pending then, and ends it.
            unsafe { interrupts::enable_and_wait() };
            let _ = interrupts::disable();
        } else {
            before_running();
            go_to_next(&mut scheduler, None);
        }
    }
}

/// Frees what ended here, and the tables of tasks that ended. Interrupts are on.
#[inline(always)]
fn clean_up() {
    if percpu::current().is_untidy.load(Ordering::Relaxed) {
        clean_up_now();
    }
}

#[cold]
fn clean_up_now() {
    let mut scheduler = SCHEDULER.lock();
    loop {
        let inner = &mut *scheduler;
        let Some(thread) = inner.gone.pop(&mut inner.key) else {
            break;
        };
        drop(scheduler);
        drop(thread);
        scheduler = SCHEDULER.lock();
    }
    let cpu = percpu::current();
    let processor = &mut scheduler.processors[cpu.id() as usize];
    let stale = processor.stale.take();
    let left = processor.left.take_if(|left| left.is_over());
    if let Some(left) = &left {
        left.unload();
    }
    // What is seen without need may be of a task that ends yet.
    cpu.is_untidy
        .store(processor.left.is_some(), Ordering::Relaxed);
    drop(scheduler);
    drop((stale, left));
}
