//! Executables: what of an ELF file goes where in a task's memory.
//!
//! Owns the reading of 32-bit ELF files for the i386 (System V ABI, chapters 4
//! and 5), statically linked or to be put at [`DYNAMIC_BASE`]; the error codes
//! are those of `mach/exec/exec.h`. The start of the kernel, which loads the
//! tasks of the boot script, asks for the [`Executable::runs`] of pages to
//! create, fills them with zeros and the [`Executable::segments`], and gives
//! them their protection last. Nothing is allocated; no byte of the file is
//! trusted.

use core::fmt;

use crate::addr::{PAGE_SIZE, Page, VirtAddr};
use crate::fixed_vec::FixedVec;

/// Loaded segments that a file may have.
pub const MAX_SEGMENTS: usize = 16;

/// What is added to the addresses of a file that may be put anywhere
/// (`ET_DYN`): as the reference kernel does.
pub const DYNAMIC_BASE: u32 = 0x0800_0000;

const HEADER: usize = 52;
const PROGRAM_HEADER: usize = 32;
const MAGIC: &[u8] = b"\x7fELF";
const CLASS_32: u8 = 1;
const LITTLE_ENDIAN: u8 = 1;
const VERSION: u32 = 1;
const TYPE_EXECUTABLE: u16 = 2;
const TYPE_DYNAMIC: u16 = 3;
const MACHINE_386: u16 = 3;
const LOAD: u32 = 1;
const FLAG_EXECUTE: u32 = 1;
const FLAG_WRITE: u32 = 2;
const FLAG_READ: u32 = 4;

/// Why a file cannot be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecError {
    /// It does not begin as an ELF file does, or too short to.
    NotElf,
    /// ELF, but not 32-bit little endian i386 version 1.
    WrongMachine,
    /// An object, a core dump or another type that nobody can start.
    NotExecutable,
    /// The table of program headers is not in the file, or its entries have
    /// another size.
    HeadersOutside,
    /// Program header number so much refers to bytes that the file has not.
    BytesOutside(u16),
    /// That one has more bytes in the file than in memory.
    MoreFileThanMemory(u16),
    /// That one reaches beyond user space.
    AddressOutside(u16),
    /// That one lies below the one before it, or over its bytes.
    Overlap(u16),
    /// More than [`MAX_SEGMENTS`] are to be loaded.
    TooManySegments,
    /// None is to be loaded.
    NoSegment,
    /// The entry point lies in no segment that may be executed.
    EntryOutside(u32),
}

impl ExecError {
    /// The number that `mach/exec/exec.h` gives this kind of failure.
    pub const fn code(self) -> u32 {
        match self {
            Self::NotElf => 6000,
            Self::WrongMachine | Self::NotExecutable => 6001,
            Self::HeadersOutside | Self::BytesOutside(_) | Self::MoreFileThanMemory(_) => 6002,
            Self::AddressOutside(_)
            | Self::Overlap(_)
            | Self::TooManySegments
            | Self::NoSegment
            | Self::EntryOutside(_) => 6003,
        }
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("no ELF file"),
            Self::WrongMachine => f.write_str("not for a 32-bit i386"),
            Self::NotExecutable => f.write_str("not an executable, but another ELF file"),
            Self::HeadersOutside => f.write_str("its program headers are not in the file"),
            Self::BytesOutside(number) => write!(f, "segment {number} ends behind the file"),
            Self::MoreFileThanMemory(number) => {
                write!(f, "segment {number} has more bytes than memory")
            }
            Self::AddressOutside(number) => write!(f, "segment {number} leaves user space"),
            Self::Overlap(number) => write!(f, "segment {number} is not above the one before"),
            Self::TooManySegments => write!(f, "more than {MAX_SEGMENTS} segments"),
            Self::NoSegment => f.write_str("nothing in it is to be loaded"),
            Self::EntryOutside(entry) => write!(f, "its entry {entry:#x} is no code of it"),
        }
    }
}

/// What a task may do with pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// `PF_R`.
    pub read: bool,
    /// `PF_W`.
    pub write: bool,
    /// `PF_X`.
    pub execute: bool,
}

impl Access {
    const fn of_flags(flags: u32) -> Self {
        Self {
            read: flags & FLAG_READ != 0,
            write: flags & FLAG_WRITE != 0,
            execute: flags & FLAG_EXECUTE != 0,
        }
    }

    /// What one of the two allows.
    const fn union(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
            execute: self.execute || other.execute,
        }
    }
}

/// A piece of memory with its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Where it begins; on any byte.
    pub start: VirtAddr,
    /// What it begins with.
    pub bytes: &'a [u8],
    /// How long it is, in bytes; zeros behind `bytes`. Never 0.
    pub size: u32,
    /// What it allows.
    pub access: Access,
}

impl Segment<'_> {
    /// The address after its last byte: in user space, hence a number.
    const fn end(&self) -> u32 {
        self.start.as_u32() + self.size
    }
}

/// Pages in a row that allow the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRun {
    /// The first.
    pub first: Page,
    /// How many; never 0.
    pub count: u32,
    /// What all segments allow that have bytes in them.
    pub access: Access,
}

impl PageRun {
    const fn end(&self) -> u32 {
        self.first.number() + self.count
    }
}

/// An executable file, checked.
///
/// **Invariants**: `segments` are in user space, ascend, and share no byte;
/// there is at least one. [`Executable::parse`] refuses others. Broken, one
/// segment would overwrite another, or the kernel.
pub struct Executable<'a> {
    segments: FixedVec<Segment<'a>, MAX_SEGMENTS>,
    entry: VirtAddr,
}

impl<'a> Executable<'a> {
    /// Reads the file. User space ends before `user_end`.
    ///
    /// # Errors
    /// The first reason why it cannot be loaded.
    pub fn parse(file: &'a [u8], user_end: VirtAddr) -> Result<Self, ExecError> {
        let base = check_header(file)?;
        let entry = word(file, 24).ok_or(ExecError::NotElf)?;
        let mut segments = FixedVec::new(Segment {
            start: VirtAddr::new(0),
            bytes: &[],
            size: 0,
            access: Access::of_flags(0),
        });
        let (table, count) = program_headers(file)?;
        let headers = table.chunks_exact(PROGRAM_HEADER);
        let mut least = 0;
        for (number, header) in (0..count).zip(headers) {
            let Some(segment) = segment(file, header, number, base, user_end)? else {
                continue;
            };
            if segment.start.as_u32() < least {
                return Err(ExecError::Overlap(number));
            }
            least = segment.end();
            let pushed = segments.push(segment);
            pushed.map_err(|_| ExecError::TooManySegments)?;
        }
        if segments.is_empty() {
            return Err(ExecError::NoSegment);
        }
        let started = entry.checked_add(base).filter(|entry| {
            let mut code = segments.iter().filter(|segment| segment.access.execute);
            code.any(|segment| (segment.start.as_u32()..segment.end()).contains(entry))
        });
        let entry = VirtAddr::new(started.ok_or(ExecError::EntryOutside(entry))?);
        Ok(Self { segments, entry })
    }

    /// Where its first thread begins.
    pub const fn entry(&self) -> VirtAddr {
        self.entry
    }

    /// What to fill memory with, by address.
    pub fn segments(&self) -> &[Segment<'a>] {
        self.segments.as_slice()
    }

    /// The pages of all segments, each in one run only, by address. A page that
    /// segments share allows what any of them does.
    pub fn runs(&self) -> impl Iterator<Item = PageRun> {
        let mut rest = self.segments();
        // What of the pages handed out before must not come again.
        let mut done = 0;
        core::iter::from_fn(move || {
            loop {
                let (segment, behind) = rest.split_first()?;
                let mut run = pages(segment);
                let first = Page::new(run.first.number().max(done))?;
                run.count = run.end().saturating_sub(first.number());
                run.first = first;
                // The pages that the next ones do not touch go first; then the
                // one they share.
                let next = behind.iter().map(pages);
                let shared = next.filter(|next| next.first.number() < run.end());
                let touched = shared.map(|next| next.first.number()).min();
                match touched {
                    _ if run.count == 0 => {
                        rest = behind;
                        continue;
                    }
                    None => rest = behind,
                    Some(page) if page > run.first.number() => {
                        run.count = page - run.first.number();
                    }
                    Some(_) => {
                        run.count = 1;
                        let number = run.first.number();
                        for other in behind.iter().map(pages) {
                            if (other.first.number()..other.end()).contains(&number) {
                                run.access = run.access.union(other.access);
                            }
                        }
                    }
                }
                done = run.end();
                return Some(run);
            }
        })
    }
}

/// The pages a segment has bytes in.
fn pages(segment: &Segment<'_>) -> PageRun {
    let last = VirtAddr::new(segment.end() - 1).page();
    let first = segment.start.page();
    PageRun {
        first,
        count: last.number() - first.number() + 1,
        access: segment.access,
    }
}

/// What is to be added to each address, if this is a file to be loaded.
fn check_header(file: &[u8]) -> Result<u32, ExecError> {
    if file.get(..4) != Some(MAGIC) || file.len() < HEADER {
        return Err(ExecError::NotElf);
    }
    let machine = (file.get(4), file.get(5), half(file, 18), word(file, 20));
    if machine
        != (
            Some(&CLASS_32),
            Some(&LITTLE_ENDIAN),
            Some(MACHINE_386),
            Some(VERSION),
        )
    {
        return Err(ExecError::WrongMachine);
    }
    match half(file, 16) {
        Some(TYPE_EXECUTABLE) => Ok(0),
        Some(TYPE_DYNAMIC) => Ok(DYNAMIC_BASE),
        _ => Err(ExecError::NotExecutable),
    }
}

/// The table of program headers, and the number of its entries.
fn program_headers(file: &[u8]) -> Result<(&[u8], u16), ExecError> {
    let table = || {
        let start = usize::try_from(word(file, 28)?).ok()?;
        let size = half(file, 42)?;
        let count = half(file, 44)?;
        if count > 0 && usize::from(size) != PROGRAM_HEADER {
            return None;
        }
        let length = PROGRAM_HEADER.checked_mul(count.into())?;
        let bytes = file.get(start..start.checked_add(length)?)?;
        Some((bytes, count))
    };
    table().ok_or(ExecError::HeadersOutside)
}

/// The segment of a program header, if it is to be loaded.
fn segment<'a>(
    file: &'a [u8],
    header: &[u8],
    number: u16,
    base: u32,
    user_end: VirtAddr,
) -> Result<Option<Segment<'a>>, ExecError> {
    let field = |at| word(header, at).ok_or(ExecError::HeadersOutside);
    let size = field(20)?;
    if field(0)? != LOAD || size == 0 {
        return Ok(None);
    }
    let length = field(16)?;
    if length > size {
        return Err(ExecError::MoreFileThanMemory(number));
    }
    let bytes = || {
        let start = usize::try_from(field(4).ok()?).ok()?;
        let length = usize::try_from(length).ok()?;
        file.get(start..start.checked_add(length)?)
    };
    let bytes = bytes().ok_or(ExecError::BytesOutside(number))?;
    let start = field(8)?.checked_add(base);
    let end = start.and_then(|start| start.checked_add(size));
    // The last page ends in user space as well: it is the task's as a whole.
    let page_end = end.and_then(|end| end.checked_next_multiple_of(PAGE_SIZE));
    match (start, page_end) {
        (Some(start), Some(page_end)) if page_end <= user_end.as_u32() => Ok(Some(Segment {
            start: VirtAddr::new(start),
            bytes,
            size,
            access: Access::of_flags(field(24)?),
        })),
        _ => Err(ExecError::AddressOutside(number)),
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*field))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*field))
}
