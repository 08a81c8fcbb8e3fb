//! What is wrong with a kernel image: which rule, where, why, how to mend it.
//!
//! Owns the list of rules. Their identifiers are in people's SARIF baselines:
//! they stay.

use std::fmt;

use serde::ser::{SerializeMap, Serializer};

use crate::choice;

choice! {
    /// A rule that a kernel image can break.
    pub enum Rule {
        /// The ELF header is what i386 loaders take.
        Header = "elf-header",
        /// Headers and segments lie inside the file.
        Truncated = "elf-truncated",
        /// Execution begins in code that is mapped where it is loaded.
        Entry = "elf-entry",
        /// A Multiboot header is where loaders look.
        Multiboot = "multiboot-header",
        /// A PVH note names the 32-bit entry.
        Pvh = "pvh-note",
        /// No memory is both writable and executable.
        WriteExecute = "segment-write-execute",
        /// Segments have their place in the memory map.
        Map = "segment-map",
        /// Every symbol is defined.
        Undefined = "symbol-undefined",
        /// Nothing is left to relocate.
        Relocations = "relocations-left",
        /// The CPU model has every instruction.
        Cpu = "instruction-cpu",
        /// The registers of user programs stay theirs.
        UserRegisters = "instruction-user-registers",
        /// Code consists of instructions.
        Invalid = "instruction-invalid",
        /// The list of gated functions is right.
        Gates = "gated-list",
    }
}

impl Rule {
    /// What the rule wants, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Rule::Header => "The file is a 32-bit little-endian i386 ELF executable.",
            Rule::Truncated => "Headers and the contents of all segments lie inside the file.",
            Rule::Entry => {
                "The entry lies in an executable segment that runs where it is loaded, \
                 for loaders enter with paging off."
            }
            Rule::Multiboot => {
                "A Multiboot 1 header with the right checksum lies whole in the first 8,192 bytes."
            }
            Rule::Pvh => "A PVH note (Xen, type 18) names an entry in an executable segment.",
            Rule::WriteExecute => "No segment is writable and executable.",
            Rule::Map => {
                "Segments lie between 1 MiB and 8 MiB, apart from each other, at their physical \
                 address or 0xC0000000 above it."
            }
            Rule::Undefined => "Every symbol is defined in the file: there is no other.",
            Rule::Relocations => "No relocations are left: no loader of ours applies any.",
            Rule::Cpu => "Every instruction exists on the CPU model.",
            Rule::UserRegisters => {
                "The kernel leaves x87, MMX and SSE registers alone: they hold user state."
            }
            Rule::Invalid => "Code can be disassembled from each function's start to its end.",
            Rule::Gates => "Each line of the list of gated functions is well-formed and in use.",
        }
    }
}

/// A function and how far into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The function's name.
    pub function: String,
    /// Bytes from its start.
    pub distance: u32,
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}", self.function, self.distance)
    }
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nowhere in particular.
    File,
    /// At a byte of the file.
    Offset(u64),
    /// At an instruction.
    Code {
        /// Its virtual address.
        address: u32,
        /// Where it stands in the file.
        offset: u64,
        /// Its length in bytes.
        length: u32,
        /// The function it belongs to, if there are names.
        inside: Option<Inside>,
    },
    /// In a line of the list of gated functions, counted from one.
    List {
        /// The list, as people name it.
        file: String,
        /// The line.
        line: u32,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File => Ok(()),
            Place::Offset(offset) => write!(f, "file offset {offset:#x}"),
            Place::Code {
                address,
                offset,
                inside,
                ..
            } => match inside {
                Some(inside) => {
                    write!(f, "{inside} ({address:#010x}, file offset {offset:#x})")
                }
                None => write!(f, "{address:#010x} (file offset {offset:#x})"),
            },
            Place::List { file, line } => write!(f, "{file}:{line}"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The broken rule.
    pub rule: Rule,
    /// Where.
    pub place: Place,
    /// What is there and why that is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl Finding {
    /// A finding.
    pub fn new(
        rule: Rule,
        place: Place,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Finding {
            rule,
            place,
            message: message.into(),
            mend: mend.into(),
        }
    }

    /// One about the file as a whole.
    pub fn whole(rule: Rule, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding::new(rule, Place::File, message, mend)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::File => write!(f, "{}: {}", self.rule, self.message),
            _ => write!(f, "{}: {}: {}", self.rule, self.place, self.message),
        }
    }
}

impl serde::Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule", &self.rule)?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("mend", &self.mend)?;
        match &self.place {
            Place::File => {}
            Place::Offset(offset) => map.serialize_entry("file_offset", offset)?,
            Place::Code {
                address,
                offset,
                length,
                inside,
            } => {
                map.serialize_entry("address", address)?;
                map.serialize_entry("file_offset", offset)?;
                map.serialize_entry("length", length)?;
                if let Some(inside) = inside {
                    map.serialize_entry("function", &inside.function)?;
                    map.serialize_entry("distance", &inside.distance)?;
                }
            }
            Place::List { file, line } => {
                map.serialize_entry("list", file)?;
                map.serialize_entry("line", line)?;
            }
        }
        map.end()
    }
}
