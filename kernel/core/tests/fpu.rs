//! The two images of the floating-point registers, by what must survive.

use kernel_core::fpu::{NEW, OLD, from_old, to_old};
use proptest::prelude::*;

const PI: [u8; 10] = [0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40];

/// An image with one register in use, on top of the stack.
fn holding(value: [u8; 10]) -> [u8; OLD] {
    let mut old = [0; OLD];
    old[..2].copy_from_slice(&0x037f_u16.to_le_bytes());
    old[4..6].copy_from_slice(&0x3800_u16.to_le_bytes());
    old[8..10].copy_from_slice(&0x3fff_u16.to_le_bytes());
    old[28..38].copy_from_slice(&value);
    old
}

fn tags_of(value: [u8; 10]) -> u16 {
    let mut new = [0; NEW];
    from_old(&holding(value), &mut new);
    assert_eq!(new[4], 1 << 7, "the top of the stack is register 7");
    let old = to_old(&new);
    u16::from_le_bytes([old[8], old[9]]) >> 14
}

#[test]
fn tags_tell_what_a_register_holds() {
    assert_eq!(tags_of(PI), 0);
    assert_eq!(tags_of([0; 10]), 1);
    let mut negative_zero = [0; 10];
    negative_zero[9] = 0x80;
    assert_eq!(tags_of(negative_zero), 1);
    let infinity = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f];
    assert_eq!(tags_of(infinity), 2);
    let denormal = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(tags_of(denormal), 2);
    let unnormal = [1, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x40];
    assert_eq!(tags_of(unnormal), 2);
}

#[test]
fn all_empty_stays_so() {
    let mut old = [0; OLD];
    old[8..10].copy_from_slice(&0xffff_u16.to_le_bytes());
    let mut new = [0; NEW];
    from_old(&old, &mut new);
    assert_eq!(new[4], 0);
    assert_eq!(to_old(&new), old);
}

proptest! {
    #[test]
    fn there_and_back_is_the_same(image in prop::collection::vec(any::<u8>(), NEW)) {
        let mut new = [0; NEW];
        new.copy_from_slice(&image);
        let old = to_old(&new);
        let mut again = new;
        from_old(&old, &mut again);
        prop_assert_eq!(&again[..], &new[..]);
        prop_assert_eq!(to_old(&again), old);
    }
}
