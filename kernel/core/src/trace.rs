//! A ring of the last events: what a panic prints and `trace` shows.
//!
//! Owns the storage of one processor's events. Each processor writes to a ring
//! of its own: nothing is shared on the hot path, no cache line travels, and
//! one processor in a tight loop does not push out what another did. Any
//! processor may read any ring at any time; [`in_order`] joins them by time.
//!
//! Writers are the processor's threads and its interrupts, which may nest at
//! any instruction; all of it is atomics, there is no lock to die with. An
//! event being overwritten while it is read is left out. Only if interrupts
//! write a whole ring's worth in the middle of one `record` can that one event
//! come out mixed.
//!
//! **Invariants**: a slot's `stamp` is its event's position plus one, or 0
//! while its fields are written and before the first time; `record` stores it
//! last. Readers trust fields only under the right stamp, seen twice.

use core::sync::atomic::{AtomicU32, Ordering, fence};

/// How many rings [`in_order`] can join.
pub const MAX_RINGS: usize = 8;

/// Something that happened. What `kind`, `a` and `b` mean is the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// The time-stamp counter then.
    pub tsc: u64,
    /// The processor's number.
    pub cpu: u8,
    /// What happened.
    pub kind: u16,
    /// First detail.
    pub a: u32,
    /// Second detail.
    pub b: u32,
}

/// The last `N` events; `N` is a power of two. All zero when new.
pub struct Ring<const N: usize> {
    /// Position of the next event, counted since start, wrapping.
    next: AtomicU32,
    slots: [Slot; N],
}

struct Slot {
    stamp: AtomicU32,
    tsc_low: AtomicU32,
    tsc_high: AtomicU32,
    cpu_and_kind: AtomicU32,
    a: AtomicU32,
    b: AtomicU32,
}

impl Slot {
    const fn new() -> Self {
        Self {
            stamp: AtomicU32::new(0),
            tsc_low: AtomicU32::new(0),
            tsc_high: AtomicU32::new(0),
            cpu_and_kind: AtomicU32::new(0),
            a: AtomicU32::new(0),
            b: AtomicU32::new(0),
        }
    }

    fn read(&self, position: u32) -> Option<Event> {
        let stamp = position.wrapping_add(1);
        if stamp == 0 || self.stamp.load(Ordering::Acquire) != stamp {
            return None;
        }
        let tsc_low = self.tsc_low.load(Ordering::Relaxed);
        let tsc_high = self.tsc_high.load(Ordering::Relaxed);
        let cpu_and_kind = self.cpu_and_kind.load(Ordering::Relaxed);
        let [kind_low, kind_high, cpu, _] = cpu_and_kind.to_le_bytes();
        let event = Event {
            tsc: u64::from(tsc_high) << 32 | u64::from(tsc_low),
            cpu,
            kind: u16::from_le_bytes([kind_low, kind_high]),
            a: self.a.load(Ordering::Relaxed),
            b: self.b.load(Ordering::Relaxed),
        };
        // The fields above are read before the stamp below.
        fence(Ordering::Acquire);
        (self.stamp.load(Ordering::Relaxed) == stamp).then_some(event)
    }

    fn write(&self, position: u32, event: Event) {
        self.stamp.store(0, Ordering::Relaxed);
        // The stamp above is cleared before the fields below change.
        fence(Ordering::Release);
        let [kind_low, kind_high] = event.kind.to_le_bytes();
        let cpu_and_kind = u32::from_le_bytes([kind_low, kind_high, event.cpu, 0]);
        self.tsc_low.store(event.tsc as u32, Ordering::Relaxed);
        self.tsc_high
            .store((event.tsc >> 32) as u32, Ordering::Relaxed);
        self.cpu_and_kind.store(cpu_and_kind, Ordering::Relaxed);
        self.a.store(event.a, Ordering::Relaxed);
        self.b.store(event.b, Ordering::Relaxed);
        self.stamp
            .store(position.wrapping_add(1), Ordering::Release);
    }
}

impl<const N: usize> Ring<N> {
    /// A ring without events.
    pub const fn new() -> Self {
        const {
            assert!(
                N.is_power_of_two() && N <= 1 << 16,
                "positions wrap at 2^32, which must be a multiple of N"
            );
        }
        Self {
            next: AtomicU32::new(0),
            slots: [const { Slot::new() }; N],
        }
    }

    /// Adds an event; the oldest gives way. May be interrupted by itself.
    pub fn record(&self, event: Event) {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        self.slots[position as usize % N].write(position, event);
    }

    /// The last events, oldest first.
    pub fn snapshot(&self) -> impl Iterator<Item = Event> + '_ {
        let next = self.next.load(Ordering::Acquire);
        let oldest = self.oldest(next);
        (0..N as u32).filter_map(move |age| self.at(oldest.wrapping_add(age)))
    }

    fn oldest(&self, next: u32) -> u32 {
        next.wrapping_sub(N as u32)
    }

    fn at(&self, position: u32) -> Option<Event> {
        self.slots[position as usize % N].read(position)
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The events of several rings, oldest first; rings beyond [`MAX_RINGS`] are
/// left out. Time-stamp counters are taken to agree between processors.
pub fn in_order<'a, const N: usize>(rings: &'a [&'a Ring<N>]) -> impl Iterator<Item = Event> + 'a {
    let rings = &rings[..rings.len().min(MAX_RINGS)];
    // Position of the next event, and how many are left.
    let mut cursors = [(0u32, 0u32); MAX_RINGS];
    for (ring, cursor) in rings.iter().zip(&mut cursors) {
        let next = ring.next.load(Ordering::Acquire);
        *cursor = (ring.oldest(next), N as u32);
    }
    core::iter::from_fn(move || {
        let mut earliest: Option<(usize, Event)> = None;
        for (index, ring) in rings.iter().enumerate() {
            let (position, left) = &mut cursors[index];
            // Pass over what was never written or is gone by now.
            let event = loop {
                if *left == 0 {
                    break None;
                }
                if let Some(event) = ring.at(*position) {
                    break Some(event);
                }
                *position = position.wrapping_add(1);
                *left -= 1;
            };
            if let Some(event) = event {
                if earliest.is_none_or(|(_, best)| event.tsc < best.tsc) {
                    earliest = Some((index, event));
                }
            }
        }
        let (index, event) = earliest?;
        let (position, left) = &mut cursors[index];
        *position = position.wrapping_add(1);
        *left = left.saturating_sub(1);
        Some(event)
    })
}
