//! From what the linker made to the file that boots. Pure: bytes to bytes.
//!
//! The linked file keeps its sections for gdb. `kernel.elf` gets the ELF header,
//! the program headers and the contents of the segments, each at its old
//! offset, and in its last segment the symbol table for the kernel's
//! backtraces. The same input gives the same bytes.

mod elf;
mod functions;
#[cfg(test)]
mod tests;

use kernel_core::symbols;

use crate::failure::{Failure, Result};
use crate::sizes::Sizes;
use elf::Linked;

/// The kernel bounds what a damaged length can claim; a table may not be more.
const LARGEST_TABLE: usize = 256 << 10;

/// A kernel that is ready to boot.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    /// The file.
    pub elf: Vec<u8>,
    /// How big its parts are.
    pub sizes: Sizes,
}

/// Makes the file that boots out of the linked one.
pub fn finalise(linked: &[u8]) -> Result<Finished> {
    let linked = Linked::parse(linked).map_err(refused)?;
    let named = functions::named(&linked);
    let functions: Vec<_> = named
        .iter()
        .map(|function| symbols::Function {
            address: function.address,
            size: function.size,
            name: &function.name,
        })
        .collect();
    let table = symbols::encode(&functions);
    if table.len() > LARGEST_TABLE {
        return Err(refused(format!(
            "its symbol table has {} bytes, more than the {LARGEST_TABLE} that the kernel reads",
            table.len()
        )));
    }
    let elf = linked.with_table(&table).map_err(refused)?;
    let file = elf.len() as u64;
    let sizes = Sizes {
        symbols: table.len() as u64,
        file,
        ..linked.section_sizes()
    };
    Ok(Finished { elf, sizes })
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::build_failed(format!("what the linker made is no kernel: {why}"))
        .mend("look at kernel/link.ld")
}
