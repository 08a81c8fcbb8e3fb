//! The parts of an i386 ELF executable, taken out of bytes nobody vouches for.
//!
//! **Invariant**: the contents of every [`Segment`] lie inside the file. What
//! breaks that, or makes the rest unreadable, is a finding here; everything
//! else is left to the rules.

use object::LittleEndian as LE;
use object::elf::{
    EM_386, ET_DYN, ET_EXEC, ET_REL, FileHeader32, PF_W, PF_X, PT_LOAD, ProgramHeader32,
};
use object::read::elf::{FileHeader, ProgramHeader};

use super::finding::{Finding, Place, Rule};

const REBUILD: &str = "build it again: cargo xtask build";

/// A segment that a loader puts into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its place among the program headers.
    pub index: usize,
    /// Where it runs.
    pub virtual_address: u32,
    /// Where it is loaded.
    pub physical_address: u32,
    /// Its length in memory.
    pub memory_size: u32,
    /// Where it begins in the file.
    pub offset: u32,
    /// Its contents in the file.
    pub data: &'a [u8],
    /// Whether it may be written.
    pub write: Access,
    /// Whether it may be executed.
    pub execute: Access,
}

/// Whether a segment may be used in some way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Granted,
    /// It may not.
    Denied,
}

impl Segment<'_> {
    /// Whether it holds code.
    pub fn is_code(&self) -> bool {
        self.execute == Access::Granted
    }

    /// The bytes between `address` and the end of the contents.
    pub fn at(&self, address: u32) -> Option<&[u8]> {
        let from = address.checked_sub(self.virtual_address)?;
        self.data.get(usize::try_from(from).ok()?..)
    }

    /// Whether `address` points at a byte of the contents.
    pub fn holds(&self, address: u32) -> bool {
        self.at(address).is_some_and(|rest| !rest.is_empty())
    }

    /// The file offset of what is at `address`.
    pub fn offset_of(&self, address: u32) -> u64 {
        u64::from(self.offset) + u64::from(address.wrapping_sub(self.virtual_address))
    }
}

/// An i386 ELF executable.
#[derive(Debug)]
pub struct Image<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// Its header.
    pub header: &'a FileHeader32<LE>,
    /// All program headers.
    pub program_headers: &'a [ProgramHeader32<LE>],
    /// Those that a loader loads and that are not empty, in file order.
    pub segments: Vec<Segment<'a>>,
}

impl<'a> Image<'a> {
    /// Takes a file apart.
    ///
    /// # Errors
    /// The findings that leave nothing to look at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Vec<Finding>> {
        let header = header(bytes).map_err(|finding| vec![finding])?;
        let truncated = |offset, message: String| {
            vec![Finding::new(
                Rule::Truncated,
                Place::Offset(offset),
                message,
                REBUILD,
            )]
        };
        let table = u64::from(header.e_phoff.get(LE));
        let program_headers = header.program_headers(LE, bytes).map_err(|_| {
            let count = header.e_phnum.get(LE);
            truncated(
                table,
                format!(
                    "{count} program headers of {} bytes do not fit into {} bytes of file",
                    header.e_phentsize.get(LE),
                    bytes.len()
                ),
            )
        })?;
        let mut segments = Vec::new();
        let mut findings = Vec::new();
        for (index, program_header) in program_headers.iter().enumerate() {
            let offset = program_header.p_offset.get(LE);
            let Ok(data) = program_header.data(LE, bytes) else {
                findings.extend(truncated(
                    bytes.len() as u64,
                    format!(
                        "the file ends after {} bytes, but segment {index} is {} bytes at file offset {offset:#x}",
                        bytes.len(),
                        program_header.p_filesz.get(LE),
                    ),
                ));
                continue;
            };
            if program_header.p_type.get(LE) != PT_LOAD || program_header.p_memsz.get(LE) == 0 {
                continue;
            }
            let flags = program_header.p_flags.get(LE);
            let access = |flag| match flags.contains(flag) {
                true => Access::Granted,
                false => Access::Denied,
            };
            segments.push(Segment {
                index,
                virtual_address: program_header.p_vaddr.get(LE),
                physical_address: program_header.p_paddr.get(LE),
                memory_size: program_header.p_memsz.get(LE),
                offset,
                data,
                write: access(PF_W),
                execute: access(PF_X),
            });
        }
        if segments.is_empty() && findings.is_empty() {
            findings.push(Finding::whole(
                Rule::Header,
                "it has no segment to load, so there is nothing to run",
                REBUILD,
            ));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Image {
            bytes,
            header,
            program_headers,
            segments,
        })
    }

    /// The segment with code at `address`.
    pub fn code_at(&self, address: u32) -> Option<&Segment<'a>> {
        self.segments
            .iter()
            .find(|segment| segment.is_code() && segment.holds(address))
    }
}

fn header(bytes: &[u8]) -> Result<&FileHeader32<LE>, Finding> {
    let wrong = |offset, message: String, mend: &str| {
        Finding::new(Rule::Header, Place::Offset(offset), message, mend)
    };
    if bytes.is_empty() {
        return Err(Finding::whole(Rule::Header, "the file is empty", REBUILD));
    }
    let magic = &bytes[..bytes.len().min(4)];
    if magic != b"\x7fELF" {
        let what = match std::str::from_utf8(&bytes[..bytes.len().min(64)]) {
            Ok(text) if !text.contains('\0') => "this is text".to_owned(),
            _ => format!("it begins with {magic:02x?}"),
        };
        return Err(wrong(
            0,
            format!("not an ELF file: {what}"),
            "name a kernel.elf, or none to check the built kernel",
        ));
    }
    let length = size_of::<FileHeader32<LE>>();
    let Some(class) = bytes.get(4) else {
        return Err(cut_header(bytes, length));
    };
    if *class != 1 {
        let machine = match bytes.get(18..20) {
            Some([62, 0]) => " for x86-64",
            _ => "",
        };
        return Err(wrong(
            4,
            format!("ELF class {class}{machine}: an i386 kernel is a 32-bit ELF, class 1"),
            "build for the target i686-exov6.json: cargo xtask build",
        ));
    }
    if let Some(order) = bytes.get(5).filter(|order| **order != 1) {
        return Err(wrong(
            5,
            format!("ELF byte order {order}: i386 is little-endian, 1"),
            "build for the target i686-exov6.json: cargo xtask build",
        ));
    }
    if bytes.len() < length {
        return Err(cut_header(bytes, length));
    }
    let header = FileHeader32::<LE>::parse(bytes)
        .map_err(|error| wrong(0, format!("no valid ELF header: {error}"), REBUILD))?;
    let machine = header.e_machine.get(LE);
    if machine != EM_386 {
        return Err(wrong(
            18,
            format!("ELF machine {}: this is not for i386, machine 3", machine.0),
            "build for the target i686-exov6.json: cargo xtask build",
        ));
    }
    let kind = header.e_type.get(LE);
    if kind != ET_EXEC {
        let what = match kind {
            ET_REL => " (an object file)",
            ET_DYN => " (position independent)",
            _ => "",
        };
        return Err(wrong(
            16,
            format!(
                "ELF type {}{what}: a kernel is an executable, type 2",
                kind.0
            ),
            "link it by kernel/link.ld, without position independence",
        ));
    }
    Ok(header)
}

fn cut_header(bytes: &[u8], length: usize) -> Finding {
    Finding::new(
        Rule::Truncated,
        Place::Offset(bytes.len() as u64),
        format!(
            "the file ends after {} bytes, inside the ELF header of {length}",
            bytes.len()
        ),
        REBUILD,
    )
}
