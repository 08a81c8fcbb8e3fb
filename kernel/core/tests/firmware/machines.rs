//! The recorded machines by name, and all that is read of a machine.

use kernel_core::{
    acpi::Tables,
    acpi_power::FixedHardware,
    mp_table,
    topology::{Source, Topology},
};

use crate::recording::Recording;

/// A recorded machine by its file's name.
macro_rules! recorded {
    ($name:literal) => {
        crate::recording::Recording::from_file(include_bytes!(concat!("data/", $name, ".mem")))
    };
}

/// The processors by APIC id, in order.
pub(crate) fn ids(topology: &Topology) -> Vec<u8> {
    topology.processors.iter().map(|p| p.apic_id).collect()
}

/// Everything that reads firmware tables reads this.
pub(crate) fn read_everything(machine: &Recording, hint: Option<u64>) {
    let topology = Topology::discover(machine, hint);
    assert!(topology.source == Source::None || !topology.processors.is_empty());
    let mut seen = ids(&topology);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), topology.processors.len(), "an APIC id twice");
    let _ = mp_table::read(machine);
    if let Ok(tables) = Tables::find(machine, hint) {
        if let Some(fixed) = FixedHardware::read(machine, &tables) {
            let _ = fixed.soft_off(machine);
        }
    }
    let (reads, bytes) = machine.work();
    assert!(reads < 20_000, "{reads} reads");
    assert!(bytes < 64 << 20, "{bytes} bytes");
}
