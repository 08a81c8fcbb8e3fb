//! MP tables, recorded, made up and hostile.

use kernel_core::{
    addr::PhysAddr,
    mp_table,
    topology::{IsaRoute, LOCAL_APIC, MP_TABLE_PINS, Polarity, Source, Topology, Trigger},
};
use proptest::prelude::*;

use crate::{
    machines::{ids, read_everything},
    recording::Recording,
};

#[test]
fn mp_tables() {
    for (machine, processors, io_apic) in [
        (recorded!("isapc"), vec![0], 0),
        (recorded!("pc"), vec![0], 0),
        (recorded!("pc-smp2-noacpi"), vec![0, 1], 0),
        (recorded!("qboot-smp2"), vec![0, 1], 3),
    ] {
        let topology = mp_table::read(&machine).expect("there is an MP table");
        assert_eq!(topology.source, Source::MpTable);
        assert!(!topology.damaged);
        assert_eq!(ids(&topology), processors);
        assert_eq!(topology.local_apic, LOCAL_APIC);
        assert_eq!(topology.io_apics.len(), 1);
        assert_eq!(topology.io_apics[0].id, io_apic);
        assert_eq!(topology.io_apics[0].address, PhysAddr::new(0xfec0_0000));
        assert_eq!(topology.isa_irqs[0].gsi, 2);
        assert_eq!(topology.isa_irqs[4], IsaRoute::identity(4));
        assert_eq!(topology.nmi_input, 1);
        assert!(!topology.pic_mode);
    }
    for machine in [recorded!("isapc"), recorded!("pc-smp2-noacpi")] {
        assert_eq!(Topology::discover(&machine, None).source, Source::MpTable);
    }
}

/// A floating pointer at 0xF0000 with these feature bytes.
fn floating_pointer(table: u32, features: [u8; 2]) -> Recording {
    let mut machine = Recording::blank();
    let mut floating = b"_MP_".to_vec();
    floating.extend(table.to_le_bytes());
    floating.extend([1, 4, 0, features[0], features[1], 0, 0, 0]);
    machine.put_summed(0xf_0000, &floating, 10);
    machine
}

#[test]
fn default_configurations() {
    for number in 1..=8 {
        let topology = mp_table::read(&floating_pointer(0, [number, 0x80]));
        let refused = matches!(number, 4 | 7 | 8);
        assert_eq!(topology.is_none(), refused, "configuration {number}");
        let Some(topology) = topology else { continue };
        assert_eq!(ids(&topology), [0, 1]);
        assert_eq!(topology.io_apics[0].id, 2);
        assert!(topology.pic_mode);
        assert_eq!(topology.isa_irqs[0].gsi, if number == 2 { 0 } else { 2 });
        assert_eq!(topology.isa_irqs[8], IsaRoute::identity(8));
    }
}

#[test]
fn the_pointer_may_be_in_the_extended_area_or_at_the_end_of_base_memory() {
    let found = floating_pointer(0, [5, 0]).take(0xf_0000, 16);
    let place = |address: u64, segment: u16, base_kib: u16| {
        let mut machine = Recording::blank();
        machine.put(0x40e, &segment.to_le_bytes());
        machine.put(0x413, &base_kib.to_le_bytes());
        machine.put(address, &found);
        mp_table::read(&machine).is_some()
    };
    assert!(place(0x9_8000, 0x9800, 600));
    assert!(place(0x9_83f0, 0x9800, 600));
    assert!(!place(0x9_8400, 0x9800, 600));
    assert!(place(599 * 1024, 0, 600));
    assert!(!place(600 * 1024, 0, 600));
    assert!(place(0x9_fc00, 0, 0));
    assert!(place(0xf_fff0, 0, 0));
    assert!(!place(0xe_0000, 0, 0));
}

#[test]
fn wrong_sums_lengths_and_names_are_noticed() {
    let sound = configuration(&[&mp_processor(1, 3)]);
    assert!(mp_table::read(&sound).is_some());
    for (address, what) in [
        (0xf_000a, "the pointer's sum"),
        (0x1007, "the table's sum"),
        (0x1000, "the table's name"),
        (0x1004, "the table's length"),
    ] {
        let mut machine = sound.clone();
        let byte = machine.take(address, 1)[0];
        machine.put(address, &[byte ^ 0x40]);
        assert_eq!(mp_table::read(&machine), None, "{what}");
    }
    // A length short of its own header, with right sums.
    let mut machine = sound.clone();
    let mut table = machine.take(0x1000, 64);
    table[4] = 43;
    table[7] = 0;
    let sum = table[..43]
        .iter()
        .fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    table[7] = sum.wrapping_neg();
    machine.put(0x1000, &table);
    assert_eq!(mp_table::read(&machine), None);
}

/// A configuration table of these entries.
fn configuration(entries: &[&[u8]]) -> Recording {
    let mut machine = floating_pointer(0x1000, [0, 0]);
    let body = entries.concat();
    let mut table = b"PCMP".to_vec();
    table.extend(
        u16::try_from(44 + body.len())
            .expect("a short table")
            .to_le_bytes(),
    );
    table.extend([4, 0]);
    table.extend([b' '; 20]);
    table.extend([0; 6]);
    table.extend(
        u16::try_from(entries.len())
            .expect("few entries")
            .to_le_bytes(),
    );
    table.extend(0xfee0_1000u32.to_le_bytes());
    table.extend([0; 4]);
    table.extend(body);
    machine.put_summed(0x1000, &table, 7);
    machine
}

fn mp_processor(apic_id: u8, flags: u8) -> [u8; 20] {
    let mut entry = [0; 20];
    entry[1] = apic_id;
    entry[3] = flags;
    entry
}

#[test]
fn mp_entries_in_any_order() {
    let machine = configuration(&[
        // Level, active low: IRQ 10 of bus 7 to pin 3 of I/O APIC 9.
        &[3, 0, 0x0f, 0, 7, 10, 9, 3],
        // IRQ 11 of a PCI bus: none of ours.
        &[3, 0, 0x0f, 0, 1, 11, 9, 4],
        // The 8259s on pin 0 of I/O APIC 8.
        &[3, 3, 0, 0, 7, 0, 8, 0],
        &mp_processor(3, 1),
        &mp_processor(5, 0),
        &mp_processor(4, 3),
        &[1, 1, b'P', b'C', b'I', b' ', b' ', b' '],
        &[1, 7, b'I', b'S', b'A', b' ', b' ', b' '],
        &[2, 8, 0x11, 1, 0, 0, 0xc0, 0xfe],
        &[2, 7, 0x11, 0, 0, 0, 0xc2, 0xfe],
        &[2, 9, 0x11, 1, 0, 0, 0xc1, 0xfe],
        // NMI on input 0.
        &[4, 1, 0, 0, 7, 0, 0xff, 0],
    ]);
    let topology = mp_table::read(&machine).unwrap();
    assert!(!topology.damaged);
    assert_eq!(ids(&topology), [4, 3]);
    assert_eq!(topology.disabled_processors, 1);
    assert_eq!(topology.local_apic, PhysAddr::new(0xfee0_1000));
    assert_eq!(topology.io_apics.len(), 2);
    let route = topology.isa_irqs[10];
    assert_eq!(route.gsi, MP_TABLE_PINS + 3);
    assert_eq!(route.polarity, Polarity::ActiveLow);
    assert_eq!(route.trigger, Trigger::Level);
    assert_eq!(topology.isa_irqs[11], IsaRoute::identity(11));
    assert_eq!(topology.pic_pin, Some(0));
    assert_eq!(topology.nmi_input, 0);
}

#[test]
fn mp_entries_of_unknown_type_end_the_table() {
    let machine = configuration(&[&mp_processor(1, 3), &[77; 8], &mp_processor(2, 1)]);
    let topology = mp_table::read(&machine).unwrap();
    assert!(topology.damaged);
    assert_eq!(ids(&topology), [1]);
    // Without a usable processor it's no machine.
    assert_eq!(mp_table::read(&configuration(&[&mp_processor(1, 2)])), None);
}

proptest! {
    /// MP entries of any content behind a right sum.
    #[test]
    fn hostile_mp_table(
        entries in prop::collection::vec(
            prop_oneof![
                (0u8..6, any::<[u8; 7]>()).prop_map(|(kind, rest)| {
                    [&[kind][..], &rest].concat()
                }),
                any::<[u8; 20]>().prop_map(|mut entry| {
                    entry[0] = 0;
                    entry.to_vec()
                }),
            ],
            0..60,
        ),
    ) {
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        read_everything(&configuration(&entries), None);
    }
}
