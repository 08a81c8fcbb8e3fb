//! Where each function of a kernel begins, and what it is called. Pure.
//!
//! Names come from the file's own symbols, from the unstripped kernel beside
//! it, or from the table the kernel carries for its own backtraces.

use std::fmt;

use kernel_core::symbols::SymbolTable;
use object::LittleEndian as LE;
use object::elf::{STT_FUNC, STT_NOTYPE};
use object::read::elf::Sym;

use super::finding::Inside;
use super::image::Image;
use super::link::Sections;

/// Where names came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The file's symbol table.
    Symbols,
    /// The symbol table of the unstripped kernel beside it.
    DebugFile,
    /// The table for backtraces inside the kernel.
    Backtraces,
    /// Nowhere: code is swept from end to end.
    None,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Symbols => "its own symbols",
            Source::DebugFile => "the unstripped kernel beside it",
            Source::Backtraces => "its table for backtraces",
            Source::None => "nowhere: it is stripped",
        })
    }
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its address.
    pub start: u32,
    /// Where it ends, if anybody says: what follows is padding.
    pub end: Option<u32>,
    /// Its name, demangled, without a hash.
    pub name: String,
}

/// All functions, by address, one an address.
#[derive(Debug)]
pub struct Functions {
    /// Where the names came from.
    pub source: Source,
    list: Vec<Function>,
}

impl Functions {
    /// From the symbols of a file, if it has any in code.
    pub fn from_symbols(
        image: &Image<'_>,
        sections: &Sections<'_>,
        source: Source,
    ) -> Option<Self> {
        let symbols = &sections.symbols;
        let mut list = Vec::new();
        for symbol in symbols.iter() {
            let kind = symbol.st_type();
            let start = symbol.st_value(LE);
            let is_name = kind == STT_FUNC || kind == STT_NOTYPE;
            if !is_name || symbol.is_undefined(LE) || image.code_at(start).is_none() {
                continue;
            }
            let name = symbol.name(LE, symbols.strings()).unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            let size = symbol.st_size(LE);
            // A function's own name is better than a label at its start.
            let rank = u8::from(kind != STT_FUNC);
            list.push((
                rank,
                Function {
                    start,
                    end: (size > 0).then(|| start.saturating_add(size)),
                    name: demangled(&String::from_utf8_lossy(name)),
                },
            ));
        }
        list.sort_by(|a, b| (a.1.start, a.0, &a.1.name).cmp(&(b.1.start, b.0, &b.1.name)));
        Self::new(source, list.into_iter().map(|(_, function)| function))
    }

    /// From the table for backtraces, at the start of a segment.
    pub fn from_backtraces(image: &Image<'_>) -> Option<Self> {
        let table = image
            .segments
            .iter()
            .find_map(|segment| SymbolTable::parse(segment.data).ok())?;
        let list = table.iter().map(|symbol| Function {
            start: symbol.start,
            end: None,
            name: symbol.name.to_string(),
        });
        let list = list.filter(|function| image.code_at(function.start).is_some());
        let mut list: Vec<_> = list.collect();
        list.sort_by_key(|function| function.start);
        Self::new(Source::Backtraces, list.into_iter())
    }

    /// No names at all.
    pub fn none() -> Self {
        Functions {
            source: Source::None,
            list: Vec::new(),
        }
    }

    fn new(source: Source, sorted: impl Iterator<Item = Function>) -> Option<Self> {
        let mut list: Vec<Function> = sorted.collect();
        list.dedup_by_key(|function| function.start);
        (!list.is_empty()).then_some(Functions { source, list })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Those that begin at or after `from` and before `to`.
    pub fn between(&self, from: u32, to: u64) -> &[Function] {
        let begin = self.list.partition_point(|function| function.start < from);
        let end = self
            .list
            .partition_point(|function| u64::from(function.start) < to);
        self.list.get(begin..end).unwrap_or_default()
    }

    /// The function `address` lies in.
    pub fn inside(&self, address: u32) -> Option<Inside> {
        let after = self
            .list
            .partition_point(|function| function.start <= address);
        let function = self.list.get(after.checked_sub(1)?)?;
        Some(Inside {
            function: function.name.clone(),
            distance: address - function.start,
        })
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.list.iter().any(|function| function.name == name)
    }

    /// Whether there is one whose path begins with this crate.
    pub fn has_crate(&self, name: &str) -> bool {
        self.list.iter().any(|function| {
            let path = function.name.trim_start_matches(['<', '&']);
            path.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with("::"))
        })
    }
}

/// A name as the kernel's own backtraces print it.
fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
