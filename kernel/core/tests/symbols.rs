//! The symbol table: what goes in comes out, and damage never panics.

use kernel_core::symbols::{Function, MAX_NAME, ParseError, SymbolTable, encode};
use proptest::prelude::*;

/// Names such as a Rust kernel has, with enough repetition to compress.
fn name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("core::fmt::".to_owned()),
        Just("kernel_core::frames::".to_owned()),
        Just("<impl core::ops::Drop for ".to_owned()),
        "[ -~]{0,20}",
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

fn functions() -> impl Strategy<Value = Vec<(u32, u32, String)>> {
    let address = prop_oneof![0..2000u32, 0xc010_0000..0xc012_0000u32, any::<u32>()];
    prop::collection::vec((address, 0..3000u32, name()), 0..120)
}

fn table_of(functions: &[(u32, u32, String)]) -> Vec<u8> {
    let functions: Vec<Function<'_>> = functions
        .iter()
        .map(|(address, size, name)| Function {
            address: *address,
            size: *size,
            name,
        })
        .collect();
    encode(&functions)
}

/// Does everything that can be done with a table.
fn exercise(bytes: &[u8], addresses: &[u32]) {
    let Ok(table) = SymbolTable::parse(bytes) else {
        return;
    };
    for &address in addresses {
        if let Some((symbol, offset)) = table.lookup(address) {
            assert_eq!(symbol.start + offset, address);
            assert!(symbol.name.to_string().len() <= MAX_NAME);
        }
    }
    let _ = table.find("core::fmt::write");
    assert!(table.iter().count() <= bytes.len());
}

proptest! {
    #[test]
    fn lookup_agrees_with_a_search(functions in functions(), probes in prop::collection::vec(any::<u32>(), 20)) {
        let bytes = table_of(&functions);
        let table = SymbolTable::parse(&bytes).expect("our own table");
        let end = functions.iter().map(|f| f.0.saturating_add(f.1.max(1))).max().unwrap_or(0);
        let near = functions.iter().flat_map(|f| [f.0.saturating_sub(1), f.0, f.0.saturating_add(f.1)]);
        for address in near.chain(probes) {
            let start = functions.iter().map(|f| f.0).filter(|&start| start <= address).max();
            let found = table.lookup(address);
            prop_assert_eq!(found.as_ref().map(|(symbol, _)| symbol.start), start.filter(|_| address < end));
            if let Some((symbol, offset)) = found {
                prop_assert_eq!(symbol.start + offset, address);
                let name = symbol.name.to_string();
                prop_assert!(functions.iter().any(|f| f.0 == symbol.start && f.2 == name), "{}", name);
            }
        }
        let mut starts: Vec<u32> = functions.iter().map(|f| f.0).collect();
        starts.sort_unstable();
        starts.dedup();
        prop_assert_eq!(table.len() as usize, starts.len());
        prop_assert!(table.iter().map(|symbol| symbol.start).eq(starts));
    }

    #[test]
    fn damage_never_panics(
        functions in functions(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
        probes in prop::collection::vec(any::<u32>(), 10),
    ) {
        let mut bytes = table_of(&functions);
        let addresses: Vec<u32> = functions.iter().map(|f| f.0).chain(probes).collect();
        exercise(&bytes[..cut.index(bytes.len() + 1)], &addresses);
        for (place, value) in changes {
            // The header decides most: damage it as often as all the rest.
            let header = place.index(24);
            bytes[header] = if header < 6 { bytes[header] } else { value };
            exercise(&bytes, &addresses);
            let anywhere = place.index(bytes.len());
            bytes[anywhere] = value;
            exercise(&bytes, &addresses);
        }
    }

    #[test]
    fn any_bytes_are_safe(tail in prop::collection::vec(any::<u8>(), 0..300), probe: u32) {
        exercise(&tail, &[probe]);
        let mut bytes = b"EXSY\x01\0".to_vec();
        bytes.extend_from_slice(&tail);
        exercise(&bytes, &[probe]);
    }
}

#[test]
fn each_fault_has_its_name() {
    let good = table_of(&[(16, 4, "start".to_owned())]);
    assert_eq!(SymbolTable::parse(&[]).err(), Some(ParseError::NoMagic));
    assert_eq!(
        SymbolTable::parse(&good[..30]).err(),
        Some(ParseError::Damaged)
    );
    let mut newer = good.clone();
    newer[4] = 2;
    assert_eq!(
        SymbolTable::parse(&newer).err(),
        Some(ParseError::Version(2))
    );
    let mut longer = good.clone();
    longer.extend_from_slice(&[0xff; 9]);
    assert!(SymbolTable::parse(&longer).is_ok());
}

#[test]
fn long_and_foreign_names_are_made_to_fit() {
    let table = table_of(&[
        (1, 1, "x".repeat(1000)),
        (2, 1, "größe\n".to_owned()),
        (3, 1, String::new()),
    ]);
    let table = SymbolTable::parse(&table).expect("our own table");
    let names: Vec<String> = table.iter().map(|symbol| symbol.name.to_string()).collect();
    assert_eq!(
        names,
        [
            "x".repeat(MAX_NAME - 3) + "...",
            "gr??e?".to_owned(),
            String::new()
        ]
    );
    assert_eq!(table.find("gr??e?"), Some(2));
}

#[test]
fn a_kernel_of_1500_functions_fits_in_40_kb() {
    const MODULES: [&str; 5] = [
        "kernel::ipc::message",
        "kernel::mm::map_entry",
        "core::fmt",
        "kernel_core::frames",
        "boot::multiboot",
    ];
    const TYPES: [&str; 6] = [
        "FrameAllocator",
        "Formatter",
        "PortSpace",
        "SymbolTable",
        "MapEntry",
        "Queue",
    ];
    const VERBS: [&str; 7] = [
        "allocate_run",
        "pad_integral",
        "copy_out",
        "lookup",
        "fmt",
        "send_to",
        "receive",
    ];
    let functions: Vec<(u32, u32, String)> = (0..1500u32)
        .map(|n| {
            let pick = |list: &[&'static str], step: u32| list[(n / step) as usize % list.len()];
            let name = format!(
                "<{}::{}_{n:x} as {}>::{}",
                pick(&MODULES, 1),
                pick(&TYPES, 3),
                pick(&MODULES, 7),
                pick(&VERBS, 5)
            );
            (0xc010_0000 + n * 83, 83, name)
        })
        .collect();
    let plain: usize = functions.iter().map(|f| f.2.len() + 5).sum();
    let table = table_of(&functions);
    assert!(
        table.len() < 40_000 && table.len() < plain / 2,
        "{} of {plain} bytes",
        table.len()
    );
}
