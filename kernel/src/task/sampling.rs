//! Samples of where tasks and threads are (manual 7.9).
//!
//! Owns the samples of whoever is sampled: the last [`MOST`], with how many there
//! have been. Taken at the ticks that meet a thread, and at its page faults;
//! always of where it is in user mode.
//!
//! **Invariants**: stand beside the fields.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use abi::layout::thread::{
    SAMPLED_PC_PERIODIC, SAMPLED_PC_VM_COW_FAULTS, SAMPLED_PC_VM_FAULTS_ANY,
    SAMPLED_PC_VM_PAGEIN_FAULTS, SAMPLED_PC_VM_ZFILL_FAULTS, SampledPc,
};

use super::{Shortage, UserThread};
use crate::sched::{self, Thread};
use crate::sync::{IrqLock, rank};
use crate::vm::Counts;

/// Samples that are kept.
pub(crate) const MOST: usize = 512;

/// The samples of a task or thread.
pub(crate) struct Sampler(IrqLock<rank::Samples, State>);

struct State {
    /// The sample with number `n` is at `n % MOST`; of one that is sampled there
    /// are [`MOST`] places, of others none.
    samples: Vec<SampledPc>,
    /// Kinds that are taken, of `SAMPLED_PC_*`.
    kinds: u32,
    /// How many there have been since it is sampled; stays when it is not any
    /// more (seen).
    count: u32,
}

/// It is not sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotSampled;

/// How many are sampled: nobody looks for whom while there is none.
static SAMPLED: AtomicU32 = AtomicU32::new(0);

const NONE: SampledPc = SampledPc {
    id: 0,
    pc: 0,
    sampletype: 0,
};

impl Sampler {
    /// Takes none.
    pub(super) const fn new() -> Sampler {
        Sampler(IrqLock::new(State {
            samples: Vec::new(),
            kinds: 0,
            count: 0,
        }))
    }

    /// From now on takes samples of these kinds. One that does already goes on
    /// counting.
    pub(crate) fn enable(&self, kinds: u32) -> Result<(), Shortage> {
        sched::SAMPLE.call_once(|| on_tick);
        let mut room = Vec::new();
        room.try_reserve_exact(MOST).map_err(|_| Shortage)?;
        room.resize(MOST, NONE);
        let mut state = self.0.lock();
        if state.samples.is_empty() {
            core::mem::swap(&mut state.samples, &mut room);
            state.count = 0;
            SAMPLED.fetch_add(1, Ordering::Relaxed);
        }
        state.kinds = kinds;
        drop(state);
        drop(room);
        Ok(())
    }

    /// Takes none any more; how many there have been.
    pub(crate) fn disable(&self) -> u32 {
        let mut state = self.0.lock();
        let samples = core::mem::take(&mut state.samples);
        let count = state.count;
        drop(state);
        if !samples.is_empty() {
            SAMPLED.fetch_sub(1, Ordering::Relaxed);
        }
        count
    }

    /// Puts the samples from number `from` on, as far as they are kept, into
    /// `into`, which has room for [`MOST`]; the number of the next.
    pub(crate) fn samples(&self, from: u32, into: &mut Vec<SampledPc>) -> Result<u32, NotSampled> {
        let state = self.0.lock();
        if state.samples.is_empty() {
            return Err(NotSampled);
        }
        let first = from.max(state.count.saturating_sub(MOST as u32));
        let room = into.capacity();
        let numbers = (first..state.count).take(room);
        into.extend(numbers.map(|number| state.samples[number as usize % MOST]));
        Ok(state.count)
    }

    fn note(&self, kind: u32, id: u32, pc: u32) {
        let mut state = self.0.lock();
        if state.kinds & kind == 0 || state.samples.is_empty() {
            return;
        }
        let at = state.count as usize % MOST;
        state.samples[at] = SampledPc {
            id,
            pc,
            sampletype: kind,
        };
        state.count = state.count.saturating_add(1);
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.disable();
    }
}

/// A tick met `thread`, which is, or goes on, at `pc` in user mode; from the
/// scheduler, in the tick's handler.
fn on_tick(thread: &Thread, pc: u32) {
    note(thread, SAMPLED_PC_PERIODIC, pc);
}

/// The thread that calls had a page fault at `pc`, which led to `did`: a sample of
/// each kind. No page is reactivated by a fault: it is mapped until it goes.
pub(super) fn on_fault(pc: u32, did: Counts) {
    if SAMPLED.load(Ordering::Relaxed) == 0 {
        return;
    }
    for (kind, count) in [
        (SAMPLED_PC_VM_FAULTS_ANY, 1),
        (SAMPLED_PC_VM_ZFILL_FAULTS, did.zero_filled),
        (SAMPLED_PC_VM_COW_FAULTS, did.copied),
        (SAMPLED_PC_VM_PAGEIN_FAULTS, did.paged_in),
    ] {
        if count > 0 {
            sched::with_current(|thread| note(thread, kind, pc));
        }
    }
}

fn note(thread: &Thread, kind: u32, pc: u32) {
    if SAMPLED.load(Ordering::Relaxed) == 0 {
        return;
    }
    if let Some(user) = thread.upper::<UserThread>() {
        let id = core::ptr::from_ref(thread).addr() as u32;
        user.sampler.note(kind, id, pc);
        user.task.sampler.note(kind, id, pc);
    }
}
