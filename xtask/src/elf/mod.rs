//! Whether a kernel image is one: for the loader, the memory map and the CPU.
//!
//! Pure: bytes in, findings out. `cmd/check_elf.rs` and the build's tests call
//! [`check`]. No byte of the file is trusted: whatever it holds, the answer is
//! a report, never a panic.

pub mod code;
pub mod cpu;
pub mod finding;
pub mod functions;
pub mod gates;
pub mod image;
pub mod link;
pub mod loader;
pub mod sarif;
pub mod segments;

use serde::Serialize;

use crate::machine::Cpu;
use finding::{Finding, Place, Rule};
use functions::{Functions, Source};
use gates::Gates;
use image::Image;
use link::Sections;

/// What is checked, against what.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The image.
    pub bytes: &'a [u8],
    /// The unstripped kernel beside it, if there is one.
    pub debug: Option<&'a [u8]>,
    /// The CPU that must have every instruction.
    pub cpu: Cpu,
    /// The list of gated functions: what people call it, and its text.
    pub gates: Option<(&'a str, &'a str)>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many instructions were looked at.
    pub instructions: u64,
    /// How many functions they are in.
    pub functions: usize,
    /// Where names came from.
    pub symbols: Source,
    /// Everything that is wrong, in the order of the rules.
    pub findings: Vec<Finding>,
}

/// Checks an image by every rule.
pub fn check(input: &Input<'_>) -> Report {
    let mut findings = Vec::new();
    let image = match Image::parse(input.bytes) {
        Ok(image) => image,
        Err(findings) => {
            return Report {
                instructions: 0,
                functions: 0,
                symbols: Source::None,
                findings,
            };
        }
    };
    segments::check(&image, &mut findings);
    loader::check(&image, &mut findings);
    let functions = symbols(&image, input.debug, &mut findings);
    let mut gates = match input.gates {
        Some((file, text)) => Gates::parse(file, text, &mut findings),
        None => Gates::default(),
    };
    let instructions = code::check(&image, &functions, input.cpu, &mut gates, &mut findings);
    if instructions == 0 {
        findings.push(Finding::whole(
            Rule::Entry,
            "there is no instruction in it",
            "build it again: cargo xtask build",
        ));
    }
    gates.unused(&functions, &mut findings);
    findings.sort_by_key(|finding| finding.rule);
    Report {
        instructions,
        functions: functions.count(),
        symbols: functions.source,
        findings,
    }
}

/// Checks what the linker left, and finds the names of functions.
fn symbols(image: &Image<'_>, debug: Option<&[u8]>, findings: &mut Vec<Finding>) -> Functions {
    match Sections::of(image) {
        Ok(sections) => {
            link::check(image, &sections, "the file", findings);
            let own = Functions::from_symbols(image, &sections, Source::Symbols);
            if let Some(functions) = own {
                return functions;
            }
        }
        Err(finding) => findings.push(finding),
    }
    let beside = debug.and_then(|bytes| same_kernel(image, bytes));
    if let Some(beside) = &beside {
        match Sections::of(beside) {
            Ok(sections) => {
                link::check(beside, &sections, "the unstripped kernel", findings);
                let names = Functions::from_symbols(image, &sections, Source::DebugFile);
                if let Some(functions) = names {
                    return functions;
                }
            }
            Err(mut finding) => {
                // The place is in the other file.
                finding.place = Place::File;
                finding.message = format!("the unstripped kernel beside it: {}", finding.message);
                findings.push(finding);
            }
        }
    }
    Functions::from_backtraces(image).unwrap_or_else(Functions::none)
}

/// The unstripped kernel, if it has the same code at the same addresses: one of
/// another build would give wrong names.
fn same_kernel<'a>(image: &Image<'_>, bytes: &'a [u8]) -> Option<Image<'a>> {
    let other = Image::parse(bytes).ok()?;
    let same = image
        .segments
        .iter()
        .filter(|segment| segment.is_code())
        .all(|segment| {
            other.segments.iter().any(|candidate| {
                candidate.virtual_address == segment.virtual_address
                    && candidate.data == segment.data
            })
        });
    same.then_some(other)
}
