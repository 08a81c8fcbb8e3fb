//! Lock order: each lock has a rank, and a processor takes them upwards only.
//!
//! Owns the record of what one processor holds. The kernel's locks call it in
//! debug builds, with interrupts off; there is one record a processor.
//!
//! **Invariants**: `held` is sorted by rank, strictly: `acquire` refuses
//! anything else and `release` keeps the order of the rest. The last entry is
//! therefore the highest, and comparing with it is enough.

use core::fmt;

/// How many locks one processor may hold at a time.
pub const MAX_HELD: usize = 16;

/// The place of a lock in the order; higher ranks are taken later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank(pub u8);

/// A lock as the record knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RankedLock {
    /// Its place in the order.
    pub rank: Rank,
    /// What messages call it.
    pub name: &'static str,
}

impl fmt::Display for RankedLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (rank {})", self.name, self.rank.0)
    }
}

/// A lock was taken or released against the rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderError {
    /// `wanted` does not rank above `held`: two processors doing this in
    /// opposite order wait for each other for ever.
    OutOfOrder {
        /// The highest lock held.
        held: RankedLock,
        /// The lock that must not be taken now.
        wanted: RankedLock,
    },
    /// [`MAX_HELD`] are held already; `held` is the highest.
    TooMany {
        /// The highest lock held.
        held: RankedLock,
        /// The lock there is no room for.
        wanted: RankedLock,
    },
    /// Released without being held.
    NotHeld(RankedLock),
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrder { held, wanted } => {
                write!(f, "lock {wanted} taken while holding {held}")
            }
            Self::TooMany { held, wanted } => {
                write!(f, "lock {wanted} is one too many above {held}")
            }
            Self::NotHeld(lock) => write!(f, "lock {lock} released but not held"),
        }
    }
}

/// The locks one processor holds. All zero when new.
pub struct HeldLocks {
    held: [Option<RankedLock>; MAX_HELD],
    count: usize,
}

impl HeldLocks {
    /// No locks held.
    pub const fn new() -> Self {
        Self {
            held: [None; MAX_HELD],
            count: 0,
        }
    }

    /// Notes that `wanted` is about to be taken, if the order allows it. Call
    /// it before spinning: a deadlock is then reported, not suffered.
    pub fn acquire(&mut self, wanted: RankedLock) -> Result<(), OrderError> {
        if let Some(held) = self.highest() {
            if held.rank >= wanted.rank {
                return Err(OrderError::OutOfOrder { held, wanted });
            }
            if self.count == MAX_HELD {
                return Err(OrderError::TooMany { held, wanted });
            }
        }
        self.held[self.count] = Some(wanted);
        self.count += 1;
        Ok(())
    }

    /// Notes that `lock` is released; any held lock may be, not only the last.
    pub fn release(&mut self, lock: RankedLock) -> Result<(), OrderError> {
        let held = &mut self.held[..self.count];
        let Some(place) = held.iter().rposition(|entry| *entry == Some(lock)) else {
            return Err(OrderError::NotHeld(lock));
        };
        held.copy_within(place + 1.., place);
        self.count -= 1;
        Ok(())
    }

    /// The lock that bounds what may be taken next.
    pub fn highest(&self) -> Option<RankedLock> {
        self.iter().next_back()
    }

    /// The locks held, lowest rank first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = RankedLock> {
        self.held[..self.count].iter().flatten().copied()
    }
}

impl Default for HeldLocks {
    fn default() -> Self {
        Self::new()
    }
}
