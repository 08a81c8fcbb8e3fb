//! Which names a backtrace can show: the kernel's functions.
//!
//! Takes the symbols that are functions, and labels of assembly that stand in
//! code no function covers. Names lose their hashes, which differ from compiler
//! to compiler and mean nothing to people.

use object::LittleEndian as LE;
use object::elf::{STB_GLOBAL, STT_FUNC, STT_NOTYPE};
use object::read::elf::Sym;

use super::elf::Linked;

/// A function and the name people know it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// Where it starts.
    pub(super) address: u32,
    /// Its length in bytes; 0 if nobody said.
    pub(super) size: u32,
    /// Its name, demangled.
    pub(super) name: String,
}

/// The functions of a kernel, by address.
pub(super) fn named(linked: &Linked<'_>) -> Vec<Named> {
    let mut functions = Vec::new();
    let mut labels = Vec::new();
    for symbol in linked.symbols.iter() {
        if symbol.is_undefined(LE) || !linked.is_code(symbol.st_value(LE)) {
            continue;
        }
        let Ok(name) = symbol.name(LE, linked.symbols.strings()) else {
            continue;
        };
        let name = demangled(&String::from_utf8_lossy(name));
        if name.is_empty() {
            continue;
        }
        let named = Named {
            address: symbol.st_value(LE),
            size: symbol.st_size(LE),
            name,
        };
        match symbol.st_type() {
            STT_FUNC => functions.push(named),
            STT_NOTYPE if symbol.st_bind() == STB_GLOBAL => labels.push(named),
            _ => {}
        }
    }
    functions.sort();
    // A label inside a function would cut its name off.
    labels.retain(|label| {
        !functions
            .iter()
            .any(|function| function.covers(label.address))
    });
    functions.extend(labels);
    functions.sort();
    functions
}

impl Named {
    fn covers(&self, address: u32) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|offset| offset < self.size.max(1))
    }
}

fn demangled(name: &str) -> String {
    // The alternate form leaves the hash out.
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_people_wrote() {
        assert_eq!(
            demangled("_RNvNtCs6aDkFr95XgW_4core9panicking9panic_fmt"),
            "core::panicking::panic_fmt"
        );
        assert_eq!(
            demangled("_ZN4core9panicking9panic_fmt17h0123456789abcdefE"),
            "core::panicking::panic_fmt"
        );
        assert_eq!(demangled("multiboot_entry"), "multiboot_entry");
    }

    #[test]
    fn a_function_covers_its_bytes() {
        let function = Named {
            address: 0x1000,
            size: 16,
            name: "f".into(),
        };
        assert!(function.covers(0x1000) && function.covers(0x100f));
        assert!(!function.covers(0x1010) && !function.covers(0xfff));
        assert!(
            Named {
                size: 0,
                ..function
            }
            .covers(0x1000)
        );
    }
}
