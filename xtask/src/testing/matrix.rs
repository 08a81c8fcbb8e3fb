//! The machines the tests run on: the one table.
//!
//! Owns which combinations of processor, memory, firmware, boot path, display
//! adapter, board and emulator are tested. The rings take their rows from
//! here; a test proves what the table covers. Pure.
//!
//! The first four columns (CPU, processors, memory, firmware) are covered
//! pairwise by the default table: a fault that needs two of them to meet is
//! found without the whole product, which `--nightly` runs.

use std::fmt;

use serde::Serialize;

use crate::choice;
use crate::machine::{Cpu, Emulator, Firmware, Memory, Pc, Vga};

choice! {
    /// How the kernel gets into the machine.
    pub enum Loader {
        /// QEMU's own multiboot loader, `-kernel`.
        Kernel = "kernel",
        /// GRUB, from the CD image.
        Iso = "iso",
        /// QEMU's PVH loader, by the note; the Multiboot header is spoilt.
        Pvh = "pvh",
    }
}

/// One machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Row {
    /// Its CPU model.
    pub cpu: Cpu,
    /// How many processors.
    pub smp: u32,
    /// How much memory.
    pub memory: Memory,
    /// What runs before the kernel.
    pub firmware: Firmware,
    /// How the kernel gets in.
    pub loader: Loader,
    /// The display adapter.
    pub vga: Vga,
    /// The board.
    pub pc: Pc,
    /// The program that is the machine.
    pub emulator: Emulator,
}

/// The numbers of processors tested.
pub const PROCESSORS: [u32; 4] = [1, 2, 4, 8];
/// The amounts of memory tested, in MiB.
pub const MEMORY_MIB: [u32; 7] = [8, 16, 64, 256, 1024, 2048, 3072];

use Cpu::{Pentium, Pentium2, Pentium3, Qemu32};
use Emulator::{Bochs, Qemu};
use Firmware::{Qboot, Seabios};
use Loader::{Iso, Kernel, Pvh};
use Pc::{Isapc, Pc as Pci, Q35};

/// The default table. Columns: CPU, processors, MiB, firmware; loader,
/// display adapter, board, emulator.
#[rustfmt::skip]
const TABLE: [Row; 32] = [
    row(Pentium,  1,    8, Seabios, Kernel, Vga::None, Pci,   Qemu),
    row(Pentium,  2,   16, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Pentium,  4,   64, Seabios, Kernel, Vga::Std,  Pci,   Qemu),
    row(Pentium,  8,  256, Qboot,   Kernel, Vga::None, Q35,   Qemu),
    row(Pentium,  1, 1024, Seabios, Iso,    Vga::Std,  Pci,   Qemu),
    row(Pentium,  2, 2048, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Pentium,  4, 3072, Seabios, Kernel, Vga::None, Pci,   Qemu),

    row(Pentium2, 2,    8, Seabios, Kernel, Vga::Std,  Pci,   Qemu),
    row(Pentium2, 4,   16, Qboot,   Kernel, Vga::None, Q35,   Qemu),
    row(Pentium2, 8,   64, Seabios, Iso,    Vga::None, Pci,   Qemu),
    row(Pentium2, 1,  256, Qboot,   Kernel, Vga::Std,  Pci,   Qemu),
    row(Pentium2, 2, 1024, Seabios, Kernel, Vga::None, Q35,   Qemu),
    row(Pentium2, 4, 2048, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Pentium2, 8, 3072, Seabios, Kernel, Vga::None, Pci,   Qemu),

    row(Pentium3, 4,    8, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Pentium3, 8,   16, Seabios, Kernel, Vga::Std,  Q35,   Qemu),
    row(Pentium3, 1,   64, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Pentium3, 2,  256, Seabios, Kernel, Vga::Std,  Pci,   Qemu),
    row(Pentium3, 4, 1024, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Pentium3, 8, 2048, Seabios, Iso,    Vga::Std,  Q35,   Qemu),
    row(Pentium3, 1, 3072, Qboot,   Kernel, Vga::None, Pci,   Qemu),

    row(Qemu32,   8,    8, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Qemu32,   1,   16, Seabios, Kernel, Vga::Std,  Isapc, Qemu),
    row(Qemu32,   2,   64, Qboot,   Kernel, Vga::Std,  Q35,   Qemu),
    row(Qemu32,   4,  256, Seabios, Iso,    Vga::Std,  Pci,   Qemu),
    row(Qemu32,   8, 1024, Qboot,   Kernel, Vga::None, Pci,   Qemu),
    row(Qemu32,   1, 2048, Seabios, Kernel, Vga::None, Pci,   Qemu),
    row(Qemu32,   2, 3072, Qboot,   Kernel, Vga::None, Q35,   Qemu),

    // The other boot protocol, under either firmware.
    row(Pentium3, 2,   64, Seabios, Pvh,    Vga::None, Pci,   Qemu),
    row(Pentium,  1,   16, Qboot,   Pvh,    Vga::None, Pci,   Qemu),

    // A machine without PCI, and a second opinion on what the CPU does.
    row(Pentium,  1,   16, Seabios, Kernel, Vga::None, Isapc, Qemu),
    row(Pentium,  1,   64, Seabios, Iso,    Vga::Std,  Pci,   Bochs),
];

#[expect(
    clippy::too_many_arguments,
    reason = "a row of the table above, in its columns"
)]
const fn row(
    cpu: Cpu,
    smp: u32,
    mib: u32,
    firmware: Firmware,
    loader: Loader,
    vga: Vga,
    pc: Pc,
    emulator: Emulator,
) -> Row {
    Row {
        cpu,
        smp,
        memory: Memory::from_mib(mib),
        firmware,
        loader,
        vga,
        pc,
        emulator,
    }
}

/// The machine a test gets that asks for nothing special.
pub const ORDINARY: Row = row(Pentium3, 2, 256, Seabios, Kernel, Vga::None, Pci, Qemu);

/// Which table is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The tables that every change runs.
    Default,
    /// Everything that makes sense.
    Nightly,
}

/// The machines the whole system boots on.
pub fn system(extent: Extent) -> Vec<Row> {
    match extent {
        Extent::Default => TABLE.to_vec(),
        Extent::Nightly => {
            let mut rows = TABLE.to_vec();
            rows.extend(product().filter(|row| !TABLE.contains(row)));
            rows
        }
    }
}

/// The machines the in-kernel tests run on.
pub fn ktest(extent: Extent) -> Vec<Row> {
    let ordinary = |cpu, smp| Row {
        cpu,
        smp,
        ..ORDINARY
    };
    match extent {
        Extent::Default => vec![
            ordinary(Pentium, 1),
            ordinary(Pentium3, 2),
            ordinary(Qemu32, 4),
        ],
        Extent::Nightly => {
            let pairs = Cpu::ALL
                .iter()
                .flat_map(|cpu| PROCESSORS.map(|smp| (*cpu, smp)));
            pairs.map(|(cpu, smp)| ordinary(cpu, smp)).collect()
        }
    }
}

/// Every combination that such a machine can be.
fn product() -> impl Iterator<Item = Row> {
    let cpus = Cpu::ALL.iter().copied();
    let machines = cpus.flat_map(|cpu| PROCESSORS.map(|smp| (cpu, smp)));
    let machines = machines.flat_map(|(cpu, smp)| MEMORY_MIB.map(|mib| (cpu, smp, mib)));
    machines.flat_map(|(cpu, smp, mib)| shapes(cpu, smp, mib))
}

fn shapes(cpu: Cpu, smp: u32, mib: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    for &firmware in Firmware::ALL {
        for &loader in Loader::ALL {
            for &vga in Vga::ALL {
                for &pc in Pc::ALL {
                    rows.push(row(cpu, smp, mib, firmware, loader, vga, pc, Qemu));
                }
            }
        }
    }
    rows.retain(|row| row.cannot_be().is_none());
    rows
}

impl Row {
    /// Why no such machine exists, if none does.
    pub fn cannot_be(&self) -> Option<&'static str> {
        if self.firmware == Qboot && self.loader == Iso {
            return Some("qboot reads no disks");
        }
        if self.firmware == Qboot && self.pc == Isapc {
            return Some("qboot looks for PCI");
        }
        if self.pc == Isapc && self.smp > 1 {
            return Some("isapc has one processor");
        }
        if self.pc == Isapc && self.loader == Pvh {
            return Some("PVH hands over ACPI tables, which isapc lacks");
        }
        if self.emulator == Bochs && self.loader != Iso {
            return Some("Bochs boots disks only");
        }
        None
    }
}

/// The row's stable name: the first four columns, then what is special.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-smp{}-{}-{}",
            self.cpu, self.smp, self.memory, self.firmware
        )?;
        if self.loader != Kernel {
            write!(f, "-{}", self.loader)?;
        }
        if self.vga == Vga::Std {
            f.write_str("-vga")?;
        }
        if self.pc != Pci {
            write!(f, "-{}", self.pc)?;
        }
        if self.emulator == Bochs {
            f.write_str("-bochs")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The first four columns of a row, each value as its index.
    fn columns(row: &Row) -> [usize; 4] {
        let place = |found: Option<usize>| found.expect("a value of the documented lists");
        [
            place(Cpu::ALL.iter().position(|cpu| *cpu == row.cpu)),
            place(PROCESSORS.iter().position(|smp| *smp == row.smp)),
            place(MEMORY_MIB.iter().position(|mib| *mib == row.memory.mib())),
            place(
                Firmware::ALL
                    .iter()
                    .position(|firmware| *firmware == row.firmware),
            ),
        ]
    }

    #[test]
    fn the_first_four_columns_are_covered_pairwise() {
        let sizes = [
            Cpu::ALL.len(),
            PROCESSORS.len(),
            MEMORY_MIB.len(),
            Firmware::ALL.len(),
        ];
        let rows: Vec<[usize; 4]> = TABLE.iter().map(columns).collect();
        for first in 0..4 {
            for second in first + 1..4 {
                let seen: HashSet<_> = rows.iter().map(|row| (row[first], row[second])).collect();
                let wanted = sizes[first] * sizes[second];
                assert_eq!(seen.len(), wanted, "columns {first} and {second}");
            }
        }
    }

    #[test]
    fn every_value_of_the_other_columns_occurs() {
        for loader in Loader::ALL {
            assert!(TABLE.iter().any(|row| row.loader == *loader), "{loader}");
        }
        for vga in Vga::ALL {
            assert!(TABLE.iter().any(|row| row.vga == *vga), "{vga}");
        }
        for pc in Pc::ALL {
            assert!(TABLE.iter().any(|row| row.pc == *pc), "{pc}");
        }
        for emulator in Emulator::ALL {
            assert!(
                TABLE.iter().any(|row| row.emulator == *emulator),
                "{emulator}"
            );
        }
    }

    #[test]
    fn every_row_can_be_and_has_a_name_of_its_own() {
        let rows = system(Extent::Nightly);
        let names: HashSet<String> = rows.iter().map(Row::to_string).collect();
        assert_eq!(names.len(), rows.len());
        for row in &rows {
            assert_eq!(row.cannot_be(), None, "{row}");
        }
    }

    #[test]
    fn the_long_table_is_the_whole_product() {
        let rows: HashSet<Row> = system(Extent::Nightly).into_iter().collect();
        for row in product() {
            assert!(rows.contains(&row), "{row}");
        }
        assert!(rows.len() > 1000, "{}", rows.len());
    }

    #[test]
    fn the_kernels_own_tests_see_one_and_several_processors() {
        let rows = ktest(Extent::Default);
        assert!(rows.iter().any(|row| row.smp == 1) && rows.iter().any(|row| row.smp > 1));
        assert_eq!(ktest(Extent::Nightly).len(), 16);
    }
}
