//! The names of the kernel's functions, from the table behind the image.
//!
//! `cargo xtask build` puts the table there after linking; a kernel without
//! one still runs and reports bare addresses.

use core::fmt;
use core::slice;

use kernel_core::addr::VirtAddr;
use kernel_core::symbols::{HEADER_LENGTH, SymbolTable};

unsafe extern "C" {
    static data_end: u8;
}

/// Stands for the table in the linked file: a header that is no table. The
/// build replaces it, and may be any length, for nothing comes after it.
#[used]
#[unsafe(link_section = ".ksyms")]
static PLACEHOLDER: [u8; HEADER_LENGTH] = [0; HEADER_LENGTH];
/// More than any table: bounds what a damaged length can claim.
const LARGEST: usize = 256 << 10;

/// The bytes of the table: from the end of the data on, as long as its header
/// says.
fn bytes() -> &'static [u8] {
    let start = &raw const data_end;
    // SAFETY: the linker puts the table there, at least the placeholder.
    let header = unsafe { slice::from_raw_parts(start, HEADER_LENGTH) };
    match SymbolTable::length(header) {
        // SAFETY: the loader put all of the segment there, of this length.
        Some(length) if length <= LARGEST => unsafe { slice::from_raw_parts(start, length) },
        _ => header,
    }
}

/// Physical address above the image and its table.
pub(crate) fn image_end() -> u32 {
    let end = bytes().as_ptr_range().end.addr() as u32;
    end - boot::layout::KERNEL_BASE
}

/// The address of the function called `name`.
pub(crate) fn address_of(name: &str) -> Option<u32> {
    SymbolTable::parse(bytes()).ok()?.find(name)
}

/// An address, shown as `function+offset`.
pub(crate) struct Named(pub(crate) VirtAddr);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = SymbolTable::parse(bytes()).ok();
        match table.and_then(|table| table.lookup(self.0.as_u32())) {
            Some((symbol, offset)) => write!(f, "{}+{offset:#x}", symbol.name),
            None => f.write_str("?"),
        }
    }
}
