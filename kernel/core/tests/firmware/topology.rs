//! The machine as a whole: who is asked, and what QEMU's machines say.

use kernel_core::{
    acpi::{AcpiFault, Tables},
    addr::PhysAddr,
    topology::{IsaRoute, LOCAL_APIC, Source, Topology, Trigger},
};
use proptest::prelude::*;

use crate::{
    machines::{ids, read_everything},
    recording::Recording,
};

/// What all QEMU PCs with ACPI have in common: one I/O APIC with id 0, the
/// timer on pin 2, and 5, 9, 10 and 11 level triggered for PCI.
fn assert_is_acpi_pc(topology: &Topology, processors: u8) {
    assert_eq!(topology.source, Source::Acpi);
    assert!(!topology.damaged);
    assert_eq!(ids(topology), (0..processors).collect::<Vec<_>>());
    assert_eq!(topology.local_apic, LOCAL_APIC);
    assert_eq!(topology.io_apics.len(), 1);
    assert_eq!(topology.io_apics[0].id, 0);
    assert_eq!(topology.io_apics[0].address, PhysAddr::new(0xfec0_0000));
    assert_eq!(topology.io_apics[0].gsi_base, 0);
    for irq in 0..16u8 {
        let expected = match irq {
            0 => IsaRoute {
                gsi: 2,
                ..IsaRoute::identity(0)
            },
            5 | 9 | 10 | 11 => IsaRoute {
                trigger: Trigger::Level,
                ..IsaRoute::identity(irq)
            },
            _ => IsaRoute::identity(irq),
        };
        assert_eq!(topology.isa_irqs[usize::from(irq)], expected, "irq {irq}");
    }
    assert_eq!(topology.nmi_input, 1);
    assert_eq!(topology.surplus_processors, 0);
    assert_eq!(topology.surplus_io_apics, 0);
}

#[test]
fn acpi_machines() {
    for (machine, processors, disabled) in [
        (recorded!("pc"), 1, 0),
        (recorded!("pc-smp2"), 2, 0),
        (recorded!("pc-smp8-3g"), 8, 0),
        (recorded!("q35-smp2of4"), 2, 2),
        (recorded!("qboot-smp2"), 2, 0),
    ] {
        let topology = Topology::discover(&machine, None);
        assert_is_acpi_pc(&topology, processors);
        assert_eq!(topology.disabled_processors, disabled);
    }
}

#[test]
fn a_hint_saves_the_search() {
    let machine = recorded!("pc-smp2");
    let topology = Topology::discover(&machine, Some(0xf_59d0));
    assert_is_acpi_pc(&topology, 2);
    let (_, bytes) = machine.work();
    assert!(bytes < 2048, "{bytes} bytes read in spite of the hint");
    // A wrong one does no harm.
    assert_eq!(Topology::discover(&machine, Some(0xf_59c0)), topology);
    assert_eq!(Topology::discover(&machine, Some(u64::MAX - 3)), topology);
}

#[test]
fn a_wrong_sum_anywhere_is_noticed() {
    let sound = recorded!("pc-smp2");
    let mut machine = sound.clone();
    machine.put(0xf_59d0 + 9, b"X");
    assert_eq!(Tables::find(&machine, None), Err(AcpiFault::NoRootPointer));

    let mut machine = sound.clone();
    let rsdt = machine.take(0xf_59e0, 4);
    let rsdt = u64::from(u32::from_le_bytes(rsdt.try_into().unwrap()));
    let mut bytes = machine.take(rsdt, 52);
    bytes[20] ^= 1;
    machine.put(rsdt, &bytes);
    assert_eq!(Tables::find(&machine, None), Err(AcpiFault::NoRootTable));
    // ACPI unusable: the MP table is asked.
    let topology = Topology::discover(&machine, None);
    assert_eq!(
        (topology.source, ids(&topology)),
        (Source::MpTable, vec![0])
    );
}

#[test]
fn nothing_known() {
    let topology = Topology::discover(&Recording::blank(), None);
    assert_eq!(topology, Topology::unknown());
    assert_eq!(topology.source, Source::None);
}

proptest! {
    /// Damage with wrong sums: refused somewhere, never a panic.
    #[test]
    fn damaged_machines(
        machine in 0..5usize,
        hint in prop::option::of(any::<u64>()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut machine = match machine {
            0 => recorded!("pc-smp8-3g"),
            1 => recorded!("q35-smp2of4"),
            2 => recorded!("qboot-smp2"),
            3 => recorded!("isapc"),
            _ => recorded!("pc-smp2-noacpi"),
        };
        machine.damage(&damage);
        read_everything(&machine, hint);
    }
}
