//! The heap: blocks that do not overlap, and failure instead of panic.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;

use crate::ktest::case;
use crate::mm::{self, OutOfMemory, heap};

/// A block that knows whether it is intact.
struct Guarded<const WORDS: usize>([u32; WORDS]);

impl<const WORDS: usize> Guarded<WORDS> {
    fn new(mark: u32) -> Result<Box<Self>, OutOfMemory> {
        heap::try_box(Guarded([mark; WORDS]))
    }

    fn assert_holds(&self, mark: u32) {
        assert!(
            self.0.iter().all(|&word| word == mark),
            "block {mark} was overwritten"
        );
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
    }

    fn keeps_whole_pages_apart() {
        let sizes = [4096, 5000, 12_288, 4097];
        let mut pieces: [Vec<u8>; 4] = [const { Vec::new() }; 4];
        for (mark, (piece, size)) in pieces.iter_mut().zip(sizes).enumerate() {
            piece.try_reserve_exact(size).expect("there is memory");
            piece.resize(size, mark as u8);
        }
        for (mark, piece) in pieces.iter().enumerate() {
            assert!(piece.iter().all(|&byte| byte == mark as u8), "piece {mark} was overwritten");
        }
    }

    fn aligns() {
        for (size, align) in [(80, 64), (1, 256), (100, 512), (4096, 4096), (1, 16_384)] {
            let layout = Layout::from_size_align(size, align).expect("a power of two");
            // SAFETY: no size is zero, and each block goes back as it came.
            unsafe {
                let block = alloc::alloc::alloc(layout);
                assert!(!block.is_null());
                assert_eq!(block.addr() % align, 0, "{layout:?}");
                alloc::alloc::dealloc(block, layout);
            }
        }
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
        assert!(mm::counts().low_free < 4096 || pieces.len() == pieces.capacity());
        if mm::counts().low_free == 0 {
            // Some blocks may be left of what cases before had.
            let small: [_; 64] = core::array::from_fn(|_| Guarded::<508>::new(0));
            assert!(small.iter().any(Result::is_err), "it is not exhausted");
        }
    }
}
