//! Kernels made byte by byte, and what becomes of them.

use kernel_core::symbols::SymbolTable;
use object::LittleEndian as LE;
use object::elf::{FileHeader32, PT_LOAD, PT_NOTE};
use object::read::elf::{FileHeader, ProgramHeader};

use super::{Finished, finalise};

const CODE: u32 = 0xc010_1000;
const DATA: u32 = 0xc010_2000;
const TABLE: u32 = 0xc010_4000;

/// A linked kernel: a note, code with two functions and a label, data with
/// zeroed memory behind it, and the table's segment.
#[derive(Clone)]
struct Made {
    class: u8,
    machine: u16,
    kind: u16,
    table_address: u32,
    table_name: &'static str,
    file_length_of_code: u32,
}

impl Default for Made {
    fn default() -> Self {
        Made {
            class: 1,
            machine: 3,
            kind: 2,
            table_address: TABLE,
            table_name: ".ksyms",
            file_length_of_code: 32,
        }
    }
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0u8; 0x5000];
        let mut put =
            |offset: usize, bytes: &[u8]| file[offset..offset + bytes.len()].copy_from_slice(bytes);
        let words = |words: &[u32]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<_>>()
        };
        put(0, &[0x7f, b'E', b'L', b'F', self.class, 1, 1]);
        put(
            16,
            &[self.kind.to_le_bytes(), self.machine.to_le_bytes()].concat(),
        );
        put(20, &words(&[1, CODE, 52, 0x4000, 0]));
        put(
            40,
            &[52u16, 32, 4, 40, 7, 6]
                .iter()
                .flat_map(|half| half.to_le_bytes())
                .collect::<Vec<_>>(),
        );
        let segments = [
            [PT_NOTE.0, 0x0f00, 0x0010_0f00, 0x0010_0f00, 16, 16, 4, 4],
            [
                PT_LOAD.0,
                0x1000,
                CODE,
                CODE - 0xc000_0000,
                self.file_length_of_code,
                32,
                5,
                0x1000,
            ],
            [
                PT_LOAD.0,
                0x2000,
                DATA,
                DATA - 0xc000_0000,
                8,
                0x1800,
                6,
                0x1000,
            ],
            [
                PT_LOAD.0,
                0x3000,
                self.table_address,
                self.table_address.wrapping_sub(0xc000_0000),
                24,
                24,
                4,
                0x1000,
            ],
        ];
        put(52, &words(&segments.concat()));
        put(0x0f00, b"the pvh note is ");
        put(0x1000, &[0x90; 32]);
        put(0x2000, b"initials");
        // 1 .text, 2 .data, 3 .bss, 4 the table, 5 .symtab, 6 .strtab with all names.
        let names = format!(
            "\0.text\0.data\0.bss\0{}\0.symtab\0.strtab\0{FUNCTION}\0small\0stub\0inside\0marker\0",
            self.table_name
        );
        let at = |name: &str| {
            names
                .find(&format!("\0{name}\0"))
                .map_or(0, |offset| offset as u32 + 1)
        };
        let sections: [[u32; 10]; 7] = [
            [0; 10],
            [at(".text"), 1, 6, CODE, 0x1000, 32, 0, 0, 16, 0],
            [at(".data"), 1, 3, DATA, 0x2000, 8, 0, 0, 4, 0],
            [at(".bss"), 8, 3, DATA + 8, 0x2008, 0x17f8, 0, 0, 4, 0],
            [
                at(self.table_name),
                1,
                2,
                self.table_address,
                0x3000,
                24,
                0,
                0,
                1,
                0,
            ],
            [at(".symtab"), 2, 0, 0, 0x3100, 6 * 16, 6, 1, 4, 16],
            [
                at(".strtab"),
                3,
                0,
                0,
                0x3200,
                names.len() as u32,
                0,
                0,
                1,
                0,
            ],
        ];
        put(0x4000, &words(sections.concat().as_slice()));
        let symbol = |name: &str, value: u32, size: u32, info: u8, section: u16| {
            [
                words(&[at(name), value, size]),
                vec![info, 0],
                section.to_le_bytes().to_vec(),
            ]
            .concat()
        };
        let symbols = [
            symbol("", 0, 0, 0, 0),
            symbol(FUNCTION, CODE, 16, 0x02, 1),
            symbol("small", CODE + 16, 8, 0x12, 1),
            symbol("inside", CODE + 4, 0, 0x10, 1),
            symbol("stub", CODE + 24, 0, 0x10, 1),
            symbol("marker", DATA, 0, 0x10, 2),
        ];
        put(0x3100, &symbols.concat());
        put(0x3200, names.as_bytes());
        file
    }
}

const FUNCTION: &str = "_RNvNtCs6aDkFr95XgW_4core9panicking9panic_fmt";

fn made() -> Finished {
    finalise(&Made::default().bytes()).expect("a good kernel")
}

fn table(elf: &[u8]) -> &[u8] {
    let header = FileHeader32::<LE>::parse(elf).expect("an ELF file");
    let segments = header.program_headers(LE, elf).expect("its segments");
    segments[3].data(LE, elf).expect("inside the file")
}

#[test]
fn the_segments_keep_their_place_and_contents() {
    let Finished { elf, .. } = made();
    let header = FileHeader32::<LE>::parse(elf.as_slice()).expect("an ELF file");
    assert_eq!(header.e_entry(LE), CODE);
    assert_eq!((header.e_shoff(LE), header.e_shnum(LE)), (0, 0));
    let segments = header
        .program_headers(LE, elf.as_slice())
        .expect("its segments");
    let kinds: Vec<_> = segments.iter().map(|segment| segment.p_type(LE)).collect();
    assert_eq!(kinds, [PT_NOTE, PT_LOAD, PT_LOAD, PT_LOAD]);
    assert_eq!(
        segments[0].data(LE, elf.as_slice()),
        Ok(b"the pvh note is ".as_slice())
    );
    assert_eq!(
        segments[1].data(LE, elf.as_slice()),
        Ok([0x90; 32].as_slice())
    );
    assert_eq!(
        segments[2].data(LE, elf.as_slice()),
        Ok(b"initials".as_slice())
    );
    assert_eq!(segments[2].p_memsz(LE), 0x1800);
    assert_eq!(segments[1].p_offset(LE), 0x1000);
}

#[test]
fn the_last_segment_is_a_table_of_the_functions() {
    let Finished { elf, sizes } = made();
    let header = FileHeader32::<LE>::parse(elf.as_slice()).expect("an ELF file");
    let segment = header
        .program_headers(LE, elf.as_slice())
        .expect("its segments")[3];
    assert_eq!(segment.p_vaddr(LE), TABLE);
    assert_eq!(segment.p_filesz(LE), segment.p_memsz(LE));
    assert_eq!(segment.p_offset(LE) % 0x1000, TABLE % 0x1000);
    assert_eq!(
        elf.len(),
        (segment.p_offset(LE) + segment.p_filesz(LE)) as usize,
        "something stands behind the table"
    );
    assert_eq!(sizes.symbols, u64::from(segment.p_filesz(LE)));

    let names = SymbolTable::parse(table(&elf)).expect("a table");
    let name = |address: u32| {
        names
            .lookup(address)
            .map(|(symbol, offset)| (symbol.name.to_string(), offset))
    };
    assert_eq!(name(CODE), Some(("core::panicking::panic_fmt".into(), 0)));
    assert_eq!(
        name(CODE + 4),
        Some(("core::panicking::panic_fmt".into(), 4)),
        "a label inside cut the function off"
    );
    assert_eq!(name(CODE + 20), Some(("small".into(), 4)));
    assert_eq!(
        name(CODE + 24),
        Some(("stub".into(), 0)),
        "the label of assembly is not there"
    );
    assert_eq!(name(DATA), None, "data has a function's name");
}

#[test]
fn sizes_are_those_of_the_sections() {
    let Finished { elf, sizes } = made();
    assert_eq!(
        (sizes.text, sizes.rodata, sizes.data, sizes.bss),
        (32, 0, 8, 0x17f8)
    );
    assert_eq!(sizes.file, elf.len() as u64);
}

#[test]
fn the_same_kernel_gives_the_same_bytes() {
    assert_eq!(made(), made());
}

#[test]
fn what_is_no_kernel_is_refused_with_a_reason() {
    let good = Made::default;
    let cases = [
        (Made { class: 2, ..good() }.bytes(), "not a 32-bit ELF file"),
        (
            Made {
                machine: 62,
                ..good()
            }
            .bytes(),
            "not a little-endian i386 executable",
        ),
        (
            Made { kind: 3, ..good() }.bytes(),
            "not a little-endian i386 executable",
        ),
        (
            Made {
                table_name: ".other",
                ..good()
            }
            .bytes(),
            "it has no section `.ksyms`",
        ),
        (
            Made {
                table_address: 0xc010_0000,
                ..good()
            }
            .bytes(),
            "is not the last segment",
        ),
        (
            Made {
                table_address: 0xffff_fff8,
                ..good()
            }
            .bytes(),
            "do not fit into 32-bit addresses",
        ),
        (
            Made {
                file_length_of_code: 0x10_0000,
                ..good()
            }
            .bytes(),
            "segment 1 lies beyond the end",
        ),
        (
            b"#!/bin/sh\necho a text file, and long enough to hold a header\n".to_vec(),
            "not a 32-bit ELF file",
        ),
        (Vec::new(), "not a 32-bit ELF file"),
    ];
    for (bytes, why) in cases {
        let failure = finalise(&bytes).expect_err(why);
        assert_eq!(failure.exit, crate::failure::Exit::BuildFailed);
        assert!(failure.what.contains(why), "{failure} does not say: {why}");
    }
}

#[test]
fn no_cut_of_the_file_makes_it_panic() {
    let whole = Made::default().bytes();
    for length in (0..whole.len()).step_by(7) {
        // Any verdict is right, as long as there is one.
        let _ = finalise(&whole[..length]);
    }
}
