//! The heap: blocks that do not overlap, and failure instead of panic.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ktest::case;
use crate::mm::{OutOfMemory, frames, heap};

/// A block that knows whether it is intact.
struct Guarded<const WORDS: usize>([u32; WORDS]);

impl<const WORDS: usize> Guarded<WORDS> {
    fn new(mark: u32) -> Result<Box<Self>, OutOfMemory> {
        heap::try_box(Guarded([mark; WORDS]))
    }

    fn assert_holds(&self, mark: u32) {
        assert!(self.0.iter().all(|&word| word == mark), "block {mark} was overwritten");
    }
}

fn exercise<const WORDS: usize>() {
    const COUNT: u32 = 40;
    let mut blocks = Vec::new();
    blocks.try_reserve(COUNT as usize).expect("there is memory");
    for mark in 0..COUNT {
        blocks.push(Guarded::<WORDS>::new(mark).expect("there is memory"));
    }
    // Every other one goes and comes back, so that free lists are used.
    for mark in (0..COUNT).step_by(2) {
        blocks[mark as usize] = Guarded::new(mark).expect("there is memory");
    }
    for (mark, block) in (0..COUNT).zip(&blocks) {
        block.assert_holds(mark);
    }
}

case! {
    fn keeps_blocks_of_every_size_apart() {
        exercise::<1>();
        exercise::<4>();
        exercise::<9>();
        exercise::<31>();
        exercise::<100>();
        exercise::<168>();
        exercise::<340>();
        exercise::<508>();
        exercise::<1024>();
        exercise::<2500>();
    }

    fn aligns() {
        #[repr(align(64))]
        struct Line([u8; 80]);
        let line = heap::try_box(Line([0; 80])).expect("there is memory");
        assert_eq!((&raw const line.0).addr() % 64, 0);
        #[repr(align(4096))]
        struct Page([u8; 4096]);
        let page = heap::try_box(Page([0; 4096])).expect("there is memory");
        assert_eq!((&raw const page.0).addr() % 4096, 0);
    }

    fn says_when_there_is_no_more() {
        let mut huge: Vec<u8> = Vec::new();
        assert!(huge.try_reserve(1 << 30).is_err(), "a gibibyte in a row");
    }

    /// Takes all low memory, in pieces; the last request fails, nothing else.
    fn survives_exhaustion() {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        pieces.try_reserve(4096).expect("there is memory");
        let mut size = 64 << 20;
        while size >= 4096 && pieces.len() < pieces.capacity() {
            let mut piece = Vec::new();
            match piece.try_reserve_exact(size) {
                Ok(()) => pieces.push(piece),
                Err(_) => size /= 2,
            }
        }
        assert!(frames::counts().low_free < 4096 || pieces.len() == pieces.capacity());
        if frames::counts().low_free == 0 {
            assert!(Guarded::<1024>::new(0).is_err());
        }
    }
}
