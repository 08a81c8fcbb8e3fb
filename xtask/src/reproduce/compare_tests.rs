//! Differences of real ELF files: made by `object`, changed in one place.

use object::write::{Object, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};

use super::*;

const PATH: &[u8] = b"\0/exov6/kernel/src/main.rs\0";

/// An ELF file with two functions and a constant.
fn elf(first: &[u8], second: &[u8], constant: &[u8]) -> Vec<u8> {
    let mut file = Object::new(BinaryFormat::Elf, Architecture::I386, Endianness::Little);
    let text = file.add_section(Vec::new(), b".text".to_vec(), SectionKind::Text);
    let rodata = file.add_section(Vec::new(), b".rodata".to_vec(), SectionKind::ReadOnlyData);
    let mut add = |section, name: &str, bytes: &[u8]| {
        let value = file.append_section_data(section, bytes, 16);
        file.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: bytes.len() as u64,
            kind: SymbolKind::Text,
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        });
    };
    add(text, "_RNvCs1_6kernel5start", first);
    add(text, "_RNvCs1_6kernel4stop", second);
    add(rodata, "NAME", constant);
    file.write().expect("an ELF file")
}

fn compared(left: &[u8], right: &[u8]) -> Vec<Difference> {
    compare("kernel.debug", left, right, &Symbols::default())
}

#[test]
fn the_same_bytes_do_not_differ() {
    let file = elf(&[0x90; 20], &[0xc3; 20], PATH);
    assert_eq!(compared(&file, &file), []);
}

#[test]
fn a_changed_instruction_is_found_in_its_section() {
    let left = elf(&[0x90; 20], &[0xc3; 20], PATH);
    let mut code = [0xc3; 20];
    code[5] = 0xcc;
    let right = elf(&[0x90; 20], &code, PATH);
    let [only] = &compared(&left, &right)[..] else {
        panic!("one place differs: {:?}", compared(&left, &right));
    };
    assert_eq!(only.section.as_deref(), Some(".text"));
    assert_eq!((only.offset, only.differing), (32 + 5, 1));
    assert!(only.left.to_string().starts_with("c3 c3"), "{only:?}");
    assert!(only.right.to_string().starts_with("cc c3"), "{only:?}");
    assert!(
        only.lines()[0].starts_with("kernel.debug .text+0x25"),
        "{only:?}"
    );
}

#[test]
fn a_path_in_the_constants_is_shown_as_text() {
    let left = elf(&[0x90; 20], &[0xc3; 20], PATH);
    let right = elf(&[0x90; 20], &[0xc3; 20], b"\0/home/kernel/src/main.rs\0");
    let found = compared(&left, &right);
    let rodata = found
        .iter()
        .find(|one| one.section.as_deref() == Some(".rodata"));
    let rodata = rodata.expect("it differs there");
    assert_eq!(rodata.left.to_string(), "\"/exov6/kernel/src/main.rs\"");
    assert_eq!(rodata.right.to_string(), "\"/home/kernel/src/main.rs\"");
    assert_eq!((rodata.left_bytes, rodata.right_bytes), (27, 26));
}

#[test]
fn a_section_that_only_one_has_is_named() {
    let left = elf(&[0x90; 20], &[0xc3; 20], PATH);
    let mut file = Object::new(BinaryFormat::Elf, Architecture::I386, Endianness::Little);
    let id = file.add_section(Vec::new(), b".comment".to_vec(), SectionKind::OtherString);
    file.append_section_data(id, b"ld 2.40", 1);
    let right = file.write().expect("an ELF file");
    let found = compared(&left, &right);
    let of = |name: &str| {
        found
            .iter()
            .find(|one| one.section.as_deref() == Some(name))
    };
    assert_eq!(of(".comment").expect("only there").left_bytes, 0);
    assert_eq!(of(".text").expect("only here").right_bytes, 0);
}

#[test]
fn a_file_without_sections_borrows_the_names_of_another() {
    let left = crate::tiny::elf(&[0x90; 32]);
    let mut right = left.clone();
    let last = right.len() - 1;
    right[last] ^= 1;
    let [only] = &compare("kernel.elf", &left, &right, &Symbols::default())[..] else {
        panic!("one place differs");
    };
    assert!(
        only.section
            .as_deref()
            .is_some_and(|name| name.starts_with("segment"))
    );
    let address = only.address.expect("a segment lies in memory");
    let names = Symbols(vec![(address - 2, 3, "kernel::stop".to_owned())]);
    let found = compare("kernel.elf", &left, &right, &names);
    assert_eq!(found[0].symbol.as_deref(), Some("kernel::stop"));
    assert!(
        found[0].lines()[0].contains(", in kernel::stop: 1 of "),
        "{found:?}"
    );
}

#[test]
fn what_is_no_elf_file_is_compared_byte_by_byte() {
    let [only] = &compared(b"{\"clean\": true}", b"{\"clean\": false}")[..] else {
        panic!("one place differs");
    };
    assert_eq!((only.section.clone(), only.offset), (None, 10));
    assert_eq!(only.lines()[1], "  one    \"{\"clean\": true}\"");
    let [only] = &compared(b"abc", b"abcdefghi")[..] else {
        panic!("one place differs");
    };
    assert_eq!((only.offset, only.differing), (3, 0));
    assert_eq!(only.left, Excerpt::End);
}
