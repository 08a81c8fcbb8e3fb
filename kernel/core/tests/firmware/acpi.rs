//! Root pointers, root tables and MADT, right, odd and hostile.

use kernel_core::{
    acpi::{AcpiFault, Tables},
    addr::PhysAddr,
    topology::{IsaRoute, LOCAL_APIC, Polarity, Topology},
};
use proptest::prelude::*;

use crate::{
    machines::{ids, read_everything},
    recording::Recording,
};

#[test]
fn an_xsdt_is_preferred_and_the_rsdt_serves_when_it_is_broken() {
    let mut machine = recorded!("pc-smp2");
    let rsdp = machine.take(0xf_59d0, 20);
    let rsdt = u64::from(u32::from_le_bytes(rsdp[16..20].try_into().unwrap()));
    let madt = Tables::find(&machine, None)
        .unwrap()
        .table(&machine, *b"APIC");
    let mut three_processors = madt.unwrap().to_vec();
    three_processors.extend([0, 8, 2, 2, 1, 0, 0, 0]);
    let length = u32::try_from(three_processors.len()).unwrap();
    three_processors[4..8].copy_from_slice(&length.to_le_bytes());
    machine.put_summed(0x11_0000, &three_processors, 9);

    let mut xsdt = machine.take(rsdt, 36);
    xsdt[..4].copy_from_slice(b"XSDT");
    xsdt[4..8].copy_from_slice(&44u32.to_le_bytes());
    xsdt.extend(0x11_0000u64.to_le_bytes());
    machine.put_summed(0x12_0000, &xsdt, 9);

    let mut rsdp2 = rsdp;
    rsdp2[15] = 2;
    rsdp2.extend(36u32.to_le_bytes());
    rsdp2.extend(0x12_0000u64.to_le_bytes());
    rsdp2.extend([0; 4]);
    machine.put_summed(0xf_59d0, &rsdp2[..20], 8);
    rsdp2[..20].copy_from_slice(&machine.take(0xf_59d0, 20));
    machine.put_summed(0xf_59d0, &rsdp2, 32);
    assert_eq!(ids(&Topology::discover(&machine, None)), [0, 1, 2]);

    machine.put(0x12_0000 + 40, &[1]);
    assert_eq!(ids(&Topology::discover(&machine, None)), [0, 1]);
}

#[test]
fn the_root_pointer_may_be_in_the_extended_bios_data_area() {
    let mut machine = recorded!("pc");
    let rsdp = machine.take(0xf_59d0, 20);
    machine.put(0xf_59d0, &[0; 20]);
    assert_eq!(Tables::find(&machine, None), Err(AcpiFault::NoRootPointer));
    machine.put(0x9_fc00 + 0x3f0 - 16, &rsdp);
    assert!(Tables::find(&machine, None).is_ok());
    // Its first paragraph may be the area's last; the rest may not lie outside.
    machine.put(0x9_fc00, &[0; 0x400]);
    machine.put(0x9_fc00 + 0x3f0, &rsdp);
    assert_eq!(Tables::find(&machine, None), Err(AcpiFault::NoRootPointer));
}

#[test]
fn a_segment_full_of_root_pointers_is_soon_given_up() {
    let mut machine = recorded!("pc-smp2");
    let real = machine.take(0xf_59d0, 20);
    let mut decoy = real.clone();
    // To a table with the right name, half of memory long, and a wrong sum.
    decoy[16..20].copy_from_slice(&0x1000u32.to_le_bytes());
    machine.put(0x1000, b"RSDT\0\0\x08\0");
    for place in (0xf_0000..0xf_59c0).step_by(32) {
        machine.put_summed(place, &decoy, 8);
    }
    assert_eq!(Tables::find(&machine, None), Err(AcpiFault::NoRootTable));
    let (_, bytes) = machine.work();
    assert!(bytes < 16 << 20, "{bytes} bytes");
    // One decoy does not hide the real one.
    machine.put(0xf_0000, &[0; 0x59c0]);
    machine.put_summed(0xf_0000, &decoy, 8);
    assert!(Tables::find(&machine, None).is_ok());
}

/// The MADT of `pc-smp2` with other entries.
fn with_madt_entries(entries: &[u8]) -> Recording {
    let mut machine = recorded!("pc-smp2");
    const MADT: u64 = 0xffe_1a1f;
    let mut madt = machine.take(MADT, 44);
    madt.extend(entries);
    let length = u32::try_from(madt.len()).expect("a short table");
    madt[4..8].copy_from_slice(&length.to_le_bytes());
    machine.put_summed(MADT, &madt, 9);
    machine
}

#[test]
fn more_processors_than_we_run() {
    let entries: Vec<u8> = (0..12).flat_map(|id| [0, 8, id, id, 1, 0, 0, 0]).collect();
    let topology = Topology::discover(&with_madt_entries(&entries), None);
    assert_eq!(ids(&topology), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(topology.surplus_processors, 4);
}

#[test]
fn madt_entries_of_every_kind() {
    let topology = Topology::discover(
        &with_madt_entries(&[
            0, 8, 0, 6, 1, 0, 0, 0, // processor with APIC id 6
            0, 8, 1, 7, 2, 0, 0, 0, // one that could be plugged in
            0, 8, 1, 0xff, 1, 0, 0, 0, // one that can't be addressed
            9, 16, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // x2APIC id 9
            9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // x2APIC id 256
            1, 12, 4, 0, 0, 0, 0xc1, 0xfe, 24, 0, 0, 0, // I/O APIC 4, from 24 on
            2, 10, 0, 9, 20, 0, 0, 0, 0xf, 0, // IRQ 9 to 20, low and level
            2, 10, 1, 3, 21, 0, 0, 0, 0, 0, // not ISA
            4, 6, 0xff, 0, 0, 0, // NMI on input 0
            5, 12, 0, 0, 0, 0, 0xe1, 0xfe, 0, 0, 0, 0, // local APIC elsewhere
            200, 3, 0, // from the future
        ]),
        None,
    );
    assert!(!topology.damaged);
    assert_eq!(ids(&topology), [6, 9]);
    assert_eq!(topology.disabled_processors, 3);
    assert_eq!(topology.io_apics[0].gsi_base, 24);
    assert_eq!(topology.isa_irqs[9].gsi, 20);
    assert_eq!(topology.isa_irqs[9].polarity, Polarity::ActiveLow);
    assert_eq!(topology.isa_irqs[3], IsaRoute::identity(3));
    assert_eq!(topology.nmi_input, 0);
    assert_eq!(topology.local_apic, PhysAddr::new(0xfee1_0000));
}

#[test]
fn madt_entries_of_hostile_length() {
    const PROCESSOR: [u8; 8] = [0, 8, 0, 3, 1, 0, 0, 0];
    for hostile in [
        &[0, 0, 0, 0, 1, 0, 0, 0][..], // would never end
        &[0, 1],                       // shorter than its own header
        &[1, 255, 0, 0],               // sticks out
        &[0],                          // no length at all
    ] {
        let entries = [&PROCESSOR[..], hostile].concat();
        let topology = Topology::discover(&with_madt_entries(&entries), None);
        assert!(topology.damaged, "{hostile:?}");
        assert_eq!(ids(&topology), [3]);
    }
    // Too short for its type: only that entry is lost.
    let entries = [&[1, 4, 0, 0][..], &PROCESSOR].concat();
    let topology = Topology::discover(&with_madt_entries(&entries), None);
    assert!(topology.damaged);
    assert_eq!(ids(&topology), [3]);
    // A local APIC beyond 4 GiB stays where it was.
    let entries = [&PROCESSOR[..], &[5, 12, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]].concat();
    let topology = Topology::discover(&with_madt_entries(&entries), None);
    assert_eq!((topology.damaged, topology.local_apic), (true, LOCAL_APIC));
}

proptest! {
    /// MADT entries of any content behind a right sum.
    #[test]
    fn hostile_madt(entries in prop::collection::vec(any::<u8>(), 0..400)) {
        let machine = with_madt_entries(&entries);
        prop_assert!(machine.work().0 < 10);
        read_everything(&machine, None);
    }

    /// The same, with types and lengths that are nearly right.
    #[test]
    fn nearly_right_madt(
        entries in prop::collection::vec(
            (0u8..12, 0u8..20, prop::collection::vec(any::<u8>(), 0..18)),
            0..40,
        ),
    ) {
        let entries: Vec<u8> = entries
            .into_iter()
            .flat_map(|(kind, length, body)| [vec![kind, length], body].concat())
            .collect();
        read_everything(&with_madt_entries(&entries), None);
    }

    /// Root tables that name anything, themselves included.
    #[test]
    fn hostile_root_table(
        addresses in prop::collection::vec(
            prop_oneof![any::<u32>(), Just(0xffe_1aff), Just(0xffe_1a1f), Just(0xf_59d0)],
            0..300,
        ),
    ) {
        let mut machine = recorded!("pc-smp2");
        const RSDT: u64 = 0xffe_1aff;
        let mut rsdt = machine.take(RSDT, 36);
        rsdt.extend(addresses.iter().flat_map(|address| address.to_le_bytes()));
        let length = u32::try_from(rsdt.len()).unwrap();
        rsdt[4..8].copy_from_slice(&length.to_le_bytes());
        machine.put_summed(RSDT, &rsdt, 9);
        read_everything(&machine, None);
    }
}
