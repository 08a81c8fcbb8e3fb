//! The time stamp counter: what time is measured in before it has a unit.

/// Cycles since reset on this processor (Intel SDM 3B 18.17).
pub(crate) fn now() -> u64 {
    // SAFETY: every supported processor has RDTSC; the entry code checked.
    unsafe { x86::time::rdtsc() }
}
