//! What a healthy boot says about its machine, held against the machine.
//!
//! Owns the checks of the banner and of the monitor's `cpus` and `mem`. Called
//! by the system ring with the whole console of a run. Pure.

use super::matrix::{Loader, Row};
use super::verdict::{Cause, Verdict, judge};
use crate::emulator::outcome::EXIT_FAILURE;
use crate::emulator::spec::Leaving;
use crate::emulator::{End, Line, Outcome};
use crate::machine::{Emulator, Pc};

/// How much of the machine's memory may be missing from what the kernel
/// counts: firmware, the hole below 1 MiB, and on large machines the PCI hole.
const RESERVED_KIB: u64 = 2048;

/// The first complaint about the console of a boot on `row`.
pub fn check(row: &Row, command_line: &str, console: &[Line]) -> Verdict {
    let console = Console(console);
    let complaint = banner(row, command_line, &console)
        .and_then(|()| processors(row, &console))
        .and_then(|()| memory(row, &console));
    match complaint {
        Ok(()) => Verdict::Passed,
        Err(cause) => Verdict::Failed(cause),
    }
}

/// Whether tasks printed these arguments, each task all of its own in a row, and
/// the module that asked for nothing became none.
pub fn check_modules(console: &[Line], printed: &[&str], never: &str) -> Verdict {
    let console = Console(console);
    // What the kernel says of a module has the same words in it.
    let by_kernel = |line: &&str| line.starts_with("task loaded:") || line.starts_with("modules ");
    for words in printed {
        let mut by_tasks = console.lines().filter(|line| !by_kernel(line));
        if !by_tasks.any(|line| line.contains(words)) {
            let what = format!("`{words}`, printed by a task");
            return Verdict::Failed(Cause::Missing(what));
        }
    }
    let loaded: Vec<_> = console
        .lines()
        .filter(|line| line.starts_with("task loaded:"))
        .collect();
    let never_loaded = !loaded.iter().any(|line| line.contains(never));
    if never_loaded && loaded.len() == printed.len() {
        return Verdict::Passed;
    }
    Verdict::Failed(Cause::Unexpected(format!("these tasks: {loaded:?}")))
}

/// Whether the monitor answered `mem` after a panic with this message, and the
/// machine ended as one that failed.
pub fn check_after_panic(outcome: &Outcome, message: &str, leaves: Leaving) -> Verdict {
    match judge(outcome, leaves) {
        Verdict::Failed(Cause::Panicked(said)) if said == message => {}
        Verdict::Passed => {
            let what = "a good end after a panic".to_owned();
            return Verdict::Failed(Cause::Unexpected(what));
        }
        other => return other,
    }
    let lines = outcome.serial.iter().map(|line| line.text.as_str());
    let mut since = lines.skip_while(|line| !line.contains("the monitor goes on"));
    if !since.any(|line| line.contains("KiB of memory")) {
        let what = "the answer to `mem` after the panic".to_owned();
        return Verdict::Failed(Cause::Missing(what));
    }
    match outcome.end {
        End::Exited(EXIT_FAILURE) => Verdict::Passed,
        other => {
            let what = format!("the end {other:?} after a panic");
            Verdict::Failed(Cause::Unexpected(what))
        }
    }
}

struct Console<'a>(&'a [Line]);

impl<'a> Console<'a> {
    fn lines(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|line| line.text.as_str())
    }

    /// What follows `key` and blanks on the banner's line of that name.
    fn banner(&self, key: &str) -> Result<&'a str, Cause> {
        let value = self.lines().find_map(|line| {
            let rest = line.strip_prefix(key)?;
            rest.starts_with(' ').then(|| rest.trim())
        });
        value.ok_or_else(|| Cause::Missing(format!("the banner's line `{key} ...`")))
    }
}

fn banner(row: &Row, command_line: &str, console: &Console<'_>) -> Result<(), Cause> {
    let first = console.lines().find(|line| line.starts_with("ExoV6 "));
    let first = first.ok_or_else(|| Cause::Missing("the banner `ExoV6 ...`".to_owned()))?;
    if !first.contains(" i386") {
        return Err(Cause::Unexpected(format!(
            "a banner without i386: `{first}`"
        )));
    }
    if console.banner("cpu")?.is_empty() {
        return Err(Cause::Missing("the CPU model in the banner".to_owned()));
    }
    let cpus = console.banner("cpus")?;
    if number(cpus) != Some(u64::from(row.smp)) {
        let what = format!("`cpus {cpus}` on a machine with {} processors", row.smp);
        return Err(Cause::Unexpected(what));
    }
    console.banner("memory")?;
    let loader = console.banner("loader")?;
    let protocol = match row.loader {
        Loader::Kernel | Loader::Iso => "multiboot",
        Loader::Pvh => "pvh",
    };
    if loader.split(' ').next() != Some(protocol) {
        let what = format!("`loader {loader}` where {protocol} was to be used");
        return Err(Cause::Unexpected(what));
    }
    let command = console
        .banner("command")
        .or_else(|cause| match command_line {
            // Nothing follows the word when there is no command line.
            "" => Ok(""),
            _ => Err(cause),
        })?;
    if !command.contains(command_line) {
        let what = format!("the command line `{command}` where `{command_line}` was given");
        return Err(Cause::Unexpected(what));
    }
    let ready = console.lines().filter_map(ready_instructions).count();
    match ready {
        1 => Ok(()),
        0 => Err(Cause::Missing(
            "the line `exov6: ready in <n> instructions`".to_owned(),
        )),
        _ => Err(Cause::Unexpected(format!("{ready} ready lines"))),
    }
}

/// The count of the ready line.
pub fn ready_instructions(line: &str) -> Option<u64> {
    let count = line
        .strip_prefix("exov6: ready in ")?
        .strip_suffix(" instructions")?;
    count.parse().ok()
}

fn processors(row: &Row, console: &Console<'_>) -> Result<(), Cause> {
    let numbers: Vec<u32> = console.lines().filter_map(processor).collect();
    let wanted: Vec<u32> = (0..row.smp).collect();
    if numbers == wanted {
        return Ok(());
    }
    let what = format!(
        "`cpus` lists {numbers:?} on a machine with {} processors",
        row.smp
    );
    Err(Cause::Unexpected(what))
}

/// The number of the processor whose line this is: `cpu3 ...`.
fn processor(line: &str) -> Option<u32> {
    let (number, _) = line.strip_prefix("cpu")?.split_once(' ')?;
    number.parse().ok()
}

fn memory(row: &Row, console: &Console<'_>) -> Result<(), Cause> {
    let line = console
        .lines()
        .find(|line| line.contains(" KiB of memory, "));
    let line = line.ok_or_else(|| Cause::Missing("the answer to `mem`".to_owned()))?;
    let total = number(line).unwrap_or(0);
    let fitted = below_4_gib_kib(row);
    // Bochs and firmware differ in what they keep; a sixteenth covers both.
    let slack = match row.emulator {
        Emulator::Qemu => RESERVED_KIB,
        Emulator::Bochs => RESERVED_KIB.max(fitted / 16),
    };
    if total > fitted || total < fitted.saturating_sub(slack) {
        let what = format!("`{line}` on a machine with {}", row.memory);
        return Err(Cause::Unexpected(what));
    }
    Ok(())
}

/// How much of the machine's memory a processor without PAE can reach: q35
/// puts what is above 2 GiB beyond 4 GiB once there are 2.75 GiB or more (QEMU,
/// `pc_q35_init`).
fn below_4_gib_kib(row: &Row) -> u64 {
    let mib = match row.memory.mib() {
        2816.. if row.pc == Pc::Q35 => 2048,
        mib => mib,
    };
    u64::from(mib) * 1024
}

/// The number a line begins with.
fn number(line: &str) -> Option<u64> {
    let end = line
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(line.len());
    line[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::machine::Memory;
    use crate::testing::matrix::ORDINARY;

    const GOOD: &str = "\
ExoV6 0.1.0 i386 Mach microkernel
cpu       GenuineIntel family 6
cpus      2 (ACPI), interrupts by the I/O APIC
memory    250000 KiB free, kernel 300 KiB
loader    multiboot qemu
command   loglevel=7
exov6: ready in 600000 instructions
kdb> cpus
cpu0 apic 0 interrupts 3
cpu1 apic 1 interrupts 0
kdb> mem
261116 KiB of memory, 250000 KiB free";

    fn kind(text: &str) -> &'static str {
        let console = Line::all_of(text, Duration::ZERO);
        check(&ORDINARY, "loglevel=7", &console).kind()
    }

    fn after_panic(text: &str, status: i32) -> &'static str {
        let outcome = Outcome {
            end: End::Exited(status),
            serial: Line::all_of(text, Duration::ZERO),
            stderr: String::new(),
            registers: None,
            first_byte: None,
            elapsed: Duration::ZERO,
        };
        check_after_panic(&outcome, "on purpose", Leaving::ExitPort).kind()
    }

    #[test]
    fn a_monitor_after_a_panic_answers_and_ends_badly() {
        let good = "exov6: panic: on purpose\nexov6: panic: the monitor goes on\n\
                    kdb> mem\n1 KiB of memory\nexov6: done failed";
        assert_eq!(after_panic(good, 35), "passed");
        assert_ne!(after_panic(good, 33), "passed");
        for (right, wrong) in [
            ("on purpose", "else"),
            ("1 KiB of", ""),
            ("goes on", "hangs"),
        ] {
            assert_ne!(
                after_panic(&good.replacen(right, wrong, 1), 35),
                "passed",
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_healthy_boot_passes() {
        assert_eq!(kind(GOOD), "passed");
    }

    #[test]
    fn every_line_of_it_matters() {
        for gone in [0, 1, 2, 3, 4, 5, 6, 8, 9, 11] {
            let lines = GOOD.lines().enumerate().filter(|(index, _)| *index != gone);
            let text: Vec<&str> = lines.map(|(_, line)| line).collect();
            assert_ne!(kind(&text.join("\n")), "passed", "without line {gone}");
        }
    }

    #[test]
    fn q35_hides_its_upper_memory() {
        let with = |pc, mib| Row {
            pc,
            memory: Memory::from_mib(mib),
            ..ORDINARY
        };
        assert_eq!(below_4_gib_kib(&with(Pc::Q35, 3072)), 2 << 20);
        assert_eq!(below_4_gib_kib(&with(Pc::Q35, 2048)), 2 << 20);
        assert_eq!(below_4_gib_kib(&with(Pc::Pc, 3072)), 3 << 20);
    }

    #[test]
    fn what_does_not_fit_the_machine_fails() {
        let wrongs = [
            ("cpus      2", "cpus      1"),
            ("multiboot", "pvh"),
            ("loglevel=7", "loglevel=6"),
            ("261116 KiB", "261116000 KiB"),
            ("261116 KiB", "200000 KiB"),
            ("cpu1 apic", "cpu2 apic"),
            ("i386", "i486"),
            ("multiboot", "pvh"),
        ];
        for (right, wrong) in wrongs {
            assert_eq!(kind(&GOOD.replace(right, wrong)), "unexpected", "{wrong}");
        }
    }
}
