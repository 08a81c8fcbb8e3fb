//! Descriptors: none that is a user's leads anywhere but to user mode.

use kernel_core::descriptor::{Descriptor, Use};
use proptest::prelude::*;

/// The access byte, field by field, as the manual's figure 3-8 has it.
fn fields(descriptor: Descriptor) -> (u32, bool, u32, bool) {
    let (_, high) = descriptor.words();
    let (kind, segment) = (high >> 8 & 0xf, high >> 12 & 1 == 1);
    (kind, segment, high >> 13 & 3, high >> 15 & 1 == 1)
}

#[test]
fn usual_segments_are_users() {
    let code = Descriptor::from_words(0xffff, 0x00cf_fa00);
    let data = Descriptor::from_words(0xffff, 0x00cf_f200);
    assert!(code.allows(Use::Code) && code.allows(Use::Data) && !code.allows(Use::Stack));
    assert!(data.allows(Use::Stack) && data.allows(Use::Data) && !data.allows(Use::Code));
    assert!(Descriptor::EMPTY.is_empty() && !Descriptor::EMPTY.is_users());
    // Flat data of the kernel's, and a gate.
    assert!(!Descriptor::from_words(0xffff, 0x00cf_9200).is_users());
    assert!(!Descriptor::from_words(0x0008_0000, 0xc010_ec00).is_users());
}

proptest! {
    #[test]
    fn what_is_allowed_is_a_present_segment_of_ring_3(low: u32, high: u32) {
        let descriptor = Descriptor::from_words(low, high);
        prop_assert_eq!(descriptor.words(), (low, high));
        let (kind, segment, ring, present) = fields(descriptor);
        let is_users = segment && ring == 3;
        prop_assert_eq!(descriptor.is_users(), is_users);
        let is_code = kind & 8 != 0;
        let expected = [
            (Use::Data, !is_code || kind & 2 != 0),
            (Use::Stack, !is_code && kind & 2 != 0),
            (Use::Code, is_code),
        ];
        for (purpose, may) in expected {
            prop_assert_eq!(descriptor.allows(purpose), is_users && present && may);
        }
    }
}
