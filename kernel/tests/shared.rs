//! Shared values: freed once, by the last owner, and refused without memory.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::{percpu, processor};
use crate::ipi::call;
use crate::ktest::case;
use crate::mm;
use crate::mm::shared::Shared;

/// Counts its drops.
struct Witness<'a>(&'a AtomicU32);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A link of a chain that takes half a page.
struct Link {
    next: Option<Shared<Link>>,
    bytes: [u8; 1900],
}

/// How many processors are to clone and have not come yet.
static MISSING: AtomicU32 = AtomicU32::new(0);

/// Clones the `Shared<AtomicU32>` at `address`, uses and drops it, many times,
/// and all processors do so at a time.
fn clone_and_drop(address: u32, times: u32) {
    // SAFETY: the asker keeps it on its stack until all have done this.
    let shared = unsafe { &*(address as usize as *const Shared<AtomicU32>) };
    MISSING.fetch_sub(1, Ordering::Relaxed);
    while MISSING.load(Ordering::Relaxed) != 0 {
        processor::relax();
    }
    for _ in 0..times {
        let own = shared.clone();
        own.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes low memory in large pieces until little of it is left.
fn take_most() -> Vec<Vec<u8>> {
    const LITTLE: u32 = 64;
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    pieces.try_reserve(4096).expect("there is memory");
    let mut size = 64 << 20;
    while mm::counts().low_free > LITTLE && size >= 4096 && pieces.len() < 4096 {
        let mut piece = Vec::new();
        match piece.try_reserve_exact(size) {
            Ok(()) => pieces.push(piece),
            Err(_) => size /= 2,
        }
    }
    pieces
}

case! {
    fn goes_with_the_last_owner() {
        let drops = AtomicU32::new(0);
        let first = Shared::try_new(Witness(&drops)).expect("there is memory");
        let second = first.clone();
        drop(first);
        assert_eq!(drops.load(Ordering::Relaxed), 0, "it has an owner");
        let third = second.clone();
        drop(second);
        drop(third);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    fn tells_the_same_from_an_equal() {
        let one = Shared::try_new(7).expect("there is memory");
        let other = Shared::try_new(7).expect("there is memory");
        assert!(one.is_same(&one.clone()));
        assert!(!one.is_same(&other));
        assert_eq!(*one, *other);
    }

    /// A count that lost or won a step would leak the block, or free it early.
    /// The asker waits meanwhile: it takes three processors for two to race.
    fn counts_right_on_all_processors() {
        const TIMES: u32 = 100_000;
        let others = percpu::online() as u32 - 1;
        MISSING.store(others, Ordering::Relaxed);
        let shared = Shared::try_new(AtomicU32::new(0)).expect("there is memory");
        call::on_others(clone_and_drop, (&raw const shared).addr() as u32, TIMES);
        assert_eq!(shared.load(Ordering::Relaxed), others * TIMES);
    }

    /// A chain of all low memory left; the value that finds no room is dropped, and
    /// so gives back the chain that it was to lengthen.
    fn are_refused_without_memory() {
        let _most = take_most();
        let before = mm::counts();
        let mut end: Option<Shared<Link>> = None;
        loop {
            let next = end.clone();
            let Ok(link) = Shared::try_new(Link { next, bytes: [1; 1900] }) else {
                break;
            };
            end = Some(link);
        }
        assert_eq!(mm::counts().low_free, 0);
        // One after the other: a chain must not drop itself by recursion.
        while let Some(link) = end {
            assert!(link.bytes.iter().all(|&byte| byte == 1), "was overwritten");
            end = link.next.clone();
        }
        assert_eq!(mm::counts(), before);
    }
}
