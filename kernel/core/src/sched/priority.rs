//! A thread's priority: what it was given, what it has used, depression.
//!
//! Owned by the thread, changed under its processor's lock. Time comes from
//! the caller: processor time in milliseconds, and the number of the second,
//! by which usage ages.
//!
//! A time-sharing thread sinks below its priority by what it has lately used,
//! and rises again: each second five eighths of its usage stay. A fixed
//! priority is what it says. A depressed thread has the lowest priority until
//! it runs again, its time is over, or the depression is aborted.
//!
//! **Invariants**
//! - `priority` is never better than `max_priority`; the setters keep it.
//! - `second` is the one by which `usage` was last aged; `age` moves it only
//!   forward.

use super::LOWEST;

/// The worst priority that a user may set (seen; the manual, 7.1.6.1, has fewer).
pub const LOWEST_FOR_USERS: u8 = LOWEST;

/// Milliseconds of recent use for each priority that a thread sinks.
const USE_PER_PRIORITY: u32 = 64;

/// After so many seconds nothing is left of any usage.
const FORGOTTEN: u32 = 64;

/// How a thread is scheduled (`mach/policy.h`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// `POLICY_TIMESHARE`: usage counts.
    Timeshare,
    /// `POLICY_FIXEDPRI`: it does not; with the quantum, in milliseconds.
    FixedPriority {
        /// How long the thread runs before others of its priority do.
        quantum_ms: u32,
    },
}

/// What ends a depression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depression {
    /// There is none.
    No,
    /// Running again, or an abort.
    UntilRun,
    /// These, or this time in milliseconds since boot.
    Until(u64),
}

/// Why a priority was not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PriorityError {
    /// `KERN_INVALID_ARGUMENT`: not from 0 to 63.
    OutOfRange,
    /// `KERN_FAILURE`: better than the thread's maximum.
    BeyondMaximum,
}

impl PriorityError {
    /// The number of `mach/kern_return.h`.
    pub const fn code(self) -> i32 {
        match self {
            Self::OutOfRange => 4,
            Self::BeyondMaximum => 5,
        }
    }
}

/// Whether `thread_priority` sets the maximum too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// The priority alone.
    Priority,
    /// The maximum with it.
    Maximum,
}

/// What the scheduler knows of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduling {
    priority: u8,
    max_priority: u8,
    policy: Policy,
    depression: Depression,
    /// Milliseconds of processor time, aged.
    usage: u32,
    second: u64,
    /// Milliseconds that are left of the quantum.
    quantum_left: u32,
}

impl Scheduling {
    /// A time-sharing thread that has not run. Priorities beyond the lowest
    /// count as the lowest, one better than the maximum as that.
    pub const fn new(priority: u8, max_priority: u8, second: u64) -> Self {
        let max_priority = if max_priority > LOWEST {
            LOWEST
        } else {
            max_priority
        };
        let priority = if priority > LOWEST { LOWEST } else { priority };
        let priority = if priority < max_priority {
            max_priority
        } else {
            priority
        };
        Self {
            priority,
            max_priority,
            policy: Policy::Timeshare,
            depression: Depression::No,
            usage: 0,
            second,
            quantum_left: 0,
        }
    }

    /// The priority that was set.
    pub const fn priority(&self) -> u8 {
        self.priority
    }

    /// The best one that can be set.
    pub const fn max_priority(&self) -> u8 {
        self.max_priority
    }

    /// The policy.
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Recent use in milliseconds, as of the last ageing.
    pub const fn usage_ms(&self) -> u32 {
        self.usage
    }

    /// Whether the thread is depressed.
    pub fn is_depressed(&self) -> bool {
        self.depression != Depression::No
    }

    /// The priority to be queued with.
    pub fn current(&self) -> u8 {
        if self.is_depressed() {
            return LOWEST;
        }
        match self.policy {
            Policy::FixedPriority { .. } => self.priority,
            Policy::Timeshare => {
                let sunk = (self.usage / USE_PER_PRIORITY).min(u32::from(LOWEST));
                self.priority.saturating_add(sunk as u8).min(LOWEST)
            }
        }
    }

    /// Sets the priority (`thread_priority`, manual 7.1.6.1).
    ///
    /// # Errors
    /// `OutOfRange`, `BeyondMaximum`.
    pub fn set_priority(&mut self, priority: u32, reach: Reach) -> Result<(), PriorityError> {
        let priority = user_priority(priority)?;
        if priority < self.max_priority {
            return Err(PriorityError::BeyondMaximum);
        }
        self.priority = priority;
        if reach == Reach::Maximum {
            self.max_priority = priority;
        }
        Ok(())
    }

    /// Sets the maximum, as the holder of the processor set's port may
    /// (`thread_max_priority`); the priority follows where it would be better.
    ///
    /// # Errors
    /// `OutOfRange`.
    pub fn set_max_priority(&mut self, priority: u32) -> Result<(), PriorityError> {
        self.max_priority = user_priority(priority)?;
        self.priority = self.priority.max(self.max_priority);
        Ok(())
    }

    /// Sets the policy; a fixed priority's quantum is rounded up to a multiple
    /// of `min_quantum_ms`; one without end is none (`thread_policy`, 7.1.6.3; the
    /// rounding was seen).
    pub fn set_policy(&mut self, policy: Policy, min_quantum_ms: u32) {
        self.policy = match policy {
            Policy::Timeshare => Policy::Timeshare,
            Policy::FixedPriority { quantum_ms } => {
                let rounded = quantum_ms.checked_next_multiple_of(min_quantum_ms.max(1));
                let quantum_ms = rounded.filter(|&ms| i32::try_from(ms).is_ok());
                Policy::FixedPriority {
                    quantum_ms: quantum_ms.unwrap_or(0),
                }
            }
        };
    }

    /// Lets usage decay up to a second; one that lies back changes nothing.
    pub fn age(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        self.second = self.second.max(second);
        for _ in 0..passed.min(u64::from(FORGOTTEN)) {
            // Five eighths, without overflow.
            self.usage = self.usage / 8 * 5 + self.usage % 8 * 5 / 8;
        }
    }

    /// Begins a quantum when the thread gets the processor: its own for a
    /// fixed priority that has one, else `quantum_ms`. A depression ends.
    pub fn begin(&mut self, quantum_ms: u32) {
        self.depression = Depression::No;
        self.quantum_left = match self.policy {
            Policy::Timeshare | Policy::FixedPriority { quantum_ms: 0 } => quantum_ms,
            Policy::FixedPriority { quantum_ms } => quantum_ms,
        };
    }

    /// Milliseconds that are left of the quantum.
    pub const fn quantum_left(&self) -> u32 {
        self.quantum_left
    }

    /// Goes on with the `quantum_left` of who gives the thread its processor: two
    /// that hand it to each other have one turn together. A fixed priority has its
    /// own quantum.
    pub fn take_turn(&mut self, quantum_left: u32) {
        self.begin(quantum_left.max(1));
    }

    /// Accounts for time on the processor. Whether the quantum is over, so
    /// that others of the same priority are to run.
    pub fn charge(&mut self, used_ms: u32, second: u64) -> bool {
        self.age(second);
        self.usage = self.usage.saturating_add(used_ms);
        self.quantum_left = self.quantum_left.saturating_sub(used_ms);
        self.quantum_left == 0
    }

    /// Depresses the thread (`swtch_pri`, `thread_switch`, manual 7.1.6.2).
    pub fn depress(&mut self, depression: Depression) {
        self.depression = depression;
    }

    /// Ends a depression (`thread_depress_abort`). Whether there was one.
    pub fn abort_depression(&mut self) -> bool {
        let was = self.is_depressed();
        self.depression = Depression::No;
        was
    }

    /// Ends a depression whose time is over. Whether it did.
    pub fn expire_depression(&mut self, now_ms: u64) -> bool {
        match self.depression {
            Depression::Until(end) if end <= now_ms => self.abort_depression(),
            _ => false,
        }
    }
}

fn user_priority(priority: u32) -> Result<u8, PriorityError> {
    match u8::try_from(priority) {
        Ok(priority) if priority <= LOWEST_FOR_USERS => Ok(priority),
        _ => Err(PriorityError::OutOfRange),
    }
}
