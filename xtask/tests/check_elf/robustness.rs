//! Whatever bytes a file holds, check-elf answers and does not panic.

use proptest::prelude::*;
use xtask::elf::{Input, check};
use xtask::machine::Cpu;

use crate::report;
use crate::sample::{Sample, WITH_CMOV, named};

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        changes in prop::collection::vec((0_usize..0x3000, any::<u8>()), 0..40),
        header in prop::collection::vec((0_usize..220, any::<u8>()), 0..12),
        length in 0_usize..0x3100,
    ) {
        let mut sample = named(&WITH_CMOV);
        sample.relocations = vec![0; 8];
        let mut bytes = sample.bytes();
        for (at, byte) in changes.into_iter().chain(header) {
            bytes[at] = byte;
        }
        bytes.truncate(length.max(0x2000));
        let _ = report(&bytes);
        let _ = check(&Input { bytes: &Sample::good().bytes(), debug: Some(&bytes), cpu: Cpu::Pentium, gates: None });
    }

    #[test]
    fn no_code_makes_it_panic(text in prop::collection::vec(any::<u8>(), 1..300)) {
        let _ = report(&named(&text).bytes());
        let _ = report(&Sample::new(&text).bytes());
    }
}
