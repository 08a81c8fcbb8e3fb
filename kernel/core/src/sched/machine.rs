//! The threads that are ready on a machine of several processors.
//!
//! Owns a [`RunQueue`] for each processor, and what each of them counts as running.
//! Whoever is ready goes where somebody worse runs, or else back to where it ran;
//! a processor takes the best of all, and of equals one of its own. So threads stay
//! where their memory is in the cache, and no processor runs anybody while a better
//! one waits.
//!
//! **Invariants**
//! - Bit `q` of `occupied` is set exactly if `queues[q]` has a thread; `put` and
//!   `remove` keep it. Broken, a thread would never run.
//! - A processor that is told to choose counts as running the best that came for it,
//!   until it has chosen. Broken, two would come for it, and one of them wait while
//!   another processor runs somebody worse.

use super::LOWEST;
use super::queue::{Links, RunQueue};

/// What stands for a processor that runs nobody: worse than any thread.
pub const NOBODY: u8 = LOWEST + 1;

/// How much longer the first of another processor's queue may have waited than an
/// equal of the own one, in the caller's unit of time: a turn of each of two.
pub const PATIENCE: u32 = 20;

/// The queues of `N` processors at most.
pub struct Machine<H, const N: usize> {
    queues: [RunQueue<H>; N],
    runs: [u8; N],
    occupied: u32,
}

/// Where a thread becomes ready, and when.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The processor that it ran on last; any if it never ran.
    pub last: usize,
    /// The processor that makes it ready.
    pub own: usize,
    /// How many processors there are, from 0.
    pub online: usize,
    /// The time.
    pub now: u32,
}

impl<H: Copy, const N: usize> Machine<H, N> {
    /// Nobody is ready, and no processor runs anybody.
    pub const fn new() -> Self {
        Self {
            queues: [const { RunQueue::new() }; N],
            runs: [NOBODY; N],
            occupied: 0,
        }
    }

    /// How many threads wait.
    pub fn len(&self) -> u32 {
        self.queues.iter().map(RunQueue::len).sum()
    }

    /// Whether none waits.
    pub const fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// The best priority that waits.
    #[inline]
    pub fn best(&self) -> Option<u8> {
        match self.occupied {
            0 => None,
            _ => self.best_of_all(),
        }
    }

    #[inline(never)]
    fn best_of_all(&self) -> Option<u8> {
        let mut occupied = self.occupied;
        let mut best = NOBODY;
        while occupied != 0 {
            let queue = &self.queues[occupied.trailing_zeros() as usize % N];
            best = queue.best().unwrap_or(NOBODY).min(best);
            occupied &= occupied - 1;
        }
        (best < NOBODY).then_some(best)
    }

    /// Processor `id` has chosen a thread of this priority, or [`NOBODY`].
    pub const fn chose(&mut self, id: usize, priority: u8) {
        self.runs[id] = priority;
    }

    /// What processor `id` runs has this priority from now on. While it `is_told` to
    /// choose, it counts as running the one that is to come, if that is better.
    pub const fn runs_now(&mut self, id: usize, priority: u8, is_told: bool) {
        let place = &mut self.runs[id];
        if !is_told || priority < *place {
            *place = priority;
        }
    }

    /// Puts a thread where it belongs; the processor that is to choose again because
    /// of it, if any is.
    pub fn put(
        &mut self,
        thread: H,
        priority: u8,
        place: Place,
        links: &mut impl Links<H>,
    ) -> Option<usize> {
        let priority = priority.min(LOWEST);
        let (id, is_better) = self.place(priority, place);
        self.queues[id].push(thread, priority, links);
        let link = links.link(thread);
        link.queue = id as u8;
        link.since = place.now;
        self.occupied |= 1 << id;
        if is_better {
            self.runs[id] = priority;
        }
        is_better.then_some(id)
    }

    /// The processor for a thread, and whether that runs somebody worse.
    fn place(&self, priority: u8, place: Place) -> (usize, bool) {
        let online = place.online.min(N);
        if online <= 1 {
            return (0, priority < self.runs[0]);
        }
        let last = if place.last < online { place.last } else { 0 };
        let mut worst = last;
        if self.runs[place.own] > self.runs[worst] {
            worst = place.own;
        }
        let mut shortest = last;
        for id in 0..online {
            if self.runs[id] > self.runs[worst] {
                worst = id;
            }
            if self.queues[id].len() < self.queues[shortest].len() {
                shortest = id;
            }
        }
        if priority < self.runs[worst] {
            return (worst, true);
        }
        // One more or less is not worth a cold cache.
        let is_long = self.queues[last].len() > self.queues[shortest].len() + 1;
        (if is_long { shortest } else { last }, false)
    }

    /// Takes the best thread out, for processor `own`: of equals one of its own
    /// queue, or one that has waited for much longer in another.
    pub fn take(&mut self, own: usize, links: &mut impl Links<H>) -> Option<H> {
        if self.occupied == 0 {
            return None;
        }
        let id = if self.occupied == 1 << own {
            own
        } else {
            self.source(own, links)?
        };
        let thread = self.queues[id].take(links);
        self.has_lost(id);
        thread
    }

    /// The queue whose first is the one for processor `own`.
    fn source(&self, own: usize, links: &mut impl Links<H>) -> Option<usize> {
        let best = self.best()?;
        let newest = self.firsts(best).map(|(_, first)| links.link(first).since);
        let newest = newest.reduce(|one, other| if is_before(one, other) { other } else { one })?;
        let mut found: Option<(usize, u32)> = None;
        for (id, first) in self.firsts(best) {
            let bonus = if id == own { PATIENCE } else { 0 };
            let waited = newest.wrapping_sub(links.link(first).since) + bonus;
            if found.is_none_or(|(_, longest)| waited > longest) {
                found = Some((id, waited));
            }
        }
        found.map(|(id, _)| id)
    }

    /// The queues that have anybody of this priority, and who came first there.
    fn firsts(&self, priority: u8) -> impl Iterator<Item = (usize, H)> + use<'_, H, N> {
        let queues = self.queues.iter().enumerate();
        queues.filter_map(move |(id, queue)| Some((id, queue.first_of(priority)?)))
    }

    /// Takes a thread out, wherever it waits; tells whether it did.
    pub fn remove(&mut self, thread: H, links: &mut impl Links<H>) -> bool {
        let id = usize::from(links.link(thread).queue);
        let was = self.queues[id].remove(thread, links).is_some();
        self.has_lost(id);
        was
    }

    /// Queue `id` may have become empty.
    fn has_lost(&mut self, id: usize) {
        if self.queues[id].is_empty() {
            self.occupied &= !(1 << id);
        }
    }

    /// Who has waited longest with `priority` in the queue of processor `id`.
    pub fn first_of(&self, id: usize, priority: u8) -> Option<H> {
        self.queues.get(id)?.first_of(priority)
    }
}

impl<H: Copy, const N: usize> Default for Machine<H, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a time is before another; they are close, and may have begun anew at 0.
const fn is_before(one: u32, other: u32) -> bool {
    other.wrapping_sub(one) < 1 << 31
}
