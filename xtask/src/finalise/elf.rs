//! The linked file's parts, and the file with only what a loader needs.
//!
//! **Invariants** of a [`Linked`]: it is a 32-bit little-endian i386 executable,
//! every segment's contents lie inside the file, and the symbol table's segment
//! is the one with the highest address, so that it can grow.

use object::LittleEndian as LE;
use object::elf::{
    EM_386, ET_EXEC, FileHeader32, PF_X, PT_LOAD, ProgramHeader32, SHF_ALLOC, SHF_EXECINSTR,
    SHF_WRITE, SHN_UNDEF, SHT_NOBITS, SHT_SYMTAB,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable, SymbolTable};

use crate::sizes::Sizes;

/// The section that the link script puts where the table goes.
const TABLE_SECTION: &[u8] = b".ksyms";
const HEADER_LENGTH: usize = size_of::<FileHeader32<LE>>();
const SEGMENT_LENGTH: usize = size_of::<ProgramHeader32<LE>>();

/// A linked kernel, taken apart and found right.
pub(super) struct Linked<'data> {
    bytes: &'data [u8],
    segments: &'data [ProgramHeader32<LE>],
    sections: SectionTable<'data, FileHeader32<LE>>,
    /// Its symbols, with their names.
    pub(super) symbols: SymbolTable<'data, FileHeader32<LE>>,
    table_segment: usize,
}

impl<'data> Linked<'data> {
    /// Takes the linker's output apart.
    pub(super) fn parse(bytes: &'data [u8]) -> Result<Self, String> {
        let say = |error: object::read::Error| error.to_string();
        let header = FileHeader32::<LE>::parse(bytes)
            .map_err(|error| format!("not a 32-bit ELF file: {error}"))?;
        // The parser takes both byte orders and any machine.
        if header.is_big_endian()
            || header.e_machine.get(LE) != EM_386
            || header.e_type.get(LE) != ET_EXEC
        {
            return Err("it is not a little-endian i386 executable".to_owned());
        }
        let segments = header.program_headers(LE, bytes).map_err(say)?;
        for (index, segment) in segments.iter().enumerate() {
            segment
                .data(LE, bytes)
                .map_err(|()| format!("segment {index} lies beyond the end of the file"))?;
        }
        let sections = header.sections(LE, bytes).map_err(say)?;
        let symbols = sections.symbols(LE, bytes, SHT_SYMTAB).map_err(say)?;
        let table_segment = table_segment(segments, &sections)?;
        Ok(Linked {
            bytes,
            segments,
            sections,
            symbols,
            table_segment,
        })
    }

    /// Whether code is at this address.
    pub(super) fn is_code(&self, address: u32) -> bool {
        self.segments.iter().any(|segment| {
            let offset = address.checked_sub(segment.p_vaddr.get(LE));
            segment.p_type.get(LE) == PT_LOAD
                && segment.p_flags.get(LE).contains(PF_X)
                && offset.is_some_and(|offset| offset < segment.p_memsz.get(LE))
        })
    }

    /// How big the sections are that a loader puts into memory.
    pub(super) fn section_sizes(&self) -> Sizes {
        let mut sizes = Sizes::default();
        for section in self.sections.iter() {
            let flags = section.sh_flags(LE);
            let is = |flag| flags.contains(flag);
            let name = self.sections.section_name(LE, section).unwrap_or_default();
            if !is(SHF_ALLOC) || name == TABLE_SECTION {
                continue;
            }
            let part = if section.sh_type(LE) == SHT_NOBITS {
                &mut sizes.bss
            } else if is(SHF_EXECINSTR) {
                &mut sizes.text
            } else if is(SHF_WRITE) {
                &mut sizes.data
            } else {
                &mut sizes.rodata
            };
            *part += u64::from(section.sh_size(LE));
        }
        sizes
    }

    /// The file that boots, with `table` in its last segment.
    pub(super) fn with_table(&self, table: &[u8]) -> Result<Vec<u8>, String> {
        let too_big = || "it and its symbol table do not fit into 32-bit addresses".to_owned();
        let headers_end = HEADER_LENGTH + self.segments.len() * SEGMENT_LENGTH;
        let mut out = vec![0; headers_end];
        for (index, segment) in self.segments.iter().enumerate() {
            if index == self.table_segment {
                continue;
            }
            // `parse` has seen that this succeeds.
            let contents = segment.data(LE, self.bytes).unwrap_or_default();
            if contents.is_empty() {
                continue;
            }
            let start = segment.p_offset.get(LE) as usize;
            let end = start + contents.len();
            if out.len() < end {
                out.resize(end, 0);
            }
            out[start..end].copy_from_slice(contents);
        }

        let segment = &self.segments[self.table_segment];
        let address = segment.p_vaddr.get(LE);
        let length = u32::try_from(table.len()).map_err(|_| too_big())?;
        address.checked_add(length).ok_or_else(too_big)?;
        segment
            .p_paddr
            .get(LE)
            .checked_add(length)
            .ok_or_else(too_big)?;
        // Offset and address agree modulo the alignment (ELF gABI, p_align).
        let align = segment.p_align.get(LE).max(1);
        let end = u32::try_from(out.len()).map_err(|_| too_big())?;
        let gap = address.wrapping_sub(end) % align;
        let offset = end.checked_add(gap).ok_or_else(too_big)?;
        out.resize(offset as usize, 0);
        out.extend_from_slice(table);

        let mut header = *object::pod::from_bytes::<FileHeader32<LE>>(self.bytes)
            .map_err(|()| too_big())?
            .0;
        header.e_phoff.set(LE, HEADER_LENGTH as u32);
        header.e_shoff.set(LE, 0);
        header.e_shnum.set(LE, 0);
        header.e_shstrndx.set(LE, SHN_UNDEF);
        out[..HEADER_LENGTH].copy_from_slice(object::pod::bytes_of(&header));
        let mut segments = self.segments.to_vec();
        let grown = &mut segments[self.table_segment];
        grown.p_offset.set(LE, offset);
        grown.p_filesz.set(LE, length);
        grown.p_memsz.set(LE, length);
        out[HEADER_LENGTH..headers_end].copy_from_slice(object::pod::bytes_of_slice(&segments));
        Ok(out)
    }
}

/// The segment of the table's section; it must be the highest of all.
fn table_segment(
    segments: &[ProgramHeader32<LE>],
    sections: &SectionTable<'_, FileHeader32<LE>>,
) -> Result<usize, String> {
    let name = String::from_utf8_lossy(TABLE_SECTION);
    let (_, section) = sections
        .section_by_name(LE, TABLE_SECTION)
        .ok_or_else(|| format!("it has no section `{name}`"))?;
    let address = section.sh_addr(LE);
    let loads = || {
        segments
            .iter()
            .enumerate()
            .filter(|(_, segment)| segment.p_type.get(LE) == PT_LOAD)
    };
    let (place, _) = loads()
        .find(|(_, segment)| segment.p_vaddr.get(LE) == address)
        .ok_or_else(|| format!("`{name}` at {address:#x} does not begin a segment"))?;
    let highest = loads()
        .map(|(_, segment)| segment.p_vaddr.get(LE))
        .max()
        .unwrap_or_default();
    let above = loads().filter(|(index, segment)| {
        *index != place
            && segment.p_memsz.get(LE) > 0
            && segment
                .p_vaddr
                .get(LE)
                .saturating_add(segment.p_memsz.get(LE))
                > address
    });
    match above.count() {
        0 => Ok(place),
        _ => Err(format!(
            "`{name}` at {address:#x} is not the last segment: another ends above it (highest begins at {highest:#x})"
        )),
    }
}
