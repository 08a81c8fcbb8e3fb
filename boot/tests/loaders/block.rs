//! Multiboot information blocks made up field by field.

use boot::{
    loader::{LoaderInfo, Region},
    multiboot,
};

use crate::recording::Recording;

/// What the block at `address`, which must be readable, says.
pub(crate) fn read(memory: &Recording, address: u64) -> Box<LoaderInfo> {
    let mut info = Box::new(LoaderInfo::EMPTY);
    multiboot::read(memory, address, &mut info).expect("the block is readable");
    info
}

/// Bytes of an information block, to be changed field by field.
pub(crate) struct Block(pub(crate) [u8; 118]);

impl Block {
    pub(crate) const AT: u64 = 0x5000;

    pub(crate) fn new(flags: u32) -> Self {
        Self([0; 118]).with(0, flags)
    }

    pub(crate) fn with(mut self, offset: usize, value: u32) -> Self {
        self.0[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn read(self, memory: &mut Recording) -> Box<LoaderInfo> {
        memory.put(Self::AT, &self.0);
        read(memory, Self::AT)
    }
}

/// A memory map entry that says it has this size.
pub(crate) fn map_entry(size: u32, region: Region) -> Vec<u8> {
    let mut entry = size.to_le_bytes().to_vec();
    entry.extend(region.start.to_le_bytes());
    entry.extend(region.length.to_le_bytes());
    entry.extend(region.kind.e820().to_le_bytes());
    entry
}
