//! PVH start information, recorded, made up and hostile.

use boot::{
    loader::{LoaderInfo, Losses, Protocol, Refusal, Region, RegionKind},
    pvh,
};
use proptest::prelude::*;

use crate::{assert_bounded, assert_sound, recorded, recording::Recording};

const QEMU_AT: u64 = 0x21e0;

fn read(memory: &Recording, address: u64) -> Result<Box<LoaderInfo>, Refusal> {
    let mut info = Box::new(LoaderInfo::EMPTY);
    pvh::read(memory, address, &mut info)?;
    assert_sound(&info);
    assert_bounded(memory);
    Ok(info)
}

#[test]
fn qemu() {
    let info = read(&recorded!("pvh-qemu"), QEMU_AT).expect("sound");
    assert_eq!(info.protocol, Protocol::Pvh);
    assert_eq!(info.command_line.as_str(), "ktest loglevel=3");
    assert_eq!(info.rsdp, Some(0xf_59d0));
    assert_eq!(info.losses, Losses::default());
    assert_eq!(info.lower_upper_kib, None);
    let module = info.modules.first().expect("one module");
    assert_eq!((module.start, module.end), (0xffd_6000, 0xffd_6000 + 5000));
    assert_eq!(module.string.as_str(), "");
    assert_eq!(info.regions.len(), 6);
    assert_eq!(
        info.regions.get(3),
        Some(&Region {
            start: 0x10_0000,
            length: 0xfee_0000,
            kind: RegionKind::Usable,
        })
    );
}

#[test]
fn version_0_has_no_memory_map() {
    let mut memory = recorded!("pvh-qemu");
    memory.put(QEMU_AT + 4, &[0]);
    let info = read(&memory, QEMU_AT).expect("sound");
    assert!(info.regions.is_empty());
    assert_eq!(info.command_line.as_str(), "ktest loglevel=3");
    assert!(!info.losses.map_damaged);
}

#[test]
fn anything_else_is_refused() {
    let mut memory = recorded!("pvh-qemu");
    let address = 1 << 40;
    assert_eq!(
        read(&memory, address).map(|_| ()),
        Err(Refusal::Unreadable { address })
    );
    memory.put(QEMU_AT, &[0x79]);
    assert_eq!(
        read(&memory, QEMU_AT).map(|_| ()),
        Err(Refusal::WrongMagic { found: 0x336e_c579 })
    );
}

#[test]
fn lists_that_leave_memory_end_there() {
    let mut memory = recorded!("pvh-qemu");
    memory.put(QEMU_AT + 40, &((1u64 << 20) - 30).to_le_bytes());
    memory.put(QEMU_AT + 12, &9u32.to_le_bytes());
    memory.put(QEMU_AT + 16, &((1u64 << 20) - 70).to_le_bytes());
    let info = read(&memory, QEMU_AT).expect("sound");
    assert!(info.losses.map_damaged);
    assert_eq!((info.modules.len(), info.losses.modules), (2, 7));
}

#[test]
fn modules_and_lists_that_wrap_are_left_out() {
    let mut memory = recorded!("pvh-qemu");
    memory.put(0x21c0, &(u64::MAX - 10).to_le_bytes());
    memory.put(QEMU_AT + 40, &(u64::MAX - 10).to_le_bytes());
    let info = read(&memory, QEMU_AT).expect("sound");
    assert_eq!((info.modules.len(), info.losses.modules), (0, 1));
    assert!(info.losses.map_damaged);
}

proptest! {
    /// Any start info, any memory around it.
    #[test]
    fn any_start_info(
        fields in prop::array::uniform6(prop_oneof![any::<u64>(), 0x5000u64..0x6000]),
        counts in any::<(u32, u32)>(),
        around in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let mut memory = Recording::blank();
        memory.put(0x5000, &around);
        let start: Vec<u8> = [u64::from(pvh::MAGIC) | 1 << 32]
            .iter()
            .chain(&fields)
            .flat_map(|field| field.to_le_bytes())
            .collect();
        memory.put(0x4000, &start);
        memory.put(0x400c, &counts.0.to_le_bytes());
        memory.put(0x4030, &counts.1.to_le_bytes());
        read(&memory, 0x4000).expect("it begins with the magic");
    }

    /// The real one with bytes overwritten.
    #[test]
    fn damaged_start_info(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut memory = recorded!("pvh-qemu");
        memory.damage(&damage);
        let _ = read(&memory, QEMU_AT);
    }
}
