//! Executables: well-made ones, every reason to refuse one, and any bytes.

use kernel_core::addr::{PAGE_SIZE, VirtAddr};
use kernel_core::exec::{Access, DYNAMIC_BASE, ExecError, Executable, MAX_SEGMENTS};
use proptest::prelude::*;

const USER_END: VirtAddr = VirtAddr::new(0xc000_0000);
const R: u32 = 4;
const W: u32 = 2;
const X: u32 = 1;

/// A program header as its eight words.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: u32,
    offset: u32,
    address: u32,
    length: u32,
    size: u32,
    flags: u32,
}

fn load(address: u32, offset: u32, length: u32, size: u32, flags: u32) -> Header {
    Header {
        kind: 1,
        offset,
        address,
        length,
        size,
        flags,
    }
}

/// A file of 8 KiB whose bytes behind the headers are their place modulo 251.
fn file(kind: u16, entry: u32, headers: &[Header]) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..8192u32).map(|at| (at % 251) as u8).collect();
    let mut head = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    head.extend(kind.to_le_bytes());
    head.extend(3u16.to_le_bytes());
    for word in [1, entry, 52, 0, 0] {
        head.extend(u32::to_le_bytes(word));
    }
    for half in [52, 32, headers.len() as u16, 0, 0, 0] {
        head.extend(u16::to_le_bytes(half));
    }
    for header in headers {
        let Header {
            kind,
            offset,
            address,
            length,
            size,
            flags,
        } = *header;
        for word in [kind, offset, address, address, length, size, flags, 4096] {
            head.extend(word.to_le_bytes());
        }
    }
    bytes[..head.len()].copy_from_slice(&head);
    bytes
}

fn access(flags: u32) -> Access {
    Access {
        read: flags & R != 0,
        write: flags & W != 0,
        execute: flags & X != 0,
    }
}

/// First page, pages, access.
fn runs(executable: &Executable<'_>) -> Vec<(u32, u32, Access)> {
    let runs = executable.runs();
    runs.map(|run| (run.first.number(), run.count, run.access))
        .collect()
}

#[test]
fn a_program_is_loaded_as_its_headers_say() {
    let headers = [
        load(0x0804_8000, 0, 0x600, 0x600, R),
        load(0x0804_9000, 0x1000, 0x800, 0x800, R | X),
        load(0x0804_aff0, 0x1800, 0x20, 0x3000, R | W),
        Header {
            kind: 0x6474_e551,
            ..load(0, 0, 0, 0, R | W)
        },
    ];
    let bytes = file(2, 0x0804_9010, &headers);
    let executable = Executable::parse(&bytes, USER_END).expect("well made");
    assert_eq!(executable.entry().as_u32(), 0x0804_9010);
    let segments = executable.segments();
    assert_eq!(segments.len(), 3);
    assert_eq!(segments[2].start.as_u32(), 0x0804_aff0);
    assert_eq!(segments[2].bytes, &bytes[0x1800..0x1820]);
    assert_eq!(segments[2].size, 0x3000);
    assert_eq!(
        runs(&executable),
        [
            (0x8048, 1, access(R)),
            (0x8049, 1, access(R | X)),
            (0x804a, 4, access(R | W))
        ]
    );
}

#[test]
fn a_shared_page_comes_once_and_allows_what_either_does() {
    let headers = [
        load(0x1000, 0x100, 0x1800, 0x1800, R | X),
        load(0x2800, 0x100, 0x100, 0x100, R),
        load(0x2900, 0x100, 0x100, 0x2000, R | W),
    ];
    let bytes = file(2, 0x1000, &headers);
    let executable = Executable::parse(&bytes, USER_END).expect("well made");
    assert_eq!(
        runs(&executable),
        [
            (1, 1, access(R | X)),
            (2, 1, access(R | W | X)),
            (3, 2, access(R | W))
        ]
    );
}

#[test]
fn a_file_for_anywhere_is_put_where_the_reference_kernel_puts_it() {
    let bytes = file(3, 0x8, &[load(0, 0, 0x100, 0x100, R | X)]);
    let executable = Executable::parse(&bytes, USER_END).expect("well made");
    assert_eq!(executable.entry().as_u32(), DYNAMIC_BASE + 8);
    assert_eq!(executable.segments()[0].start.as_u32(), DYNAMIC_BASE);
}

#[test]
fn user_space_may_be_used_to_its_end() {
    let last = USER_END.as_u32() - PAGE_SIZE;
    let fits = [load(last, 0, 16, PAGE_SIZE, R | X)];
    let bytes = file(2, last, &fits);
    assert!(Executable::parse(&bytes, USER_END).is_ok());
    let uneven = VirtAddr::new(USER_END.as_u32() - 1);
    let refused = Executable::parse(&bytes, uneven).err();
    assert_eq!(refused, Some(ExecError::AddressOutside(0)));
}

#[test]
fn each_reason_to_refuse_is_told() {
    let text = load(0x1000, 0, 0x100, 0x100, R | X);
    let good = file(2, 0x1000, &[text]);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let cases: Vec<(Vec<u8>, ExecError, u32)> = vec![
        (Vec::new(), ExecError::NotElf, 6000),
        (good[..51].to_vec(), ExecError::NotElf, 6000),
        (with(0, 0), ExecError::NotElf, 6000),
        (with(4, 2), ExecError::WrongMachine, 6001),
        (with(5, 2), ExecError::WrongMachine, 6001),
        (with(18, 62), ExecError::WrongMachine, 6001),
        (with(20, 0), ExecError::WrongMachine, 6001),
        (file(1, 0x1000, &[text]), ExecError::NotExecutable, 6001),
        (with(31, 0xff), ExecError::HeadersOutside, 6002),
        (with(42, 40), ExecError::HeadersOutside, 6002),
        (with(45, 0xff), ExecError::HeadersOutside, 6002),
        (
            file(2, 0, &[load(0x1000, 8192, 1, 1, R)]),
            ExecError::BytesOutside(0),
            6002,
        ),
        (
            file(2, 0, &[text, load(0x2000, u32::MAX, 1, 1, R)]),
            ExecError::BytesOutside(1),
            6002,
        ),
        (
            file(2, 0, &[load(0x1000, 0, 2, 1, R)]),
            ExecError::MoreFileThanMemory(0),
            6002,
        ),
        (
            file(2, 0, &[load(0xbfff_f000, 0, 1, 0x1001, R)]),
            ExecError::AddressOutside(0),
            6003,
        ),
        (
            file(2, 0, &[load(0xffff_ffff, 0, 1, 1, R)]),
            ExecError::AddressOutside(0),
            6003,
        ),
        (
            file(3, 0, &[load(0xffff_f000, 0, 1, 1, R)]),
            ExecError::AddressOutside(0),
            6003,
        ),
        (
            file(2, 0, &[text, load(0x10ff, 0, 1, 1, R)]),
            ExecError::Overlap(1),
            6003,
        ),
        (
            file(2, 0, &[text, load(0xfff, 0, 1, 1, R)]),
            ExecError::Overlap(1),
            6003,
        ),
        (
            file(2, 0x1100, &[text]),
            ExecError::EntryOutside(0x1100),
            6003,
        ),
        (
            file(2, 0x2000, &[text, load(0x2000, 0, 1, 1, R | W)]),
            ExecError::EntryOutside(0x2000),
            6003,
        ),
        (
            file(3, u32::MAX, &[text]),
            ExecError::EntryOutside(u32::MAX),
            6003,
        ),
        (file(2, 0, &[]), ExecError::NoSegment, 6003),
        (
            file(2, 0, &[load(0x1000, 0, 0, 0, R)]),
            ExecError::NoSegment,
            6003,
        ),
    ];
    for (bytes, expected, code) in cases {
        let error = Executable::parse(&bytes, USER_END).err();
        assert_eq!(error, Some(expected));
        assert_eq!(expected.code(), code, "{expected}");
        assert!(expected.to_string().len() > 8);
    }
}

#[test]
fn there_is_a_bound() {
    let many: Vec<Header> = (0..=MAX_SEGMENTS as u32)
        .map(|number| load(0x1000 * (number + 1), 0, 8, 8, R | X))
        .collect();
    assert!(Executable::parse(&file(2, 0x1000, &many[1..]), USER_END).is_err());
    assert!(Executable::parse(&file(2, 0x1000, &many[..MAX_SEGMENTS]), USER_END).is_ok());
    let refused = Executable::parse(&file(2, 0x1000, &many), USER_END).err();
    assert_eq!(refused, Some(ExecError::TooManySegments));
}

fn header() -> impl Strategy<Value = Header> {
    let place = prop_oneof![
        8 => 0..0x8000u32,
        1 => (0..0x3000u32).prop_map(|below| USER_END.as_u32() - below),
        1 => any::<u32>(),
    ];
    let small = prop_oneof![9 => 0..0x2000u32, 1 => any::<u32>()];
    (
        prop_oneof![9 => Just(1), 1 => any::<u32>()],
        small,
        place,
        0..0x900u32,
        0..0x2800u32,
        0..8u32,
    )
        .prop_map(|(kind, offset, address, length, size, flags)| Header {
            kind,
            offset,
            address,
            length: length.min(size),
            size,
            flags,
        })
}

/// Whatever is taken is in bounds, and its runs are its pages, each once.
fn check(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let Ok(executable) = Executable::parse(bytes, USER_END) else {
        return Ok(false);
    };
    let mut least = 0u32;
    let mut model = std::collections::BTreeMap::new();
    for segment in executable.segments() {
        let start = segment.start.as_u32();
        let end = start.checked_add(segment.size).expect("in user space");
        prop_assert!(least <= start && start < end && end <= USER_END.as_u32());
        prop_assert!(segment.bytes.len() <= segment.size as usize);
        least = end;
        for page in start / PAGE_SIZE..end.div_ceil(PAGE_SIZE) {
            let seen = model.entry(page).or_insert(access(0));
            seen.read |= segment.access.read;
            seen.write |= segment.access.write;
            seen.execute |= segment.access.execute;
        }
        if model.len() > 10_000 {
            return Ok(true);
        }
    }
    let mut told = Vec::new();
    for (first, count, access) in runs(&executable) {
        told.extend((first..first + count).map(|page| (page, access)));
    }
    prop_assert_eq!(told, model.into_iter().collect::<Vec<_>>());
    Ok(true)
}

proptest! {
    #[test]
    fn any_headers_are_loaded_or_refused(
        mut headers in prop::collection::vec(header(), 0..7),
        sorted in any::<bool>(),
        dynamic in any::<bool>(),
        entry in 0..0x4000u32,
    ) {
        if sorted {
            // As linkers make them: one above the other, often in one page.
            let mut next = 0;
            for header in &mut headers {
                header.address = next + header.address % 0x1800;
                header.kind = 1;
                header.offset %= 0x1000;
                header.flags |= X;
                next = header.address + header.size;
            }
        }
        let entry = match headers.first() {
            Some(first) if sorted => first.address,
            _ => entry,
        };
        let kind = if dynamic { 3 } else { 2 };
        let taken = check(&file(kind, entry, &headers))?;
        prop_assert!(taken || !sorted || headers.first().is_none_or(|first| first.size == 0));
    }

    #[test]
    fn any_bytes_are_loaded_or_refused(
        noise in prop::collection::vec((0..200usize, any::<u8>()), 0..12),
        cut in 0..8192usize,
    ) {
        let mut bytes = file(2, 0x1000, &[
            load(0x1000, 0, 0x100, 0x1800, R | X),
            load(0x2800, 0, 0x100, 0x1800, R | W),
        ]);
        for (at, byte) in noise {
            bytes[at] = byte;
        }
        check(&bytes)?;
        check(&bytes[..cut])?;
    }
}
