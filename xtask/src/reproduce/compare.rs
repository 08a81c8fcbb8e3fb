//! Two files that should have the same bytes: where and how they differ. Pure.
//!
//! Knows the sections and symbols of ELF files, and shows of any other file its
//! first difference. The report names what a person can look up: a section, an
//! offset in it, an address, a function, and the bytes on both sides.

use serde::Serialize;

use super::excerpt::{Excerpt, excerpts};
use super::parts::{Parts, Symbols};

/// One place where two files differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The file.
    pub file: String,
    /// The section or segment; `None` for a file without such.
    pub section: Option<String>,
    /// The first byte that differs, from the beginning of the section, or of
    /// the file without one.
    pub offset: u64,
    /// Where that byte lies in memory, if it does.
    pub address: Option<u64>,
    /// The function or variable it belongs to.
    pub symbol: Option<String>,
    /// How many bytes both have, and how many of these differ.
    pub differing: u64,
    /// The length on the left.
    pub left_bytes: u64,
    /// The length on the right.
    pub right_bytes: u64,
    /// What the left has there.
    pub left: Excerpt,
    /// What the right has there.
    pub right: Excerpt,
}

/// Every section in which `left` and `right` differ, in the file's order; empty
/// if they are the same. `symbols` are those of the left kernel, for a file
/// that has none of its own.
pub fn compare(file: &str, left: &[u8], right: &[u8], symbols: &Symbols) -> Vec<Difference> {
    if left == right {
        return Vec::new();
    }
    let (Some(ours), Some(theirs)) = (Parts::of(left), Parts::of(right)) else {
        return vec![difference(file, None, left, right, symbols)];
    };
    let own = Symbols::of(left);
    let symbols = if own.is_empty() { symbols } else { &own };
    let mut found = Vec::new();
    for part in ours.named() {
        let other = theirs.of_name(&part.name);
        let bytes = other.map_or(&[][..], |other| other.bytes);
        if part.bytes != bytes {
            let section = Some((part.name.as_str(), part.address));
            found.push(difference(file, section, part.bytes, bytes, symbols));
        }
    }
    for part in theirs.named() {
        if ours.of_name(&part.name).is_none() && !part.bytes.is_empty() {
            let section = Some((part.name.as_str(), part.address));
            found.push(difference(file, section, &[], part.bytes, symbols));
        }
    }
    if found.is_empty() {
        // Only headers, or what lies between the parts.
        found.push(difference(file, None, left, right, symbols));
    }
    found
}

fn difference(
    file: &str,
    section: Option<(&str, Option<u64>)>,
    left: &[u8],
    right: &[u8],
    symbols: &Symbols,
) -> Difference {
    let pairs = || left.iter().zip(right);
    let common = left.len().min(right.len());
    let first = pairs().position(|(one, other)| one != other);
    let offset = first.unwrap_or(common);
    let address = section
        .and_then(|(_, address)| address)
        .map(|address| address.saturating_add(offset as u64));
    let (ours, theirs) = excerpts(left, right, offset);
    Difference {
        file: file.to_owned(),
        section: section.map(|(name, _)| name.to_owned()),
        offset: offset as u64,
        address,
        symbol: address.and_then(|address| symbols.at(address)),
        differing: pairs().filter(|(one, other)| one != other).count() as u64,
        left_bytes: left.len() as u64,
        right_bytes: right.len() as u64,
        left: ours,
        right: theirs,
    }
}

impl Difference {
    /// The lines that tell it to a person.
    pub fn lines(&self) -> Vec<String> {
        let mut place = match &self.section {
            Some(section) => format!("{} {section}+{:#x}", self.file, self.offset),
            None => format!("{} offset {:#x}", self.file, self.offset),
        };
        if let Some(address) = self.address {
            place.push_str(&format!(", address {address:#010x}"));
        }
        if let Some(symbol) = &self.symbol {
            place.push_str(&format!(", in {symbol}"));
        }
        let amount = match self.left_bytes == self.right_bytes {
            true => format!("{} of {} bytes differ", self.differing, self.left_bytes),
            false => format!("{} bytes and {} bytes", self.left_bytes, self.right_bytes),
        };
        vec![
            format!("{place}: {amount}"),
            format!("  one    {}", self.left),
            format!("  other  {}", self.right),
        ]
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
