//! Instruction counts: what a gate may fail on.
//!
//! Owns the machines that are counted and the proof that a count repeats: each
//! is taken [`REPEATS`] times and must be the same every time.

use std::path::Path;

use super::budgets::Count;
use super::machine_code;
use super::machines::{self, Configuration};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::machine::Cpu;

/// How often each count is taken.
const REPEATS: u32 = 3;
/// The sizes of memory, in MiB: a boot must not touch what nobody asked for.
const MEMORY_MIB: [u32; 2] = [16, 2048];

/// Counts the boot of `kernel` and the firmware's share of it.
pub fn measure(cx: &Context, kernel: &Path, cpu: Cpu) -> Result<Vec<Count>> {
    let at_entry = machines::write_tiny(cx, "entry", &machine_code::counter_at_entry())?;
    let mut counts = Vec::new();
    let progress = cx.ui.progress("counting instructions");
    for configuration in [Configuration::Qboot, Configuration::Seabios] {
        let firmware = match configuration {
            Configuration::Qboot => "qboot",
            Configuration::Seabios | Configuration::Crowded => "seabios",
        };
        for mib in MEMORY_MIB {
            let memory = crate::machine::Memory::from_mib(mib);
            if !memory.fits_here() {
                cx.ui.warn(format_args!(
                    "a 32-bit emulator cannot give {memory}: not counted"
                ));
                continue;
            }
            let name = |kind: &str| format!("{kind}/{memory}/{firmware}");
            progress.now(name("ready"));
            let machine = |kernel: &Path| {
                machines::with_memory(configuration.machine(kernel.to_owned(), cpu), mib)
            };
            counts.push(repeated(name("ready"), || {
                machines::ready_count(cx, machine(kernel))
            })?);
            counts.push(repeated(name("firmware"), || {
                machines::hex_count(cx, machine(&at_entry))
            })?);
        }
    }
    Ok(counts)
}

/// Takes a count several times; all must agree.
fn repeated(name: String, mut take: impl FnMut() -> Result<u64>) -> Result<Count> {
    let values: Vec<u64> = (0..REPEATS).map(|_| take()).collect::<Result<_>>()?;
    match values.split_first() {
        Some((first, rest)) if rest.iter().all(|value| value == first) => Ok(Count {
            name,
            value: *first,
        }),
        _ => {
            let what = format!("{name} does not repeat: {values:?}");
            let mend = "something in the boot depends on time, not on instructions";
            Err(Failure::failed(what).mend(mend))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_does_not_repeat_is_an_error() {
        let mut values = [5, 5, 6].into_iter();
        let count = repeated("ready/x".to_owned(), || Ok(values.next().unwrap_or(0)));
        assert!(count.expect_err("they differ").what.contains("[5, 5, 6]"));
        let count = repeated("ready/x".to_owned(), || Ok(5)).expect("they agree");
        assert_eq!(count.value, 5);
    }
}
