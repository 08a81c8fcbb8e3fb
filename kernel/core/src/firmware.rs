//! Physical memory as parsers see it: windows of bytes that may be refused.
//!
//! Owns the one trait through which loader and firmware data is read, and the
//! checked little-endian fields of such data. `boot` implements the trait over
//! memory without paging, the kernel over its direct map, tests over recorded
//! bytes ([`Recorded`]).

#![forbid(unsafe_code)]

/// Physical memory that may be read, a window at a time.
pub trait PhysicalMemory {
    /// The `length` bytes at physical `address`, or `None` if any of them can't
    /// be read: outside memory, not mapped, past the end of addresses. A window
    /// is lent, not copied, so that a scan costs one load a step; whoever
    /// implements this keeps the bytes unchanged as long as they are lent.
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]>;
}

/// Little-endian fields of a record, checked: `None` beyond its end.
pub trait Fields {
    /// The byte at `offset`.
    fn u8_at(&self, offset: usize) -> Option<u8>;
    /// The 16-bit number at `offset`.
    fn u16_at(&self, offset: usize) -> Option<u16>;
    /// The 32-bit number at `offset`.
    fn u32_at(&self, offset: usize) -> Option<u32>;
    /// The 64-bit number at `offset`.
    fn u64_at(&self, offset: usize) -> Option<u64>;
}

impl Fields for [u8] {
    fn u8_at(&self, offset: usize) -> Option<u8> {
        self.get(offset).copied()
    }

    fn u16_at(&self, offset: usize) -> Option<u16> {
        array_at(self, offset).map(u16::from_le_bytes)
    }

    fn u32_at(&self, offset: usize) -> Option<u32> {
        array_at(self, offset).map(u32::from_le_bytes)
    }

    fn u64_at(&self, offset: usize) -> Option<u64> {
        array_at(self, offset).map(u64::from_le_bytes)
    }
}

fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// Whether the bytes add up to zero, as every ACPI and MP table's must.
pub fn checksum_holds(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}

/// What `accept` makes of the first place in `area`, in steps of 16, that holds
/// `SIGNATURE` (four characters, the first in the lowest byte); it is given
/// the bytes from there on. A boot without ACPI takes 12,288 such steps: four
/// are one iteration here, at some three instructions a step.
pub(crate) fn scan<'a, const SIGNATURE: u32, T>(
    area: &'a [u8],
    mut accept: impl FnMut(&'a [u8]) -> Option<T>,
) -> Option<T> {
    const STEP: usize = 16;
    let holds = |at: &[u8]| at.u32_at(0) == Some(SIGNATURE);
    let mut rest = area;
    while let Some((block, behind)) = rest.split_first_chunk::<{ 4 * STEP }>() {
        let [a, b, c, d] = [0, STEP, 2 * STEP, 3 * STEP];
        if holds(&block[a..]) || holds(&block[b..]) || holds(&block[c..]) || holds(&block[d..]) {
            for step in [a, b, c, d] {
                let from = rest.get(step..).filter(|from| holds(from));
                if let Some(found) = from.and_then(&mut accept) {
                    return Some(found);
                }
            }
        }
        rest = behind;
    }
    // Areas are whole KiB: nothing is left over.
    None
}

/// Four characters as [`scan`] wants them.
pub(crate) const fn signature(characters: [u8; 4]) -> u32 {
    u32::from_le_bytes(characters)
}

/// Where the BIOS data area says the extended BIOS data area starts, if that is
/// plausible: the segment at 0x40E, in the last 512 KiB below 640 KiB.
pub(crate) fn extended_bios_data_area(memory: &impl PhysicalMemory) -> Option<u64> {
    const SEGMENT_AT: u64 = 0x40e;
    let segment = memory.bytes(SEGMENT_AT, 2)?.u16_at(0)?;
    let address = u64::from(segment) << 4;
    (0x2_0000..0xa_0000).contains(&address).then_some(address)
}

/// Memory that is known in pieces only: `(address, bytes)`, for tests and for
/// reading the dump of a machine. A window must lie inside one piece.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a>(pub &'a [(u64, &'a [u8])]);

impl PhysicalMemory for Recorded<'_> {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        self.0.iter().find_map(|&(start, bytes)| {
            let from = usize::try_from(address.checked_sub(start)?).ok()?;
            bytes.get(from..from.checked_add(length)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Fields, PhysicalMemory, Recorded, checksum_holds, extended_bios_data_area, scan, signature,
    };

    #[test]
    fn fields_end_with_the_record() {
        let record: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(record.u16_at(6), Some(0x0807));
        assert_eq!(record.u32_at(1), Some(0x0504_0302));
        assert_eq!(record.u64_at(0), Some(0x0807_0605_0403_0201));
        assert_eq!(record.u64_at(1), None);
        assert_eq!(record.u8_at(8), None);
        assert_eq!(record.u32_at(usize::MAX), None);
    }

    #[test]
    fn a_window_lies_in_one_piece() {
        let memory = Recorded(&[(0x1000, &[1, 2]), (0x1002, &[3])]);
        assert_eq!(memory.bytes(0x1001, 1), Some(&[2][..]));
        assert_eq!(memory.bytes(0x1001, 2), None);
        assert_eq!(memory.bytes(0xfff, 1), None);
        assert_eq!(memory.bytes(u64::MAX, usize::MAX), None);
    }

    #[test]
    fn the_scan_goes_on_after_a_refusal() {
        const MP: u32 = signature(*b"_MP_");
        let mut area = [0u8; 192];
        area[16..20].copy_from_slice(b"_MP_");
        area[24..28].copy_from_slice(b"_MP_"); // not on a paragraph
        for place in [32, 64, 176] {
            area[place..place + 4].copy_from_slice(b"_MP_");
        }
        let lengths = |wanted: usize| {
            let mut seen = 0;
            let found = scan::<MP, usize>(&area, |rest| {
                seen += 1;
                (rest.len() == wanted).then_some(rest.len())
            });
            (seen, found)
        };
        assert_eq!(lengths(192 - 16), (1, Some(192 - 16)));
        assert_eq!(lengths(192 - 32), (2, Some(192 - 32)));
        assert_eq!(lengths(192 - 64), (3, Some(192 - 64)));
        assert_eq!(lengths(192 - 176), (4, Some(192 - 176)));
        assert_eq!(lengths(192 - 24), (4, None));
    }

    #[test]
    fn sums_and_the_extended_area() {
        assert!(checksum_holds(&[0xff, 1]));
        assert!(!checksum_holds(&[0xff, 2]));
        assert_eq!(
            extended_bios_data_area(&Recorded(&[(0x40e, &[0xc0, 0x9f])])),
            Some(0x9fc00)
        );
        assert_eq!(
            extended_bios_data_area(&Recorded(&[(0x40e, &[0, 0])])),
            None
        );
    }
}
