//! The symbol table: from an address to the name of its function.
//!
//! Owns the format, both ends: `encode` (feature "encode", for the build tool)
//! and the decoder the kernel uses while it panics. Anyone may read; nothing is
//! allocated and no byte of the table is trusted, for a kernel that panics may
//! have overwritten it: wrong bytes give wrong names or none, never a panic and
//! never an endless loop.
//!
//! The format, little endian:
//!
//! ```text
//! 0   "EXSY"
//! 4   u16 version     6 u16 token count T, at most 128
//! 8   u32 symbol count N
//! 12  u32 length of the table in bytes, this header included
//! 16  u32 address after the last function
//! 20  u32 length of the token text
//! 24  T * u16         where token t ends in the token text
//!     bytes           token text
//!     B * (u32, u32)  per block of 16 symbols: address of its first symbol,
//!                     offset of its entries; B = N / 16 rounded up
//!     entries         per symbol: LEB128 distance from the symbol before it
//!                     (0 for the first of a block), u8 length, that many bytes
//! ```
//!
//! A byte of a name below 0x80 is that ASCII character, any other stands for
//! token `byte - 0x80`: byte pair encoding, which halves Rust's long paths.

use core::fmt::{self, Write};

#[cfg(feature = "encode")]
mod encode;
#[cfg(feature = "encode")]
pub use encode::{Function, encode};

const MAGIC: &[u8; 4] = b"EXSY";
const VERSION: u16 = 1;
const HEADER: usize = 24;
const MAX_TOKENS: usize = 128;
const BLOCK: u32 = 16;
const BLOCK_ENTRY: usize = 8;

/// Longest name that is printed; the encoder shortens longer ones.
pub const MAX_NAME: usize = 200;

/// Why bytes are not a symbol table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// They do not begin with `EXSY`: the table was never put in.
    NoMagic,
    /// Made for another kernel.
    Version(u16),
    /// The parts do not fit into the length: the table is damaged.
    Damaged,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("no symbol table (no EXSY at its start)"),
            Self::Version(found) => {
                write!(
                    f,
                    "symbol table version {found}, this kernel reads {VERSION}"
                )
            }
            Self::Damaged => f.write_str("symbol table damaged (lengths do not add up)"),
        }
    }
}

/// A symbol table in place.
#[derive(Clone, Copy)]
pub struct SymbolTable<'a> {
    tokens: Tokens<'a>,
    blocks: &'a [u8],
    entries: &'a [u8],
    count: u32,
    end: u32,
}

/// What an address lies in.
#[derive(Clone, Copy)]
pub struct Symbol<'a> {
    /// Address of the function.
    pub start: u32,
    /// Its name; `Display` writes it.
    pub name: Name<'a>,
}

/// A compressed name. `Display` expands it.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    bytes: &'a [u8],
    tokens: Tokens<'a>,
}

#[derive(Clone, Copy)]
struct Tokens<'a> {
    ends: &'a [u8],
    text: &'a [u8],
}

/// Bytes that [`SymbolTable::length`] needs to see.
pub const HEADER_LENGTH: usize = HEADER;

impl<'a> SymbolTable<'a> {
    /// Bytes of the table whose header is at the start of `bytes`, as the
    /// header claims; `None` if no table of this version begins there.
    pub fn length(bytes: &[u8]) -> Option<usize> {
        if bytes.get(..4)? != MAGIC || u16_at(bytes, 4)? != VERSION {
            return None;
        }
        let length = usize::try_from(u32_at(bytes, 12)?).ok()?;
        (length >= HEADER).then_some(length)
    }

    /// The table at the start of `bytes`; what follows it is ignored.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.get(..4) != Some(MAGIC) {
            return Err(ParseError::NoMagic);
        }
        let version = u16_at(bytes, 4).ok_or(ParseError::Damaged)?;
        if version != VERSION {
            return Err(ParseError::Version(version));
        }
        Self::split(bytes).ok_or(ParseError::Damaged)
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let token_count = usize::from(u16_at(bytes, 6)?);
        let count = u32_at(bytes, 8)?;
        let length = usize::try_from(u32_at(bytes, 12)?).ok()?;
        let end = u32_at(bytes, 16)?;
        let text_length = usize::try_from(u32_at(bytes, 20)?).ok()?;
        if token_count > MAX_TOKENS {
            return None;
        }
        let block_count = usize::try_from(count.div_ceil(BLOCK)).ok()?;
        let blocks_length = block_count.checked_mul(BLOCK_ENTRY)?;

        let rest = bytes.get(HEADER..length)?;
        let (ends, rest) = rest.split_at_checked(token_count * 2)?;
        let (text, rest) = rest.split_at_checked(text_length)?;
        let (blocks, entries) = rest.split_at_checked(blocks_length)?;
        Some(Self {
            tokens: Tokens { ends, text },
            blocks,
            entries,
            count,
            end,
        })
    }

    /// How many symbols the table says it has.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether it says it has none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The function `address` lies in, and how far into it. `None` before the
    /// first function and after the last.
    pub fn lookup(&self, address: u32) -> Option<(Symbol<'a>, u32)> {
        if address >= self.end {
            return None;
        }
        let blocks = self.blocks.chunks_exact(BLOCK_ENTRY);
        let after = partition_point(blocks.len(), |index| {
            self.block_address(index)
                .is_some_and(|start| start <= address)
        });
        let symbol = self
            .block(after.checked_sub(1)?)
            .take_while(|symbol| symbol.start <= address)
            .last()?;
        Some((symbol, address.checked_sub(symbol.start)?))
    }

    /// All symbols, by address.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'a>> {
        let table = *self;
        (0..table.blocks.len() / BLOCK_ENTRY).flat_map(move |index| table.block(index))
    }

    /// The address of the first function whose whole name is `name`.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.iter()
            .find(|symbol| symbol.name.is(name))
            .map(|symbol| symbol.start)
    }

    fn block_address(&self, index: usize) -> Option<u32> {
        u32_at(self.blocks, index.checked_mul(BLOCK_ENTRY)?)
    }

    /// The symbols of one block.
    fn block(self, index: usize) -> impl Iterator<Item = Symbol<'a>> {
        let offset = u32_at(self.blocks, (index * BLOCK_ENTRY).saturating_add(4));
        let entries = offset.and_then(|offset| self.entries.get(usize::try_from(offset).ok()?..));
        let before = u32::try_from(index).map_or(self.count, |index| index.saturating_mul(BLOCK));
        let tokens = self.tokens;
        let mut rest = entries.unwrap_or(&[]);
        let mut address = self.block_address(index);
        (0..self.count.saturating_sub(before).min(BLOCK)).map_while(move |_| {
            let (distance, tail) = split_leb128(rest)?;
            let (length, tail) = tail.split_first()?;
            let (bytes, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            address = address?.checked_add(distance);
            Some(Symbol {
                start: address?,
                name: Name { bytes, tokens },
            })
        })
    }
}

impl<'a> Name<'a> {
    /// The characters, at most [`MAX_NAME`]; what is not printable ASCII in a
    /// damaged table comes out as `?`.
    pub fn chars(self) -> impl Iterator<Item = char> {
        self.bytes
            .iter()
            .flat_map(move |byte| match byte.checked_sub(0x80) {
                None => core::slice::from_ref(byte),
                Some(token) => self.tokens.text_of(usize::from(token)),
            })
            .take(MAX_NAME)
            .map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '?',
            })
    }

    /// Whether this is the name `text`.
    pub fn is(self, text: &str) -> bool {
        self.chars().eq(text.chars())
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars()
            .try_for_each(|character| f.write_char(character))
    }
}

impl<'a> Tokens<'a> {
    fn text_of(self, token: usize) -> &'a [u8] {
        let end_of = |token: usize| u16_at(self.ends, token * 2).map(usize::from);
        let start = token.checked_sub(1).map_or(Some(0), end_of);
        match (start, end_of(token)) {
            (Some(start), Some(end)) => self.text.get(start..end).unwrap_or(b"?"),
            _ => b"?",
        }
    }
}

/// The first index for which `holds` is false, if it is true up to some point.
fn partition_point(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let tail = bytes.get(at..)?;
    Some(u16::from_le_bytes(*tail.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let tail = bytes.get(at..)?;
    Some(u32::from_le_bytes(*tail.first_chunk()?))
}

/// The number at the start of `bytes` and what follows it.
fn split_leb128(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
