//! Memory of a recorded machine, for tests; `data/README.md` tells the format.
//!
//! Owns the pieces of one recording. Low memory is there whole, zero where
//! nothing was recorded, as a BIOS search would find it; above it there are the
//! pieces alone. What is read is counted, so that tests can bound the work.
//! `boot`'s tests use this file as well, hence the parts some leave unused.

use std::cell::Cell;

use kernel_core::firmware::PhysicalMemory;

/// A machine's memory.
#[derive(Clone)]
pub(crate) struct Recording {
    pieces: Vec<(u64, Vec<u8>)>,
    put: Vec<(u64, usize)>,
    reads: Cell<u64>,
    bytes_lent: Cell<u64>,
}

const LOW: usize = 1 << 20;

impl Recording {
    /// Memory with nothing in it.
    pub(crate) fn blank() -> Self {
        Self {
            pieces: vec![(0, vec![0; LOW])],
            put: Vec::new(),
            reads: Cell::new(0),
            bytes_lent: Cell::new(0),
        }
    }

    /// The pieces of a `.mem` file.
    pub(crate) fn from_file(mut file: &[u8]) -> Self {
        let mut recording = Self::blank();
        while let Some((address, rest)) = file.split_first_chunk() {
            let (length, rest) = rest.split_first_chunk().expect("a piece has a length");
            let length = u32::from_le_bytes(*length) as usize;
            let (bytes, rest) = rest.split_at(length);
            recording.put(u64::from(u32::from_le_bytes(*address)), bytes);
            file = rest;
        }
        recording
    }

    /// Puts bytes into memory.
    pub(crate) fn put(&mut self, address: u64, bytes: &[u8]) {
        self.put.push((address, bytes.len()));
        for (start, piece) in &mut self.pieces {
            let from = address.checked_sub(*start).map(|from| from as usize);
            if let Some(inside) = from.and_then(|from| piece.get_mut(from..from + bytes.len())) {
                inside.copy_from_slice(bytes);
                return;
            }
        }
        self.pieces.retain(|piece| piece.0 != address);
        self.pieces.push((address, bytes.to_vec()));
    }

    /// The bytes at `address`, which must be there.
    pub(crate) fn take(&self, address: u64, length: usize) -> Vec<u8> {
        self.bytes(address, length).expect("recorded").to_vec()
    }

    /// Puts `bytes` there with the byte at `checksum_at` such that all add up
    /// to zero.
    pub(crate) fn put_summed(&mut self, address: u64, bytes: &[u8], checksum_at: usize) {
        let mut bytes = bytes.to_vec();
        bytes[checksum_at] = 0;
        let sum = bytes.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        bytes[checksum_at] = sum.wrapping_neg();
        self.put(address, &bytes);
    }

    /// Overwrites bytes of what was put in, wherever the indices point.
    pub(crate) fn damage(&mut self, damage: &[(proptest::sample::Index, u8)]) {
        for (index, byte) in damage {
            let total = self.put.iter().map(|&(_, length)| length).sum();
            let mut at = index.index(total);
            let mut ranges = self.put.iter();
            let address = loop {
                let &(address, length) = ranges.next().expect("at is below the total");
                if at < length {
                    break address + at as u64;
                }
                at -= length;
            };
            for (start, bytes) in &mut self.pieces {
                let inside = address.checked_sub(*start).map(|offset| offset as usize);
                if let Some(place) = inside.and_then(|offset| bytes.get_mut(offset)) {
                    *place = *byte;
                }
            }
        }
    }

    /// How many windows were lent, and how many bytes in them.
    pub(crate) fn work(&self) -> (u64, u64) {
        (self.reads.get(), self.bytes_lent.get())
    }
}

impl PhysicalMemory for Recording {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        self.reads.set(self.reads.get() + 1);
        let found = self.pieces.iter().rev().find_map(|(start, bytes)| {
            let from = usize::try_from(address.checked_sub(*start)?).ok()?;
            bytes.get(from..from.checked_add(length)?)
        })?;
        self.bytes_lent.set(self.bytes_lent.get() + length as u64);
        Some(found)
    }
}
