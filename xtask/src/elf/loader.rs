//! What loaders look for: the Multiboot header and the PVH note. Pure.
//!
//! Cites Multiboot 0.6.96 and Xen's public/elfnote.h as far as the numbers go.

use object::LittleEndian as LE;
use object::elf::{NoteType, PT_NOTE};
use object::read::elf::ProgramHeader;

use super::finding::{Finding, Place, Rule};
use super::image::Image;
use super::segments::bad_entry;

/// Multiboot 0.6.96 3.1: the header lies whole in these first bytes of the file.
const SEARCHED: usize = 8192;
const MAGIC: u32 = 0x1BAD_B002;
/// Magic, flags, checksum (3.1.1).
const HEADER: usize = 12;
/// Flags 0 and 1: page alignment and memory information; a loader that does
/// not know a flag below 16 must refuse (3.1.2).
const KNOWN_FLAGS: u32 = 0b11;
/// Flag 2 asks for a video mode, which adds fields.
const VIDEO_FLAG: u32 = 0b100;
const REQUIRED: u32 = 0xFFFF;
/// Flag 16: load by the header's addresses, not by ELF's.
const OWN_ADDRESSES: u32 = 1 << 16;
/// XEN_ELFNOTE_PHYS32_ENTRY.
const PHYS32_ENTRY: NoteType = NoteType(18);

/// Checks both ways a loader finds its way in.
pub fn check(image: &Image<'_>, findings: &mut Vec<Finding>) {
    multiboot(image.bytes, findings);
    pvh(image, findings);
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Where a loader finds the Multiboot header: four-byte aligned, and early.
pub fn multiboot_header(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len())
        .step_by(4)
        .take_while(|at| at + HEADER <= SEARCHED)
        .find(|at| word(bytes, *at) == Some(MAGIC))
}

fn multiboot(bytes: &[u8], findings: &mut Vec<Finding>) {
    let mut wrong = |offset: usize, message: String, mend: &str| {
        findings.push(Finding::new(
            Rule::Multiboot,
            Place::Offset(offset as u64),
            message,
            mend,
        ));
    };
    let aligned = |from: usize| (from..bytes.len()).step_by(4);
    let Some(at) = multiboot_header(bytes) else {
        let beyond = aligned(SEARCHED - HEADER + 4).find(|at| {
            let sum = word(bytes, at + 4).zip(word(bytes, at + 8));
            word(bytes, *at) == Some(MAGIC)
                && sum.is_some_and(|(flags, checksum)| checks(flags, checksum))
        });
        match beyond {
            Some(at) => wrong(
                at,
                format!(
                    "the Multiboot header is at byte {at}; loaders look at the first {SEARCHED} only"
                ),
                "give it a small segment of its own, first in kernel/link.ld, and link with -z max-page-size=4096",
            ),
            None => wrong(
                0,
                format!("no Multiboot header in the first {SEARCHED} bytes"),
                "keep the section .boot.header in kernel/link.ld",
            ),
        }
        return;
    };
    let (Some(flags), Some(checksum)) = (word(bytes, at + 4), word(bytes, at + 8)) else {
        wrong(
            at,
            "the file ends inside the Multiboot header".to_owned(),
            "build it again",
        );
        return;
    };
    if !checks(flags, checksum) {
        let right = MAGIC.wrapping_add(flags).wrapping_neg();
        wrong(
            at + 8,
            format!(
                "the Multiboot checksum is {checksum:#010x}; with flags {flags:#x} it must be {right:#010x}"
            ),
            "the three words must sum to zero",
        );
    }
    if flags & OWN_ADDRESSES != 0 {
        wrong(
            at + 4,
            "Multiboot flag 16 makes loaders ignore the ELF segments".to_owned(),
            "leave it off: the program headers say where everything goes",
        );
    }
    let unknown = flags & REQUIRED & !(KNOWN_FLAGS | VIDEO_FLAG);
    if unknown != 0 {
        wrong(
            at + 4,
            format!("Multiboot flags {unknown:#x} are not defined: loaders must refuse"),
            "use flags 0 (page alignment), 1 (memory information) and 2 (video)",
        );
    }
}

fn checks(flags: u32, checksum: u32) -> bool {
    MAGIC.wrapping_add(flags).wrapping_add(checksum) == 0
}

fn pvh(image: &Image<'_>, findings: &mut Vec<Finding>) {
    let mend = "keep the section .note.pvh in a PT_NOTE segment of kernel/link.ld";
    let headers = image.program_headers.iter();
    for header in headers.filter(|header| header.p_type.get(LE) == PT_NOTE) {
        let offset = u64::from(header.p_offset.get(LE));
        let mut wrong = |message: String| {
            findings.push(Finding::new(
                Rule::Pvh,
                Place::Offset(offset),
                message,
                mend,
            ));
        };
        let Ok(Some(mut notes)) = header.notes(LE, image.bytes) else {
            wrong("the note segment cannot be read".to_owned());
            return;
        };
        loop {
            let note = match notes.next() {
                Ok(Some(note)) => note,
                Ok(None) => break,
                Err(error) => {
                    wrong(format!("the note segment is damaged: {error}"));
                    return;
                }
            };
            if note.name() != b"Xen" || note.n_type(LE) != PHYS32_ENTRY {
                continue;
            }
            match (note.desc().len(), word(note.desc(), 0)) {
                (4, Some(entry)) => {
                    if let Some(why) = bad_entry(image, entry) {
                        wrong(format!("the PVH entry {entry:#010x} {why}"));
                    }
                }
                (length, _) => wrong(format!(
                    "the PVH note has {length} bytes, not the 4 of an address"
                )),
            }
            return;
        }
    }
    findings.push(Finding::whole(
        Rule::Pvh,
        "there is no PVH note (name Xen, type 18)",
        mend,
    ));
}
