//! Where the segments go: protection, memory map, entry. Pure.

use object::LittleEndian as LE;

use super::finding::{Finding, Place, Rule};
use super::image::{Access, Image, Segment};

/// Below it is the BIOS's memory.
const LOWEST: u64 = 1 << 20;
/// The smallest machine the kernel boots on has this much memory.
const HIGHEST: u64 = 8 << 20;
/// The kernel's half of each address space, mapping low memory in order.
const KERNEL_BASE: u32 = 0xC000_0000;
const LINK_SCRIPT: &str = "mend the segments in kernel/link.ld";

/// Checks every segment and the entry.
pub fn check(image: &Image<'_>, findings: &mut Vec<Finding>) {
    for segment in &image.segments {
        protection(segment, findings);
        place(segment, findings);
    }
    overlaps(&image.segments, findings);
    let entry = image.header.e_entry.get(LE);
    if let Some(why) = bad_entry(image, entry) {
        findings.push(Finding::new(
            Rule::Entry,
            Place::Offset(24),
            format!("the entry {entry:#010x} {why}"),
            "ENTRY in kernel/link.ld must name code of the .boot.text section",
        ));
    }
}

/// Why a loader cannot enter at this address with paging off.
pub fn bad_entry(image: &Image<'_>, entry: u32) -> Option<String> {
    match image.code_at(entry) {
        Some(segment) if segment.physical_address == segment.virtual_address => None,
        Some(segment) => Some(format!(
            "is in segment {}, which runs at {:#010x} but is loaded at {:#010x}: loaders enter with paging off",
            segment.index, segment.virtual_address, segment.physical_address
        )),
        None => Some("is in no executable segment's contents".to_owned()),
    }
}

fn header_offset(image_index: usize) -> u64 {
    // The ELF header is 52 bytes, each program header 32.
    52 + 32 * image_index as u64
}

fn protection(segment: &Segment<'_>, findings: &mut Vec<Finding>) {
    if (segment.write, segment.execute) == (Access::Granted, Access::Granted) {
        findings.push(Finding::new(
            Rule::WriteExecute,
            Place::Offset(header_offset(segment.index)),
            format!(
                "segment {} ({} bytes at {:#010x}) is writable and executable: whoever can write there runs code",
                segment.index, segment.memory_size, segment.virtual_address
            ),
            "give code and data segments of their own in kernel/link.ld",
        ));
    }
}

fn place(segment: &Segment<'_>, findings: &mut Vec<Finding>) {
    let mut wrong = |message: String| {
        findings.push(Finding::new(
            Rule::Map,
            Place::Offset(header_offset(segment.index)),
            format!("segment {} {message}", segment.index),
            LINK_SCRIPT,
        ));
    };
    let (begin, end) = range(segment.physical_address, segment);
    if segment.data.len() as u64 > u64::from(segment.memory_size) {
        wrong(format!(
            "has {} bytes in the file but only {} in memory",
            segment.data.len(),
            segment.memory_size
        ));
    }
    if begin < LOWEST {
        wrong(format!(
            "is loaded at {begin:#010x}, below 1 MiB, where the BIOS keeps its own"
        ));
    }
    if end > HIGHEST {
        wrong(format!(
            "is loaded up to {end:#010x}, beyond the 8 MiB of the smallest machine"
        ));
    }
    let (_, virtual_end) = range(segment.virtual_address, segment);
    let distance = segment
        .virtual_address
        .wrapping_sub(segment.physical_address);
    if virtual_end > 1 << 32 || (distance != 0 && distance != KERNEL_BASE) {
        wrong(format!(
            "runs at {:#010x} and is loaded at {:#010x}: neither the same address nor {KERNEL_BASE:#x} apart",
            segment.virtual_address, segment.physical_address
        ));
    }
}

fn range(begin: u32, segment: &Segment<'_>) -> (u64, u64) {
    let begin = u64::from(begin);
    (begin, begin + u64::from(segment.memory_size))
}

fn overlaps(segments: &[Segment<'_>], findings: &mut Vec<Finding>) {
    for (position, a) in segments.iter().enumerate() {
        for b in &segments[..position] {
            let meets = |of: fn(&Segment<'_>) -> u32| {
                let (a_begin, a_end) = range(of(a), a);
                let (b_begin, b_end) = range(of(b), b);
                a_begin < b_end && b_begin < a_end
            };
            let space = if meets(|s| s.physical_address) {
                "physical"
            } else if meets(|s| s.virtual_address) {
                "virtual"
            } else {
                continue;
            };
            findings.push(Finding::new(
                Rule::Map,
                Place::Offset(header_offset(a.index)),
                format!(
                    "segments {} and {} share {space} memory at {:#010x}",
                    b.index,
                    a.index,
                    if space == "physical" {
                        a.physical_address.max(b.physical_address)
                    } else {
                        a.virtual_address.max(b.virtual_address)
                    }
                ),
                LINK_SCRIPT,
            ));
        }
    }
}
