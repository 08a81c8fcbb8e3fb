//! Kernel images made in memory, right by default and wrong as asked.
//!
//! Four segments as the real kernel has them: header, boot code at its physical
//! address, kernel code 0xC0000000 above, data.

/// Where the boot segment runs and is loaded.
pub(crate) const BOOT: u32 = 0x0010_1000;
/// Where the kernel's code runs; it is loaded 0xC0000000 below.
pub(crate) const TEXT: u32 = 0xC010_2000;
/// The file offset of the kernel's code.
pub(crate) const TEXT_OFFSET: u32 = 0x2000;
const DATA: u32 = 0xC010_3000;
const RET: u8 = 0xC3;

/// A segment to be.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) virtual_address: u32,
    pub(crate) physical_address: u32,
    pub(crate) offset: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) memory_size: u32,
}

/// A symbol to be: name, value, size, type, section index.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    pub(crate) name: &'static str,
    pub(crate) value: u32,
    pub(crate) size: u32,
    pub(crate) kind: u8,
    pub(crate) section: u16,
}

pub(crate) const FUNCTION: u8 = 2;
pub(crate) const LABEL: u8 = 0;
const DEFINED: u16 = 0xFFF1;

/// An image to be.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) class: u8,
    pub(crate) order: u8,
    pub(crate) kind: u16,
    pub(crate) machine: u16,
    pub(crate) entry: u32,
    pub(crate) multiboot: [u32; 3],
    pub(crate) multiboot_at: usize,
    pub(crate) parts: Vec<Part>,
    pub(crate) symbols: Vec<Symbol>,
    /// Bytes of a section with relocations for the kernel's code.
    pub(crate) relocations: Vec<u8>,
}

pub(crate) fn function(name: &'static str, value: u32, size: u32) -> Symbol {
    Symbol {
        name,
        value,
        size,
        kind: FUNCTION,
        section: DEFINED,
    }
}

/// push ebp; cmovne eax, ecx; pop ebp; ret
pub(crate) const WITH_CMOV: [u8; 6] = [0x55, 0x0F, 0x45, 0xC1, 0x5D, 0xC3];

/// An image whose one kernel function is `kernel::sync::choose`.
pub(crate) fn named(text: &[u8]) -> Sample {
    let mut sample = Sample::new(text);
    let size = u32::try_from(text.len()).expect("small");
    sample
        .symbols
        .push(function("_RNvNtCs1234_6kernel4sync6choose", TEXT, size));
    sample
}

impl Sample {
    /// An image without a fault, whose kernel code is `text`.
    pub(crate) fn new(text: &[u8]) -> Self {
        let part = |flags, virtual_address: u32, offset, data: Vec<u8>| Part {
            kind: 1,
            flags,
            virtual_address,
            physical_address: virtual_address & 0x0FFF_FFFF,
            offset,
            memory_size: u32::try_from(data.len()).expect("small"),
            data,
        };
        let mut note = Vec::new();
        for word in [4_u32, 4, 18] {
            note.extend(word.to_le_bytes());
        }
        note.extend(b"Xen\0");
        note.extend(BOOT.to_le_bytes());
        Sample {
            class: 1,
            order: 1,
            kind: 2,
            machine: 3,
            entry: BOOT,
            multiboot: [0x1BAD_B002, 3, 0xE452_4FFB],
            multiboot_at: 0x200,
            parts: vec![
                part(4, 0x0010_0000, 0x200, vec![0; 12]),
                Part {
                    kind: 4,
                    ..part(4, 0x0010_0040, 0x240, note)
                },
                part(5, BOOT, 0x1000, vec![0xFA, 0xEB, 0xFE]), // cli; jmp .
                part(5, TEXT, TEXT_OFFSET, text.to_vec()),
                part(6, DATA, 0x3000, vec![1, 2, 3, 4]),
            ],
            symbols: Vec::new(),
            relocations: Vec::new(),
        }
    }

    /// An image without a fault.
    pub(crate) fn good() -> Self {
        Self::new(&[0x55, 0x89, 0xE5, 0x5D, RET]) // push ebp; mov ebp, esp; pop ebp; ret
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let table = u16::try_from(self.parts.len()).expect("few");
        let sections = self.symbols.len() + self.relocations.len() > 0;
        let mut contents = vec![(self.multiboot_at, words(&self.multiboot))];
        contents.extend(
            self.parts
                .iter()
                .map(|part| (part.offset as usize, part.data.clone())),
        );
        let end = contents
            .iter()
            .map(|(at, data)| at + data.len())
            .max()
            .unwrap_or(0);
        let end = end.next_multiple_of(4);

        file.extend([0x7F, b'E', b'L', b'F', self.class, self.order, 1, 0]);
        file.extend([0; 8]);
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        let section_table = if sections { end as u32 } else { 0 };
        file.extend(words(&[1, self.entry, 52, section_table, 0]));
        let count: u16 = if sections { 5 } else { 0 };
        // The symbols' strings name the sections as well: all unnamed.
        let names = if sections { 2 } else { 0 };
        for half in [52, 32, table, 40, count, names] {
            file.extend(half.to_le_bytes());
        }
        for part in &self.parts {
            file.extend(words(&[
                part.kind,
                part.offset,
                part.virtual_address,
                part.physical_address,
                u32::try_from(part.data.len()).expect("small"),
                part.memory_size,
                part.flags,
                // The notes' own alignment; pages for what is loaded.
                if part.kind == 4 { 4 } else { 0x1000 },
            ]));
        }
        file.resize(file.len().max(end), 0);
        // The header first, so that the segment that holds it does not wipe it.
        contents.rotate_left(1);
        for (at, data) in &contents {
            file[*at..at + data.len()].copy_from_slice(data);
        }
        if sections {
            self.add_sections(&mut file);
        }
        file
    }

    /// Section headers: null, .symtab, .strtab, .text, .rel.text; then their data.
    fn add_sections(&self, file: &mut Vec<u8>) {
        let mut strings = vec![0];
        let mut table = vec![0; 16];
        for symbol in &self.symbols {
            table.extend(words(&[
                u32::try_from(strings.len()).expect("small"),
                symbol.value,
                symbol.size,
            ]));
            table.extend([0x10 | symbol.kind, 0]);
            table.extend(symbol.section.to_le_bytes());
            strings.extend(symbol.name.as_bytes());
            strings.push(0);
        }
        let data_at = file.len() + 5 * 40;
        let lengths = [table.len(), strings.len(), self.relocations.len()];
        let at = |index: usize| (data_at + lengths[..index].iter().sum::<usize>()) as u32;
        let length = |index: usize| lengths[index] as u32;
        // name, type, flags, address, offset, size, link, info, alignment, entry size
        let headers = [
            [0; 10],
            [0, 2, 0, 0, at(0), length(0), 2, 1, 4, 16],
            [0, 3, 0, 0, at(1), length(1), 0, 0, 1, 0],
            [0, 1, 6, TEXT, TEXT_OFFSET, 4, 0, 0, 1, 0],
            [0, 9, 0, 0, at(2), length(2), 1, 3, 4, 8],
        ];
        for header in headers {
            file.extend(words(&header));
        }
        file.extend(table);
        file.extend(strings);
        file.extend(&self.relocations);
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
