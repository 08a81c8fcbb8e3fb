//! How busy the machine is, averaged over the last seconds.
//!
//! Owns the averages; a second goes by in the tick's handler.

use core::sync::atomic::{AtomicI32, Ordering};

/// What 1 is (`LOAD_SCALE`).
const SCALE: i32 = 1000;
/// Seconds that each average is about.
const SECONDS: [i32; 3] = [5, 30, 60];

/// The averages, each for the same three spans of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Threads that run or are ready.
    pub(crate) averages: [i32; 3],
    /// What a processor would have left for one more thread.
    pub(crate) mach_factors: [i32; 3],
}

static AVERAGES: [AtomicI32; 3] = [const { AtomicI32::new(0) }; 3];
static MACH_FACTORS: [AtomicI32; 3] = [const { AtomicI32::new(0) }; 3];

/// A second has passed, in which `threads` of user mode run or are ready on so
/// many `processors`.
pub(super) fn second_passes(threads: i32, processors: i32) {
    let factor = match threads < processors {
        true => (processors - threads) * SCALE,
        false => processors * SCALE / (threads + 1),
    };
    let now = threads.saturating_mul(SCALE);
    for (place, sample) in [(&AVERAGES, now), (&MACH_FACTORS, factor)] {
        for (average, seconds) in place.iter().zip(SECONDS) {
            let before = average.load(Ordering::Relaxed);
            average.store(before + (sample - before) / seconds, Ordering::Relaxed);
        }
    }
}

/// The averages.
pub(crate) fn load() -> Load {
    let read = |place: &[AtomicI32; 3]| {
        let [first, second, third] = place;
        [first, second, third].map(|average| average.load(Ordering::Relaxed))
    };
    Load {
        averages: read(&AVERAGES),
        mach_factors: read(&MACH_FACTORS),
    }
}
