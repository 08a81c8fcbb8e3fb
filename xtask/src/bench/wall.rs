//! Wall times: every configuration, ExoV6 and the floor, interleaved.
//!
//! Owns the boots and the rows of the document made from them.

use std::path::PathBuf;

use super::document::{OverFloor, Row, Series};
use super::machines::{self, Configuration, Times};
use super::schedule::{self, Purpose};
use super::stats::{Difference, Random, Summary};
use crate::context::Context;
use crate::emulator::spec::MachineSpec;
use crate::failure::{Doing, Result};
use crate::machine::Cpu;
use crate::tiny::Behaviour;

/// How often, and on what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// ExoV6's file.
    pub kernel: PathBuf,
    /// The guest's CPU model.
    pub cpu: Cpu,
    /// Rounds that count.
    pub runs: u32,
    /// Rounds that do not.
    pub warmup: u32,
}

/// What is booted in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    Floor,
    Exov6,
}

struct Measured {
    configuration: Configuration,
    kernel: Kernel,
    machine: MachineSpec,
    first_byte: Vec<f64>,
    ready: Vec<f64>,
}

/// Boots everything and makes the rows.
pub fn measure(
    cx: &Context,
    plan: &Plan,
    random: &mut Random,
) -> Result<(Vec<Row>, Vec<OverFloor>)> {
    let mut measured = rows(cx, plan)?;
    let boots = schedule::rounds(measured.len(), plan.warmup, plan.runs, random);
    let progress = cx.ui.progress("measuring boots");
    progress.steps(boots.len() as u64);
    for boot in boots {
        let row = &mut measured[boot.row];
        let times = match row.kernel {
            Kernel::Exov6 => machines::boot(cx, &row.machine)?,
            Kernel::Floor => {
                let first_byte = machines::boot_floor(cx, &row.machine)?;
                Times {
                    first_byte,
                    ready: first_byte,
                }
            }
        };
        if boot.purpose == Purpose::Sample {
            row.first_byte.push(times.first_byte);
            row.ready.push(times.ready);
        }
        progress.step(row.configuration.name());
    }
    drop(progress);
    let over_floor = Configuration::ALL.iter().filter_map(|configuration| {
        let of = |kernel| {
            measured
                .iter()
                .find(|row| row.configuration == *configuration && row.kernel == kernel)
        };
        let (exov6, floor) = (of(Kernel::Exov6)?, of(Kernel::Floor)?);
        Some(OverFloor {
            configuration: configuration.name().to_owned(),
            first_byte: Difference::of(&exov6.first_byte, &floor.first_byte, random)?,
            ready: Difference::of(&exov6.ready, &floor.first_byte, random)?,
        })
    });
    let over_floor = over_floor.collect();
    let rows: Option<Vec<Row>> = measured
        .iter()
        .map(|row| document_row(row, random))
        .collect();
    Ok((
        rows.doing("summarising a measurement without runs")?,
        over_floor,
    ))
}

fn rows(cx: &Context, plan: &Plan) -> Result<Vec<Measured>> {
    let floor = machines::write_tiny(cx, "floor", &Behaviour::Floor.elf())?;
    let mut rows = Vec::new();
    for configuration in Configuration::ALL {
        for (kernel, file) in [(Kernel::Floor, &floor), (Kernel::Exov6, &plan.kernel)] {
            let machine = configuration.machine(file.clone(), plan.cpu);
            rows.push(Measured {
                configuration,
                kernel,
                machine,
                first_byte: Vec::new(),
                ready: Vec::new(),
            });
        }
    }
    Ok(rows)
}

fn document_row(row: &Measured, random: &mut Random) -> Option<Row> {
    let first_byte = series(row.first_byte.clone(), random)?;
    let (configuration, floor) = (
        row.configuration.name().to_owned(),
        row.kernel == Kernel::Floor,
    );
    if floor {
        let kernel = "floor".to_owned();
        return Some(Row {
            configuration,
            kernel,
            first_byte,
            first_byte_to_ready: None,
            ready: None,
        });
    }
    let pairs = row.first_byte.iter().zip(&row.ready);
    let rest = pairs.map(|(first, ready)| ready - first).collect();
    Some(Row {
        configuration,
        kernel: "exov6".to_owned(),
        first_byte,
        first_byte_to_ready: Some(series(rest, random)?),
        ready: Some(series(row.ready.clone(), random)?),
    })
}

fn series(samples: Vec<f64>, random: &mut Random) -> Option<Series> {
    let summary = Summary::of(&samples, random)?;
    Some(Series { samples, summary })
}
