//! Which thread each processor runs, and for how long.
//!
//! Owns the choice of the next thread, the hand-over to it, and what ticks do
//! to the one that runs. The best priority goes first; among equals each has a
//! turn of [`TURN_MS`]. One that is better than what some processor runs gets
//! that processor as soon as user mode would go on there. A time-sharing thread
//! that has waited for long goes once as if it had used nothing, so that none
//! starves.

use core::sync::atomic::Ordering;
use core::{mem, ptr};

use spin::Once;

use kernel_core::sched::LOWEST;
use kernel_core::sched::machine::NOBODY;
use kernel_core::sched::priority::Policy;

use super::thread::Thread;
use super::{
    HAS_READY, HAS_TIMED, Key, Processor, SCHEDULER, Scheduler, TICK_MS, TURN_MS, clean_up, load,
    second, with_current,
};
use crate::arch::percpu::{self, Mode, PerCpu};
use crate::arch::pit::TICKS_PER_SECOND;
use crate::arch::switch::{self, Saved};
use crate::arch::{lapic, trap, tsc};
use crate::mm::pmap::Pmap;
use crate::mm::shared::Shared;
use crate::sync::{Guard, Irq};
use crate::time;

/// Upward call for each tick that meets a user thread, which goes on there; in
/// the tick's handler. Set once somebody wants to know.
pub(crate) static SAMPLE: Once<fn(&Thread, u32)> = Once::new();

/// Ticks between two looks for threads that starve.
const LOOK_EVERY_TICKS: u32 = 10;
/// Ticks that a thread waits at most before it is preferred.
const STARVED_TICKS: u32 = 100;

/// The boot processor's tick; from its handler.
pub(crate) fn on_tick() {
    let is_time_to_look = time::ticks() % LOOK_EVERY_TICKS == 0;
    let mut scheduler = SCHEDULER.lock();
    if HAS_TIMED.load(Ordering::Relaxed) {
        scheduler.end_timed();
    }
    if is_time_to_look && HAS_READY.load(Ordering::Relaxed) {
        scheduler.prefer_starved();
    }
    scheduler.charge();
    if time::ticks() % TICKS_PER_SECOND == 0 {
        load::second_passes(scheduler.busy(), percpu::online() as i32);
    }
}

/// Another processor's tick, from its handler; tells whether that met a thread.
pub(crate) fn on_local_tick() -> bool {
    SCHEDULER.lock().charge()
}

/// Lets others run, if any are ready; tells whether any were.
pub(crate) fn yield_now() -> bool {
    hand_over(None)
}

/// The same, but `preferred` comes next if it is ready, whoever else is.
pub(super) fn hand_over(preferred: Option<&Shared<Thread>>) -> bool {
    if !HAS_READY.load(Ordering::Relaxed) {
        return false;
    }
    let others = with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        let next = preferred.filter(|next| scheduler.take_from_ready(next));
        let others = next.is_some() || scheduler.ready.has_any();
        if others {
            scheduler.make_ready(thread);
            if let Some(next) = next {
                next.scheduling.get(&mut scheduler.key).begin(TURN_MS);
            }
            go_to_next(&mut scheduler, next.cloned());
        }
        others
    });
    clean_up();
    others == Some(true)
}

/// For work that a user can make long: lets others run if the turn is over.
pub(crate) fn pause_if_turn_is_over() {
    if percpu::current()
        .chooses_again
        .swap(false, Ordering::Relaxed)
    {
        yield_now();
    }
}

/// The thread that calls, at the edge of user mode, gives way to a better one,
/// or to an equal one if its turn is over.
pub(super) fn choose_at_edge() {
    with_current(|thread| {
        let mut scheduler = SCHEDULER.lock();
        *thread.is_at_edge.get(&mut scheduler.key) = true;
        scheduler.make_ready(thread);
        go_to_next(&mut scheduler, None);
    });
}

impl Scheduler {
    /// How many threads run or are ready.
    fn busy(&self) -> i32 {
        let processors = self.processors.iter();
        let running = processors.filter(|processor| processor.current.is_some());
        running.count() as i32 + self.ready.len() as i32
    }

    /// Lets a thread run that has its hold, where and when its priority allows.
    pub(super) fn make_ready(&mut self, thread: &Shared<Thread>) {
        let scheduling = thread.scheduling.get(&mut self.key);
        scheduling.age(second());
        let priority = scheduling.current();
        self.queue(thread, priority);
    }

    fn queue(&mut self, thread: &Shared<Thread>, priority: u8) {
        thread.times.get(&mut self.key).leaves();
        let told = self.ready.put(thread, priority, &mut self.key);
        HAS_READY.store(true, Ordering::Relaxed);
        // The own processor, asleep before this interrupt, looks by itself.
        if let Some(id) = told {
            self.preempt(id);
        }
    }

    /// Makes processor `id` choose again as soon as user mode would go on.
    fn preempt(&self, id: usize) {
        if let Some(cpu) = percpu::by_id(id) {
            cpu.chooses_again.store(true, Ordering::Relaxed);
        }
        self.tell(id);
    }

    /// Interrupts processor `id`, unless it is the own one.
    pub(super) fn tell(&self, id: usize) {
        if id != percpu::current().id() as usize {
            if let Some(cpu) = percpu::by_id(id) {
                lapic::send(cpu.apic_id(), trap::WAKE_VECTOR);
            }
        }
    }

    /// Takes the next thread for processor `own` out of the queues.
    fn take_ready(&mut self, own: usize) -> Option<Shared<Thread>> {
        let next = self.ready.take(own, &mut self.key);
        HAS_READY.store(self.ready.has_any(), Ordering::Relaxed);
        next
    }

    /// Takes `thread` out of the queue, if it is there.
    pub(super) fn take_from_ready(&mut self, thread: &Shared<Thread>) -> bool {
        let was = self.ready.remove(thread, &mut self.key);
        HAS_READY.store(self.ready.has_any(), Ordering::Relaxed);
        was
    }

    /// Its priority has changed: what follows of that.
    pub(super) fn place_anew(&mut self, thread: &Shared<Thread>) {
        if self.take_from_ready(thread) {
            self.make_ready(thread);
        } else if let Some(id) = self.runs_on(thread) {
            let priority = thread.scheduling.get(&mut self.key).current();
            self.ready.runs_now(id, priority);
            if self.ready.best().is_some_and(|best| best < priority) {
                self.preempt(id);
            }
        }
    }

    /// The processor that runs `thread`.
    pub(super) fn runs_on(&mut self, thread: &Shared<Thread>) -> Option<usize> {
        let id = thread.times.get(&mut self.key).processor() as usize;
        let current = self.processors.get(id)?.current.as_ref();
        current
            .is_some_and(|current| current.is_same(thread))
            .then_some(id)
    }

    /// A tick has passed for the thread of the processor that calls; tells whether
    /// it runs any.
    fn charge(&mut self) -> bool {
        let cpu = percpu::current();
        let id = cpu.id() as usize;
        let processor = &mut self.processors[id];
        if processor.current.is_none() {
            return false;
        }
        let passed = processor.account();
        let Some(thread) = &processor.current else {
            return false;
        };
        let times = thread.times.get(&mut self.key);
        times.ran(passed);
        times.tick(match cpu.interrupted() {
            Mode::User => Mode::User,
            Mode::Kernel => thread.came_for(),
        });
        if let (Some(sample), Some(at)) = (SAMPLE.get(), thread.goes_on_at()) {
            sample(thread, at);
        }
        let scheduling = thread.scheduling.get(&mut self.key);
        let is_turn_over = scheduling.charge(TICK_MS, second());
        let priority = scheduling.current();
        if is_turn_over {
            scheduling.begin(TURN_MS);
        }
        self.ready.runs_now(id, priority);
        if let Some(best) = self.ready.best() {
            if is_turn_over && best <= priority {
                cpu.chooses_again.store(true, Ordering::Relaxed);
            }
        }
        true
    }

    /// Those that wait longest in their rows, and have for long, are to run
    /// before all that have used something.
    fn prefer_starved(&mut self) {
        for place in (1..=LOWEST).flat_map(|row| (0..percpu::online()).map(move |id| (id, row))) {
            let (id, priority) = place;
            let Some(thread) = self.ready.first_of(id, priority, &mut self.key) else {
                continue;
            };
            let waited = thread.times.get(&mut self.key).ticks_since_it_left();
            let scheduling = thread.scheduling.get(&mut self.key);
            let best = scheduling.max_priority();
            let is_fixed = matches!(scheduling.policy(), Policy::FixedPriority { .. });
            if waited >= STARVED_TICKS && best < priority && !is_fixed {
                self.take_from_ready(&thread);
                self.queue(&thread, best);
            }
        }
    }
}

/// Leaves the processor to `preferred`, whose turn has begun, to the next thread
/// that is ready, or to idling; returns when it is the caller's turn again, with
/// the lock held.
pub(super) fn go_to_next(guard: &mut Guard<'_, Scheduler, Irq>, preferred: Option<Shared<Thread>>) {
    let cpu = percpu::current();
    let id = cpu.id() as usize;
    let scheduler = &mut **guard;
    let next = match preferred {
        Some(thread) => Some(thread),
        None => scheduler.take_ready(id).inspect(|thread| {
            let scheduling = thread.scheduling.get(&mut scheduler.key);
            scheduling.begin(TURN_MS);
        }),
    };
    cpu.chooses_again.store(false, Ordering::Relaxed);
    let Scheduler {
        processors,
        ready,
        key,
        ..
    } = scheduler;
    let processor = &mut processors[id];
    let passed = processor.account();
    let leaving = mem::replace(&mut processor.current, next);
    let left = leaving.as_deref();
    let mut has_extras = left.is_some_and(|thread| thread.departs(passed, key));
    let mut running = ptr::null_mut();
    let to: *const Saved = match &processor.current {
        Some(thread) => {
            // SAFETY: its processor keeps it; interrupts are off.
            let seen = unsafe { see(left, thread, &mut processor.left) };
            if let Some(stale) = seen {
                processor.stale = Some(stale);
                cpu.is_untidy.store(true, Ordering::Relaxed);
            }
            // SAFETY: it comes next.
            has_extras |= unsafe { thread.arrives(cpu, key) };
            ready.chose(id, thread.scheduling.get(key).current());
            if let Some(hold) = thread.hold.get(key) {
                running = ptr::from_mut(hold);
            }
            &raw const thread.saved
        }
        None => {
            keep_seeing(left, &mut processor.left);
            ready.chose(id, NOBODY);
            &raw const processor.idle
        }
    };
    if processor.left.is_some() {
        cpu.is_untidy.store(true, Ordering::Relaxed);
    }
    percpu::set_thread(running.cast());
    if has_extras {
        let next = processor.current.as_deref();
        change_extras(left, next, key);
    }
    let from: *const Saved = match left {
        Some(thread) => {
            scheduler.tell_of_stop(thread);
            &raw const thread.saved
        }
        None => &raw const scheduler.processors[id].idle,
    };
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

/// Leaves the processor to `next`, whose turn has begun: what [`go_to_next`] does,
/// where `own`, the thread that calls, and `next` are users' and differ, which is
/// most of what there is to do when a message is handed over.
#[inline(always)]
pub(super) fn go_over(
    guard: &mut Guard<'_, Scheduler, Irq>,
    own: &Shared<Thread>,
    next: Shared<Thread>,
) {
    let (Some(before), Some(after)) = (own.pmap(), next.pmap()) else {
        return go_to_next(guard, Some(next));
    };
    let scheduler = &mut **guard;
    let key = &mut scheduler.key;
    let Some(hold) = next.hold.get(key).as_ref().map(ptr::from_ref) else {
        return go_to_next(guard, Some(next));
    };
    let cpu = percpu::current();
    let id = cpu.id() as usize;
    cpu.chooses_again.store(false, Ordering::Relaxed);
    let processor = &mut scheduler.processors[id];
    let mut has_extras = own.departs(processor.account(), key);
    if !before.is_same(after) {
        // SAFETY: its thread keeps it, and the processor that; interrupts are off.
        unsafe { after.load(Some(before)) };
    }
    // SAFETY: it comes next.
    has_extras |= unsafe { next.arrives(cpu, key) };
    scheduler
        .ready
        .chose(id, next.scheduling.get(key).current());
    percpu::set_thread(hold.cast_mut().cast());
    if has_extras {
        change_extras(Some(own), Some(&next), key);
    }
    let to = &raw const next.saved;
    // Its own hold has it, too.
    drop(processor.current.replace(next));
    scheduler.tell_of_stop(own);
    // SAFETY: as in `go_to_next`.
    unsafe { switch::switch(&own.saved, &*to) };
}

impl Thread {
    /// Takes it out of the processor that calls, where it ran for so long, but for
    /// its extras; tells whether it has any.
    #[inline(always)]
    fn departs(&self, passed: u64, key: &mut Key) -> bool {
        let times = self.times.get(key);
        times.ran(passed);
        times.leaves();
        let kept = self.kept.get(key);
        kept.fpu.save_if_used();
        kept.has_extras()
    }

    /// Puts it into the processor that calls, but for its memory and its extras;
    /// tells whether it has any.
    ///
    /// # Safety
    ///
    /// It comes next there, in user mode too; `cpu` is the area of the processor
    /// that calls.
    #[inline(always)]
    unsafe fn arrives(&self, cpu: &PerCpu, key: &mut Key) -> bool {
        // SAFETY: in user mode the thread's kernel stack is empty.
        unsafe { cpu.set_kernel_stack(self.stack_top()) };
        self.times.get(key).goes_on(cpu.id());
        *self.is_at_edge.get(key) = false;
        self.kept.get(key).has_extras()
    }
}

/// Makes the processor that calls see the memory of `next`, if that has any, in
/// place of what `leaving` has, or what was `left` before; gives back what nobody
/// here has any more.
///
/// # Safety
///
/// `next` stays while it runs; interrupts are off.
#[inline(always)]
unsafe fn see(
    leaving: Option<&Thread>,
    next: &Thread,
    left: &mut Option<Shared<Pmap>>,
) -> Option<Shared<Pmap>> {
    let Some(pmap) = next.pmap() else {
        keep_seeing(leaving, left);
        return None;
    };
    let before = match leaving.and_then(Thread::pmap) {
        Some(before) => Some(before),
        None => left.as_ref(),
    };
    if !before.is_some_and(|before| before.is_same(pmap)) {
        // SAFETY: passed on to the caller.
        unsafe { pmap.load(before.map(|before| &**before)) };
    }
    // One that its thread has as well can go at once.
    left.take().filter(|left| !left.is_same(pmap))
}

/// What `leaving` has is seen on, for who comes next has nothing to see.
fn keep_seeing(leaving: Option<&Thread>, left: &mut Option<Shared<Pmap>>) {
    if let Some(pmap) = leaving.and_then(Thread::pmap) {
        *left = Some(pmap.clone());
    }
}

/// Takes what few threads have out of the processor, and puts that of `next` into
/// it: breakpoints, and segments of one's own.
#[cold]
fn change_extras(leaving: Option<&Thread>, next: Option<&Thread>, key: &mut Key) {
    let mut had_breakpoints = false;
    if let Some(thread) = leaving {
        had_breakpoints = thread.kept.get(key).debug.are_on();
    }
    let mut segments = None;
    if let Some(thread) = next {
        let kept = thread.kept.get(key);
        // SAFETY: a thread's are allowed to it, and it comes next.
        unsafe { kept.debug.load(had_breakpoints) };
        segments = kept.segments.as_deref();
    }
    // SAFETY: the thread keeps them while it runs; the kernel uses none.
    unsafe { percpu::current().load_own_segments(segments) };
}

impl Processor {
    /// How long it ran what it runs, by its time stamp counter, since that was
    /// asked.
    fn account(&mut self) -> u64 {
        let now = tsc::now();
        now.wrapping_sub(mem::replace(&mut self.since, now))
    }
}
