//! The parts of an ELF file that a difference can be in, and its names. Pure.
//!
//! Sections where there are some, segments otherwise: `kernel.elf` has only
//! these, and borrows the names of `kernel.debug`.

use object::read::elf::{ElfFile32, ProgramHeader};
use object::{LittleEndian as LE, Object, ObjectSection, ObjectSymbol};

/// A stretch of bytes with a name.
pub(super) struct Part<'data> {
    /// `.text`, or `segment 2`.
    pub(super) name: String,
    /// Where it lies in memory; `None` if it does not.
    pub(super) address: Option<u64>,
    /// Its bytes in the file.
    pub(super) bytes: &'data [u8],
}

/// All parts of one file.
pub(super) struct Parts<'data>(Vec<Part<'data>>);

impl<'data> Parts<'data> {
    /// Takes a 32-bit ELF file apart; `None` if it is none.
    pub(super) fn of(bytes: &'data [u8]) -> Option<Self> {
        let file = ElfFile32::<LE>::parse(bytes).ok()?;
        let mut parts: Vec<Part<'data>> = Vec::new();
        for section in file.sections() {
            let name = section.name().unwrap_or("?").to_owned();
            // Only what a loader puts into memory has an address.
            let address = Some(section.address()).filter(|address| *address != 0);
            let bytes = section.data().unwrap_or_default();
            parts.push(Part {
                name: unique(name, &parts),
                address,
                bytes,
            });
        }
        if parts.is_empty() {
            for (number, segment) in file.elf_program_headers().iter().enumerate() {
                parts.push(Part {
                    name: format!("segment {number}"),
                    address: Some(segment.p_vaddr(LE).into()),
                    bytes: segment.data(LE, bytes).unwrap_or_default(),
                });
            }
        }
        Some(Parts(parts))
    }

    /// All of them, in the file's order.
    pub(super) fn named(&self) -> impl Iterator<Item = &Part<'data>> {
        self.0.iter()
    }

    /// The one of this name.
    pub(super) fn of_name(&self, name: &str) -> Option<&Part<'data>> {
        self.0.iter().find(|part| part.name == name)
    }
}

/// A second `.group` is another section.
fn unique(name: String, earlier: &[Part<'_>]) -> String {
    let taken = |name: &str| earlier.iter().any(|part| part.name == name);
    let mut candidate = name.clone();
    let mut number = 2;
    while taken(&candidate) {
        candidate = format!("{name}#{number}");
        number += 1;
    }
    candidate
}

/// The names of a kernel's functions and variables, by address.
#[derive(Debug, Clone, Default)]
pub struct Symbols(pub(super) Vec<(u64, u64, String)>);

impl Symbols {
    /// Those of an ELF file; none if it is no such file.
    pub fn of(bytes: &[u8]) -> Self {
        let Ok(file) = ElfFile32::<LE>::parse(bytes) else {
            return Symbols::default();
        };
        let mut all: Vec<_> = file
            .symbols()
            .filter(|symbol| symbol.address() != 0 && symbol.size() != 0)
            .map(|symbol| {
                let name = symbol.name().unwrap_or("?");
                let name = format!("{:#}", rustc_demangle::demangle(name));
                (symbol.address(), symbol.size(), name)
            })
            .collect();
        all.sort();
        Symbols(all)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of what lies at an address.
    pub fn at(&self, address: u64) -> Option<String> {
        let holds = |(begin, size, _): &&(u64, u64, String)| {
            address
                .checked_sub(*begin)
                .is_some_and(|offset| offset < *size)
        };
        self.0.iter().find(holds).map(|(_, _, name)| name.clone())
    }
}
