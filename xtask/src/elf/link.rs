//! What a linker may have left undone: undefined symbols, relocations. Pure.
//!
//! A stripped kernel has neither section; then the unstripped one beside it is
//! looked at.

use object::LittleEndian as LE;
use object::elf::{FileHeader32, PT_DYNAMIC, PT_INTERP, SHF_ALLOC, SHT_REL, SHT_RELA, SHT_SYMTAB};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym, SymbolTable};

use super::finding::{Finding, Place, Rule};
use super::image::Image;

/// The sections of a file and its symbols; both empty if it is stripped.
pub struct Sections<'a> {
    table: SectionTable<'a, FileHeader32<LE>>,
    /// The symbols.
    pub symbols: SymbolTable<'a, FileHeader32<LE>>,
}

impl<'a> Sections<'a> {
    /// The sections of `image`, or why they cannot be read.
    pub fn of(image: &Image<'a>) -> Result<Self, Finding> {
        let damaged = |error: object::read::Error| {
            Finding::new(
                Rule::Truncated,
                Place::Offset(u64::from(image.header.e_shoff.get(LE))),
                format!("its section table cannot be read: {error}"),
                "build it again: cargo xtask build",
            )
        };
        let table = image.header.sections(LE, image.bytes).map_err(damaged)?;
        let symbols = table
            .symbols(LE, image.bytes, SHT_SYMTAB)
            .map_err(damaged)?;
        Ok(Sections { table, symbols })
    }
}

/// Checks symbols and relocations; `file` names whose they are.
pub fn check(image: &Image<'_>, sections: &Sections<'_>, file: &str, findings: &mut Vec<Finding>) {
    let symbols = &sections.symbols;
    for symbol in symbols.iter() {
        if !symbol.is_undefined(LE) {
            continue;
        }
        let name = symbol.name(LE, symbols.strings()).unwrap_or_default();
        // The first entry of every table is undefined and has no name.
        if !name.is_empty() {
            let name = rustc_demangle::demangle(&String::from_utf8_lossy(name)).to_string();
            findings.push(Finding::whole(
                Rule::Undefined,
                format!("`{name}` is used in {file} and defined nowhere"),
                "define it, or remove what uses it",
            ));
        }
    }
    for section in sections.table.iter() {
        let kind = section.sh_type(LE);
        let size = section.sh_size(LE);
        if (kind != SHT_REL && kind != SHT_RELA) || size == 0 {
            continue;
        }
        // Debug sections keep theirs only where -q asked the linker for it.
        let target = section.info_link(LE);
        let loaded = sections
            .table
            .section(target)
            .is_ok_and(|target| target.sh_flags(LE).contains(SHF_ALLOC));
        if loaded || section.sh_flags(LE).contains(SHF_ALLOC) {
            let name = sections.table.section_name(LE, section).unwrap_or_default();
            findings.push(Finding::new(
                Rule::Relocations,
                Place::Offset(u64::from(section.sh_offset(LE))),
                format!(
                    "section {} of {file} holds {size} bytes of relocations nobody will apply",
                    String::from_utf8_lossy(name)
                ),
                "link statically: relocation-model static, no -r, no -pie, no -q",
            ));
        }
    }
    for (index, header) in image.program_headers.iter().enumerate() {
        let what = match header.p_type.get(LE) {
            PT_DYNAMIC => "dynamic linking",
            PT_INTERP => "a run-time linker",
            _ => continue,
        };
        findings.push(Finding::new(
            Rule::Relocations,
            Place::Offset(u64::from(header.p_offset.get(LE))),
            format!("segment {index} asks for {what}, and there is none"),
            "link statically: relocation-model static, no -shared, no -pie",
        ));
    }
}
