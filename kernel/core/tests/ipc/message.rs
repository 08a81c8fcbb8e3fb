//! Messages of every shape; the expected codes were seen on the reference.

use kernel_core::ipc::Disposition;
use kernel_core::ipc::message::{
    Body, COMPLEX, Header, Item, Malformed, Place, Sender, check_size, items,
};
use proptest::prelude::*;

/// `mach_msg_type_t`, by its bit fields.
fn short(name: u32, size: u32, number: u32, flags: u32) -> u32 {
    name | size << 8 | number << 16 | flags << 28
}
const IN: u32 = 1;
const LONG: u32 = 2;
const DEALLOCATE: u32 = 4;
const UNUSED: u32 = 8;

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn walk(words: &[u32]) -> Result<Vec<Item>, Malformed> {
    items(&bytes(words)).collect()
}

fn header(bits: u32, remote: u32, local: u32) -> Result<Header, Malformed> {
    Header::parse(&bytes(&[bits, 0, remote, local, 0, 7]))
}

#[test]
fn a_size_is_a_header_and_whole_words() {
    for (size, fits) in [
        (0, false),
        (20, false),
        (24, true),
        (25, false),
        (30, false),
        (28, true),
    ] {
        assert_eq!(check_size(size).is_ok(), fits, "{size}");
    }
    assert_eq!(Malformed::TooSmall.code(), 0x1000_0008);
}

#[test]
fn the_header_takes_rights_to_send_only() {
    for number in 0..256 {
        let to_send = (17..=21).contains(&number);
        assert_eq!(header(number, 5, 0).is_ok(), to_send, "remote {number}");
        let local = header(19 | number << 8, 5, 6);
        assert_eq!(local.is_ok(), to_send, "local {number}");
    }
    assert_eq!(header(19, 5, 6), Err(Malformed::InvalidHeader));
    let null_with_type = header(19 | 17 << 8, 5, 0).expect("seen: accepted");
    assert_eq!(null_with_type.local, Some((Disposition::MoveSend, 0)));
}

#[test]
fn the_header_drops_the_circular_bit_and_carries_the_rest() {
    let parsed = header(20 | 0x7fff_0000, 5, 0).expect("seen: accepted");
    assert_eq!(parsed.other_bits, 0x3fff_0000);
    assert_eq!(
        (parsed.body, parsed.remote_name, parsed.id),
        (Body::Plain, 5, 7)
    );
    assert_eq!(
        header(20 | COMPLEX, 5, 0).map(|h| h.body),
        Ok(Body::Complex)
    );
}

#[test]
fn good_items() {
    let found = walk(&[short(2, 32, 1, IN), 5, short(8, 8, 5, IN), 0, 0]).expect("two items");
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].size, found[0].place), (4, Place::Inline(4)));
    assert_eq!((found[1].size, found[1].place), (5, Place::Inline(12)));
    assert_eq!(walk(&[]), Ok(vec![]));
    assert_eq!(walk(&[short(2, 32, 0, IN)]).map(|f| f[0].size), Ok(0));
    assert_eq!(walk(&[short(2, 7, 3, IN), 0]).map(|f| f[0].size), Ok(3));
    for unassigned in [14, 22, 23, 200] {
        assert!(
            walk(&[short(unassigned, 32, 1, IN), 0]).is_ok(),
            "{unassigned}"
        );
    }
    let long = walk(&[short(0, 0, 0, IN | LONG), 258 | 32 << 16, 1, 7]).expect("long");
    assert_eq!(
        (long[0].name, long[0].size, long[0].place),
        (258, 4, Place::Inline(12))
    );
    let rights = walk(&[short(19, 32, 1, 0), 0x1234]).expect("rights out of line");
    assert_eq!(rights[0].rights, Some(Disposition::CopySend));
    let sender = Sender::Keeps;
    assert_eq!(
        rights[0].place,
        Place::OutOfLine {
            address: 0x1234,
            at: 4,
            sender
        }
    );
    assert!(rights[0].is_complex() && !long[0].is_complex());
    assert!(walk(&[short(2, 32, 0, DEALLOCATE), 0x1234]).is_ok());
}

#[test]
fn bad_items() {
    use Malformed::{InvalidMemory, InvalidType, TooSmall};
    let cases: &[(&[u32], Malformed)] = &[
        (&[short(2, 32, 2, IN), 5], TooSmall),
        (&[short(2, 32, 1, IN)], TooSmall),
        (&[short(2, 32, 1, IN), 5, 6], TooSmall),
        (&[short(2, 0, 1, IN), 5], TooSmall),
        (&[short(2, 32, 2, 0)], TooSmall),
        (&[short(2, 32, 1, IN | UNUSED), 5], InvalidType),
        (&[short(2, 32, 1, IN | DEALLOCATE), 5], InvalidType),
        (&[short(19, 8, 4, IN), 5], InvalidType),
        (&[short(19, 8, 0, IN)], InvalidType),
        (&[short(0, 0, 0, IN | LONG), 2 | 32 << 16], TooSmall),
        (&[short(0, 0, 0, IN | LONG), 2 | 32 << 16, 1], TooSmall),
        (
            &[short(9, 8, 5, IN | LONG), 2 | 32 << 16, 1, 7],
            InvalidType,
        ),
        (
            &[short(0, 0, 0, IN | LONG), 2 | 32 << 16, 0x2000_0001, 7],
            TooSmall,
        ),
        (
            &[short(0, 0, 0, LONG), 2 | 32 << 16, 0xffff_ffff, 7],
            InvalidMemory,
        ),
    ];
    for (words, expected) in cases {
        assert_eq!(walk(words), Err(*expected), "{words:x?}");
    }
}

fn descriptor() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        (0..24u32, 0..40u32, 0..6u32, 0..16u32).prop_map(|(n, s, c, f)| short(n, s, c, f)),
        0..8u32,
    ]
}

proptest! {
    /// The items lie one after the other and fill the body, or it is refused;
    /// no bytes panic.
    #[test]
    fn hostile_bodies(words in prop::collection::vec(descriptor(), 0..40), cut in 0..4usize) {
        let mut body = bytes(&words);
        body.truncate(body.len().saturating_sub(cut));
        let mut end = 0usize;
        let mut refused = false;
        for item in items(&body) {
            let Ok(item) = item else {
                prop_assert!(!refused);
                refused = true;
                continue;
            };
            prop_assert!(!refused, "went on after an error");
            prop_assert_eq!(item.descriptor, end);
            end = match item.place {
                Place::Inline(at) => at + (item.size as usize).next_multiple_of(4),
                Place::OutOfLine { at, .. } => at + 4,
            };
            prop_assert!(end > item.descriptor && end <= body.len());
            if item.rights.is_some() {
                prop_assert_eq!(u64::from(item.number) * 4, u64::from(item.size));
            }
        }
        prop_assert!(refused || end == body.len());
    }

    #[test]
    fn hostile_headers(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let parsed = Header::parse(&bytes);
        if bytes.len() < 24 || bytes.len() % 4 != 0 {
            prop_assert_eq!(parsed, Err(Malformed::TooSmall));
        }
    }
}
