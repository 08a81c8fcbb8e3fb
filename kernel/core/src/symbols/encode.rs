//! Makes a symbol table: used by the build tool after linking.
//!
//! Owns the compression. The kernel never builds this file.

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{BLOCK, HEADER, MAGIC, MAX_NAME, MAX_TOKENS, VERSION};

/// A function to put into the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function<'a> {
    /// Where it starts.
    pub address: u32,
    /// Its length in bytes; 0 if the linker does not know.
    pub size: u32,
    /// Its name, demangled.
    pub name: &'a str,
}

/// The table of `functions`, in any order. Of several at one address, the one
/// with the shortest name stays.
pub fn encode(functions: &[Function<'_>]) -> Vec<u8> {
    let mut sorted: Vec<&Function<'_>> = functions.iter().collect();
    sorted.sort_by_key(|function| (function.address, function.name.len(), function.name));
    sorted.dedup_by_key(|function| function.address);
    let end = sorted
        .iter()
        .map(|function| function.address.saturating_add(function.size.max(1)))
        .max()
        .unwrap_or(0);

    let mut names: Vec<Vec<u8>> = sorted.iter().map(|function| ascii(function.name)).collect();
    let tokens = compress(&mut names);

    let mut blocks = Vec::new();
    let mut entries = Vec::new();
    let mut previous = 0;
    for (index, (function, name)) in sorted.iter().zip(&names).enumerate() {
        if index % BLOCK as usize == 0 {
            put_u32(&mut blocks, function.address);
            put_u32(&mut blocks, length(entries.len()));
            previous = function.address;
        }
        put_leb128(&mut entries, function.address - previous);
        previous = function.address;
        // `ascii` bounds the length by MAX_NAME, and compressing only shortens.
        entries.push(name.len() as u8);
        entries.extend_from_slice(name);
    }

    let text: Vec<u8> = tokens.concat();
    let total = HEADER + tokens.len() * 2 + text.len() + blocks.len() + entries.len();
    let mut table = Vec::with_capacity(total);
    table.extend_from_slice(MAGIC);
    table.extend_from_slice(&VERSION.to_le_bytes());
    table.extend_from_slice(&(tokens.len() as u16).to_le_bytes());
    put_u32(&mut table, length(sorted.len()));
    put_u32(&mut table, length(total));
    put_u32(&mut table, end);
    put_u32(&mut table, length(text.len()));
    let mut token_end = 0;
    for token in &tokens {
        token_end += token.len();
        table.extend_from_slice(&(token_end as u16).to_le_bytes());
    }
    table.extend_from_slice(&text);
    table.extend_from_slice(&blocks);
    table.extend_from_slice(&entries);
    table
}

/// The bytes of `name`, printable ASCII only, shortened to [`MAX_NAME`].
fn ascii(name: &str) -> Vec<u8> {
    let printable = |character: char| match character {
        ' '..='~' => character as u8,
        _ => b'?',
    };
    let mut bytes: Vec<u8> = name.chars().map(printable).collect();
    if bytes.len() > MAX_NAME {
        bytes.truncate(MAX_NAME - 3);
        bytes.extend_from_slice(b"...");
    }
    bytes
}

/// Replaces the commonest pair of bytes by a token, again and again (Gage, "A
/// New Algorithm for Data Compression", 1994). Gives the text of each token.
fn compress(names: &mut [Vec<u8>]) -> Vec<Vec<u8>> {
    let mut tokens: Vec<Vec<u8>> = Vec::new();
    while tokens.len() < MAX_TOKENS {
        let mut pairs: BTreeMap<[u8; 2], usize> = BTreeMap::new();
        for name in names.iter() {
            for pair in name.windows(2) {
                *pairs.entry([pair[0], pair[1]]).or_default() += 1;
            }
        }
        // On a tie the smaller pair wins: the same input, the same table.
        let best = pairs
            .iter()
            .max_by_key(|(pair, uses)| (**uses, core::cmp::Reverse(**pair)));
        // A pair saves a byte a use and costs its text and two bytes more.
        let Some((&[first, second], _)) = best.filter(|(_, uses)| **uses > 8) else {
            break;
        };
        let token = 0x80 + tokens.len() as u8;
        for name in names.iter_mut() {
            replace_pair(name, [first, second], token);
        }
        let text = [expand(&tokens, first), expand(&tokens, second)].concat();
        tokens.push(text);
    }
    tokens
}

/// What `byte` of a compressed name stands for.
fn expand(tokens: &[Vec<u8>], byte: u8) -> Vec<u8> {
    match byte.checked_sub(0x80) {
        Some(token) => tokens[usize::from(token)].clone(),
        None => [byte].to_vec(),
    }
}

fn replace_pair(name: &mut Vec<u8>, pair: [u8; 2], token: u8) {
    let mut kept = 0;
    let mut at = 0;
    while at < name.len() {
        if name[at..].starts_with(&pair) {
            name[kept] = token;
            at += 2;
        } else {
            name[kept] = name[at];
            at += 1;
        }
        kept += 1;
    }
    name.truncate(kept);
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a table of a 32-bit kernel is below 4 GiB")
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_leb128(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
